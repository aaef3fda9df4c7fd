-- SPDX-License-Identifier: BSD-2-Clause
-- The client has forgotten, and opens the same pair again while we are in
-- LAST_ACK: challenge, RST, and the SYN that it sends again is taken (E15).
shake()
inject{FA}
expect{A, ack=2}
call.close()
expect{FA, seq=1, ack=2}
inject{S, seq=50000}
local ack = expect{A, seq=2, ack=2}
state("LAST-ACK")
inject{R, seq=ack.ack}
state("CLOSED")
inject{S, seq=50000}
expect{SA, ack=50001}
is(counter("TCPSYNChallenge"), 1)
