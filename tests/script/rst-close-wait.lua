-- SPDX-License-Identifier: BSD-2-Clause
-- RST in CLOSE_WAIT: the peer has gone; the program that reads its end, and
-- writes, is told (A1). In profile linux it is EPIPE.
shake()
inject{FA}
expect{A, ack=2}
inject{R, seq=100000}
expect_nothing()
inject{R, seq=3}
expect{A, seq=1, ack=2}
state("CLOSE-WAIT")
inject{R, seq=2}
state("CLOSED")
is(call.told(), linux and EPIPE or ECONNRESET)
is(call.send("x"), linux and EPIPE or ECONNRESET)
is(counter("EstabResets"), 1)
