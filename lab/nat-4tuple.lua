-- SPDX-License-Identifier: BSD-2-Clause
-- A crafted NAT gives a port in TIME_WAIT to a client with an older clock.
about{
  title = "Behind a NAT, today: the same pair, an older clock",
  claims = {{id = "C73", verdict = "PART", who = "articles on tcp_tw_recycle",
    says = "SYNs with an older timestamp are refused in tcp_timewait_state_process, for a "
      .. "whole address."}},
}

local function again(sport)
  local nat, b = craft "NAT", host "server"
  follow(2, {ts = true})
  local l = b:listen(80)
  local one = crafted_connect(nat, b, {sport = 40001, ts = 900000})
  local s = l:accept()
  s:close()
  run(0.05)
  one:read()
  one:send "FA"
  run(0.7)
  one:read()
  note(nat, "another client")
  nat:send{to = b, sport = sport, dport = 80, flags = "S", seq = one.seq + 70000, ts = 1000}
  run(0.05)
  local got = nat:got()
  return {flags = got and got.flags, count = b:count "PAWSTimewait"}
end

local same = case("the NAT gives it the same port", function() return again(40001) end)
local other = case("the NAT gives it another port", function() return again(40002) end)

part("C73", "an older timestamp in TIME_WAIT is refused", same.flags == "A" and same.count == 1)
part("C73", "on every port of that address", other.flags == "A")
fact("it is refused for this very pair alone; another port is served",
  other.flags == "SA" and other.count == 0)
