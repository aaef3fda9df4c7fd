-- SPDX-License-Identifier: BSD-2-Clause
-- The same in an orphan's FIN_WAIT_2, where but a record is left: RST with the
-- SEQ of the peer's ACK (E10).
shake()
call.close()
expect{FA, seq=1}
inject{A, ack=2}
inject{PA, data="too late"}
expect{R, seq=2}
state("CLOSED")
