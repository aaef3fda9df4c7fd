-- SPDX-License-Identifier: BSD-2-Clause
-- An ACK older than the largest window that the peer ever had (RFC 5961 5.2) is
-- answered with a challenge, and its text is not taken; one within it is.
shake{win=1000}
call.set("QUICKACK", 1)
for i = 1, 3 do
  is(call.send(text(1000)), 1000)
  expect{PA, len=1000}
  inject{A, win=1000}
end
inject{PA, seq=1, ack=2000, data="old", win=1000}
expect{A, seq=3001, ack=1}
is(call.read(), EAGAIN)
inject{PA, seq=1, ack=2001, data="new", win=1000}
expect{A, seq=3001, ack=4}
is(call.read(), "new")
is(refused("AckOld"), 1)
