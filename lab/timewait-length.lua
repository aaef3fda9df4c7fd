-- SPDX-License-Identifier: BSD-2-Clause
-- TIME_WAIT's timer by tcp_fin_timeout, and after a FIN that comes again.
about{
  title = "How long TIME_WAIT lasts, and what does not change it",
  claims = {
    {id = "C32", verdict = "OK", who = "RFC 9293 3.10.7.4",
     says = "A FIN that comes again in TIME_WAIT begins the 2MSL anew."},
    {id = "C35", verdict = "PART", who = "articles on TIME_WAIT",
     says = "Linux sets MSL to 30 seconds, and there is a knob for it."},
    {id = "C74", verdict = "WRONG", who = "a recipe against TIME_WAIT that is copied everywhere",
     says = "tcp_fin_timeout=30 makes TIME_WAIT shorter."},
  },
}

local function close(knob, fin_again)
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
  local kind, left = s:timer()
  if fin_again then
    run(2)
    local _, before = s:timer()
    t:send("FA", {seq = t.seq - 1})
    run(0.05)
    local _, after = s:timer()
    return {before = before, after = after}
  end
  return {kind = kind, left = left}
end

local five = case("tcp_fin_timeout=5", function() return close "net.ipv4.tcp_fin_timeout=5" end)
local sixty = case("tcp_fin_timeout=60", function() return close "net.ipv4.tcp_fin_timeout=60" end)
local more = case("tcp_fin_timeout=120", function() return close "net.ipv4.tcp_fin_timeout=120" end)
local again = case("the FIN comes again after 2 s", function() return close(nil, true) end)
local names = case("knobs of Linux that would set it", function()
  local a = host "A"
  local _, one = a:sysctl "net.ipv4.tcp_timewait_len"
  local _, two = a:sysctl "net.ipv4.tcp_msl"
  return {one = one, two = two}
end)

local function is_60(x) return x.left > 59.5 and x.left <= 60.1 end
part("C32", "the timer begins anew", again.before < 58.5 and again.after > 59.5)
part("C35", "it lasts 60 s, which is twice 30", is_60(sixty))
part("C35", "there is a knob of Linux's for it", not names.one or not names.two)
part("C74", "with a smaller tcp_fin_timeout it is shorter", five.left < 59)
fact("it is 60 s with 5, with 60 and with 120", is_60(five) and is_60(sixty) and is_60(more))
