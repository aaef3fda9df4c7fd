-- SPDX-License-Identifier: BSD-2-Clause
-- close() in SYN_SENT: nobody knows of it yet, nothing is sent. What is answered
-- later is answered with RST (3.10.4).
call.connect(4000)
expect{S, seq=0}
call.close()
state("CLOSED")
expect_nothing(1000)
inject{SA, seq=0, ack=1}
expect{R, seq=1}
