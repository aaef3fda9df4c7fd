-- SPDX-License-Identifier: BSD-2-Clause
-- RFC 1337 2: old text comes to TIME_WAIT, draws an ACK, and the peer, which
-- knows nothing more, answers it with an exact RST. With 1 the pair stays
-- protected, with 0 a segment that was late by chance has ended it.
for port, ignores in pairs{[4001]="1", [4002]="0"} do
  sysctl("net.ipv4.tcp_rfc1337", ignores)
  peer(port)
  shake()
  call.set("QUICKACK", 1)
  inject{PA, data="abc"}
  expect{A, ack=4}
  is(call.read(), "abc")
  call.close()
  expect{FA, seq=1}
  inject{FA, ack=2}
  expect{A, seq=2, ack=5}
  after(5000)
  inject{PA, seq=1, data="abc"}
  local ack = expect{A, seq=2, ack=5}
  inject{R, seq=ack.ack}
  state(ignores == "1" and "TIME-WAIT" or "CLOSED")
end
