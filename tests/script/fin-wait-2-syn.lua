-- SPDX-License-Identifier: BSD-2-Clause
-- A SYN for an orphan's FIN_WAIT_2 opens nothing: lull answers with an ACK
-- (RFC 5961 4.2); the peer that has begun anew resets us by that.
only "lull"
shake()
call.close()
expect{FA, seq=1}
inject{A, ack=2}
inject{S, seq=5000}
expect{A, seq=2, ack=1}
state("FIN-WAIT-2")
inject{R, seq=1}
state("CLOSED")
