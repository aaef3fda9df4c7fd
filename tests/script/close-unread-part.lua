-- SPDX-License-Identifier: BSD-2-Clause
-- One byte of it unread is enough; all of it read is FIN. Also in CLOSE_WAIT.
for port, most in pairs{[4001]=5, [4002]=6} do
  peer(port)
  shake()
  inject{FPA, data="unread"}
  expect{A, ack=8}
  is(#call.read(most), most)
  call.close()
  if most == 5 then
    expect{RA, seq=1, ack=8}
    state("CLOSED")
  else
    expect{FA, seq=1, ack=8}
    state("LAST-ACK")
  end
end
is(counter("TCPAbortOnClose"), 1)
