-- SPDX-License-Identifier: BSD-2-Clause
-- tcp_max_tw_buckets: lull gives up the oldest record, profile linux keeps no
-- new one (P4, D5); either way the peer's FIN again tells which is left.
sysctl("net.ipv4.tcp_max_tw_buckets", "2")
for port = 4001, 4003 do
  peer(port)
  shake()
  call.close()
  expect{FA, seq=1}
  inject{FA, ack=2}
  expect{A, seq=2, ack=2}
end
local gone = linux and 4003 or 4001
for port = 4001, 4003 do
  peer(port)
  state(port == gone and "CLOSED" or "TIME-WAIT")
  inject{FA, seq=1, ack=2}
  if port == gone then
    expect{R, seq=2}
  else
    expect{A, seq=2, ack=2}
  end
end
is(counter("TCPTimeWaitOverflow"), linux and 1 or 0)
is(counter("TWEvicted"), linux and 0 or 1)
