-- SPDX-License-Identifier: BSD-2-Clause
-- tcp_fin_timeout does nothing to TIME_WAIT (N3), whatever half the world says:
-- with 5 seconds, and with 120, TIME_WAIT lasts 60.
for port, s in pairs{[4001]="5", [4002]="120"} do
  sysctl("net.ipv4.tcp_fin_timeout", s)
  peer(port)
  shake()
  call.close()
  expect{FA, seq=1}
  inject{FA, ack=2}
  expect{A, seq=2, ack=2}
  expect_nothing(59999)
  state("TIME-WAIT")
  after(1)
  state("CLOSED")
end
