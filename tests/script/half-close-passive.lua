-- SPDX-License-Identifier: BSD-2-Clause
-- The peer has shut down: it still takes what we send, for as long as we like.
shake()
inject{FA}
expect{A, ack=2}
is(call.read(), "")
for i = 1, 3 do
  is(call.send("abc"), 3)
  expect{PA, seq=3 * i - 2, ack=2, data="abc"}
  inject{A}
  expect_nothing(600 * 1000)
  state("CLOSE-WAIT")
end
is(call.send("end"), 3)
call.shutdown("wr")
expect{FPA, seq=10, ack=2, data="end"}
state("LAST-ACK")
inject{A, ack=14}
state("CLOSED")
is(call.read(), "")
call.close()
