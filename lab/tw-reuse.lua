-- SPDX-License-Identifier: BSD-2-Clause
-- Eight ports, eight TIME_WAITs, eight connections more, by knob and by age.
about{
  title = "tcp_tw_reuse: who may take a TIME_WAIT's port, and when",
  claims = {
    {id = "C65", verdict = "PART", who = "a recipe against TIME_WAIT that is copied everywhere",
     says = "tcp_tw_reuse=1 lets TIME_WAIT sockets be used for new connections."},
    {id = "C66", verdict = "OLD", who = "the same recipe",
     says = "tcp_tw_reuse is 0, off, by default."},
    {id = "C67", verdict = "PART", who = "articles on tcp_tw_reuse",
     says = "It is for the side that connects, and takes a TIME_WAIT that is older than 1 s, "
       .. "no younger one ever."},
    {id = "C68", verdict = "OK", who = "articles on tcp_tw_reuse",
     says = "tcp_tw_reuse needs timestamps."},
  },
}

-- Eight ports, eight connections that we close first; then eight more.
local function reuse(o)
  local a = host("client", {"net.ipv4.ip_local_port_range=40000 40007",
    o.mode and "net.ipv4.tcp_tw_reuse=" .. o.mode or "net.ipv4.tcp_syncookies=1",
    "net.ipv4.tcp_timestamps=" .. (o.ts or 1), "net.ipv4.tcp_tw_reuse_delay=" .. (o.delay or 1000)})
  local b = host("server", {peer = true})
  follow(0)
  local l = b:listen(80)
  local default = a:sysctl "net.ipv4.tcp_tw_reuse"
  local function eight()
    local n = 0
    for _ = 1, 8 do
      local c = a:connect(b, 80)
      if c then
        local s = take(l)
        if c:connected() then n = n + 1 end
        c:close()
        run(0.015)
        s:close()
        run(0.025)
      end
    end
    return n
  end
  local first = eight()
  local burst = 0
  for _ = 1, 3 do if a:connect(b, 80) then burst = burst + 1 end end
  if o.wait then run(o.wait) end
  local second = eight()
  return {first = first, burst = burst, second = second, default = default,
    recycled = a:count "TWRecycled", tw = a:states().TIME_WAIT}
end

local function server_side()
  local a, b = host("client", {"net.ipv4.tcp_tw_reuse=1"}), host("server", {peer = true})
  follow(0)
  local c, s = opened(a, b)
  s:close()
  run(0.05)
  c:close()
  run(1.5)
  opened(a, b, 81)
  return b:states().TIME_WAIT
end

local off = case("tcp_tw_reuse=0", function() return reuse{mode = 0, wait = 1.2} end)
local on = case("tcp_tw_reuse=1", function() return reuse{mode = 1, wait = 1.2} end)
local early = case("tcp_tw_reuse=1, 200 ms later", function() return reuse{mode = 1, wait = 0.2} end)
local young = case("tcp_tw_reuse=1, tcp_tw_reuse_delay=100, 200 ms later", function()
  return reuse{mode = 1, wait = 0.2, delay = 100} end)
local two = case("tcp_tw_reuse=2, not over loopback", function() return reuse{mode = 2, wait = 1.2} end)
local no_ts = case("tcp_tw_reuse=1, no timestamps", function()
  return reuse{mode = 1, ts = 0, wait = 1.2} end)
local untouched = case("as it comes", function() return reuse{wait = 1.2} end)
local server = case("TIME_WAITs of a server that closes first", server_side)

part("C65", "for connections that we open, older than a second",
  on.second == 8 and on.recycled >= 8 and off.second == 0)
part("C65", "for those of a server, too", server == 0)
part("C66", "so it comes", untouched.default == "0")
was("C66", "so it was: with 0 nothing is reused", off.second == 0 and off.recycled == 0)
part("C67", "for the side that connects", on.second == 8 and server == 1)
part("C67", "after a second", on.second == 8 and on.burst == 0)
part("C67", "a younger one never, whatever is set", young.second + young.burst == 0)
part("C68", "without timestamps nothing is reused", no_ts.second == 0 and no_ts.recycled == 0)
fact("by default it is 2: over loopback only", untouched.default == "2" and
  untouched.second == 0 and two.second == 0)
fact("200 ms later there are fewer than eight to be had",
  early.second + early.burst < 8 or on_kernel()) -- real time: some are older
