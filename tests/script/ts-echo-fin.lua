-- SPDX-License-Identifier: BSD-2-Clause
-- The closing segments echo as all others: FIN, and the ACK of the peer's FIN.
shake{ts={1000, 0}}
inject{A, ts={1500}, ack=1}
call.close()
expect{FA, seq=1, ts={0, 1500}}
after(50)
inject{A, ack=2, ts={1550}}
after(50)
inject{FA, ack=2, ts={1600}}
expect{A, seq=2, ack=2, ts={100, 1600}}
