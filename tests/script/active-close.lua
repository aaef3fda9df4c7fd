-- SPDX-License-Identifier: BSD-2-Clause
-- The side that opened closes first: TIME_WAIT is on it, with its port.
dial()
is(call.send("bye"), 3)
call.close()
expect{FPA, seq=1, ack=1, data="bye"}
inject{FA, ack=5}
expect{A, seq=5, ack=2}
state("TIME-WAIT")
expect_nothing(59999)
state("TIME-WAIT")
after(1)
state("CLOSED")
