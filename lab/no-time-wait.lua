-- SPDX-License-Identifier: BSD-2-Clause
-- Six ways to close first and have no TIME_WAIT.
about{
  title = "Closing first without TIME_WAIT: six ways",
  claims = {{id = "C46", verdict = "WRONG", who = "short explanations of TIME_WAIT",
    says = "Every side that closes first passes through TIME_WAIT."}},
}

local function close(how, knob)
  local a, b = host("A", {knob}), host("B", {peer = true})
  local c, s = opened(a, b)
  if how == "unread" then s:send "x" run(0.1) end
  if how == "linger" then c:set("linger", 1, 0) end
  if how == "linger2" then c:set("linger2", -1) end
  c:close()
  run(how == "fin_timeout" and 4 or 0.05)
  if how == "reset" then s:abort() else s:close() end
  run(0.1)
  return passed(a, "TIME_WAIT") ~= nil
end

local plain = case("none of them", function() return close "none" end)
local found = {
  case("SO_LINGER with 0 seconds", function() return close "linger" end),
  case("data that was not read", function() return close "unread" end),
  case("the other side resets", function() return close "reset" end),
  case("tcp_max_tw_buckets is reached", function()
    return close("buckets", "net.ipv4.tcp_max_tw_buckets=0") end),
  case("TCP_LINGER2 below 0", function() return close "linger2" end),
  case("FIN_WAIT_2 is over before the other side closes", function()
    return close("fin_timeout", "net.ipv4.tcp_fin_timeout=2") end),
}

local with = 0
for i = 1, 6 do if found[i] then with = with + 1 end end
part("C46", "in all six it does", with == 6)
fact("in none of the six there is TIME_WAIT; in a plain close there is",
  with == 0 and plain)
