-- SPDX-License-Identifier: BSD-2-Clause
-- RST in CLOSING: outside, inside, exact. There is no TIME_WAIT after RST.
shake()
call.close()
expect{FA, seq=1}
inject{FA, ack=1}
expect{A, seq=2, ack=2}
inject{R, seq=100000}
expect_nothing()
inject{R, seq=3}
expect{A, seq=2, ack=2}
state("CLOSING")
inject{R, seq=2}
state("CLOSED")
is(counter("TW"), 0)
