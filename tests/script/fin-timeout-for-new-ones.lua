-- SPDX-License-Identifier: BSD-2-Clause
-- A change of tcp_fin_timeout is for those that begin later.
for port, s in pairs{[4001]="10", [4002]="3"} do
  sysctl("net.ipv4.tcp_fin_timeout", s)
  peer(port)
  shake()
  call.close()
  expect{FA, seq=1}
  inject{A, ack=2}
end
after(2999)
state("FIN-WAIT-2")
after(1)
state("CLOSED")
peer(4001)
after(6999)
state("FIN-WAIT-2")
after(1)
state("CLOSED")
