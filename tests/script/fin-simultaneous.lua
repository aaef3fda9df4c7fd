-- SPDX-License-Identifier: BSD-2-Clause
-- Both close at once: CLOSING, and TIME_WAIT on both sides (3.6, figure 13).
shake()
call.close()
expect{FA, seq=1, ack=1}
inject{FA, ack=1}
expect{A, seq=2, ack=2}
state("CLOSING")
inject{A, ack=2}
state("TIME-WAIT")
expect_nothing(59999)
state("TIME-WAIT")
after(1)
state("CLOSED")
