-- SPDX-License-Identifier: BSD-2-Clause
-- Probes towards a peer that lives, is killed, reboots, loses power.
about{
  title = "Keepalive: what each kind of death looks like",
  claims = {
    {id = "C83", verdict = "PART", who = "a recipe against TIME_WAIT that is copied everywhere",
     says = "tcp_keepalive_time is how often keepalives are sent."},
    {id = "C91", verdict = "OK", who = "articles on keepalive",
     says = "A peer that is alive answers with ACK, and the timer begins anew."},
    {id = "C92", verdict = "WRONG", who = "articles on keepalive",
     says = "A peer whose program crashed and was started again answers with RST."},
    {id = "C93", verdict = "PART", who = "articles on keepalive",
     says = "Silence means that the peer's program crashed, or its host cannot be reached."},
  },
}

local function peer(death)
  local a, b = host("A", {"net.ipv4.tcp_keepalive_time=1", "net.ipv4.tcp_keepalive_intvl=1",
    "net.ipv4.tcp_keepalive_probes=2"}), host("B", {peer = true})
  local c, s, l = opened(a, b)
  if death ~= "no option" then c:set("keepalive", 1) end
  run(0.1)
  if death == "program" then b:kill() b:listen(80) end
  if death == "reboot" then b:crash() b:restart() b:listen(80) end
  if death == "power" then b:crash() end
  run(3.4)
  local probes, answers = {}, 0
  for _, x in ipairs(segments()) do
    if x.from == "A" and x.probe then probes[#probes + 1] = x.t end
    if x.from == "B" and x.flags == "A" and x.ack == 1 then answers = answers + 1 end
  end
  return {probes = probes, answers = answers, error = c:error(), state = c:state(),
    fin = #sent("B", "FA"), rst = #sent("B", "R") + #sent("B", "RA")}
end

local alive = case("alive: idle time 1 s", function() return peer "none" end)
local off = case("the same knobs without SO_KEEPALIVE", function() return peer "no option" end)
local program = case("B's program is killed, and started again", function() return peer "program" end)
local reboot = case("B's host reboots", function() return peer "reboot" end)
local power = case("B's host loses power", function() return peer "power" end)

part("C83", "they come so often, as long as each is answered",
  #alive.probes >= 3 and math.abs(alive.probes[2] - alive.probes[1] - 1) < 0.2)
part("C83", "on every connection", #off.probes > 0)
part("C91", "each probe is answered, the connection lives",
  alive.answers >= 3 and alive.state == "ESTABLISHED" and not alive.error)
part("C92", "RST comes from a program that was started again", program.rst > 0 and program.fin == 0)
fact("a program that dies is closed by its kernel at once: FIN, and no probe is needed",
  program.fin >= 1 and program.state == "CLOSE_WAIT")
fact("RST comes from a host that has rebooted", reboot.rst >= 1 and reboot.error == "ECONNRESET")
part("C93", "a host that cannot be reached is silent: ETIMEDOUT", power.error == "ETIMEDOUT")
part("C93", "so is one whose program crashed", program.error == "ETIMEDOUT")
