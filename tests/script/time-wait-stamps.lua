-- SPDX-License-Identifier: BSD-2-Clause
-- The ACK of TIME_WAIT has the pair's own clock, which goes on, and echoes the
-- newest stamp that came in order: also that of the FIN that comes again.
shake{ts={1000, 0}}
call.close()
expect{FA, seq=1, ts={0, 1000}}
inject{FA, ack=2, ts={1500, 0}}
expect{A, seq=2, ack=2, ts={0, 1500}}
after(10000)
inject{FA, seq=1, ack=2, ts={11500, 0}}
expect{A, seq=2, ack=2, ts={10000, 11500}}
inject{FA, seq=1, ack=2, ts={11500, 0}} -- the same tick is not older
expect{A, seq=2, ack=2, ts={10000, 11500}}
is(counter("TWFinAgain"), 2)
after(10000)
inject{A, seq=2, ack=2, ts={21500, 0}} -- no answer, but the stamp is taken
expect_nothing()
inject{FA, seq=1, ack=2, ts={21499, 0}}
expect{A, seq=2, ack=2, ts={20000, 21500}}
