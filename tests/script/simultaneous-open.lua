-- SPDX-License-Identifier: BSD-2-Clause
-- Both open at once (3.5, figure 8): the SYN-ACKs cross, and each acknowledges
-- the other's SYN. That is all there is to it: no challenge, and no waiting.
call.connect(4000)
expect{S, seq=0}
inject{S, seq=0, ts={1000, 0}, wscale=7}
expect{SA, seq=0, ack=1, ecr=1000}
state("SYN-RECV")
inject{SA, seq=0, ack=1, ts={1010, 0}, wscale=7}
state("ESTAB")
expect{A, seq=1, ack=1, ecr=1010}
is(call.events(), "WRITE")
is(counter("TCPSYNChallenge"), 0)
inject{SA, seq=0, ack=1, ts={1010, 0}, wscale=7} -- again: now it is one
expect{A, seq=1, ack=1}
is(counter("TCPSYNChallenge"), 1)
is(call.send("x"), 1)
expect{PA, seq=1, data="x"}
