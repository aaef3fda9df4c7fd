-- SPDX-License-Identifier: BSD-2-Clause
-- shutdown(wr), and the peer sends on: we read it all, for as long as it
-- takes. A FIN_WAIT_2 that a program owns has no timer.
sysctl("net.ipv4.tcp_fin_timeout", "5")
shake()
is(call.send("ask"), 3)
call.shutdown("wr")
expect{FPA, seq=1, len=3}
inject{A, ack=5}
state("FIN-WAIT-2")
is(call.send("more"), EPIPE)
expect_nothing(86400 * 1000)
inject{PA, data="one"}
if linux then -- after a pause the first ACK does not wait
  expect{A, seq=5, ack=4}
else
  expect_after(40, {A, seq=5, ack=4})
end
is(call.read(), "one")
expect_nothing(3600 * 1000)
inject{FPA, data="two"}
expect{A, seq=5, ack=8}
state("TIME-WAIT")
is(call.read(), "two")
is(call.read(), "")
call.close()
state("TIME-WAIT")
