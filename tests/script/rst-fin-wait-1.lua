-- SPDX-License-Identifier: BSD-2-Clause
-- RST in FIN_WAIT_1 (RFC 5961 3.2): outside the window silence, inside it a
-- challenge ACK, at RCV.NXT the end.
shake()
call.close()
expect{FA, seq=1}
inject{R, seq=100000}
expect_nothing()
inject{R, seq=2}
expect{A, seq=2, ack=1}
state("FIN-WAIT-1")
inject{R, seq=1}
state("CLOSED")
is(counter("TCPChallengeACK"), 1)
