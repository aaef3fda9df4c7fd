-- SPDX-License-Identifier: BSD-2-Clause
-- Both programs close in the same instant; the FINs cross.
about{
  title = "Both close at the same moment",
  claims = {{id = "C20", verdict = "OK", who = "short explanations of TIME_WAIT",
    says = "Who sent FIN before the other's FIN came goes to TIME_WAIT."}},
}

local seen = case("two FINs cross", function()
  local a, b = host "A", host("B", {peer = true})
  local c, s = opened(a, b)
  run(0.1)
  c:close()
  s:close()
  run(0.1)
  return {a = path_of(a), b = path_of(b), at = a:states().TIME_WAIT,
    bt = b:states().TIME_WAIT}
end)

part("C20", "both have sent theirs, and both are in TIME_WAIT",
  seen.at == 1 and seen.bt == 1)
fact("on the way there both pass CLOSING, as neither FIN acknowledged the other",
  seen.a:find "FIN_WAIT_1 CLOSING TIME_WAIT" and
  seen.b:find "FIN_WAIT_1 CLOSING TIME_WAIT")
