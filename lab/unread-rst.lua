-- SPDX-License-Identifier: BSD-2-Clause
-- close() with and without data that nobody has read.
about{
  title = "close() with unread data",
  claims = {{id = "C12", verdict = "OK", who = "RFC 1122 4.2.2.13, RFC 2525 2.17",
    says = "A program that closes without having read all that came resets the "
      .. "connection: there is no TIME_WAIT, and the other side hears of it."}},
}

local function close(read)
  local a, b = host "A", host("B", {peer = true})
  local c, s = opened(a, b)
  s:send "nobody reads this"
  run(0.1)
  if read then c:recv() end
  c:close()
  run(0.1)
  return {rst = #sent("A", "RA") + #sent("A", "R"), fin = #sent("A", "FA"),
    tw = a:states().TIME_WAIT + a:states().FIN_WAIT_2, error = s:error(),
    count = a:count "TCPAbortOnClose"}
end

local unread = case("nothing was read", function() return close(false) end)
local read = case("all was read", function() return close(true) end)

part("C12", "RST, and no FIN", unread.rst == 1 and unread.fin == 0)
part("C12", "nothing is left of it", unread.tw == 0)
part("C12", "the other program gets ECONNRESET", unread.error == "ECONNRESET")
fact("TCPAbortOnClose counts it", unread.count == 1 and read.count == 0)
fact("with everything read the same close() is an orderly one",
  read.rst == 0 and read.fin == 1 and not read.error)
