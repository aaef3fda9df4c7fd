-- SPDX-License-Identifier: BSD-2-Clause
-- The gap is filled by a segment with an earlier stamp than TS.Recent's
-- successors had: it is in the window and not older than TS.Recent, so its own
-- is echoed (RFC 7323 4.3 (3)).
shake{ts={1000, 0}, sackok=true}
call.set("QUICKACK", 1)
inject{PA, seq=11, ts={1009}, len=10}
expect{A, ack=1, ecr=1000, sack={{11, 21}}}
inject{PA, seq=1, ts={1005}, len=10}
expect{A, ack=21, ecr=1005}
