-- SPDX-License-Identifier: BSD-2-Clause
-- A program that never closes, for ten minutes, without and with keepalive.
about{
  title = "CLOSE_WAIT: the program has not closed",
  claims = {
    {id = "C26", verdict = "OK", who = "articles on CLOSE_WAIT",
     says = "CLOSE_WAIT means that the other side has closed, and our program has not."},
    {id = "C95", verdict = "WRONG", who = "88250/solo-blog#67, and practice",
     says = "Lower keepalive times clear CLOSE_WAIT."},
  },
}

local function leak(keep)
  local a, b = host("client", {peer = true}), host "server"
  local c, s = opened(a, b)
  if keep then
    s:set("keepalive", 1)
    s:set("keepidle", 1)
    s:set("keepintvl", 1)
    s:set("keepcnt", 2)
  end
  run(0.1)
  c:shutdown()
  run(on_kernel() and 5 or 600)
  local kept, probes = s:state(), b:count "TCPKeepAlive"
  s:close()
  run(0.2)
  return {kept = kept, probes = probes, after = s:state()}
end

local plain = case("ten minutes without a close()", function() return leak(false) end)
local keep = case("with keepalive, 1 s", function() return leak(true) end)

part("C26", "the other side's FIN leads to it", plain.kept == "CLOSE_WAIT")
part("C26", "our close() ends it", plain.after == "CLOSED" and keep.after == "CLOSED")
part("C95", "it is over", keep.kept ~= "CLOSE_WAIT")
fact("probes were sent, and the other host answered them", keep.probes >= 2)
