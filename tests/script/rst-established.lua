-- SPDX-License-Identifier: BSD-2-Clause
-- RST in ESTABLISHED: outside the window silence, inside a challenge ACK, exact
-- the end. What was received is lost to nobody: the error comes behind it.
shake()
call.set("QUICKACK", 1)
inject{PA, data="abc"}
expect{A, ack=4}
inject{R, seq=100000}
expect_nothing()
inject{R, seq=5}
expect{A, seq=1, ack=4}
state("ESTAB")
inject{R, seq=4}
state("CLOSED")
is(call.told(), ECONNRESET)
is(counter("EstabResets"), 1)
