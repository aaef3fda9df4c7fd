-- SPDX-License-Identifier: BSD-2-Clause
-- net.lull.tcp_timewait_len, and a socket's own: for what begins later. Those
-- that are there keep theirs.
local function close(port)
  peer(port)
  shake()
  if port == 4003 then call.set("TIMEWAIT_LEN", 5) end
  call.close()
  expect{FA, seq=1}
  inject{FA, ack=2}
  expect{A, seq=2, ack=2}
end
local function lasts(ms)
  after(ms - 1)
  state("TIME-WAIT")
  after(1)
  state("CLOSED")
end
close(4001)
sysctl("net.lull.tcp_timewait_len", "10")
close(4002)
lasts(10000)
close(4003)
lasts(5000)
peer(4001)
lasts(45000)
