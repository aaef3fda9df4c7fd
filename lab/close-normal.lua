-- SPDX-License-Identifier: BSD-2-Clause
-- One side closes, the other 100 ms later; once the client first, once the server.
about{
  title = "An orderly close, step by step",
  not_on_kernel = "it waits 60 s for TIME_WAIT to end",
  claims = {
    {id = "C1", verdict = "PART", who = "articles on the four-way close",
     says = "A's FIN puts B into CLOSE_WAIT; B answers with ACK and FIN and is closed; "
       .. "A passes FIN_WAIT_1 and FIN_WAIT_2 to TIME_WAIT."},
    {id = "C7", verdict = "OK", who = "articles on TIME_WAIT",
     says = "TIME_WAIT is the active closer's, be it client or server."},
    {id = "C8", verdict = "PART", who = "articles on the four-way close",
     says = "The side that closes sends FIN; the client is then in FIN_WAIT_1."},
    {id = "C9", verdict = "OK", who = "articles on the four-way close",
     says = "Seven steps: FIN_WAIT_1, CLOSE_WAIT, FIN_WAIT_2, LAST_ACK, TIME_WAIT, "
       .. "CLOSED, and CLOSED after 2MSL."},
    {id = "C10", verdict = "OK", who = "articles on the four-way close",
     says = "FIN, ACK, FIN, ACK, TIME_WAIT, then CLOSED after 2MSL."},
    {id = "C15", verdict = "OK", who = "articles on the four-way close",
     says = "Closing takes four segments: FIN, ACK, FIN, ACK."},
    {id = "C16", verdict = "PART", who = "short explanations of TIME_WAIT",
     says = "On the FIN the passive side is closed."},
    {id = "C22", verdict = "WRONG", who = "a list of states that lost a line in copying",
     says = "TIME_WAIT: the other side has begun to close."},
    {id = "C23", verdict = "WRONG", who = "the same list",
     says = "LAST_ACK: waiting for all packets to die off."},
    {id = "C47", verdict = "OK", who = "articles on TIME_WAIT",
     says = "Many TIME_WAITs on a server: it is the server that closes first."},
  },
}

local function close(who)
  local a, b = host "client", host("server", {peer = true})
  local c, s = opened(a, b)
  local first, second = c, s
  if who == "server" then first, second = s, c end
  run(0.08)
  local from = #segments()
  first:close()
  run(0.1)
  local meanwhile = second:state()
  second:close()
  run(0.05)
  local seen = {a = path_of(a), b = path_of(b), meanwhile = meanwhile,
    holder = a:states().TIME_WAIT == 1 and "client" or
      b:states().TIME_WAIT == 1 and "server", segments = {}}
  for i, x in ipairs(segments()) do
    if i > from then seen.segments[#seen.segments + 1] = x.flags end
  end
  seen.segments = table.concat(seen.segments, " ")
  run(65)
  local h = history(who == "client" and a or b)
  seen.lasted = h[#h].t - h[#h - 1].t
  h = history(who == "client" and b or a)
  seen.last_ack = h[#h].t - h[#h - 1].t
  return seen
end

local one = case("the client closes first, the server's program 100 ms later",
  function() return close "client" end)
local two = case("the server closes first, the client's program 100 ms later",
  function() return close "server" end)

local active = "ESTABLISHED FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT"
local passive = "ESTABLISHED CLOSE_WAIT LAST_ACK CLOSED"
part("C1", "the closer passes FIN_WAIT_1 and FIN_WAIT_2 to TIME_WAIT",
  one.a:find(active, 1, true))
part("C1", "the other side is closed at once", one.meanwhile == "CLOSED")
part("C7", "the client closes first: the client has TIME_WAIT",
  one.holder == "client")
part("C7", "the server closes first: the server has TIME_WAIT",
  two.holder == "server")
part("C8", "who closes is in FIN_WAIT_1",
  one.a:find "FIN_WAIT_1" and two.b:find "FIN_WAIT_1")
part("C8", "that is the client, also when the server closes", two.a:find "FIN_WAIT_1")
part("C9", "the closer's four", one.a:find(active, 1, true))
part("C9", "the other side's three", one.b:find(passive, 1, true))
part("C10", "in this order", one.segments == "FA A FA A")
part("C10", "TIME_WAIT lasts a fixed time, then CLOSED",
  math.abs(one.lasted - 60) < 0.1 and math.abs(two.lasted - 60) < 0.1)
part("C15", "four, where both FINs have ACK as well", one.segments == "FA A FA A")
part("C16", "it passes through CLOSED in the end", one.b:find "CLOSED$")
part("C16", "it does so on the FIN", one.meanwhile == "CLOSED")
part("C22", "in TIME_WAIT the other side's FIN came before our own",
  one.a:find "CLOSE_WAIT" or two.b:find "CLOSE_WAIT")
part("C23", "it lasts longer than a round trip", one.last_ack > 0.03)
part("C47", "the server has it when the server closes first", two.holder == "server")
part("C47", "and not when the client does", one.holder ~= "server")
fact("between the two closes the other side is in CLOSE_WAIT",
  one.meanwhile == "CLOSE_WAIT" and two.meanwhile == "CLOSE_WAIT")
fact("its FIN waits until its program closes; then it is in LAST_ACK",
  one.b:find(passive, 1, true) and two.a:find(passive, 1, true))
