-- SPDX-License-Identifier: BSD-2-Clause
-- A SYN-ACK without an answer: after 1, 2, 4, 8 and 16 seconds
-- (tcp_synack_retries 5), and after 32 more nothing is left (RFC 6298 5.5).
listen(80)
inject{S, seq=0}
local sa = expect{SA, seq=0, ack=1}
for i, s in ipairs{1, 2, 4, 8, 16} do
  expect_after(s * 1000, {SA, seq=0, ack=1})
end
expect_nothing(31999)
state("SYN-RECV")
after(1)
state("CLOSED")
is(counter("TCPSynRetrans"), 5)
