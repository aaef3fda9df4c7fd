-- SPDX-License-Identifier: BSD-2-Clause
-- PAWS in TIME_WAIT (RFC 7323 5.3 R1): an old stamp is answered, with the newest
-- one echoed. The time goes on; in profile linux it begins anew (E3).
shake{ts={1000, 0}}
call.close()
expect{FA, seq=1}
inject{FA, ack=2, ts={2000}}
expect{A, seq=2, ack=2, ecr=2000}
after(30000)
inject{PA, seq=1, ts={1999}, data="x"}
expect{A, seq=2, ack=2, ts={30000, 2000}}
inject{FA, seq=1, ts={1000}} -- not the FIN again: an old one
expect{A, seq=2, ack=2, ts={30000, 2000}}
is(counter("PAWSTimewait"), 2)
expect_nothing(30000)
state(linux and "TIME-WAIT" or "CLOSED")
