-- SPDX-License-Identifier: BSD-2-Clause
-- PAWS (RFC 7323 5.3 R1): an older stamp is refused with an ACK, text each time,
-- and bare ACKs no more often than tcp_invalid_ratelimit.
shake{ts={1000, 0}}
call.set("QUICKACK", 1)
inject{PA, ts={2000}, data="abc"}
expect{A, ack=4, ecr=2000}
inject{PA, ts={1999}, data="old"}
expect{A, ack=4, ecr=2000}
inject{PA, ts={1999}, data="old"}
expect{A, ack=4, ecr=2000}
inject{A, seq=4, ts={1999}}
expect{A, ack=4, ecr=2000}
inject{A, seq=4, ts={1999}}
expect_nothing()
is(counter("PAWSEstab"), 4)
inject{PA, seq=4, ts={2000}, data="new"} -- the same tick is no older
expect{A, ack=7, ecr=2000}
is(call.read(), "abcnew")
inject{R, seq=7, ts={1}} -- an RST is not asked for its age
state("CLOSED")
