-- SPDX-License-Identifier: BSD-2-Clause
-- FIN comes behind its text: both are acknowledged by one number, and the
-- program reads first, and hears of the end then (3.10.7.4, eighth).
shake()
call.events()
inject{FPA, data="last words"}
expect{A, seq=1, ack=12}
state("CLOSE-WAIT")
is(call.events(), "READ EOF")
is(call.read(4), "last")
is(call.read(), " words")
is(call.read(), "")
is(call.send("answer"), 6)
call.close()
expect{FPA, seq=1, ack=12, data="answer"}
inject{A, ack=8}
state("CLOSED")
