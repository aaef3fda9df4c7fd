-- SPDX-License-Identifier: BSD-2-Clause
-- tcp_timestamps 0: neither asked for nor agreed to.
sysctl("net.ipv4.tcp_timestamps", "0")
peer(4001)
listen(80)
inject{S, ts={1000, 0}}
expect{SA, ack=1, ts=false}
inject{R, seq=1}
call.connect(4002)
expect{S, ts=false}
