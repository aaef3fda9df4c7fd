-- SPDX-License-Identifier: BSD-2-Clause
-- An RST is never asked for its age (RFC 7323 5.2).
sysctl("net.ipv4.tcp_rfc1337", "0")
shake{ts={1000, 0}}
call.close()
expect{FA, seq=1}
inject{FA, ack=2, ts={2000}}
expect{A, seq=2, ack=2, ecr=2000}
inject{R, seq=2, ts={1}}
state("CLOSED")
