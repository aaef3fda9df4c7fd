-- SPDX-License-Identifier: BSD-2-Clause
-- tcp_max_orphans: one more is reset at close().
sysctl("net.ipv4.tcp_max_orphans", "1")
peer(4001)
shake()
call.close()
expect{FA, seq=1}
peer(4002)
shake()
call.close()
expect{RA, seq=1, ack=1}
state("CLOSED")
peer(4001)
state("FIN-WAIT-1")
is(counter("TCPAbortOnMemory"), 1)
