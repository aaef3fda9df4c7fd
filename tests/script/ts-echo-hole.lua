-- SPDX-License-Identifier: BSD-2-Clause
-- RFC 7323 4.3 (B), (C): what comes behind a gap is not echoed; the ACKs echo
-- the last that was in order. What fills the gap is echoed itself.
shake{ts={1000, 0}, sackok=true}
call.set("QUICKACK", 1)
inject{PA, seq=1, ts={1001}, len=10}
expect{A, ack=11, ecr=1001}
inject{PA, seq=21, ts={1002}, len=10}
expect{A, ack=11, ecr=1001, sack={{21, 31}}}
inject{PA, seq=31, ts={1003}, len=10}
expect{A, ack=11, ecr=1001, sack={{21, 41}}}
inject{PA, seq=11, ts={1004}, len=10}
expect{A, ack=41, ecr=1004}
inject{PA, seq=41, ts={1005}, len=10}
expect{A, ack=51, ecr=1005}
