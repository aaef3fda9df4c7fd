-- SPDX-License-Identifier: BSD-2-Clause
-- A FIN_WAIT_2 that nobody owns ends after tcp_fin_timeout; a FIN that comes
-- later finds nobody, and gets RST.
sysctl("net.ipv4.tcp_fin_timeout", "7")
shake()
call.close()
expect{FA, seq=1}
inject{A, ack=2}
state("FIN-WAIT-2")
expect_nothing(6999)
state("FIN-WAIT-2")
after(1)
state("CLOSED")
inject{FA}
expect{R, seq=2}
