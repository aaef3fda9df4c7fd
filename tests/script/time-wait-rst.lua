-- SPDX-License-Identifier: BSD-2-Clause
-- RST in TIME_WAIT, exact: by tcp_rfc1337 (E7). Profile lull has 1, linux 0.
local function close(port)
  peer(port)
  shake()
  call.close()
  expect{FA, seq=1}
  inject{FA, ack=2}
  expect{A, seq=2, ack=2}
end
close(4001)
inject{R, seq=2}
expect_nothing()
state(linux and "CLOSED" or "TIME-WAIT")
sysctl("net.ipv4.tcp_rfc1337", "1")
close(4002)
inject{R, seq=2}
expect_nothing(1000)
state("TIME-WAIT")
sysctl("net.ipv4.tcp_rfc1337", "0")
inject{R, seq=1} -- not exact: nothing, and no challenge ACK
inject{R, seq=3}
expect_nothing()
state("TIME-WAIT")
inject{R, seq=2}
expect_nothing()
state("CLOSED")
