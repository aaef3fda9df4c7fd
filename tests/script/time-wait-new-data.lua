-- SPDX-License-Identifier: BSD-2-Clause
-- Text behind the peer's FIN can't be: ACK, and nothing of it is taken.
shake()
call.close()
expect{FA, seq=1}
inject{FA, ack=2}
expect{A, seq=2, ack=2}
inject{PA, seq=2, data="never"}
expect{A, seq=2, ack=2}
state("TIME-WAIT")
is(refused("TimeWaitSeq"), 1)
