-- SPDX-License-Identifier: BSD-2-Clause
-- Keepalive goes on in CLOSE_WAIT and in a FIN_WAIT_2 that a program owns: the
-- peer may be gone there as well, and nothing else would tell.
local function keep()
  call.set("KEEPALIVE", 1)
  call.set("KEEPIDLE", 5)
  call.set("KEEPINTVL", 1)
  call.set("KEEPCNT", 1)
end
peer(4001)
shake()
keep()
inject{FA}
expect{A, seq=1, ack=2}
expect_after(5000, {A, seq=0, ack=2})
expect_after(1000, {RA, seq=1, ack=2})
state("CLOSED")
peer(4002)
shake()
keep()
call.shutdown("wr")
expect{FA, seq=1}
inject{A, ack=2}
expect_after(5000, {A, seq=1, ack=1})
expect_after(1000, {RA, seq=2, ack=1})
state("CLOSED")
