-- SPDX-License-Identifier: BSD-2-Clause
-- SO_LINGER 0: RST instead of FIN, what is queued is lost, no TIME_WAIT (E8).
shake{win=100}
call.set("LINGER", 0)
is(call.send(text(300)), 300)
expect{A, seq=1, len=100}
call.close()
expect{RA, seq=101, ack=1}
state("CLOSED")
is(counter("TCPAbortOnData"), 1)
is(counter("TW"), 0)
expect_nothing(60000)
