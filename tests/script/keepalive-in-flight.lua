-- SPDX-License-Identifier: BSD-2-Clause
-- What is in flight asks the peer well enough: no keepalive beside it (MUST-26).
shake{rtt=10}
call.set("KEEPALIVE", 1)
call.set("KEEPIDLE", 1)
call.set("KEEPINTVL", 1)
call.set("KEEPCNT", 1)
is(call.send("abc"), 3)
expect{PA, seq=1, len=3}
for i, ms in ipairs{210, 420, 840, 1680} do
  expect_after(ms, {PA, seq=1, len=3})
end
inject{A, ack=4}
expect_nothing(500)
after(500)
expect{A, seq=3, len=0}
