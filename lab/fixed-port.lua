-- SPDX-License-Identifier: BSD-2-Clause
-- A client binds one port and connects twice, with and without SO_REUSEADDR.
about{
  title = "A client that always connects from one port",
  claims = {{id = "C52", verdict = "PART", who = "articles on what TIME_WAIT costs",
    says = "TIME_WAIT keeps both addresses and ports from being used for its time."}},
}

local function again(reuseaddr, ts)
  local a = host("client", {"net.ipv4.tcp_tw_reuse=0", "net.ipv4.tcp_timestamps=" .. ts})
  local b = host("server", {peer = true})
  local how = {port = 40000, reuseaddr = reuseaddr}
  local c, s, l = opened(a, b, 80, how)
  c:close()
  run(0.05)
  s:close()
  run(0.05)
  local held = c:state()
  local d, why = a:connect(b, 80, how)
  run(0.1)
  return {held = held, ok = d and d:connected(), why = why, count = a:count "TWRecycled"}
end

local plain = case("without SO_REUSEADDR", function() return again(false, 1) end)
local reuse = case("both with SO_REUSEADDR, timestamps", function() return again(true, 1) end)
local no_ts = case("both with SO_REUSEADDR, no timestamps", function() return again(true, 0) end)

part("C52", "the same pair cannot be used again", not plain.ok)
part("C52", "whatever the program asks for", not reuse.ok)
fact("there was TIME_WAIT each time", plain.held == "TIME_WAIT" and reuse.held == "TIME_WAIT" and
  no_ts.held == "TIME_WAIT")
fact("with SO_REUSEADDR on both and timestamps it is taken at once, whatever tcp_tw_reuse says",
  reuse.ok and reuse.count == 1)
fact("without timestamps: EADDRNOTAVAIL", not no_ts.ok and no_ts.why == "EADDRNOTAVAIL")
