-- SPDX-License-Identifier: BSD-2-Clause
-- SO_LINGER with a time, and a peer that is silent: the program is told after
-- that time; the FIN goes on being sent, as of any orphan (L2).
shake{rtt=10}
call.set("LINGER", 1)
call.close()
expect{FA, seq=1}
call.events()
expect_after(210, {FA, seq=1})
expect_after(420, {FA, seq=1})
expect_nothing(369)
is(call.events(), "")
after(1)
check(call.events():find("CLOSED"))
is(call.told(), ETIMEDOUT)
state("FIN-WAIT-1")
expect_after(470, {FA, seq=1})
