-- SPDX-License-Identifier: BSD-2-Clause
-- shutdown(), close(), and a program that reads the end and does nothing.
about{
  title = "Half closed: shutdown() says no more, and goes on listening",
  claims = {
    {id = "C18", verdict = "PART", who = "short explanations of close()",
     says = "close() says that nothing more will be sent."},
    {id = "C25", verdict = "PART", who = "articles on CLOSE_WAIT",
     says = "CLOSE_WAIT is there so that the receiver can work through what came; it "
       .. "lasts until that is done."},
  },
}

local shut = case("shutdown(WR): the answer still comes", function()
  local a, b = host "client", host("server", {peer = true})
  local c, s = opened(a, b)
  run(0.05)
  c:send "question"
  c:shutdown()
  run(0.1)
  local asked, why = read_all(s)
  local state = s:state()
  s:send "late answer"
  run(0.1)
  local answer = read_all(c)
  s:close()
  run(0.1)
  return {asked = asked, why = why, state = state, answer = answer, rst = #sent("client", "R")}
end)
local closed = case("close(): the answer is refused", function()
  local a, b = host "client", host("server", {peer = true})
  local c, s = opened(a, b)
  run(0.05)
  c:send "question"
  c:close()
  run(0.1)
  local asked = read_all(s)
  s:send "late answer"
  run(0.1)
  return {asked = asked, error = s:error(), rst = #sent("client", "R") + #sent("client", "RA")}
end)
local idle = case("all is read, the program does nothing: ten minutes", function()
  local a, b = host "client", host("server", {peer = true})
  local c, s = opened(a, b)
  run(0.05)
  c:shutdown()
  run(0.1)
  local _, why = read_all(s)
  run(on_kernel() and 2 or 600)
  return {why = why, state = s:state(), timer = s:timer()}
end)

part("C18", "after close() nothing more is sent, and the other side is told",
  closed.asked == "question")
part("C18", "that is all that close() says: what comes later is taken", closed.rst == 0)
part("C25", "in CLOSE_WAIT the program may still send", shut.state == "CLOSE_WAIT" and
  shut.answer == "late answer")
part("C25", "it ends when all is read", idle.why == "EOF" and idle.state ~= "CLOSE_WAIT")
fact("shutdown(WR) says that, and nothing else", shut.asked == "question" and
  shut.why == "EOF" and shut.rst == 0)
fact("after close() a late answer is met with RST, and its program told",
  closed.rst == 1 and closed.error == "ECONNRESET" or closed.error == "EPIPE")
fact("CLOSE_WAIT has no timer: it lasts until the program closes",
  idle.state == "CLOSE_WAIT" and idle.timer == "none")
