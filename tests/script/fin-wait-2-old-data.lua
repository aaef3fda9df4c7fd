-- SPDX-License-Identifier: BSD-2-Clause
-- What has come before is no reason for RST: an orphan's FIN_WAIT_2 answers
-- old text with an ACK, and stays.
shake()
call.set("QUICKACK", 1)
inject{PA, data="hello"}
expect{A, ack=6}
is(call.read(), "hello")
call.close()
expect{FA, seq=1, ack=6}
inject{A, ack=2}
inject{PA, seq=1, data="hello"}
expect{A, seq=2, ack=6}
state("FIN-WAIT-2")
inject{FA}
expect{A, seq=2, ack=7}
state("TIME-WAIT")
