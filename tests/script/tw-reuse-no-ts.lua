-- SPDX-License-Identifier: BSD-2-Clause
-- Without timestamps no TIME_WAIT is given up (P0): neither by tcp_tw_reuse nor
-- by lull's own reuse.
sysctl("net.ipv4.tcp_tw_reuse", "1")
sysctl("net.ipv4.ip_local_port_range", "40000 40000")
dial()
call.close()
expect{FA, seq=1}
inject{FA, ack=2}
expect{A, seq=2, ack=2}
after(59999)
is(call.connect(4000), EADDRNOTAVAIL)
after(1)
is(type(call.connect(4000)), "number")
expect{S}
