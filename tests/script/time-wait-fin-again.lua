-- SPDX-License-Identifier: BSD-2-Clause
-- The peer did not get our last ACK: its FIN comes again, is acknowledged, and
-- 2MSL begins anew (3.10.7.4, eighth; E1).
shake()
call.close()
expect{FA, seq=1}
inject{FA, ack=2}
expect{A, seq=2, ack=2}
expect_nothing(59000)
inject{FA, seq=1, ack=2}
expect{A, seq=2, ack=2}
inject{FA, seq=1, ack=2} -- a FIN is answered however often it comes
expect{A, seq=2, ack=2}
expect_nothing(59999)
state("TIME-WAIT")
after(1)
state("CLOSED")
is(counter("TWFinAgain"), 2)
