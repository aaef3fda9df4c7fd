-- SPDX-License-Identifier: BSD-2-Clause
-- Nobody is there: SYN gets RST with ACK, an ACK gets RST with its number, RST
-- gets nothing (3.10.7.1).
inject{S, seq=0}
expect{RA, seq=0, ack=1}
inject{A, seq=10, ack=77}
expect{R, seq=77}
inject{FPA, seq=10, ack=78, data="abc"}
expect{R, seq=78}
inject{R, seq=10}
expect_nothing()
is(counter("OutRsts"), 3)
