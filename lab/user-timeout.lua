-- SPDX-License-Identifier: BSD-2-Clause
-- Keepalive and a byte under way, towards a host without power.
about{
  title = "Keepalive with data under way: other rules",
  not_on_kernel = "tcp_retries2 takes a quarter of an hour",
  claims = {{id = "C94", verdict = "OK", who = "tcp(7), RFC 5482",
    says = "While data is not acknowledged keepalive sends nothing: retransmission decides, "
      .. "about 15 minutes by tcp_retries2, or TCP_USER_TIMEOUT."}},
}

local function silence(timeout)
  local a, b = host "A", host("B", {peer = true})
  local c = opened(a, b)
  c:set("keepalive", 1)
  c:set("keepidle", 10)
  c:set("keepintvl", 1)
  c:set("keepcnt", 3)
  if timeout then c:set("user_timeout", timeout) end
  run(0.1)
  b:crash()
  c:send "hello?"
  local from = now()
  until_true(function() return c:error() end, 3600, 0.5)
  local probes = 0
  for _, x in ipairs(sent "A") do if x.probe then probes = probes + 1 end end
  return {took = now() - from, error = c:error(), probes = probes}
end

local plain = case("keepalive of 13 s, and a byte that nobody acknowledges",
  function() return silence() end)
local own = case("with TCP_USER_TIMEOUT of 20 s", function() return silence(20000) end)

part("C94", "not one probe", plain.probes == 0)
part("C94", "ETIMEDOUT after some 15 minutes", plain.error == "ETIMEDOUT" and
  plain.took > 14 * 60 and plain.took < 17 * 60)
part("C94", "TCP_USER_TIMEOUT: after 20 s", own.error == "ETIMEDOUT" and
  own.took > 15 and own.took < 30)
