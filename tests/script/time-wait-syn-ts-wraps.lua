-- SPDX-License-Identifier: BSD-2-Clause
-- Timestamps are compared modulo 2^32, as numbers are.
shake{ts={0xfffffff0, 0}}
call.close()
expect{FA, seq=1}
inject{FA, ack=2, ts={0xfffffff0}}
expect{A, seq=2, ack=2, ecr=0xfffffff0}
inject{S, seq=1, ts={0x7ffffff1, 0}} -- 2^31 and a little: earlier
expect{A, seq=2, ack=2}
inject{S, seq=1, ts={5, 0}}
expect{SA, ack=2, ecr=5}
