-- SPDX-License-Identifier: BSD-2-Clause
-- A crafted client, the same port twice, and a segment of its first connection.
about{
  title = "What TIME_WAIT is for, the second: a segment that wandered about",
  claims = {
    {id = "C31", verdict = "OK", who = "RFC 9293 3.6.1, RFC 1337, and nearly every text on TIME_WAIT",
     says = "TIME_WAIT keeps late duplicates of an old connection out of a new one between "
       .. "the same endpoints."},
    {id = "C40", verdict = "WRONG", who = "short explanations of TIME_WAIT",
     says = "In TIME_WAIT segments that were left over are received and acknowledged."},
    {id = "C70", verdict = "PART", who = "articles on tcp_tw_reuse",
     says = "With timestamps the problem that TIME_WAIT solves does not exist any more: "
       .. "late duplicates are dropped by their age."},
  },
}

-- A crafted client talks twice to one server from one port. A segment of its
-- first connection comes a second time while the second one is open. Its numbers
-- are chosen so that it fits: with random numbers that is rare, not impossible.
local function wander(o)
  local p, b = craft "client", host("server", o.knobs)
  follow(1, {ts = o.ts})
  local l = b:listen(80)
  local t = crafted_connect(p, b, {seq = 1000, ts = o.ts and 5000})
  local s = l:accept()
  local old_ack = t.ack
  t:send("PA", {seq = 1001, ack = old_ack, text = "OLD!!"})
  t.seq = t.seq + 5
  run(0.05)
  local first = s:recv()
  t:read()
  s:close()
  run(0.05)
  t:read()
  t:send "FA"
  run(0.05)
  t:read()
  local held = s:state()
  local again = t
  if not o.still then
    again = crafted_connect(p, b, {seq = 1000 - 5, ts = o.ts and 6000})
    again:send("PA", {text = "new: "})
    run(0.05)
  end
  note(p, "the old segment comes once more")
  again:send("PA", {seq = 1001, ack = old_ack, text = "OLD!!", ts = o.late or t.ts})
  run(0.05)
  local got = again:read()
  local s2 = l:accept()
  return {first = first, held = held, text = s2 and s2:recv(), new = s2 ~= nil,
    last = got[#got] and got[#got].flags, wrong = s2 and s2:state(),
    ack = got[#got] and got[#got].ack == (t.seq & 0xffffffff),
    paws = b:count "PAWSEstab"}
end

local none = "net.ipv4.tcp_max_tw_buckets=0"
local with = case("with TIME_WAIT", function() return wander{still = true} end)
local without = case("without TIME_WAIT, without timestamps", function()
  return wander{knobs = {none, "net.ipv4.tcp_timestamps=0"}}
end)
local stamps = case("without TIME_WAIT, with timestamps", function()
  return wander{knobs = {none}, ts = true}
end)
local clock = case("the same, but the old segment's clock runs ahead (another host behind a NAT)",
  function() return wander{knobs = {none}, ts = true, late = 7000} end)

part("C31", "in TIME_WAIT it meets an ACK with the old numbers, and nobody reads it",
  with.held == "TIME_WAIT" and with.last == "A" and not with.new)
part("C31", "without TIME_WAIT the new program reads a byte of the old connection",
  without.text == "new: OLD!!")
part("C40", "a program receives it", with.new)
fact("it is thrown away, and answered with an ACK of what was there already",
  with.last == "A" and with.ack)
part("C70", "an old timestamp: dropped, and PAWSEstab counts it",
  stamps.text == "new: " and stamps.paws == 1)
part("C70", "whatever the timestamps", clock.text == "new: ")
