-- SPDX-License-Identifier: BSD-2-Clause
-- Nothing but a FIN waits behind a closed window, and it takes a number, too:
-- the window is probed, and the FIN goes when it opens (F2).
shake{rtt=10, win=100}
is(call.send(text(100)), 100)
expect{PA, seq=1, len=100}
after(10)
inject{A, ack=101, win=0}
call.close()
expect_after(210, {A, seq=100})
inject{A, ack=101, win=0}
expect_after(420, {A, seq=100})
state("FIN-WAIT-1")
inject{A, ack=101, win=1}
expect{FA, seq=101}
inject{A, ack=102}
state("FIN-WAIT-2")
