-- SPDX-License-Identifier: BSD-2-Clause
-- Text for a program that has closed: RST, for nobody will read it (RFC 2525
-- 2.17, SHLD-3). In FIN_WAIT_1.
shake()
call.close()
expect{FA, seq=1}
inject{PA, ack=1, data="too late"}
expect{R, seq=1}
state("CLOSED")
is(counter("TCPAbortOnData"), 1)
