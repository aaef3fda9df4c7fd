-- SPDX-License-Identifier: BSD-2-Clause
-- A crafted client forgets its connection and opens again; or never answers.
about{
  title = "A SYN for a pair that waits in LAST_ACK",
  claims = {{id = "C43", verdict = "WRONG", who = "articles on TIME_WAIT",
    says = "Without TIME_WAIT the other side stays in LAST_ACK for ever, and answers a new "
      .. "SYN with RST."}},
}

local seen = case("the client has forgotten, and opens again", function()
  local p, b = craft "client", host "server"
  local l = b:listen(80)
  local t = crafted_connect(p, b, {seq = 1000})
  local s = l:accept()
  t:send "FA"
  run(0.05)
  s:close()
  run(0.05)
  t:read()
  local before = s:state()
  t:send("S", {seq = 90000})
  run(0.05)
  local got = t:read()
  local answer = got[#got]
  note(p, "of no connection that is known here")
  t:send("R", {seq = answer.ack})
  run(0.05)
  local after = s:state()
  run(0.9)
  t:read()
  t:send("S", {seq = 90000})
  run(0.05)
  got = t:read()
  return {before = before, flags = answer.flags, after = after,
    again = got[#got] and got[#got].flags, count = b:count "TCPSYNChallenge"}
end)
local alone = case("nobody ever answers: tcp_orphan_retries=3", function()
  local p, b = craft "client", host("server", {"net.ipv4.tcp_orphan_retries=3"})
  local l = b:listen(80)
  local t = crafted_connect(p, b, {seq = 1000})
  local s = l:accept()
  t:send "FA"
  run(0.05)
  s:close()
  local over = until_true(function() return s:state() == "CLOSED" end, 12)
  return {over = over, fins = #sent("server", "FA")}
end)

part("C43", "the SYN is answered with RST", seen.flags:find "R")
part("C43", "LAST_ACK is for ever", not alone.over)
fact("it is answered with a challenge ACK (RFC 5961)",
  seen.before == "LAST_ACK" and seen.flags == "A" and seen.count == 1)
fact("the client's RST ends LAST_ACK; its next SYN is taken",
  seen.after == "CLOSED" and seen.again == "SA")
fact("LAST_ACK of a closed socket ends after tcp_orphan_retries", alone.over and alone.fins == 4)
