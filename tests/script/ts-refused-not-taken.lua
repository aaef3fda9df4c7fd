-- SPDX-License-Identifier: BSD-2-Clause
-- The stamp of a segment outside the window is not taken: else one forged
-- segment would make PAWS refuse all that follow (RFC 7323 5.3 R3).
shake{ts={1000, 0}}
call.set("QUICKACK", 1)
inject{PA, seq=200000, ts={900000}, data="x"}
expect{A, ack=1, ecr=1000}
inject{PA, seq=1, ack=5, ts={900000}, data="x"} -- an ACK of what was not sent
expect{A, ack=1, ecr=1000}
inject{PA, seq=1, ts={1001}, data="abc"}
expect{A, ack=4, ecr=1001}
