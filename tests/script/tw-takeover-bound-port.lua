-- SPDX-License-Identifier: BSD-2-Clause
-- A fixed port and SO_REUSEADDR on both (R2): Linux gives the pair of a TIME_WAIT
-- with timestamps at once; without the option nobody does.
only "linux"
call.connect(4000, 40000, "reuseaddr")
expect{S, seq=0, ours=40000}
inject{SA, seq=0, ts={1000}}
expect{A, ack=1}
call.close()
expect{FA, seq=1}
inject{FA, ack=2}
expect{A, seq=2, ack=2}
is(call.connect(4000, 40000), EADDRNOTAVAIL)
is(type(call.connect(4000, 40000, "reuseaddr")), "number")
local syn = expect{S, ours=40000}
is(syn.seq, 2 + 65537)
is(counter("TWRecycled"), 1)
