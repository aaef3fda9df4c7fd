-- SPDX-License-Identifier: BSD-2-Clause
-- In CLOSING our FIN is not acknowledged: it goes again, each time after twice
-- as long (RFC 6298 5.5), and each acknowledges the peer's.
shake{rtt=10}
call.close()
expect{FA, seq=1}
inject{FA, ack=1}
expect{A, seq=2, ack=2}
state("CLOSING")
local ms = 210
for i = 1, 5 do
  expect_after(ms, {FA, seq=1, ack=2})
  ms = 2 * ms
end
inject{A, ack=2}
state("TIME-WAIT")
