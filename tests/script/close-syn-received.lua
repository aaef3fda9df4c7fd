-- SPDX-License-Identifier: BSD-2-Clause
-- close() in SYN_RECEIVED: FIN waits until our SYN is acknowledged, and goes at
-- once then: FIN_WAIT_1 (3.10.4).
call.connect(4000)
expect{S, seq=0}
inject{S, seq=0}
expect{SA, seq=0, ack=1}
call.close()
expect_nothing(100)
state("SYN-RECV")
inject{A, seq=1, ack=1}
expect{FA, seq=1, ack=1}
state("FIN-WAIT-1")
inject{FA, seq=1, ack=2}
expect{A, seq=2, ack=2}
state("TIME-WAIT")
