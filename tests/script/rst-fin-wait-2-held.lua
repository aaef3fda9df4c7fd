-- SPDX-License-Identifier: BSD-2-Clause
-- RST in a FIN_WAIT_2 that a program owns: it is told.
shake()
call.shutdown("wr")
expect{FA, seq=1}
inject{A, ack=2}
call.events()
inject{R, seq=1}
state("CLOSED")
check(call.events():find("ERROR"))
is(call.told(), ECONNRESET)
is(call.read(), ECONNRESET)
