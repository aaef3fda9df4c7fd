-- SPDX-License-Identifier: BSD-2-Clause
-- A SYN that RFC 6191 would let have the pair, and nobody listens: the record
-- stays as it is, and the answer is TIME_WAIT's.
dial{ts={1000, 0}}
call.close()
expect{FA, seq=1}
inject{FA, ack=2}
expect{A, seq=2, ack=2}
inject{S, seq=70000, ts={5000, 0}}
expect{A, seq=2, ack=2}
state("TIME-WAIT")
is(counter("TWReopenedBySyn"), 0)
