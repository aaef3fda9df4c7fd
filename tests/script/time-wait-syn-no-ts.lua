-- SPDX-License-Identifier: BSD-2-Clause
-- RFC 6191, without timestamps: a SYN above the old numbers has the pair. At
-- RCV.NXT itself lull takes it, profile linux one later (D6). Below: ACK.
local function close(port)
  peer(port)
  shake()
  call.close()
  expect{FA, seq=1}
  inject{FA, ack=2}
  expect{A, seq=2, ack=2}
  after(1000)
end
close(4001) -- RCV.NXT is 2
inject{S, seq=1}
expect{A, seq=2, ack=2}
state("TIME-WAIT")
after(1000)
inject{S, seq=2}
if linux then
  expect{A, seq=2, ack=2}
  state("TIME-WAIT")
else
  expect{SA, ack=3}
  state("SYN-RECV")
  inject{R, seq=3}
end
close(4002)
inject{S, seq=3}
expect{SA, ack=4}
state("SYN-RECV")
inject{R, seq=4}
close(4003)
inject{S, seq=-1000000}
expect{A, seq=2, ack=2}
state("TIME-WAIT")
is(refused("TimeWaitSyn"), linux and 3 or 2)
