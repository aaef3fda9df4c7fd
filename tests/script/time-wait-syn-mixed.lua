-- SPDX-License-Identifier: BSD-2-Clause
-- RFC 6191, where one of the two connections has no timestamps: old without,
-- new with: taken (lull; Linux looks at the SEQ). Old with, new without: SEQ.
peer(4001)
shake()
call.close()
expect{FA, seq=1}
inject{FA, ack=2}
expect{A, seq=2, ack=2}
inject{S, seq=-1000, ts={1, 0}}
if linux then
  expect{A, seq=2, ack=2}
  state("TIME-WAIT")
else
  expect{SA, ack=-999, ecr=1}
end
peer(4002)
shake{ts={1000, 0}}
call.close()
expect{FA, seq=1}
inject{FA, ack=2}
expect{A, seq=2, ack=2}
inject{S, seq=1}
expect{A, seq=2, ack=2}
state("TIME-WAIT")
inject{S, seq=3}
expect{SA, ack=4, ts=false}
