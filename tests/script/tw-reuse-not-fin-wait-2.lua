-- SPDX-License-Identifier: BSD-2-Clause
-- The pair of an orphaned FIN_WAIT_2 is never given up: its peer lives, and may
-- still send.
sysctl("net.ipv4.tcp_tw_reuse", "1")
sysctl("net.ipv4.ip_local_port_range", "40000 40000")
dial{ts={1000, 0}}
call.close()
expect{FA, seq=1}
inject{A, ack=2}
after(59999)
state("FIN-WAIT-2")
is(call.connect(4000), EADDRNOTAVAIL)
