-- SPDX-License-Identifier: BSD-2-Clause
-- close() with text in the queue: all of it goes first, as the window lets it,
-- and FIN with the last of it (3.9.1.4).
shake{win=2 * mss}
is(call.send(text(3 * mss + 100)), 3 * mss + 100)
call.close()
state("FIN-WAIT-1")
expect{A, seq=1, len=mss}
expect{linux and PA or A, seq=mss + 1, len=mss}
inject{A, ack=2 * mss + 1, win=mss}
expect{A, seq=2 * mss + 1, len=mss}
inject{A, ack=3 * mss + 1, win=mss}
expect{FPA, seq=3 * mss + 1, len=100}
inject{A, ack=3 * mss + 102}
state("FIN-WAIT-2")
