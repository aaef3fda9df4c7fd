-- SPDX-License-Identifier: BSD-2-Clause
-- Text with FIN behind it goes again as it went; an ACK of the text alone leaves
-- the FIN, with a new RTO.
shake{rtt=100}
is(call.send("abc"), 3)
call.shutdown("wr")
expect{FPA, seq=1, len=3}
after(300)
expect{FPA, seq=1, data="abc"}
inject{A, ack=4}
after(700)
expect{FA, seq=4}
inject{A, ack=5}
state("FIN-WAIT-2")
