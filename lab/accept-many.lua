-- SPDX-License-Identifier: BSD-2-Clause
-- A server with thousands of connections, then of TIME_WAITs: is the next one served?
about{
  title = "A thousand accepted connections, one port; five thousand TIME_WAITs",
  not_on_kernel = "it takes minutes in real time",
  claims = {
    {id = "C55", verdict = "PART", who = "articles on TIME_WAIT",
     says = "Every connection takes at least one local port."},
    {id = "C56", verdict = "WRONG", who = "articles on TIME_WAIT",
     says = "TIME_WAITs occupy the server, so that new connections are not handled."},
  },
}

local function serve(n, close)
  local b = host "server"
  local a = {host("client", {peer = true, "net.ipv4.ip_local_port_range=1024 65535"})}
  follow(0)
  wire{delay = 0.0001}
  local l = b:listen(80, {backlog = 4096})
  local ports, accepted = {}, 0
  for i = 1, n do
    local c = a[1]:connect(b, 80)
    run(0.0005)
    local s = l:accept()
    if s then
      accepted = accepted + 1
      ports[(s:port())] = true
      if close then
        s:close()
        run(0.0005)
        c:close()
        run(0.0005)
      end
    end
  end
  local used = 0
  for _ in pairs(ports) do used = used + 1 end
  local tw = b:states().TIME_WAIT
  local from = now()
  local c = a[1]:connect(b, 80)
  run(0.0005)
  local s = l:accept()
  return {accepted = accepted, ports = used, tw = tw, more = s ~= nil and c:connected(),
    took = math.floor((now() - from) * 1e6 + 0.5)}
end

local open = case("a thousand at once", function() return serve(1000) end)
local many = case("5,000, which the server closes first", function() return serve(5000, true) end)
local few = case("ten, which the server closes first", function() return serve(10, true) end)

part("C55", "those that we open do", open.accepted == 1000)
part("C55", "those that we accept do", open.ports == 1000)
part("C56", "with 5,000 TIME_WAITs the next connection is not served", not many.more)
fact("a thousand accepted connections have one port of ours", open.ports == 1)
fact("5,000 TIME_WAITs and 5,000 served, and the next as soon as with ten",
  many.tw == 5000 and many.accepted == 5000 and many.more and many.took == few.took)
