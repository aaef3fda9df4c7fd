-- SPDX-License-Identifier: BSD-2-Clause
-- 40,000 bytes and close(), with SO_LINGER 0 and without.
about{
  title = "SO_LINGER with 0 seconds: no TIME_WAIT, and no promise",
  claims = {{id = "C61", verdict = "OK", who = "articles on SO_LINGER",
    says = "SO_LINGER on with 0 makes close() send RST and pass over TIME_WAIT; that is "
      .. "dangerous, as what was not yet sent is lost."}},
}

local function close(linger)
  local a, b = host "A", host("B", {peer = true})
  local c, s = opened(a, b)
  run(0.05)
  if linger then c:set("linger", 1, 0) end
  local n = c:send(string.rep("x", 40000))
  c:close()
  run(1)
  local text = read_all(s)
  local error = s:error()
  s:close()
  run(0.1)
  return {rst = #sent("A", "RA") + #sent("A", "R"), tw = a:states().TIME_WAIT,
    got = #text, n = n, error = error, count = a:count "TCPAbortOnData",
    other = a:count "TCPAbortOnLinger"}
end

local reset = case("SO_LINGER 1, 0: 40,000 bytes, then close()", function() return close(true) end)
local plain = case("without: the same", function() return close(false) end)

part("C61", "RST, and no TIME_WAIT", reset.rst >= 1 and reset.tw == 0)
part("C61", "data is lost, and the other program hears of it",
  reset.got < reset.n and reset.error == "ECONNRESET")
fact("without it everything arrives, and TIME_WAIT is there", plain.got == plain.n and
  plain.tw == 1 and not plain.error)
fact("the counter is TCPAbortOnData, not TCPAbortOnLinger",
  reset.count == 1 and reset.other == 0)
