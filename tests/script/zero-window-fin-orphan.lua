-- SPDX-License-Identifier: BSD-2-Clause
-- The same when nobody owns it: it is not kept for ever by a peer that answers
-- probes and opens no window (RFC 6429, F2). It ends after tcp_orphan_retries
-- probes, once they are as far apart as they get.
sysctl("net.ipv4.tcp_orphan_retries", "4")
sysctl("net.ipv4.tcp_rto_max_ms", "1000")
shake{rtt=10, win=100}
is(call.send(text(150)), 150)
call.close()
expect{A, seq=1, len=100}
after(10)
inject{A, ack=101, win=0}
for i, ms in ipairs{210, 420, 840, 1000} do
  expect_after(ms, {A, seq=100, len=0})
  inject{A, ack=101, win=0}
end
expect_nothing(999)
state("FIN-WAIT-1")
after(1)
state("CLOSED")
is(counter("TCPAbortOnTimeout"), 1)
