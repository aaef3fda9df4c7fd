-- SPDX-License-Identifier: BSD-2-Clause
-- RST that acknowledges our SYN: refused. RST that acknowledges nothing, or
-- something else, is not believed (3.10.7.3, RFC 5961 3.2).
call.connect(4000)
expect{S, seq=0}
inject{R, seq=0}
inject{RA, seq=0, ack=5}
expect_nothing()
state("SYN-SENT")
inject{RA, seq=0, ack=1}
state("CLOSED")
is(call.told(), ECONNREFUSED)
