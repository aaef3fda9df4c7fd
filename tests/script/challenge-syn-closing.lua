-- SPDX-License-Identifier: BSD-2-Clause
-- A SYN in FIN_WAIT_1 and in CLOSING is challenged, and leaves them as they are.
shake()
call.close()
expect{FA, seq=1}
inject{S, seq=50000}
expect{A, seq=2, ack=1}
state("FIN-WAIT-1")
inject{FA, seq=1, ack=1}
expect{A, seq=2, ack=2}
after(100)
inject{S, seq=50000}
expect_nothing()
state("CLOSING")
is(counter("TCPSYNChallenge"), 2)
is(counter("TCPACKSkippedChallenge"), 1)
