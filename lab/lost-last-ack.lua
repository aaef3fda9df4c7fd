-- SPDX-License-Identifier: BSD-2-Clause
-- The last ACK is lost; with TIME_WAIT, and with none (tcp_max_tw_buckets=0).
about{
  title = "What TIME_WAIT is for, the first: the last ACK is lost",
  claims = {
    {id = "C30", verdict = "OK", who = "RFC 9293 3.6.1, and nearly every text on TIME_WAIT",
     says = "If the last ACK is lost the other side sends its FIN again; without TIME_WAIT "
       .. "it would get RST, and its program an error."},
    {id = "C17", verdict = "WRONG", who = "short explanations of TIME_WAIT",
     says = "TIME_WAIT is there to guarantee that all data is delivered."},
  },
}

local function close(knob)
  local a, b = host("A", {knob}), host("B", {peer = true})
  local c, s = opened(a, b)
  run(0.05)
  c:send "the data"
  c:close()
  run(0.1)
  s:recv()
  local lost
  wire(function(x)
    if not lost and x.from == "A" and x.ack == 2 and x.flags == "A" then
      lost = x.t
      return "lose"
    end
  end)
  s:shutdown() -- and it keeps the socket: it wants to know how that ends
  run(2)
  local acked
  for _, x in ipairs(sent "B") do
    if x.ack >= 9 and not acked then acked = x.t end
  end
  return {lost = lost, error = s:error(), b = s:state(), rst = #sent("A", "R"),
    fins = #sent("B", "FA"), tw = passed(a, "TIME_WAIT"), acked = acked, a = path_of(a)}
end

local with = case("with TIME_WAIT", function() return close() end)
local without = case("without: tcp_max_tw_buckets=0", function()
  return close "net.ipv4.tcp_max_tw_buckets=0"
end)

part("C30", "with TIME_WAIT the FIN goes again, is acknowledged again, no error",
  with.lost and with.fins == 2 and with.rst == 0 and not with.error)
part("C30", "without it the FIN is met with RST, and the program gets ECONNRESET",
  without.rst == 1 and without.error == "ECONNRESET")
part("C17", "some data was acknowledged only in TIME_WAIT", with.acked > with.tw)
fact("all data is acknowledged before TIME_WAIT begins; it would go again without it",
  with.acked < with.tw)
fact("with TIME_WAIT the other side is closed in order", with.b == "CLOSED")
