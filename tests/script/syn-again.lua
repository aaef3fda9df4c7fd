-- SPDX-License-Identifier: BSD-2-Clause
-- The SYN again: the same SYN-ACK again, and its own timer goes on.
listen(80)
inject{S, seq=0}
expect{SA, seq=0, ack=1}
after(500)
inject{S, seq=0}
expect{SA, seq=0, ack=1}
inject{A, seq=1, ack=1}
state("ESTAB")
