-- SPDX-License-Identifier: BSD-2-Clause
-- TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT: 1, 1, 3 (K1, K3).
shake()
call.set("KEEPALIVE", 1)
call.set("KEEPIDLE", 1)
call.set("KEEPINTVL", 1)
call.set("KEEPCNT", 3)
for i = 1, 3 do
  expect_after(1000, {A, seq=0, ack=1, len=0})
end
expect_after(1000, {RA, seq=1, ack=1})
is(call.told(), ETIMEDOUT)
is(counter("TCPAbortOnTimeout"), 1)
