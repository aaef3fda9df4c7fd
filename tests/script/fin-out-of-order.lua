-- SPDX-License-Identifier: BSD-2-Clause
-- A FIN behind a gap is not the end yet: the text that is missing comes first.
shake{sackok=true}
call.events()
inject{FPA, seq=4, data="def"}
expect{A, seq=1, ack=1, sack={{4, 8}}}
state("ESTAB")
is(call.read(), EAGAIN)
inject{PA, seq=1, data="abc"}
expect{A, seq=1, ack=8, sack=false}
state("CLOSE-WAIT")
is(call.read(), "abcdef")
is(call.read(), "")
