-- SPDX-License-Identifier: BSD-2-Clause
-- tcp_tw_reuse=1 (Linux): the pair of a TIME_WAIT with timestamps may be taken
-- when it is older than tcp_tw_reuse_delay, 1000 ms; with an ISN above (P0).
sysctl("net.ipv4.tcp_tw_reuse", "1")
sysctl("net.ipv4.ip_local_port_range", "40000 40000")
if not linux then sysctl("net.lull.tcp_tw_reuse_safe", "0") end
dial{ts={1000, 0}}
call.close()
expect{FA, seq=1, ours=40000}
inject{FA, ack=2}
expect{A, seq=2, ack=2}
after(1000)
is(call.connect(4000), EADDRNOTAVAIL)
after(1)
is(type(call.connect(4000)), "number")
local syn = expect{S, ours=40000, ts={1001, 0}}
check(syn.seq > 2 + 65535, "the ISN is too low")
if linux then is(syn.seq, 2 + 65537) end
is(counter("TWRecycled"), 1)
