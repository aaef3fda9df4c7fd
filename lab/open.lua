-- SPDX-License-Identifier: BSD-2-Clause
-- A handshake, its numbers and its states.
about{
  title = "Opening: three segments, and a number for each SYN",
  claims = {{id = "C6", verdict = "PART", who = "articles on the handshake",
    says = "The states are SYN_SEND and SYN_RECV; the server acknowledges j+1, "
      .. "the client k+1."}},
}

local seen = case("a client connects", function()
  local a, b = host "client", host("server", {peer = true})
  opened(a, b)
  run(0.1)
  return {all = segments(), a = path_of(a), b = path_of(b)}
end)

local syn, syn_ack, ack = seen.all[1], seen.all[2], seen.all[3]
part("C6", "a state is called SYN_SEND, or SYN_RECV",
  (seen.a .. seen.b):find("SYN_SEND") or (seen.a .. seen.b):find("SYN_RECV "))
part("C6", "each acknowledges the other's number plus one",
  syn_ack.ack == syn.seq + 1 and ack.ack == syn_ack.seq + 1)
fact("SYN, SYN with ACK, ACK: three segments", #seen.all == 3 and
  syn.flags == "S" and syn_ack.flags == "SA" and ack.flags == "A")
fact("the client passes SYN_SENT to ESTABLISHED", seen.a == "SYN_SENT ESTABLISHED")
fact("the server passes SYN_RECEIVED to ESTABLISHED",
  seen.b == "SYN_RECEIVED ESTABLISHED")
