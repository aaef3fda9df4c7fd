-- SPDX-License-Identifier: BSD-2-Clause
-- The recipe, set line by line, and a server's TIME_WAITs with it and without.
about{
  title = "The recipe against TIME_WAIT, line by line",
  claims = {
    {id = "C79", verdict = "OLD", who = "articles on ports",
     says = "The port range is 32768 to 61000 by default."},
    {id = "C84", verdict = "PART", who = "a recipe against TIME_WAIT that is copied everywhere",
     says = "sysctl -p makes the recipe's lines act."},
    {id = "C85", verdict = "WRONG", who = "articles on keepalive",
     says = "The knob is called tcp_keepalive_intv1."},
    {id = "C86", verdict = "WRONG", who = "the same recipe",
     says = "Many TIME_WAITs are cured by these kernel parameters."},
  },
}

local recipe = {
  {"net.ipv4.tcp_syncookies", "1"}, {"net.ipv4.tcp_tw_reuse", "1"},
  {"net.ipv4.tcp_tw_recycle", "1"}, {"net.ipv4.tcp_fin_timeout", "30"},
  {"net.ipv4.tcp_keepalive_time", "1200"}, {"net.ipv4.ip_local_port_range", "1024 65000"},
  {"net.ipv4.tcp_max_syn_backlog", "8192"}, {"net.ipv4.tcp_max_tw_buckets", "5000"},
}

local N = on_kernel() and 50 or 100

local function closes(with)
  local b, a = host "server", host("client", {peer = true})
  follow(0)
  local range = b:sysctl "net.ipv4.ip_local_port_range"
  local set, refused = 0, {}
  if with then
    for _, line in ipairs(recipe) do
      if b:sysctl(line[1], line[2]) then set = set + 1
      else refused[#refused + 1] = line[1] end
    end
  end
  local _, typo = b:sysctl("net.ipv4.tcp_keepalive_intv1", "75")
  local l = b:listen(80)
  for _ = 1, N do
    local c = a:connect(b, 80)
    local s = take(l)
    s:close()
    run(0.025)
    c:close()
    run(0.025)
  end
  return {set = set, refused = refused, range = range:gsub("%s+", " "), typo = typo,
    tw = b:states().TIME_WAIT}
end

local with = case("with the recipe: a server closes first, " .. N .. " times", function() return closes(true) end)
local without = case("without it", function() return closes(false) end)

part("C79", "so it is", without.range == "32768 61000")
was("C79", "but for the end, which was one of both parities", without.range:find "^32768 ")
part("C84", "seven are set", with.set == 7)
part("C84", "all are", #with.refused == 0)
part("C85", "there is such a knob", not with.typo)
part("C86", "a busy server has fewer TIME_WAITs with them", with.tw < without.tw)
fact("tcp_tw_recycle alone is refused", #with.refused == 1 and
  with.refused[1] == "net.ipv4.tcp_tw_recycle")
fact("as many TIME_WAITs with it as without: one each", with.tw == N and without.tw == N)
fact("the range is 32768 to 60999: 28,232 ports", without.range == "32768 60999")
