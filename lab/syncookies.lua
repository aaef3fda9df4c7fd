-- SPDX-License-Identifier: BSD-2-Clause
-- Ten crafted SYNs at a backlog of three, with and without cookies.
about{
  title = "SYN cookies: for a queue that is full, and nothing else",
  claims = {{id = "C81", verdict = "PART", who = "a recipe against TIME_WAIT that is copied everywhere",
    says = "tcp_syncookies=1 is off by default, helps against small SYN floods, and is part "
      .. "of the cure for TIME_WAIT."}},
}

local function flood(mode)
  local b, p = host("server", {mode and "net.ipv4.tcp_syncookies=" .. mode or
    "net.ipv4.tcp_timestamps=1", "net.ipv4.tcp_max_syn_backlog=4"}), craft "clients"
  follow(4)
  local default = b:sysctl "net.ipv4.tcp_syncookies"
  local l = b:listen(80, {backlog = 3})
  for i = 1, 10 do
    p:send{to = b, sport = 40000 + i, dport = 80, flags = "S", seq = 1000 * i}
  end
  run(0.1)
  local answers = {}
  while true do
    local g = p:got()
    if not g then break end
    if g.flags == "SA" then answers[g.dport] = g.seq end
  end
  local n = 0
  for _ in pairs(answers) do n = n + 1 end
  local last = answers[40010]
  local before = b:states().SYN_RECEIVED
  if last then
    p:send{to = b, sport = 40010, dport = 80, flags = "A", seq = 10001, ack = last + 1}
    run(0.05)
  end
  return {default = default, answers = n, half = before, last = last ~= nil,
    accepted = l:accept() ~= nil, sent = b:count "SyncookiesSent"}
end

local on = case("tcp_syncookies=1: ten SYNs at a backlog of 3", function() return flood(1) end)
local off = case("tcp_syncookies=0: the same", function() return flood(0) end)
local plain = case("as it comes", function() return flood() end)

part("C81", "off by default", plain.default == "0")
part("C81", "with the queue full the tenth client still gets in",
  on.last and on.accepted and on.sent > 0)
part("C81", "without it the tenth SYN is answered, too", off.last)
fact("with cookies nothing is kept for them", on.half < 10 and on.answers == 10)
fact("without, a full queue drops what comes", off.answers < 10 and off.sent == 0)
