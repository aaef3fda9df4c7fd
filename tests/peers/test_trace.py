# SPDX-License-Identifier: BSD-2-Clause
"""`lull trace` of a running server: what happens to its connections, as it
happens; and of a made-up one, whose ring has run over."""

import json
import os
import re
import signal
import socket
import struct
import threading

from peers import Program, V4, V6, main, url, wait_for

RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds
HEAD = struct.Struct("=IHHII")
RECORD = struct.Struct("=QQBBBBHH16s16sII32s")
STATE, DROP = 1, 2
SUM = re.compile(r"(\d+) changes? of state, (\d+) refusals?, (\d+) lost in "
                 r"[\d.]+ s(?:; ended: (.*))?$")


class Trace(Program):
    """Begun when its heading is there, or its ring read."""

    def __init__(self, world, ctl, *argv):
        super().__init__(world, [world.path, "trace", "--ctl", ctl, *argv])

    def until(self, words, seconds=10):
        """Lines up to the one with `words`."""
        lines = []
        while not lines or words not in lines[-1]:
            lines.append(self.line(seconds))
        return lines

    def rest(self):
        """Interrupted; what it says until its end, and its exit code."""
        code = self.stop(signal.SIGINT)
        left = self._rest + self.process.stdout.read()
        return left.decode().splitlines(), code


def changes(lines):
    """What and why, of lines that tell a change or a refusal."""
    return [tuple(re.split(r"  +", line)[3:]) for line in lines]


def test_ends(w, s):
    t = Trace(w, s.ctl)
    w.equal("a heading", t.line().split(), "Time Local Peer What Why".split())
    s.curl("-H", "Connection: close", url(V4))
    got = changes(t.until("its time is over"))
    w.equal("we close first: each state to the end of TIME-WAIT",
            [c[0] for c in got],
            ["UNCONN -> SYN-RECV", "SYN-RECV -> ESTAB", "ESTAB -> FIN-WAIT-1",
             "FIN-WAIT-1 -> FIN-WAIT-2", "FIN-WAIT-2 -> TIME-WAIT",
             "TIME-WAIT -> UNCONN"])
    w.ok("and who did it", got[0][1] == "the peer opens" and
         got[2][1] == "we closed first" and re.match(
             r"its time is over; we closed first; lived [12]\.", got[5][1]), got)
    s.curl("-g", url(V6))
    got = t.until("-> UNCONN")[-1]
    w.ok("the peer closes first", f"[{V6}]:80" in got and
         "FIN both ways; the peer closed first; lived" in got, got)
    with s.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    got = t.until("-> UNCONN")[-1]
    w.ok("the peer resets", "ESTAB -> UNCONN" in got and
         "RST received; the peer closed first" in got, got)
    s.curl("--max-time", "2", url(V4, port=81))
    got = t.line()
    w.ok("a refusal has its name", re.search(
        r"10\.9\.3\.2:81 +10\.9\.3\.1:\d+ +refused Closed +seq \d+ ack 0$", got),
        got)
    lines, code = t.rest()
    found = SUM.match(lines[-1])
    w.ok("^C: one line with the sum", code == 0 and len(lines) == 1 and found and
         found.groups() == ("14", "1", "0", "1 FIN both ways, 1 its time is "
                            "over, 1 RST received"), code, lines)


def test_options(w, s):
    out = w.lull("trace", "--ctl", s.ctl, "--since", "all", "--drops", "-H",
                 "-n", "1").stdout.splitlines()
    w.ok("--drops --since all -n 1", len(out) == 2 and
         "refused Closed" in out[0] and SUM.match(out[1]), out)
    out = w.lull("trace", "--ctl", s.ctl, "--since", "600", "--states", "--json",
                 "-n", "3", f"[{V6}]:80", ":80").stdout
    rows = [json.loads(line) for line in out.splitlines()]
    w.ok("--json: an object a line, the sum is the last", len(rows) == 4 and
         all(r["schema"] == 1 and r["local"]["address"] == V6 and
             r["kind"] == "state" for r in rows[:3]) and
         rows[3]["kind"] == "sum" and rows[3]["changes"] == 3, out)
    out = w.lull("trace", "--ctl", s.ctl, "--seconds", "1").stdout.splitlines()
    w.ok("what is older is not told, and --seconds ends it",
         len(out) == 2 and SUM.match(out[1]) and
         SUM.match(out[1]).groups() == ("0", "0", "0", None), out)

    def refuses(name, words, *argv):
        w.refuses(name, 64, words, "trace", "--ctl", s.ctl, *argv)
    refuses("a filter that is none", ["web:80", "ADDRESS:PORT"], "web:80")
    refuses("--states with --drops", ["--states", "--drops"], "--states",
            "--drops")
    refuses("--since soon", ["--since", "soon", "all"], "--since", "soon")
    refuses("-n 0", ["0"], "-n", "0")
    w.refuses("no --ctl", 64, ["--ctl"], "trace")
    w.refuses("nobody there", 3, ["no such socket"], "trace", "--ctl",
              os.path.join(w.dir, "nothing"))


def test_server_ends(w):
    s = w.serve(w.www())
    t = Trace(w, s.ctl)
    t.line()
    s.curl(url(V4))
    t.until("LAST-ACK -> UNCONN")
    s.stop()
    code = wait_for(lambda: t.process.poll() is not None and
                    (t.process.poll(),))
    w.ok("the program ends: so do we, with 3, a sum and the reason",
         code == (3,) and "closed the connection" in t.stderr() and
         SUM.match(t.line(1)), code, t.stderr())


# ---- a made-up one ----

def record(index, kind=STATE, states=(1, 8), what=0, name=b""):
    local, peer = (bytes(10) + b"\xff\xff" + bytes(a) for a in
                   ((10, 9, 3, 2), (10, 9, 3, 1)))
    body = RECORD.pack(index, 10**9 + index, kind, *states, what, 80, 40000,
                       local, peer, 1, 2, name)
    return HEAD.pack(HEAD.size + len(body), 0x6c06, 2, 1, 0) + body


class Made:
    """Answers each question with the next of some lists of records."""

    def __init__(self, path, answers):
        self.asked = []
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.bind(path)
        self.sock.listen(1)
        self.thread = threading.Thread(target=self.serve, args=(answers,))
        self.thread.start()

    def serve(self, answers):
        self.sock.settimeout(10)
        conn = self.sock.accept()[0]
        with conn:
            conn.settimeout(10)
            for records in answers:
                data = conn.recv(1024)
                if not data:
                    return
                seq = HEAD.unpack_from(data)[3]
                self.asked.append(struct.unpack_from("=Q", data, HEAD.size)[0])
                out = b"".join(r[:8] + struct.pack("=I", seq) + r[12:]
                               for r in records)
                conn.send(out + HEAD.pack(20, 3, 2, seq, 0) + bytes(4))
            conn.recv(1024)

    def close(self):
        self.thread.join(15)
        self.sock.close()


def test_lost(w):
    path = os.path.join(w.dir, "made.ctl")
    for argv in ((), ("--json",)):
        made = Made(path, [[record(100), record(101)], [], [
            record(150, DROP, (0, 0), 3, b"Evil\x1b[31m")], [record(151)]])
        out = w.lull("trace", "--ctl", path, "-H", "-n", "2", *argv).stdout
        made.close()
        os.unlink(path)
        lines = out.splitlines()
        w.equal("asked from the last index plus 1", made.asked,
                [0, 102, 102, 151])
        if argv:
            w.equal("lost records, as JSON", json.loads(lines[0]),
                    {"schema": 1, "kind": "lost", "records": 48})
        else:
            w.equal("lost records are told, where they were", lines[0],
                    "48 lost: overwritten before they could be read")
            w.ok("and are in the sum", SUM.match(lines[-1]) and
                 SUM.match(lines[-1])[3] == "48", lines)
        w.ok("what the other side sends is not printed raw",
             "\x1b" not in out and "Evil?[31m" in out, out)
    made = Made(path, [[record(5), record(4)]])
    p = w.lull("trace", "--ctl", path, "-H")
    made.close()
    os.unlink(path)
    w.ok("one that goes back is no lull", p.returncode == 3 and
         "no lull" in p.stderr, p.returncode, p.stderr)


def test_all(w):
    w.file("index.html", b"hello\n" * 20)
    with w.serve(w.www(), "--sysctl", "net.lull.tcp_timewait_len=1") as s:
        test_ends(w, s)
        test_options(w, s)
    test_server_ends(w)
    test_lost(w)


main([test_all], ["curl"])
