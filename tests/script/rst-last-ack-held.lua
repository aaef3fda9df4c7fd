-- SPDX-License-Identifier: BSD-2-Clause
-- The program has shut down and still holds it: RST in LAST_ACK is told (A1).
shake()
inject{FA}
expect{A, ack=2}
call.shutdown("wr")
expect{FA, seq=1}
call.events()
inject{R, seq=2}
state("CLOSED")
check(call.events():find("ERROR"))
is(call.error(), ECONNRESET)
