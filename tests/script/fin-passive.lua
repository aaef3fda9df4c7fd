-- SPDX-License-Identifier: BSD-2-Clause
-- The peer closes first: CLOSE_WAIT as long as we like, LAST_ACK, gone. The
-- TIME_WAIT is the peer's (3.6, figure 12).
shake()
call.events()
inject{FA}
expect{A, seq=1, ack=2}
state("CLOSE-WAIT")
is(call.events(), "READ EOF")
is(call.read(), "")
expect_nothing(3600 * 1000)
call.close()
expect{FA, seq=1, ack=2}
state("LAST-ACK")
inject{A, ack=2}
state("CLOSED")
is(counter("TW"), 0)
