-- SPDX-License-Identifier: BSD-2-Clause
-- What a well-known pipe of netstat, awk and kill would kill; nothing is killed.
about{
  title = "kill -9 against TIME_WAIT",
  claims = {
    {id = "C54", verdict = "WRONG", who = "articles on TIME_WAIT",
     says = "There are large numbers of TIME_WAIT processes."},
    {id = "C104", verdict = "DANGER", who = "articles on TIME_WAIT",
    says = "TIME_WAIT connections are closed by a pipe of netstat, awk '{print $2}' and "
      .. "kill -9."},
  },
}

-- Nothing is killed here but the lab's own programs: the second field of the
-- line that netstat would print is looked at, and that is all.
local seen = case("a program with one TIME_WAIT and one open connection is killed", function()
  local a, b = host "client", host("server", {peer = true})
  follow(2)
  local c, s, l = opened(a, b)
  c:close()
  run(0.05)
  s:close()
  run(0.05)
  local received, unsent = c:queues()
  local line = ("tcp %d %d 10.0.0.1:%d 10.0.0.2:80 TIME_WAIT"):format(received, unsent, c:port())
  local field = line:match "^%S+%s+(%S+)"
  local d = a:connect(b, 80)
  run(0.05)
  a:kill()
  run(0.05)
  return {field = field, first = c:state(), second = d:state()}
end)

part("C54", "a TIME_WAIT ends with a process", seen.first ~= "TIME_WAIT")
part("C104", "the second field is a process", tonumber(seen.field) > 0)
part("C104", "a killed program's TIME_WAITs are gone", seen.first ~= "TIME_WAIT")
harm("C104", "the second field is the receive queue, 0: kill -9 0 kills whoever typed it",
  seen.field == "0")
fact("the TIME_WAIT stays, and the open connection becomes an orphan in FIN_WAIT_2",
  seen.first == "TIME_WAIT" and seen.second == "FIN_WAIT_2")
