-- SPDX-License-Identifier: BSD-2-Clause
-- RST in LAST_ACK: outside, inside, exact.
shake()
inject{FA}
expect{A, ack=2}
call.close()
expect{FA, seq=1}
inject{R, seq=100000}
expect_nothing()
inject{R, seq=3}
expect{A, seq=2, ack=2}
state("LAST-ACK")
inject{R, seq=2}
state("CLOSED")
