-- SPDX-License-Identifier: BSD-2-Clause
-- Timestamps are for both or for none: what the SYN has not, no segment of ours
-- has; what comes all the same is ignored (RFC 7323 3.2).
shake()
call.set("QUICKACK", 1)
inject{PA, ts={5000, 0}, data="a"}
expect{A, ack=2, ts=false}
inject{PA, ts={1, 0}, data="b"} -- no PAWS either
expect{A, ack=3, ts=false}
is(call.read(), "ab")
