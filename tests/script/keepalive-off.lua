-- SPDX-License-Identifier: BSD-2-Clause
-- Without SO_KEEPALIVE nobody asks: a day of silence, and it is still there
-- (MUST-25).
sysctl("net.ipv4.tcp_keepalive_time", "1")
shake()
expect_nothing(86400 * 1000)
state("ESTAB")
