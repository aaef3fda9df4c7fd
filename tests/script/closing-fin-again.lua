-- SPDX-License-Identifier: BSD-2-Clause
-- In CLOSING the peer sends its FIN again, since our ACK was lost: ACK again,
-- and nothing else (3.10.7.4, first and eighth).
shake()
call.close()
expect{FA, seq=1}
inject{FA, ack=1}
expect{A, seq=2, ack=2}
inject{FA, seq=1, ack=1}
expect{A, seq=2, ack=2}
state("CLOSING")
inject{FA, seq=1, ack=2}
expect{A, seq=2, ack=2}
