-- SPDX-License-Identifier: BSD-2-Clause
-- LAST_ACK that nobody owns: FIN goes again until tcp_orphan_retries, then it
-- ends silently (E14). Nothing of it is left: a late ACK gets RST.
sysctl("net.ipv4.tcp_orphan_retries", "3")
shake{rtt=10}
inject{FA}
expect{A, ack=2}
call.close()
expect{FA, seq=1, ack=2}
expect_after(210, {FA, seq=1, ack=2})
expect_after(420, {FA, seq=1, ack=2})
expect_after(840, {FA, seq=1, ack=2})
state("LAST-ACK")
expect_nothing(1679)
state("LAST-ACK")
after(1)
state("CLOSED")
is(counter("TCPAbortOnTimeout"), 1)
inject{A, ack=2}
expect{R, seq=2}
