-- SPDX-License-Identifier: BSD-2-Clause
-- Both open at once (3.5, figure 7), and both close at once: SYN_SENT,
-- SYN_RECEIVED, ESTABLISHED, FIN_WAIT_1, CLOSING, TIME_WAIT.
call.connect(4000)
expect{S, seq=0}
inject{S, seq=0}
expect{SA, seq=0, ack=1}
state("SYN-RECV")
inject{A, seq=1, ack=1}
state("ESTAB")
call.close()
expect{FA, seq=1, ack=1}
inject{FA, seq=1, ack=1}
expect{A, seq=2, ack=2}
state("CLOSING")
inject{A, ack=2}
state("TIME-WAIT")
