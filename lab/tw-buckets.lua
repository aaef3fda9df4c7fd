-- SPDX-License-Identifier: BSD-2-Clause
-- Six closes at a limit of three; and a lost last ACK where the limit is reached.
about{
  title = "tcp_max_tw_buckets: fewer TIME_WAITs by having none",
  claims = {{id = "C76", verdict = "DANGER", who = "a recipe against TIME_WAIT that is copied everywhere",
    says = "Above tcp_max_tw_buckets TIME_WAIT sockets are cleared and a warning is "
      .. "logged; set it to 5000 to be rid of them."}},
}

local function six(limit, lose)
  local a = host("A", {limit and "net.ipv4.tcp_max_tw_buckets=" .. limit})
  local b = host("B", {peer = true})
  follow(lose and 1 or 4)
  local l = b:listen(80)
  local n, errors = lose and 1 or 6, 0
  for _ = 1, n do
    local c = a:connect(b, 80)
    run(0.05)
    local s = take(l)
    c:close()
    run(0.05)
    if lose then
      local lost
      wire(function(x)
        if not lost and x.from == "A" and x.flags == "A" then lost = true return "lose" end
      end)
    end
    s:shutdown()
    run(lose and 1 or 0.05)
    if s:error() then errors = errors + 1 end
  end
  return {tw = a:states().TIME_WAIT, over = a:count "TCPTimeWaitOverflow", errors = errors,
    rst = #sent("A", "R")}
end

local three = case("a limit of 3, six closes", function() return six(3) end)
local plain = case("no such limit, six closes", function() return six() end)
local lost = case("a limit that is reached, and the last ACK is lost", function()
  return six(0, true) end)
local safe = case("no such limit, and the last ACK is lost", function() return six(nil, true) end)

part("C76", "those that are there are cleared", three.tw < 3)
harm("C76", "a close whose last ACK is lost ends in RST and an error, which TIME_WAIT prevents",
  lost.errors == 1 and lost.rst >= 1 and safe.errors == 0)
fact("the limit's TIME_WAITs stay; new ones are not made, and counted in TCPTimeWaitOverflow",
  three.tw <= 3 and three.over >= 3)
fact("without it there are six", plain.tw == 6 and plain.over == 0)
