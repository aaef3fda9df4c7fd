# SPDX-License-Identifier: BSD-2-Clause
"""SIGKILL a `lull serve --state` under load, start it again, look at its peers.

usage: kill9.py LULL ROUNDS [SEED]

Load is wrk, that opens and closes as fast as it can. Beside it stand
witnesses: connections of the kernel's whose server end is a closing record.
After the restart each says what it still has to say, and must come to its end
without an error. What the dead process had committed is counted in the file,
and must be what the next one takes over. With a seed the same moments again.
"""

import ctypes
import os
import random
import signal
import socket
import struct
import sys
import time

from peers import V4, V6, main, wait_for

CLOSING = 50000
PAGE = 4096
# host/state.c, src/tcp/tcp.h: bytes of a record, and where its commit is.
RECORDS = ((40, 31), (64, 55))
FIN_WAIT_2, TIME_WAIT, CLOSE = 5, 6, 7
SO_ATTACH_FILTER, SO_DETACH_FILTER, TCP_INFO = 26, 27, 11
DEAF = struct.pack("HBBI", 0x06, 0, 0, 0)  # classic BPF: return 0


def committed(path, closing=CLOSING):
    """How many records of each state are in a file."""
    with open(path, "rb") as f:
        image = f.read()
    at, found = PAGE, {FIN_WAIT_2: 0, TIME_WAIT: 0}
    for size, commit in RECORDS:
        part = image[at + size:at + size * (closing + 1)][commit::size]
        for state in found:
            found[state] += part.count(state)
        if len(part) != closing or sum(found.values()) > 2 * closing:
            raise ValueError(f"{path}: not as expected")
        at += (size * (closing + 1) + PAGE - 1) & ~(PAGE - 1)
    return found


class Witness:
    """A connection that the server has closed, and the client not yet."""

    def __init__(self, s, addr, says_fin):
        self.name = f"{addr} {'FIN again' if says_fin else 'late FIN'}"
        self.sock = s.connect(addr)
        self.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n"
                          b"Connection: close\r\n\r\n")
        while self.sock.recv(65536):
            pass
        self.says_fin = says_fin
        if says_fin:  # and the answer is lost, again and again
            program = ctypes.create_string_buffer(DEAF, len(DEAF))
            self.sock.setsockopt(
                socket.SOL_SOCKET, SO_ATTACH_FILTER,
                struct.pack("@HP", 1, ctypes.addressof(program)))
            self.sock.shutdown(socket.SHUT_WR)

    def state(self):
        return self.sock.getsockopt(socket.IPPROTO_TCP, TCP_INFO, 1)[0]

    def speak(self):
        if self.says_fin:
            self.sock.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
        else:
            self.sock.shutdown(socket.SHUT_WR)

    def end(self):
        """None: as it should be; else what went wrong."""
        closed = wait_for(lambda: self.state() == CLOSE, 20)
        error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        state = self.state()
        self.sock.close()
        if closed and not error:
            return None
        return f"{self.name}: state {state}, {os.strerror(error)}"


class Server:
    """One that is killed and started again in the same place."""

    def __init__(self, w, *argv, closing=CLOSING):
        self.w = w
        self.netns = w.add_netns("kill9")
        self.path = f"/dev/shm/{w.name('state')}"
        self.ctl = os.path.join(w.dir, "kill9.ctl")
        self.argv = [w.www(), "--netns", self.netns, "--ctl", self.ctl,
                     "--state", self.path, "--closing", str(closing), *argv]
        w.file("index.html", b"hello\n")
        self.start()

    def start(self):
        self.now = self.w.serve(*self.argv)
        return self.now

    def kill(self):
        self.now.process.send_signal(signal.SIGKILL)
        self.now.process.wait()
        self.now.process.stdout.close()

    def restored(self):
        """The numbers of the line of state."""
        words = dict(w.split("=") for w in self.now.state.split() if "=" in w)
        return {k: v if k == "after" else float(v) for k, v in words.items()}

    def clean(self):
        self.now.stop()
        for path in (self.path, self.ctl):
            if os.path.lexists(path):
                os.unlink(path)
        self.w.del_netns(self.netns)


def first_answer(s):
    """A connection, made and answered."""
    with s.connect() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        return sock.recv(12) == b"HTTP/1.1 200"


def one_round(server, witnesses):
    """What went wrong, and how long there was nobody."""
    s = server.now
    made = [Witness(s, addr, fin) for _ in range(witnesses)
            for addr in (V4, V6) for fin in (False, True)]
    enough = s.counter("Tcp.PassiveOpens") + random.randrange(200, 2000)
    wait_for(lambda: s.counter("Tcp.PassiveOpens") >= enough, 60, "load")
    wait_for(lambda: committed(server.path)[TIME_WAIT] >= witnesses, 5,
             "records")
    # Linux may keep its ACK of a FIN back for 40 ms: FIN_WAIT_1 till then,
    # which no file keeps.
    wait_for(lambda: committed(server.path)[FIN_WAIT_2] >= 2 * witnesses, 5,
             "the late FINs' records")
    server.kill()
    there = committed(server.path)
    began = time.monotonic()
    s = server.start()
    ready = time.monotonic() - began
    bad = [] if first_answer(s) else ["the first request was not answered"]
    answered = time.monotonic() - began
    got = server.restored()
    if got.get("after") != "kill" or sum(there.values()) != (
            got["TIME-WAIT"] + got["FIN-WAIT-2"] + got["ended"]):
        bad.append(f"{there} in the file, taken over: {s.state}")
    for witness in made:
        witness.speak()
    bad += [why for why in [witness.end() for witness in made] if why]
    return bad, there, ready, answered


def rounds(w, n, witnesses=2, seed=None):
    """Prints a line for each; (what went wrong, the longest pause)."""
    random.seed(seed)
    server = Server(w)
    load = w.popen(w.inside(server.netns, "wrk", "-t1", "-c16", "-d3600s",
                            "-H", "Connection: close", f"http://{V4}/"),
                   stdout=-3, stderr=-3)
    wrong, longest, most = [], 0, 0
    try:
        for i in range(n):
            bad, there, ready, answered = one_round(server, witnesses)
            wrong += [f"round {i}: {b}" for b in bad]
            longest = max(longest, answered)
            most = max(most, sum(there.values()))
            print(f"# {i} TIME-WAIT {there[TIME_WAIT]} FIN-WAIT-2 "
                  f"{there[FIN_WAIT_2]} restore "
                  f"{server.restored()['ms']:.1f} ms, ready "
                  f"{ready * 1000:.0f} ms, answers {answered * 1000:.0f} ms",
                  *bad, flush=True)
    finally:
        w.end(load)
        server.clean()
    print(f"# {n} kills, at most {most} records, at most "
          f"{longest * 1000:.0f} ms until the first answer", flush=True)
    return wrong, longest


if __name__ == "__main__":
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    start = sys.argv[3] if len(sys.argv) > 3 else None
    del sys.argv[2:]
    main([lambda w: w.ok(f"{count} kills", not (
        bad := rounds(w, count, seed=start)[0]), *bad)], ["wrk"])
