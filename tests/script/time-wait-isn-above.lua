-- SPDX-License-Identifier: BSD-2-Clause
-- Who reopens a pair begins above the numbers that it used (3.6.1, MAY-2 (1)):
-- Linux by 65537, lull by a keyed step or by its clock.
shake()
call.close()
expect{FA, seq=1}
inject{FA, ack=2}
expect{A, seq=2, ack=2}
inject{S, seq=1000}
local sa = expect{SA, ack=1001}
if linux then
  is(sa.seq, 2 + 65537)
else
  check(sa.seq > 2 + 65535, "the ISN is too low")
end
renumber(sa)
inject{A, seq=1, ack=1}
state("ESTAB")
is(counter("TWReopenedBySyn"), 1)
