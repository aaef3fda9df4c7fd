-- SPDX-License-Identifier: BSD-2-Clause
-- A crafted RST with the exact number hits TIME_WAIT, with tcp_rfc1337 0 and 1.
about{
  title = "TIME_WAIT assassinated by a RST",
  claims = {{id = "C39", verdict = "PART", who = "short explanations of TIME_WAIT",
    says = "A new connection between the same endpoints proves that the old one's "
      .. "duplicates have died, since TIME_WAIT was waited out."}},
}

local function rst(knob)
  local p, b = craft "client", host("server", {knob})
  local l = b:listen(80)
  local t = crafted_connect(p, b, {seq = 1000})
  local s = l:accept()
  s:close()
  run(0.05)
  t:read()
  t:send "FA"
  run(0.05)
  t:read()
  local before = s:state()
  t:send "R"
  run(0.05)
  local after = s:state()
  t:send("S", {seq = 500})
  run(0.05)
  local got = t:read()
  return {before = before, after = after, flags = got[#got] and got[#got].flags}
end

local gone = case("tcp_rfc1337=0, Linux's default", function() return rst "net.ipv4.tcp_rfc1337=0" end)
local kept = case("tcp_rfc1337=1", function() return rst "net.ipv4.tcp_rfc1337=1" end)

part("C39", "while TIME_WAIT stands, a SYN with low numbers opens nothing", kept.flags == "A")
part("C39", "a connection opens only after TIME_WAIT was waited out", gone.flags ~= "SA")
fact("one RST with the right number ends TIME_WAIT at once, by default",
  gone.before == "TIME_WAIT" and gone.after == "CLOSED")
fact("tcp_rfc1337=1 ignores it", kept.after == "TIME_WAIT")
