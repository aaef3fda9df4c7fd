-- SPDX-License-Identifier: BSD-2-Clause
-- TCP_LINGER2 below zero: no FIN_WAIT_2 at all, RST as soon as it begins (L3).
shake()
call.set("LINGER2", -1)
call.close()
expect{FA, seq=1}
inject{A, ack=2}
expect{RA, seq=2, ack=1}
state("CLOSED")
is(counter("TCPAbortOnLinger"), 1)
