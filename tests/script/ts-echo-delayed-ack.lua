-- SPDX-License-Identifier: BSD-2-Clause
-- RFC 7323 4.3 (A): a delayed ACK echoes the earliest segment that it answers,
-- so that the sender's RTT has the delay in it.
shake{ts={1000, 0}}
call.set("QUICKACK", 0)
inject{PA, ts={1010}, data="a"}
if linux then -- the first ACKs do not wait
  expect{A, ack=2, ecr=1010}
else
  expect_after(40, {A, ack=2, ecr=1010})
end
inject({A, ts={1100}, len=1000}, {A, ts={1101}, len=1000})
expect{A, ecr=1100}
