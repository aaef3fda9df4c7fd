-- SPDX-License-Identifier: BSD-2-Clause
-- A crafted end falls silent in LAST_ACK and in FIN_WAIT_1.
about{
  title = "LAST_ACK and FIN_WAIT_1 when nobody answers",
  claims = {{id = "C45", verdict = "OK", who = "articles on TIME_WAIT",
    says = "After a set number of retries of its FIN the server closes."}},
}

local function silence(first)
  local p, b = craft "client", host("server", {"net.ipv4.tcp_orphan_retries=2"})
  local l = b:listen(80)
  local t = crafted_connect(p, b, {seq = 1000})
  local s = l:accept()
  if first == "client" then
    t:send "FA"
    run(0.05)
  end
  s:close()
  run(0.02)
  local state = s:state()
  local over = until_true(function() return s:state() == "CLOSED" end, 8)
  return {state = state, over = over, fins = #sent("server", "FA"),
    count = b:count "TCPAbortOnTimeout"}
end

local last = case("LAST_ACK: the client closed first, and is silent",
  function() return silence "client" end)
local first = case("FIN_WAIT_1: the server closed first", function() return silence "server" end)

part("C45", "in LAST_ACK", last.state == "LAST_ACK" and last.over and last.fins == 3)
part("C45", "in FIN_WAIT_1", first.state == "FIN_WAIT_1" and first.over and first.fins == 3)
fact("one FIN and tcp_orphan_retries more, with growing pauses", last.fins == 3)
