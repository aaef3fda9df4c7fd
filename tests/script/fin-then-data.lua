-- SPDX-License-Identifier: BSD-2-Clause
-- Text behind the peer's own FIN is none: it is acknowledged as what it is, and
-- given to nobody (3.10.7.4, seventh).
shake()
inject{FPA, data="end"}
expect{A, seq=1, ack=5}
inject{PA, seq=5, data="after"}
expect_nothing(1000)
is(refused("TextAfterFin"), 1)
is(call.read(), "end")
is(call.read(), "")
