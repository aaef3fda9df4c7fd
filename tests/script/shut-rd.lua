-- SPDX-License-Identifier: BSD-2-Clause
-- shutdown(rd): the peer is not told, what it sends is acknowledged, and FIN is
-- as ever. Nobody reads it; in profile linux what came can be read all the same.
shake()
call.set("QUICKACK", 1)
call.shutdown("rd")
is(call.read(), "")
inject{PA, data="abc"}
expect{A, seq=1, ack=4}
state("ESTAB")
inject{FA}
expect{A, seq=1, ack=5}
state("CLOSE-WAIT")
if linux then is(call.read(), "abc") end
is(call.read(), "")
call.close()
expect{FA, seq=1, ack=5}
