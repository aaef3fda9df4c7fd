-- SPDX-License-Identifier: BSD-2-Clause
-- A proxy between client and origin; who closes first on each leg is varied.
about{
  title = "A proxy has two sides",
  claims = {{id = "C77", verdict = "WRONG", who = "a recipe against TIME_WAIT that is copied everywhere",
    says = "What to do about TIME_WAIT depends on the product: for Apache and nginx the "
      .. "knobs help, for Squid they do not."}},
}

-- The same program, whatever its name; only who closes first changes.
local function proxy(front, back)
  local p = host("proxy")
  local b, a = host("origin", {peer = true}), host("client", {peer = true})
  local l, lo = p:listen(3128), b:listen(80)
  for _ = 1, 10 do
    local c = a:connect(p, 3128)
    run(0.04)
    local s = take(l)
    local o = p:connect(b, 80)
    run(0.04)
    local os = take(lo)
    local x, y = s, c
    if front == "client" then x, y = c, s end
    x:close()
    run(0.03)
    y:close()
    local u, v = o, os
    if back == "origin" then u, v = os, o end
    u:close()
    run(0.03)
    v:close()
    run(0.03)
  end
  return {proxy = p:states().TIME_WAIT, origin = b:states().TIME_WAIT,
    client = a:states().TIME_WAIT}
end

local both = case("it closes first on both sides", function() return proxy("proxy", "proxy") end)
local back = case("it closes first towards the origin", function() return proxy("client", "proxy") end)
local front = case("it closes first towards the client", function() return proxy("proxy", "origin") end)
local none = case("it closes second", function() return proxy("client", "origin") end)

part("C77", "one and the same program has the same number of TIME_WAITs whoever closes",
  both.proxy == none.proxy)
fact("it has those of the legs on which it closes first: 20, 10, 10, 0",
  both.proxy == 20 and back.proxy == 10 and front.proxy == 10 and none.proxy == 0)
fact("the others are where the close came from", none.origin == 10 and none.client == 10)
