-- SPDX-License-Identifier: BSD-2-Clause
-- RST in SYN_RECEIVED of a passive open: back to LISTEN, nobody is told. Not
-- exact, but in the window: a challenge (3.10.7.4, second).
listen(80)
inject{S, seq=0}
expect{SA, seq=0, ack=1}
inject{R, seq=100000}
expect_nothing()
state("SYN-RECV")
inject{R, seq=1}
state("CLOSED")
is(call.events(), "")
inject{S, seq=0}
expect{SA, ack=1}
