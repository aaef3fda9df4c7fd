-- SPDX-License-Identifier: BSD-2-Clause
-- SO_KEEPALIVE with nothing else set: two hours, nine probes 75 s apart, and
-- 2 h 11 min 15 s after its last word a dead peer is found out.
shake()
call.set("KEEPALIVE", 1)
expect_after(7200000, {A, seq=0, ack=1, len=0})
for i = 2, 9 do
  expect_after(75000, {A, seq=0, ack=1, len=0})
end
expect_nothing(74999)
state("ESTAB")
after(1)
is(now(), ((2 * 60 + 11) * 60 + 15) * 1000)
expect{RA, seq=1, ack=1}
state("CLOSED")
is(call.told(), ETIMEDOUT)
is(counter("TCPKeepAlive"), 9)
