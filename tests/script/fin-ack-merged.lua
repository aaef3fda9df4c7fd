-- SPDX-License-Identifier: BSD-2-Clause
-- The peer's FIN acknowledges ours: from FIN_WAIT_1 to TIME_WAIT at once
-- (3.10.7.4, eighth), three segments instead of four.
shake()
call.close()
expect{FA, seq=1}
inject{FA, ack=2}
expect{A, seq=2, ack=2}
state("TIME-WAIT")
