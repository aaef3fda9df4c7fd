-- SPDX-License-Identifier: BSD-2-Clause
-- A probe that is answered proves all that is wanted: the time begins anew from
-- the answer, and so it does from anything that is heard.
shake()
call.set("KEEPALIVE", 1)
call.set("KEEPIDLE", 10)
call.set("KEEPINTVL", 1)
call.set("KEEPCNT", 2)
for i = 1, 3 do
  expect_after(10000, {A, seq=0, ack=1})
  expect_after(1000, {A, seq=0, ack=1})
  inject{A, ack=1}
end
after(9000)
inject{A, ack=1}
expect_after(10000, {A, seq=0, ack=1})
inject{R, seq=1} -- the peer has begun anew (K2)
state("CLOSED")
is(call.told(), ECONNRESET)
