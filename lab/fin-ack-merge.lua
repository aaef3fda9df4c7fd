-- SPDX-License-Identifier: BSD-2-Clause
-- A crafted end answers FIN with FIN,ACK in one segment.
about{
  title = "FIN and ACK in one segment",
  claims = {{id = "C20", verdict = "OK", who = "short explanations of TIME_WAIT",
    says = "Who sent FIN first goes to TIME_WAIT on the other's FIN; the other side is "
      .. "closed by the last ACK."}},
}

local seen = case("the other side's FIN acknowledges ours", function()
  local a, p = host "A", craft "B"
  local c = a:connect(p, 80)
  local t = crafted_accept(p, a)
  c:close()
  run(0.02)
  t:read()
  t:send "FA"
  run(0.1)
  local last = t:read()
  local two = passed(a, "FIN_WAIT_2") or passed(a, "TIME_WAIT")
  return {path = path_of(a), spent = passed(a, "TIME_WAIT") - two, last = last[#last].flags, right = last[#last].ack == t.seq}
end)

part("C20", "its FIN puts us into TIME_WAIT", seen.path:find "TIME_WAIT$")
part("C20", "our last ACK acknowledges that FIN", seen.last == "A" and seen.right)
fact("no time is spent in FIN_WAIT_2",
  seen.spent == 0)
