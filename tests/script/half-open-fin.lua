-- SPDX-License-Identifier: BSD-2-Clause
-- The peer is done before we were accepted: the ACK brings text and FIN, and the
-- program gets a connection in CLOSE_WAIT with all of it (3.10.7.4, eighth).
listen(80)
inject{S, seq=0}
expect{SA, seq=0, ack=1}
inject{FPA, seq=1, ack=1, data="GET /"}
expect{A, seq=1, ack=7}
state("CLOSE-WAIT")
call.accept()
is(call.read(), "GET /")
is(call.read(), "")
is(call.send("200"), 3)
call.close()
expect{FPA, seq=1, ack=7, data="200"}
inject{A, ack=5}
state("CLOSED")
