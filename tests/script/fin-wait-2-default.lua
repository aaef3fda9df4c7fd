-- SPDX-License-Identifier: BSD-2-Clause
-- Without a word from anybody an orphan's FIN_WAIT_2 lasts 60 seconds.
shake()
call.close()
expect{FA, seq=1}
inject{A, ack=2}
expect_nothing(59999)
state("FIN-WAIT-2")
after(1)
state("CLOSED")
