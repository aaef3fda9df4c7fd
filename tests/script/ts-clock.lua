-- SPDX-License-Identifier: BSD-2-Clause
-- One tick is a millisecond, and it goes on whatever is sent: also behind
-- retransmissions, and from one connection of a pair to the next (RFC 7323 5.4).
shake{ts={1000, 0}}
for i = 1, 3 do
  after(1000)
  is(call.send("x"), 1)
  expect{PA, val=i * 1000}
  inject{A}
end
call.close()
expect{FA, val=3000}
inject{FA}
expect{A, val=3000}
after(7000)
inject{S, seq=5000, ts={90000, 0}}
expect{SA, ack=5001, ts={10000, 90000}}
