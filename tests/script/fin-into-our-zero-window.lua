-- SPDX-License-Identifier: BSD-2-Clause
-- Our window is closed since nobody reads, and the peer's FIN comes: it brings
-- nothing to keep, so it is taken, and the program reads all and then its end.
shake()
call.set("RCVBUF", 4096)
call.set("QUICKACK", 1)
local seq = 1
for i = 1, 100 do
  inject{PA, seq=seq, len=1000}
  local a = expect{A}
  seq = a.ack
  if a.win == 0 then break end
end
inject{FA, seq=seq}
expect{A, ack=seq + 1, win=0}
state("CLOSE-WAIT")
is(#call.read(), seq - 1)
is(call.read(), "")
