-- SPDX-License-Identifier: BSD-2-Clause
-- An ACK of what was never sent is answered, and its text is dropped
-- (3.10.7.4, fifth). So a forged FIN needs a good ACK, too.
shake()
inject{FA, seq=1, ack=2}
expect{A, seq=1, ack=1}
state("ESTAB")
is(refused("AckUnsent"), 1)
after(500)
inject{FA, seq=1, ack=1}
expect{A, seq=1, ack=2}
state("CLOSE-WAIT")
