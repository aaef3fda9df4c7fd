-- SPDX-License-Identifier: BSD-2-Clause
-- Linux's own 7200 s, 75 s, 9 against a host without power, in virtual time.
about{
  title = "Keepalive: alive, rebooted, silent",
  not_on_kernel = "it takes 2 h 11 min 15 s; keepalive-short has smaller numbers",
  claims = {
    {id = "C89", verdict = "PART", who = "articles on keepalive",
     says = "TCP has a keepalive, which probes a connection that is idle."},
    {id = "C90", verdict = "OK", who = "articles on keepalive",
     says = "With 7200 s, 75 s and 9 probes a dead peer is found after 2 h 11 min 15 s."},
  },
}

local function silence(keep)
  local a, b = host "A", host("B", {peer = true})
  local c = opened(a, b)
  if keep then c:set("keepalive", 1) end
  run(0.1)
  local from = now()
  b:crash()
  local died = until_true(function() return c:error() end, 3 * 3600, 1)
  return {died = died, after = (now() - from), error = c:error(), state = c:state(),
    probes = #sent "A" - 2}
end

local with = case("SO_KEEPALIVE; B loses power", function() return silence(true) end)
local without = case("the same without SO_KEEPALIVE: three hours", function() return silence(false) end)

part("C89", "it probes where the program has set SO_KEEPALIVE", with.probes >= 9)
part("C89", "and where it has not", without.probes > 0)
part("C90", "7200 + 9 * 75 = 7875 seconds", with.died and math.abs(with.after - 7875) < 1.5)
fact("ETIMEDOUT after nine probes and a RST", with.error == "ETIMEDOUT" and with.probes == 10)
fact("without the option the connection stays ESTABLISHED for ever",
  without.state == "ESTABLISHED")
