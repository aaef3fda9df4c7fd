-- SPDX-License-Identifier: BSD-2-Clause
-- SO_LINGER with a time: the handle stays until all is acknowledged, and FIN
-- with it. It does not make TIME_WAIT shorter (L1).
shake()
call.set("LINGER", 5)
is(call.send("abc"), 3)
call.close()
expect{FPA, seq=1, data="abc"}
is(call.events(), "")
after(100)
is(call.events(), "")
inject{A, ack=5}
is(call.events(), "CLOSED")
is(call.told(), nil)
inject{FA}
expect{A, seq=5, ack=2}
expect_nothing(59999)
state("TIME-WAIT")
after(1)
state("CLOSED")
