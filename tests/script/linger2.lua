-- SPDX-License-Identifier: BSD-2-Clause
-- TCP_LINGER2: FIN_WAIT_2 without a program for so long, not tcp_fin_timeout
-- (L4); TIME_WAIT is not touched.
for port, s in pairs{[4001]=2, [4002]=90} do
  peer(port)
  shake()
  call.set("LINGER2", s)
  call.close()
  expect{FA, seq=1}
  inject{A, ack=2}
  expect_nothing(s * 1000 - 1)
  state("FIN-WAIT-2")
  if port == 4001 then
    after(1)
    state("CLOSED")
  else
    inject{FA}
    expect{A, ack=2}
    expect_nothing(59999)
    state("TIME-WAIT")
  end
end
