-- SPDX-License-Identifier: BSD-2-Clause
-- A window that is closed, and a peer that has gone: tcp_retries2 probes, and
-- the program hears of it.
sysctl("net.ipv4.tcp_retries2", "3")
shake{rtt=10, win=100}
is(call.send(text(150)), 150)
expect{A, seq=1, len=100}
after(10)
inject{A, ack=101, win=0}
expect_after(210, {A, seq=100, len=0})
expect_after(420, {A, seq=100, len=0})
expect_after(840, {A, seq=100, len=0})
expect_nothing(1679)
state("ESTAB")
after(1)
state("CLOSED")
is(call.told(), ETIMEDOUT)
