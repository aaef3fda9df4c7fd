-- SPDX-License-Identifier: BSD-2-Clause
-- Five clients at a listener that accepts nobody, by backlog and by knob.
about{
  title = "Which queue is full: SYNs, or connections that nobody accepts",
  claims = {{id = "C82", verdict = "OLD", who = "a recipe against TIME_WAIT that is copied everywhere",
    says = "tcp_max_syn_backlog, 1024 by default, is what limits the connections that "
      .. "wait."}},
}

local function five(knob, backlog)
  local b, a = host("server", {knob}), host("client", {peer = true})
  follow(3)
  local default = tonumber(b:sysctl "net.ipv4.tcp_max_syn_backlog")
  local l = b:listen(80, {backlog = backlog})
  local c = {}
  for i = 1, 5 do
    c[i] = a:connect(b, 80)
    run(0.05)
  end
  run(4)
  local n = 0
  while l:accept() do n = n + 1 end
  return {accepted = n, overflows = b:count "ListenOverflows", drops = b:count "ListenDrops",
    default = default}
end

local small = case("listen() with a backlog of 1, five clients", function() return five(nil, 1) end)
local large = case("tcp_max_syn_backlog=8192, a backlog of 1", function()
  return five("net.ipv4.tcp_max_syn_backlog=8192", 1) end)
local wide = case("a backlog of 128", function() return five(nil, 128) end)
local queue = case("a program that never accepts: tcp_max_syn_backlog=2, no cookies", function()
  local b, p = host("server", {"net.ipv4.tcp_max_syn_backlog=2", "net.ipv4.tcp_syncookies=0"}),
    craft "clients"
  follow(4)
  b:listen(80, {backlog = 128})
  for i = 1, 6 do
    p:send{to = b, sport = 40000 + i, dport = 80, flags = "S", seq = 1000 * i}
  end
  run(0.1)
  return b:states().SYN_RECEIVED
end)

part("C82", "1024 by default", small.default == 1024)
part("C82", "a larger one lets more connections wait", large.accepted > small.accepted)
was("C82", "it does limit those that are half open", queue < 6)
fact("the accept queue is full first: the smaller of listen()'s backlog and somaxconn, and one",
  small.accepted == 2 and large.accepted == 2 and wide.accepted == 5)
fact("ListenOverflows and ListenDrops count each SYN that is dropped",
  small.overflows >= 3 and small.drops == small.overflows and wide.overflows == 0)
