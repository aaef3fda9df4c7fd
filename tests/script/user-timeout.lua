-- SPDX-License-Identifier: BSD-2-Clause
-- TCP_USER_TIMEOUT ends a connection whose text nobody acknowledges, after its
-- time and not at the next backoff behind it; FIN counts as text does.
shake{rtt=10}
call.set("USER_TIMEOUT", 1000)
call.shutdown("wr")
expect{FA, seq=1}
expect_after(210, {FA, seq=1})
expect_after(420, {FA, seq=1})
expect_nothing(369)
state("FIN-WAIT-1")
after(1)
state("CLOSED")
is(call.told(), ETIMEDOUT)
