-- SPDX-License-Identifier: BSD-2-Clause
-- Two crafted clients behind one NAT; the wire plays the rule that Linux had.
about{
  title = "Museum: tcp_tw_recycle behind a NAT",
  not_on_kernel = "the knob has gone from Linux in 4.12; its rule is played by the wire here",
  claims = {
    {id = "C71", verdict = "DANGER", who = "a recipe against TIME_WAIT that is copied everywhere",
     says = "tcp_tw_recycle=1 recycles TIME_WAIT fast."},
    {id = "C72", verdict = "OK", who = "articles on tcp_tw_recycle",
     says = "With it, SYNs of clients behind one NAT are dropped in silence when their "
       .. "timestamps are lower; connecting times out."},
  },
}

-- The rule that was removed: for 60 s a SYN whose timestamp is below the last
-- one of that address is dropped, before any listener sees it.
local function recycle(server)
  local last, at, dropped = nil, nil, 0
  wire(function(x)
    if x.to ~= server or not x.ts then return end
    if x.flags == "S" and last and x.ts < last and x.t - at < 60 then
      dropped = dropped + 1
      return "lose"
    end
    if not last or x.ts >= last then last, at = x.ts, x.t end
  end)
  return function() return dropped end
end

local function two_clients(rule)
  local nat, b = craft "NAT", host "server"
  follow(2, {ts = true})
  local l = b:listen(80)
  local dropped = rule and recycle "server" or function() return 0 end
  note(nat, "client 1, up for an hour")
  local one = crafted_connect(nat, b, {sport = 40001, ts = 3600000})
  local s = l:accept()
  s:close()
  run(0.05)
  one:read()
  one:send "FA"
  run(0.5)
  note(nat, "client 2, just started")
  local begun, two = now(), nil
  for _, wait in ipairs{1, 2, 4, 8, 16, 32} do
    local t = crafted_connect(nat, b, {sport = 40002, seq = 77000, ts = 1000})
    if l:accept() then
      two = now() - begun
      break
    end
    run(wait - 0.07)
  end
  return {took = two, dropped = dropped()}
end

local with = case("with the rule", function() return two_clients(true) end)
local without = case("without it", function() return two_clients(false) end)
local knob = case("the knob today", function()
  local a = host "A"
  local ok, why = a:sysctl("net.ipv4.tcp_tw_recycle", "1")
  return {ok = ok, why = why}
end)

part("C71", "the knob does so", knob.ok)
harm("C71", "where it did, a second client behind the same NAT could not connect",
  not with.took or with.took > 30)
part("C72", "the second client's SYNs are dropped, and nothing comes back", with.dropped >= 5)
part("C72", "it cannot connect within half a minute", not with.took or with.took > 30)
fact("without the rule it connects at once", without.took and without.took < 0.2)
fact("the knob is refused today", knob.why ~= nil)
