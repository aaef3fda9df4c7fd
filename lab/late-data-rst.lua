-- SPDX-License-Identifier: BSD-2-Clause
-- A crafted end sends data after our close(), in FIN_WAIT_1 and FIN_WAIT_2.
about{
  title = "Data that comes after close()",
  claims = {{id = "C18", verdict = "PART", who = "short explanations of close()",
    says = "close() means that we have nothing more to send, and no more than that."}},
}

local function late(state)
  local a, p = host "A", craft "B"
  local c = a:connect(p, 80)
  local t = crafted_accept(p, a)
  c:send "hello"
  run(0.05)
  t:read()
  t:send "A"
  run(0.05)
  c:close()
  run(0.05)
  t:read()
  if state == "FIN_WAIT_1" then t.ack = t.ack - 1 end
  t:send "A"
  run(0.05)
  local before = c:state()
  t:send("PA", {text = "too late"})
  run(0.1)
  local got = t:read()
  return {before = before, flags = #got > 0 and got[#got].flags or "", after = c:state(),
    count = a:count "TCPAbortOnData", rsts = a:count "OutRsts"}
end

local two = case("in FIN_WAIT_2", function() return late "FIN_WAIT_2" end)
local one = case("in FIN_WAIT_1: our FIN is not yet acknowledged",
  function() return late "FIN_WAIT_1" end)

part("C18", "after close() our side is in FIN_WAIT_1 and FIN_WAIT_2: it has said its last",
  one.before == "FIN_WAIT_1" and two.before == "FIN_WAIT_2")
part("C18", "what the other side sends is still taken",
  not two.flags:find "R" or not one.flags:find "R")
fact("it is met with RST: nobody is there to read it",
  two.flags:find "R" and one.flags:find "R")
fact("the connection is gone, without TIME_WAIT",
  two.after == "CLOSED" and one.after == "CLOSED")
fact("in FIN_WAIT_1 TCPAbortOnData counts it; the FIN_WAIT_2 that nobody owns does not",
  one.count == 1 and two.count == 0 and two.rsts >= 1)
