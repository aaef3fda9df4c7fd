-- SPDX-License-Identifier: BSD-2-Clause
-- RST for an orphan's FIN_WAIT_2, a record: as for a connection (RFC 5961 3.2).
shake()
call.close()
expect{FA, seq=1}
inject{A, ack=2}
inject{R, seq=100000}
expect_nothing()
inject{R, seq=2}
expect{A, seq=2, ack=1}
state("FIN-WAIT-2")
inject{R, seq=1}
state("CLOSED")
