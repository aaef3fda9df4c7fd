-- SPDX-License-Identifier: BSD-2-Clause
-- Four kinds of crafted SYN for a pair in TIME_WAIT (RFC 6191).
about{
  title = "A SYN for a pair in TIME_WAIT",
  claims = {{id = "C38", verdict = "WRONG", who = "short explanations of TIME_WAIT",
    says = "TCP does not let a connection be opened between two endpoints that are in "
      .. "TIME_WAIT."}},
}

local function syn(o)
  local p, b = craft "client", host "server"
  follow(1, {ts = o.ts})
  local l = b:listen(80)
  local t = crafted_connect(p, b, {seq = 100000, ts = o.ts and 5000})
  local s = l:accept()
  s:close()
  run(0.05)
  t:read()
  t:send "FA"
  run(0.6)
  t:read()
  local old, held = t.ack, s:state()
  t.ts = o.ts
  t:send("S", {seq = t.seq + o.above})
  run(0.05)
  local got = t:read()
  local last = got[#got]
  return {held = held, flags = last and last.flags, isn = last and (last.seq - old) & 0xffffffff,
    paws = o.ts and b:count "PAWSTimewait"}
end

local newer = case("a newer timestamp, a lower number", function()
  return syn{ts = 9000, above = -5000} end)
local older = case("an older timestamp, a higher number", function()
  return syn{ts = 4000, above = 5000} end)
local low = case("no timestamps, a lower number", function() return syn{above = -5000} end)
local high = case("no timestamps, a higher number", function() return syn{above = 5000} end)

part("C38", "every SYN is refused", newer.flags ~= "SA" and high.flags ~= "SA")
fact("all were in TIME_WAIT", newer.held == "TIME_WAIT" and older.held == "TIME_WAIT" and
  low.held == "TIME_WAIT" and high.held == "TIME_WAIT")
fact("a newer timestamp, or without them a higher number, opens it anew (RFC 6191)",
  newer.flags == "SA" and high.flags == "SA")
fact("our own number is then above the old ones",
  newer.isn > 0 and newer.isn < 0x80000000 and high.isn > 0 and high.isn < 0x80000000)
fact("an older timestamp is met with ACK, whatever the number", older.flags == "A")
fact("without timestamps a lower number is, too", low.flags == "A")
