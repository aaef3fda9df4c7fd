-- SPDX-License-Identifier: BSD-2-Clause
-- A SYN-ACK with an older stamp than the shadow's can't be told from the old
-- connection's: RST to the peer, and the pair is in TIME_WAIT again.
only "lull"
sysctl("net.ipv4.ip_local_port_range", "40000 40000")
dial{ts={1000, 0}, rtt=10}
call.close()
expect{FA, seq=1}
after(10)
inject{FA, ack=2, ts={1020}}
expect{A, seq=2, ack=2}
after(2000)
call.connect(4000)
local syn = expect{S, ours=40000}
inject{SA, seq=1000000, ack=syn.seq + 1, ts={1019}}
expect{R, seq=syn.seq + 1}
state("TIME-WAIT")
is(call.told(), EADDRNOTAVAIL)
inject{FA, seq=1, ack=2, ts={1020}}
expect{A, seq=2, ack=2}
is(counter("TWReuseRefused"), 1)
