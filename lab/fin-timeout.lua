-- SPDX-License-Identifier: BSD-2-Clause
-- FIN_WAIT_2 with and without a program, with tcp_fin_timeout=3 and TCP_LINGER2.
about{
  title = "tcp_fin_timeout: FIN_WAIT_2 that nobody owns",
  claims = {{id = "C75", verdict = "PART", who = "a recipe against TIME_WAIT, and manuals",
    says = "tcp_fin_timeout is how long a connection that we closed stays in FIN_WAIT_2."}},
}

local function wait(end_, knob, how)
  local a, p = host("A", {knob}), craft "B"
  local c = a:connect(p, 80)
  local t = crafted_accept(p, a)
  if how then c:set("linger2", how) end
  if end_ == "close" then c:close() else c:shutdown() end
  run(0.05)
  t:read()
  t:send "A"
  run(0.05)
  local begun = now()
  local state = c:state()
  local over = until_true(function() return c:state() ~= "FIN_WAIT_2" end, 8, 0.05)
  local kind = c:timer()
  return {state = state, over = over, lasted = now() - begun, timer = kind,
    linger = a:count "TCPAbortOnLinger"}
end

local three = "net.ipv4.tcp_fin_timeout=3"
local closed = case("close(), tcp_fin_timeout=3; the other side is silent",
  function() return wait("close", three) end)
local held = case("shutdown(WR): the program still has the socket",
  function() return wait("shutdown", three) end)
local own = case("close() with TCP_LINGER2=1", function() return wait("close", three, 1) end)

part("C75", "after close() it ends after that time",
  closed.state == "FIN_WAIT_2" and closed.over and closed.lasted > 2.7 and closed.lasted < 3.5)
part("C75", "also when the program has shut down and still holds the socket", held.over)
fact("a FIN_WAIT_2 with a program has no timer: it stays",
  held.state == "FIN_WAIT_2" and not held.over and held.timer == "none")
fact("TCP_LINGER2 sets it for one socket", own.over and own.lasted > 0.7 and own.lasted < 1.6)
