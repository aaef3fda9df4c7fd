-- SPDX-License-Identifier: BSD-2-Clause
-- close() with text that nobody has read: RST, not FIN (RFC 2525 2.17), so that
-- the peer knows that it was lost (E9).
shake()
call.set("QUICKACK", 1)
inject{PA, data="unread"}
expect{A, ack=7}
call.close()
expect{RA, seq=1, ack=7}
state("CLOSED")
is(counter("TCPAbortOnClose"), 1)
is(counter("TW"), 0)
