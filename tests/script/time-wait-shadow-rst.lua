-- SPDX-License-Identifier: BSD-2-Clause
-- RFC 1122 4.2.2.13 (2): the SYN was an old duplicate. Its sender resets us, and
-- the pair is in TIME_WAIT again, for the rest of its time. Linux forgets.
shake()
call.close()
expect{FA, seq=1}
inject{FA, ack=2}
expect{A, seq=2, ack=2}
after(20000)
inject{S, seq=1000}
expect{SA, ack=1001}
state("SYN-RECV")
inject{R, seq=1001}
if linux then
  state("CLOSED")
else
  state("TIME-WAIT")
  inject{FA, seq=1, ack=2} -- as if nothing had happened
  expect{A, seq=2, ack=2}
  after(59999)
  state("TIME-WAIT")
  after(1)
  state("CLOSED")
end
