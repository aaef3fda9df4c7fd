-- SPDX-License-Identifier: BSD-2-Clause
-- Old text: ACK, each time, for its sender waits. The time goes on; in profile
-- linux it begins anew (E2, D3).
shake()
call.set("QUICKACK", 1)
inject{PA, data="abc"}
expect{A, ack=4}
is(call.read(), "abc")
call.close()
expect{FA, seq=1, ack=4}
inject{FA, ack=2}
expect{A, seq=2, ack=5}
after(30000)
for i = 1, 3 do
  inject{PA, seq=1, data="abc"}
  expect{A, seq=2, ack=5}
end
expect_nothing(29999)
state("TIME-WAIT")
after(1)
state(linux and "TIME-WAIT" or "CLOSED")
after(30000)
state("CLOSED")
