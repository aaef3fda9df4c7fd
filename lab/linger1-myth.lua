-- SPDX-License-Identifier: BSD-2-Clause
-- The time that TIME_WAIT has left 1.3 s after a close with SO_LINGER 1.
about{
  title = "SO_LINGER with 1 second does not shorten TIME_WAIT",
  claims = {{id = "C62", verdict = "WRONG", who = "kubernetes/kubernetes#115143, and practice",
    says = "SO_LINGER on with 1 second shortens TIME_WAIT to 1 second."}},
}

local function close(linger)
  local a, b = host "A", host("B", {peer = true})
  local c, s = opened(a, b)
  run(0.05)
  if linger then c:set("linger", 1, 1) end
  c:close()
  run(0.05)
  s:close()
  run(1.3)
  local _, left = c:timer()
  return {state = c:state(), left = left}
end

local one = case("SO_LINGER 1, 1: 1.3 s after the close", function() return close(true) end)
local plain = case("without", function() return close(false) end)

part("C62", "after 1.3 s TIME_WAIT is over", one.state ~= "TIME_WAIT")
fact("it has more than 58 s left, as without SO_LINGER",
  one.left > 58 and plain.left > 58 and one.state == "TIME_WAIT")
