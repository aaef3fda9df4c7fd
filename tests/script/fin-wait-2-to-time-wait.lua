-- SPDX-License-Identifier: BSD-2-Clause
-- The FIN comes at the end of an orphan's FIN_WAIT_2: TIME_WAIT has its full
-- 60 seconds all the same.
sysctl("net.ipv4.tcp_fin_timeout", "5")
shake()
call.close()
expect{FA, seq=1}
inject{A, ack=2}
after(4999)
inject{FA}
expect{A, seq=2, ack=2}
expect_nothing(59999)
state("TIME-WAIT")
after(1)
state("CLOSED")
