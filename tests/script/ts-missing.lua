-- SPDX-License-Identifier: BSD-2-Clause
-- Agreed on, and a segment without: lull drops it silently (RFC 7323 3.2,
-- SHOULD); profile linux takes it. RST needs none.
shake{ts={1000, 0}}
call.set("QUICKACK", 1)
inject{PA, ts=false, data="abc"}
if linux then
  expect{A, ack=4, ecr=1000}
  inject{R, seq=4, ts=false}
else
  expect_nothing(1000)
  is(refused("NoTimestamp"), 1)
  inject{R, seq=1, ts=false}
end
state("CLOSED")
