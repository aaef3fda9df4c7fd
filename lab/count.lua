-- SPDX-License-Identifier: BSD-2-Clause
-- The segments of a connection, counted, for four kinds of close.
about{
  title = "How many segments a connection takes",
  claims = {
    {id = "C13", verdict = "PART", who = "articles on what a connection costs",
     says = "Opening and closing a connection takes at least seven segments."},
    {id = "C14", verdict = "WRONG", who = "articles on sockets",
     says = "A connection is ended by a three-way handshake, like that which opens it."},
  },
}

local function count(how)
  local a, b = host "client", host("server", {peer = true})
  local c, s = opened(a, b)
  run(0.1)
  local opening = #segments()
  if how == "question" then
    c:send "question"
    run(0.1)
    s:recv()
    s:send "answer"
    s:close()
    run(0.1)
    c:recv()
    c:close()
  elseif how == "reset" then
    c:set("linger", 1, 0)
    c:close()
  else
    c:close()
    if how == "late" then run(0.1) end
    run(0.011)
    s:close()
  end
  run(0.3)
  return {all = #segments(), closing = #segments() - opening}
end

local late = case("the other side closes 100 ms later", function() return count "late" end)
local reset = case("SO_LINGER 0: reset", function() return count "reset" end)
local question = case("one question, one answer, the server closes",
  function() return count "question" end)
local merged = case("a crafted end answers FIN with FIN,ACK at once", function()
  local a, p = host "client", craft "server"
  local c = a:connect(p, 80)
  local t = crafted_accept(p, a)
  c:close()
  run(0.02)
  t:read()
  t:send "FA"
  run(0.1)
  return {all = #segments()}
end)

part("C13", "seven in an ordinary close", late.all == 7)
part("C13", "never fewer", merged.all >= 7 and reset.all >= 7)
part("C14", "an ordinary close takes three", late.closing == 3)
fact("six when FIN and ACK go in one segment", merged.all == 6)
fact("four when the connection is reset", reset.all == 4)
fact("ten or less with one question and its answer",
  question.all > 7 and question.all <= 10)
