-- SPDX-License-Identifier: BSD-2-Clause
-- close() behind 2,000 bytes, towards a crafted end that takes 1,000.
about{
  title = "A FIN behind data that nobody takes",
  claims = {{id = "C11", verdict = "PART", who = "articles on the four-way close",
    says = "close() with data in the send queue sends FIN at once; the data is lost."}},
}

local seen = case("the window is zero", function()
  local a, p = host "A", craft "B"
  local c = a:connect(p, 80)
  local t = crafted_accept(p, a, {wnd = 1000})
  c:send(string.rep("x", 2000))
  run(0.05)
  t:read()
  t.wnd = 0
  t:send "A"
  run(0.05)
  c:close()
  run(2)
  local state, kind = c:state(), c:timer()
  local _, queue = c:queues()
  local fins = #sent("A", "FA")
  t.wnd = 5000
  t:read()
  t:send "A"
  run(0.3)
  t:read()
  t:send "A"
  run(0.1)
  local bytes = 0
  for _, x in ipairs(sent "A") do
    if x.len > 0 and not x.again then bytes = bytes + x.len end
  end
  return {state = state, timer = kind, queue = queue, fins = fins, bytes = bytes,
    probes = a:count "TCPWinProbe", after = #sent("A", "FA"), last = c:state()}
end)

part("C11", "close() leads to FIN_WAIT_1 at once", seen.state == "FIN_WAIT_1")
part("C11", "FIN goes out at once", seen.fins > 0)
part("C11", "the data is lost", seen.bytes < 2000)
fact("data first, then FIN: it waits in the queue, with the persist timer",
  seen.queue >= 1000 and seen.timer == "persist" and seen.probes > 0)
fact("when the window opens all goes, the FIN behind it", seen.bytes == 2000 and seen.after >= 1)
