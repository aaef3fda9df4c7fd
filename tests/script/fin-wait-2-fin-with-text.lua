-- SPDX-License-Identifier: BSD-2-Clause
-- Text after close() that comes with the FIN is text after close: RST, though
-- all would have been over with it (E10).
shake()
call.close()
expect{FA, seq=1}
inject{A, ack=2}
inject{FPA, data="late"}
expect{R, seq=2}
state("CLOSED")
