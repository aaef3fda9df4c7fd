-- SPDX-License-Identifier: BSD-2-Clause
-- The peer's FIN acknowledges our text, and not our FIN behind it: CLOSING, not
-- TIME_WAIT; the FIN goes again, alone.
shake{rtt=100}
is(call.send("abc"), 3)
call.close()
expect{FPA, seq=1, len=3}
after(10)
inject{FA, ack=4}
expect{A, seq=5, ack=2}
state("CLOSING")
after(600)
expect{FA, seq=4, ack=2, len=0}
inject{A, ack=5}
state("TIME-WAIT")
