-- SPDX-License-Identifier: BSD-2-Clause
-- Each of the four segments of a close is lost once.
about{
  title = "A close that loses segments",
  claims = {{id = "C19", verdict = "WRONG", who = "short explanations of TIME_WAIT",
    says = "A connection is closed properly only if none of the four segments is lost."}},
}

local function close(from, flags)
  local a, b = host "A", host("B", {peer = true})
  local c, s = opened(a, b)
  run(0.1)
  local lost = false
  wire(function(x)
    if not lost and x.from == from and x.flags == flags then
      lost = true
      return "lose"
    end
  end)
  c:close()
  until_true(function() return s:state() == "CLOSE_WAIT" end, 5)
  run(0.1)
  s:close()
  run(3)
  return {lost = lost, a = c:state(), b = s:state(), again = #sent("A", "FA") + #sent("B", "FA"),
    error = c:error() or s:error()}
end

local first = case("A's FIN is lost", function() return close("A", "FA") end)
local ack = case("the ACK of A's FIN is lost", function() return close("B", "A") end)
local second = case("B's FIN is lost", function() return close("B", "FA") end)
local last = case("the last ACK is lost", function() return close("A", "A") end)

local all, again = true, true
for _, x in ipairs{first, ack, second, last} do
  all = all and x.lost and x.a == "TIME_WAIT" and x.b == "CLOSED" and not x.error
  again = again and (x.again == 3 or x == ack)
end
part("C19", "with one of the four lost it was not closed properly", not all)
fact("whichever is lost: TIME_WAIT here, CLOSED there, no error", all)
fact("the FIN goes again", again)
