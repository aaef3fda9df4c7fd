-- SPDX-License-Identifier: BSD-2-Clause
-- abort() (3.10.5): RST from ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2 and CLOSE_WAIT;
-- nothing in CLOSING and LAST_ACK, where both have said all.
local function open(port)
  peer(port)
  shake()
end
open(4001)
call.abort()
expect{RA, seq=1, ack=1}
state("CLOSED")
open(4002)
call.shutdown("wr")
expect{FA, seq=1}
call.abort()
expect{RA, seq=2, ack=1}
state("CLOSED")
open(4003)
call.shutdown("wr")
expect{FA, seq=1}
inject{A, ack=2}
call.abort()
expect{RA, seq=2, ack=1}
state("CLOSED")
open(4004)
inject{FA}
expect{A, ack=2}
call.abort()
expect{RA, seq=1, ack=2}
state("CLOSED")
open(4005)
call.shutdown("wr")
expect{FA, seq=1}
inject{FA, ack=1}
expect{A, ack=2}
state("CLOSING")
call.abort()
expect_nothing()
state("CLOSED")
open(4006)
inject{FA}
expect{A, ack=2}
call.shutdown("wr")
expect{FA, seq=1}
state("LAST-ACK")
call.abort()
expect_nothing()
state("CLOSED")
is(counter("TW"), 0)
