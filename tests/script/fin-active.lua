-- SPDX-License-Identifier: BSD-2-Clause
-- We close first: FIN_WAIT_1, FIN_WAIT_2, TIME_WAIT for 2MSL, gone (3.6).
shake()
call.close()
expect{FA, seq=1, ack=1}
state("FIN-WAIT-1")
inject{A, ack=2}
state("FIN-WAIT-2")
inject{FA}
expect{A, seq=2, ack=2}
state("TIME-WAIT")
expect_nothing(59999)
state("TIME-WAIT")
after(1)
state("CLOSED")
is(counter("TW"), 1)
