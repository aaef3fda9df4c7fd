-- SPDX-License-Identifier: BSD-2-Clause
-- A SYN without an answer: four times after a second each
-- (tcp_syn_linear_timeouts), then at twice the distance, tcp_syn_retries times;
-- then ETIMEDOUT.
sysctl("net.ipv4.tcp_syn_retries", "2")
call.connect(4000)
expect{S, seq=0, mss=mss}
state("SYN-SENT")
for i, ms in ipairs{1000, 1000, 1000, 1000, 1000, 2000} do
  expect_after(ms, {S, seq=0, mss=mss})
end
expect_nothing(3999)
state("SYN-SENT")
after(1)
state("CLOSED")
is(call.told(), ETIMEDOUT)
is(counter("TCPSynRetrans"), 6)
