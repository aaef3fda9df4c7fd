-- SPDX-License-Identifier: BSD-2-Clause
-- The same requests in HTTP/1.0 and HTTP/1.1: connections, and who holds TIME_WAIT.
about{
  title = "HTTP/1.0 and HTTP/1.1: who closes, how many connections",
  claims = {
    {id = "C60", verdict = "OK", who = "the best of the articles on TIME_WAIT",
     says = "Do not shorten TIME_WAIT: do without needless short connections."},
    {id = "C96", verdict = "OK", who = "articles on TIME_WAIT",
     says = "With HTTP keep-alive there are few connections, and the client closes them."},
    {id = "C97", verdict = "PART", who = "articles on TIME_WAIT",
     says = "Let the other side close, and TIME_WAIT is no problem any more."},
    {id = "C98", verdict = "PART", who = "articles on TIME_WAIT",
     says = "HTTP servers close first, to help weak clients."},
    {id = "C99", verdict = "OLD", who = "articles on sockets",
     says = "HTTP closes after each request."},
  },
}

local N = on_kernel() and 15 or 100

local function ask(n, version)
  local a, b = host "client", host("server", {peer = true})
  local l, made, answers = b:listen(80), 0, 0
  local c, s
  for _ = 1, n do
    if not c then
      c = a:connect(b, 80)
      made = made + 1
      until_true(function() return c:connected() end, 2)
    end
    c:send(version == 10 and "GET / HTTP/1.0\r\n\r\n" or "GET / HTTP/1.1\r\nHost: b\r\n\r\n")
    run(0.012)
    s = s or take(l)
    until_true(function() return s:recv() end, 2, 0.002)
    if version == 10 then
      s:send "HTTP/1.0 200 OK\r\n\r\nhello"
      s:close()
    else
      s:send "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    end
    local text = ""
    until_true(function() text = text .. read_all(c) return text:find "hello" end, 2, 0.002)
    if text:find "hello" then answers = answers + 1 end
    if version == 10 then
      -- The end of the body is the end of the stream.
      c:close()
      run(0.03)
      c, s = nil, nil
    end
  end
  if c then
    c:close()
    run(0.03)
    s:close()
    run(0.03)
  end
  return {made = made, answers = answers, client = a:states().TIME_WAIT,
    server = b:states().TIME_WAIT, segments = #segments()}
end

local one = case("HTTP/1.0: " .. N .. " requests", function() return ask(N, 10) end)
local two = case("HTTP/1.1: " .. N .. " requests", function() return ask(N, 11) end)

part("C60", "the same requests over one connection leave one TIME_WAIT, not one each",
  two.client + two.server == 1 and one.client + one.server == N)
part("C96", "one connection for all", two.made == 1 and two.answers == N)
part("C96", "the client closes it, and has the TIME_WAIT", two.client == 1 and two.server == 0)
part("C97", "who does not close has no TIME_WAIT", one.client == 0 and one.server == N)
part("C97", "then it is nobody's: the other side has none", one.server == 0)
part("C98", "in HTTP/1.0 the server does", one.server == N)
part("C98", "in HTTP/1.1 the server does", two.server > 0)
part("C99", "HTTP/1.1 does", two.made == N)
was("C99", "HTTP/1.0 did: the close is the end of the answer", one.made == N and
  one.answers == N)
fact("the same requests take a fraction of the segments", two.segments * 2 < one.segments)
