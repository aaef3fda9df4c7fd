-- SPDX-License-Identifier: BSD-2-Clause
-- In LAST_ACK the peer sends its FIN again: it did not get our ACK. It gets
-- another one, and the FIN's own timer goes on.
shake{rtt=10}
inject{FA}
expect{A, ack=2}
call.close()
expect{FA, seq=1, ack=2}
after(100)
inject{FA, seq=1, ack=1}
expect{A, seq=2, ack=2}
expect_after(110, {FA, seq=1, ack=2})
inject{A, ack=2}
state("CLOSED")
