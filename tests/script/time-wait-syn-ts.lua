-- SPDX-License-Identifier: BSD-2-Clause
-- RFC 6191, with timestamps on both sides: a later one has the pair whatever
-- its SEQ; the same one needs a SEQ above; an earlier one has nothing (E4, E6).
local function close(port)
  peer(port)
  shake{ts={1000, 0}}
  call.close()
  expect{FA, seq=1}
  inject{FA, ack=2, ts={1000}}
  expect{A, seq=2, ack=2, ecr=1000}
  after(1000)
end
close(4001)
inject{S, seq=1000000, ts={999, 0}}
expect{A, seq=2, ack=2, ecr=1000}
state("TIME-WAIT")
is(counter("PAWSTimewait"), 1)
after(1000)
inject{S, seq=1, ts={1000, 0}}
expect{A, seq=2, ack=2}
state("TIME-WAIT")
after(1000)
inject{S, seq=-1000000, ts={1001, 0}}
expect{SA, ack=-999999, ecr=1001}
state("SYN-RECV")
inject{R, seq=-999999}
close(4002)
inject{S, seq=2, ts={1000, 0}} -- RCV.NXT, the same stamp
if linux then
  expect{A, seq=2, ack=2}
else
  expect{SA, ack=3, ecr=1000}
  inject{R, seq=3}
end
close(4003)
inject{S, seq=3, ts={1000, 0}}
expect{SA, ack=4, ecr=1000}
