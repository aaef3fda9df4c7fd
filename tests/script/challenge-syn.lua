-- SPDX-License-Identifier: BSD-2-Clause
-- A SYN for a connection that lives (RFC 5961 4.2): an ACK, whatever its SEQ,
-- and nothing changes. A peer that has begun anew answers that with RST, exact,
-- and its next SYN is taken.
shake()
for i, seq in ipairs{0, 1, 100, 100000, -100000} do
  inject{S, seq=seq}
  expect{A, seq=1, ack=1}
  state("ESTAB")
  after(500)
end
inject{R, seq=1}
state("CLOSED")
inject{S, seq=100000}
expect{SA, ack=100001}
is(counter("TCPSYNChallenge"), 5)
