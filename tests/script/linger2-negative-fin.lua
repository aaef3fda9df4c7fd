-- SPDX-License-Identifier: BSD-2-Clause
-- The peer's FIN with the ACK of ours: there is no FIN_WAIT_2, so no RST either.
shake()
call.set("LINGER2", -1)
call.close()
expect{FA, seq=1}
inject{FA, ack=2}
expect{A, seq=2, ack=2}
state("TIME-WAIT")
is(counter("TCPAbortOnLinger"), 0)
