-- SPDX-License-Identifier: BSD-2-Clause
-- A FIN without an answer goes again after the RTO, each time after twice as
-- long (RFC 6298 5.5), up to tcp_rto_max_ms; the program owns it.
sysctl("net.ipv4.tcp_rto_max_ms", "5000")
shake{rtt=100}
call.shutdown("wr")
expect{FA, seq=1}
for i, ms in ipairs{300, 600, 1200, 2400, 4800, 5000, 5000} do
  expect_after(ms, {FA, seq=1, ack=1})
end
inject{A, ack=2}
state("FIN-WAIT-2")
expect_nothing(600000)
