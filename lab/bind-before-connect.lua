-- SPDX-License-Identifier: BSD-2-Clause
-- Eight ports in TIME_WAIT, then bind() with and without IP_BIND_ADDRESS_NO_PORT.
about{
  title = "bind() before connect(): one port for all destinations",
  not_on_stack = "lull has no bind() that chooses a port before it knows for whom",
  claims = {{id = "C53", verdict = "PART", who = "articles on TIME_WAIT",
    says = "TIME_WAIT blocks only that very pair of addresses."}},
}

local function bind(no_port)
  local a = host("client", {"net.ipv4.ip_local_port_range=40000 40007"})
  local b, c = host("server", {peer = true}), host("another server", {peer = true})
  follow(1)
  local l, l2 = b:listen(80), c:listen(80)
  for _ = 1, 8 do
    local s = a:connect(b, 80)
    run(0.06)
    local t = take(l)
    s:close()
    run(0.03)
    if t then t:close() end
    run(0.03)
  end
  local same, why = a:connect(b, 80, {bind = true, no_port = no_port})
  local other, why2 = a:connect(c, 80, {bind = true, no_port = no_port})
  run(0.06)
  return {same = same, why = why, other = other and other:connected(), why2 = why2}
end

local plain = case("bind(address, 0)", function() return bind(false) end)
local late = case("with IP_BIND_ADDRESS_NO_PORT", function() return bind(true) end)

part("C53", "towards the same server there is no port", not plain.same and not late.same)
part("C53", "another server can be reached", plain.other)
fact("bind() itself fails, with EADDRINUSE, for any destination",
  plain.why == "EADDRINUSE" and plain.why2 == "EADDRINUSE")
fact("with IP_BIND_ADDRESS_NO_PORT the port is chosen in connect(): others can be reached",
  late.why == "EADDRNOTAVAIL" and late.other)
