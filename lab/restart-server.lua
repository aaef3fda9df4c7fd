-- SPDX-License-Identifier: BSD-2-Clause
-- A listener closes and comes again over TIME_WAIT: SO_REUSEADDR in four ways.
about{
  title = "A server that starts again while its port has TIME_WAITs",
  claims = {{id = "C64", verdict = "PART", who = "articles on SO_REUSEADDR",
    says = "SO_REUSEADDR lets a server bind() its port while TIME_WAIT is there."}},
}

local function restart(old, new)
  local b, a = host "server", host("client", {peer = true})
  local l = b:listen(80, {reuseaddr = old})
  local c = a:connect(b, 80)
  run(0.1)
  local s = l:accept()
  s:close()
  run(0.05)
  c:close()
  run(0.05)
  l:close()
  local held = s:state()
  local again, why = b:listen(80, {reuseaddr = new})
  local third, third_why
  if again then third, third_why = b:listen(80, {reuseaddr = true}) end
  return {held = held, again = again ~= nil, why = why, third = third_why}
end

local function try(old, new)
  return case(("the old listener %s it, the new one %s"):format(old and "had" or "had not",
    new and "has" or "has not"), function() return restart(old, new) end)
end
local yes_yes, yes_no = try(true, true), try(true, false)
local no_yes, no_no = try(false, true), try(false, false)

part("C64", "when both have it", yes_yes.again)
part("C64", "when only the new one has it", no_yes.again)
fact("in the other three cases: EADDRINUSE", yes_no.why == "EADDRINUSE" and
  no_yes.why == "EADDRINUSE" and no_no.why == "EADDRINUSE")
fact("in all four there was TIME_WAIT", yes_yes.held == "TIME_WAIT" and
  no_no.held == "TIME_WAIT" and yes_no.held == "TIME_WAIT" and no_yes.held == "TIME_WAIT")
fact("it is no help against a listener that lives", yes_yes.third == "EADDRINUSE")
