-- SPDX-License-Identifier: BSD-2-Clause
-- A client with eight ports, whoever closes first, and a ninth connection.
about{
  title = "Ports that run out",
  claims = {
    {id = "C42", verdict = "PART", who = "articles on TIME_WAIT",
     says = "With many TIME_WAITs no new connections can be made."},
    {id = "C48", verdict = "PART", who = "articles on TIME_WAIT",
     says = "The port is in TIME_WAIT, and cannot be used meanwhile."},
    {id = "C53", verdict = "PART", who = "articles on TIME_WAIT",
     says = "TIME_WAIT blocks only that very pair of addresses."},
    {id = "C59", verdict = "OK", who = "istio/istio#51210, and articles on short connections",
     says = "Many short connections end with no port left."},
  },
}

local function exhaust(o)
  local a = host("client", {"net.ipv4.ip_local_port_range=40000 40007"})
  local b, c = host("server", {peer = true}), host("another server", {peer = true})
  follow(2)
  local l, l2, l3 = b:listen(80), b:listen(81), c:listen(80)
  local made, why = 0, nil
  for _ = 1, 9 do
    local s
    s, why = a:connect(b, 80)
    if s then
      made = made + 1
      run(0.05)
      local t = take(l)
      local first, second = s, t
      if o.server then first, second = t, s end
      first:close()
      run(0.03)
      second:close()
      run(0.03)
    end
  end
  local tw = a:states().TIME_WAIT
  local port = a:connect(b, 81)
  local other = a:connect(c, 80)
  run(0.05)
  return {made = made, why = why, tw = tw, port = port and port:connected(),
    other = other and other:connected()}
end

local client = case("eight ports; the client closes first; nine connections",
  function() return exhaust{} end)
local server = case("the same, and the server closes first",
  function() return exhaust{server = true} end)

part("C42", "the ninth to the same destination fails",
  client.made == 8 and client.why == "EADDRNOTAVAIL")
part("C42", "to all others as well", not client.port)
part("C42", "on the server's side as well", server.made < 9)
part("C48", "none of the eight can be used for the same destination",
  client.why == "EADDRNOTAVAIL")
part("C48", "nor for another one", not client.port and not client.other)
part("C53", "the addresses are tied up, one to another", client.why == "EADDRNOTAVAIL")
part("C53", "also for another port of that server", not client.port)
part("C59", "eight ports, eight TIME_WAITs, and no ninth connection",
  client.tw == 8 and client.why == "EADDRNOTAVAIL")
fact("another port of the same server can be reached, and another server",
  client.port and client.other)
fact("when the server closes first the client runs out of nothing", server.made == 9)
