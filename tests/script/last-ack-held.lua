-- SPDX-License-Identifier: BSD-2-Clause
-- LAST_ACK of a program that has only shut down: tcp_retries2 counts, and the
-- program hears that nobody answered.
sysctl("net.ipv4.tcp_retries2", "3")
sysctl("net.ipv4.tcp_orphan_retries", "1")
shake{rtt=10}
inject{FA}
expect{A, ack=2}
is(call.shutdown("wr"), 0)
expect{FA, seq=1, ack=2}
call.events()
expect_after(210, {FA, seq=1})
expect_after(420, {FA, seq=1})
expect_after(840, {FA, seq=1})
expect_nothing(1679)
state("LAST-ACK")
after(1)
state("CLOSED")
is(call.events(), "ERROR")
is(call.told(), ETIMEDOUT)
