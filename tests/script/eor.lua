-- SPDX-License-Identifier: BSD-2-Clause
-- MSG_EOR (send(2)): no segment has text of two records, the first time or again,
-- and each record's end is pushed. The last one waits for company, as ever.
shake()
is(call.send(text(10)), 10)
is(call.send("a", "eor"), 1)
is(call.send("bc", "eor"), 2)
is(call.send("d", "eor"), 1)
is(call.send("e"), 1)
expect{PA, seq=1, len=11}
expect{PA, seq=12, data="bc"}
expect{PA, seq=14, data="d"}
expect_nothing()
inject{A, ack=15}
expect{PA, seq=15, data="e"}
inject{A, ack=16}
call.set("NODELAY", 1)
is(call.send("fg", "eor"), 2)
expect{PA, seq=16, data="fg"}
is(call.send("h", "eor"), 1)
expect{PA, seq=18, data="h"}
after(201)
expect{PA, seq=16, data="fg"}
expect{PA, seq=18, data="h"}
inject{A, ack=19}
expect_nothing(1000)
call.abort()
expect{RA, seq=19}
