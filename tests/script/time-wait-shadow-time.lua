-- SPDX-License-Identifier: BSD-2-Clause
-- The same when nobody answers our SYN-ACK: after its last repetition TIME_WAIT
-- is back, but only for the rest of the 60 seconds.
only "lull"
sysctl("net.ipv4.tcp_synack_retries", "1")
shake()
call.close()
expect{FA, seq=1}
inject{FA, ack=2}
expect{A, seq=2, ack=2}
after(20000)
inject{S, seq=1000}
expect{SA, ack=1001}
expect_after(1000, {SA, ack=1001})
expect_nothing(2000)
state("TIME-WAIT")
expect_nothing(36999)
state("TIME-WAIT")
after(1)
state("CLOSED")
