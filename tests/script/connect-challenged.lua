-- SPDX-License-Identifier: BSD-2-Clause
-- The peer is still half-open from before: its ACK does not fit, gets RST, and
-- our SYN, sent again, is answered (3.5.1, figure 9).
call.connect(4000)
expect{S, seq=0}
inject{A, seq=300, ack=-100}
expect{R, seq=-100}
state("SYN-SENT")
expect_after(1000, {S, seq=0})
inject{SA, seq=400, ack=1}
expect{A, seq=1, ack=401}
state("ESTAB")
