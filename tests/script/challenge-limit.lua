-- SPDX-License-Identifier: BSD-2-Clause
-- Challenges of one connection: one in tcp_invalid_ratelimit (RFC 5961 7); what
-- brings text is answered each time.
sysctl("net.ipv4.tcp_invalid_ratelimit", "100")
shake()
inject{R, seq=2}
expect{A, seq=1, ack=1}
inject{S, seq=2}
expect_nothing(99)
inject{R, seq=2}
expect_nothing(1)
inject{R, seq=2}
expect{A, seq=1, ack=1}
for i = 1, 3 do
  inject{PA, seq=-10, data="abc"}
  expect{A, seq=1, ack=1}
end
is(counter("TCPChallengeACK"), 4)
is(counter("TCPACKSkippedChallenge"), 2)
