-- SPDX-License-Identifier: BSD-2-Clause
-- net.lull.tcp_tw_reuse_safe: after one RTO the pair may be taken, with the old
-- record as a shadow. What the peer's LAST_ACK says meanwhile gets the old last
-- ACK, never RST, and the SYN goes again at once.
only "lull"
sysctl("net.ipv4.ip_local_port_range", "40000 40000")
dial{ts={1000, 0}, rtt=10}
call.close()
expect{FA, seq=1}
after(10)
inject{FA, ack=2, ts={1020}}
expect{A, seq=2, ack=2}
is(call.connect(4000), EADDRNOTAVAIL)
after(2000)
is(type(call.connect(4000)), "number")
local syn = expect{S, ours=40000, ts={2020, 0}}
check(syn.seq > 2, "the ISN is too low")
inject{A, seq=2, ack=2, ts={3020}} -- the challenge of a LAST_ACK
expect{A, seq=2, ack=2}
expect{S, seq=syn.seq}
inject{SA, seq=1000000, ack=syn.seq + 1, ts={3030}}
expect{A, seq=syn.seq + 1, ack=1000001}
state("ESTAB")
is(counter("TWReusedSafe"), 1)
