-- SPDX-License-Identifier: BSD-2-Clause
-- FIN_WAIT_1 that nobody owns, at a peer that is silent: tcp_orphan_retries
-- (F1), then gone without a word and without TIME_WAIT.
sysctl("net.ipv4.tcp_orphan_retries", "2")
shake{rtt=10}
call.close()
expect{FA, seq=1}
expect_after(210, {FA, seq=1})
expect_after(420, {FA, seq=1})
expect_nothing(839)
state("FIN-WAIT-1")
after(1)
state("CLOSED")
is(counter("TCPAbortOnTimeout"), 1)
is(counter("TW"), 0)
