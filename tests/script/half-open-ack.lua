-- SPDX-License-Identifier: BSD-2-Clause
-- In SYN_RECEIVED an ACK of anything else than our SYN gets RST (3.10.7.4,
-- fifth), and the handshake goes on.
listen(80)
inject{S, seq=0}
expect{SA, seq=0, ack=1}
inject{A, seq=1, ack=2}
expect{R, seq=2}
inject{A, seq=1, ack=0}
expect{R, seq=0}
inject{A, seq=1, ack=1}
state("ESTAB")
