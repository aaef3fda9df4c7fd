-- SPDX-License-Identifier: BSD-2-Clause
-- A program is killed: what its stack sends, and when.
about{
  title = "A program that is killed closes its connections",
  claims = {{id = "C92", verdict = "WRONG", who = "articles on keepalive",
    says = "A peer whose program crashed is found out by keepalive, which is answered with "
      .. "RST."}},
}

local function kill(unread)
  local a, b = host "A", host("B", {peer = true})
  local c, s = opened(a, b)
  c:set("keepalive", 1)
  if unread then c:send "nobody reads this" end
  run(0.1)
  local at = now()
  b:kill()
  run(0.1)
  local fin, rst
  for _, x in ipairs(sent "B") do
    if x.t >= at and x.flags == "FA" then fin = x.t end
    if x.t >= at and x.flags:find "R" then rst = x.t end
  end
  return {fin = fin and fin - at, rst = rst and rst - at, probes = a:count "TCPKeepAlive",
    error = c:error(), state = c:state()}
end

local plain = case("all was read", function() return kill(false) end)
local unread = case("something was not read", function() return kill(true) end)

part("C92", "a probe finds it out", plain.probes > 0 or unread.probes > 0)
fact("its kernel sends FIN within milliseconds", plain.fin and plain.fin < 0.05 and
  plain.state == "CLOSE_WAIT")
fact("or RST, if something was not read", unread.rst and unread.rst < 0.05 and
  unread.error == "ECONNRESET")
