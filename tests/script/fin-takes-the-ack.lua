-- SPDX-License-Identifier: BSD-2-Clause
-- An ACK that waits leaves with the FIN: one segment, not two.
shake()
inject{PA, data="bye"}
if linux then expect{A, ack=4} end
is(call.read(), "bye")
call.close()
expect{FA, seq=1, ack=4}
expect_nothing(100)
