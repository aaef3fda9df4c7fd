-- SPDX-License-Identifier: BSD-2-Clause
-- A bare ACK that fits is no news: silence, or two TIME_WAITs would talk for
-- ever. Elsewhere: ACK, once in tcp_invalid_ratelimit (500 ms).
shake()
call.close()
expect{FA, seq=1}
inject{FA, ack=2}
expect{A, seq=2, ack=2}
after(1000)
inject{A, seq=2, ack=2}
expect_nothing()
inject{A, seq=500, ack=2}
expect{A, seq=2, ack=2}
inject{A, seq=500, ack=2}
expect_nothing(499)
inject{A, seq=500, ack=2}
expect_nothing(1)
inject{A, seq=500, ack=2}
expect{A, seq=2, ack=2}
is(counter("TCPACKSkippedTimeWait"), 2)
after(58500)
state(linux and "TIME-WAIT" or "CLOSED")
