-- SPDX-License-Identifier: BSD-2-Clause
-- An exact RST that tcp_rfc1337=1 ignores changes no time; in profile linux it
-- begins 2MSL anew.
sysctl("net.ipv4.tcp_rfc1337", "1")
shake()
call.close()
expect{FA, seq=1}
inject{FA, ack=2}
expect{A, seq=2, ack=2}
after(30000)
inject{R, seq=2}
expect_nothing(30000)
state(linux and "TIME-WAIT" or "CLOSED")
after(30000)
state("CLOSED")
