-- SPDX-License-Identifier: BSD-2-Clause
-- The FIN came with text, and comes again with it.
shake()
call.close()
expect{FA, seq=1}
inject{A, ack=2}
after(100)
inject{FA, ack=2}
expect{A, seq=2, ack=2}
after(30000)
inject{FPA, seq=-3, ack=2, data="abcd"}
expect{A, seq=2, ack=2}
expect_nothing(59999)
state("TIME-WAIT")
after(1)
state("CLOSED")
