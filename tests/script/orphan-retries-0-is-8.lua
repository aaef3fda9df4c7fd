-- SPDX-License-Identifier: BSD-2-Clause
-- tcp_orphan_retries 0 stands for 8: an orphan whose peer is gone takes some
-- hundred seconds, FIN after FIN at twice the distance.
shake{rtt=10}
call.close()
expect{FA, seq=1}
local ms = 210
for i = 1, 8 do
  expect_after(ms, {FA, seq=1})
  ms = 2 * ms
end
expect_nothing(ms - 1)
state("FIN-WAIT-1")
after(1)
state("CLOSED")
