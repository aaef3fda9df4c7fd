-- SPDX-License-Identifier: BSD-2-Clause
-- The window is closed, text and FIN wait: it is probed, without end while the
-- peer answers (MUST-37), and all goes when it opens. A program still owns it.
shake{rtt=10, win=100}
is(call.send(text(150)), 150)
call.shutdown("wr")
state("FIN-WAIT-1")
expect{A, seq=1, len=100}
after(10)
inject{A, ack=101, win=0}
local ms = 210
for i = 1, 12 do
  expect_after(ms, {A, seq=100, len=0})
  inject{A, ack=101, win=0}
  ms = 2 * ms < 120000 and 2 * ms or 120000
end
state("FIN-WAIT-1")
inject{A, ack=101, win=100}
expect{FPA, seq=101, len=50}
inject{A, ack=152}
state("FIN-WAIT-2")
is(counter("TCPWinProbe"), 12)
