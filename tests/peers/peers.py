# SPDX-License-Identifier: BSD-2-Clause
"""Tests of the command against real peers: what all of them share.

A script's `main(tests)` runs the functions given, each with a `World`: it
starts `lull serve` and other programs in network namespaces of their own,
waits for conditions with a limit, ends only what it has started, and looks
that nothing is left. Prints TAP.
"""

import ctypes
import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "house"))
from tap import Tap  # noqa: E402

V4, V6 = "10.9.3.2", "fd00:9:3::2"
STATES = ("ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2",
          "TIME-WAIT", "UNCONN", "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING")
READY_S = 15    # until a program says that it is ready
STOP_S = 10     # until one that got a signal has ended
RUN_S = 60      # until a command has ended by itself
NETNS = "/run/netns"

_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1


def die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def url(addr, path="/", port=80):
    host = f"[{addr}]" if ":" in addr else addr
    return f"http://{host}{'' if port == 80 else f':{port}'}{path}"


def wait_for(condition, seconds=10, what=None):
    """Until `condition()` is true; returns its value, or None if it never was."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            if what:
                raise TimeoutError(f"not within {seconds} s: {what}")
            return None
        time.sleep(0.02)  # a look, not a wait: the condition ends it


class Inside:
    """This thread in another namespace; sockets that are made there stay there."""

    def __init__(self, netns):
        self.path = f"{NETNS}/{netns}"

    def _go(self, fd):
        if _libc.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(fd)

    def __enter__(self):
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self._go(os.open(self.path, os.O_RDONLY))

    def __exit__(self, *_):
        self._go(self.home)


class Control:
    """Reads counters and pools over a control socket (host/control.h)."""

    COUNTERS, POOLS = 0x6c04, 0x6c05
    HEAD = struct.Struct("=IHHII")
    COUNTER = struct.Struct("=12s28s88sQ")
    POOL = struct.Struct("=16sIIIIQ")

    def __init__(self, path):
        self.path = path

    def _dump(self, kind):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(5)
            s.connect(self.path)
            s.send(self.HEAD.pack(self.HEAD.size, kind, 0x301, 1, 0))
            while True:
                data = s.recv(32768)
                if not data:
                    raise ConnectionError(f"{self.path}: hung up")
                while data:
                    size, what = self.HEAD.unpack_from(data)[:2]
                    if what == 3:
                        return
                    if what == 2:
                        raise OSError(f"{self.path}: refused {kind:#x}")
                    yield data[self.HEAD.size:size]
                    data = data[(size + 3) & ~3:]

    def counters(self):
        text = {}
        for body in self._dump(self.COUNTERS):
            group, name, _, value = self.COUNTER.unpack_from(body)
            text[(group.rstrip(b"\0") + b"." + name.rstrip(b"\0")).decode()] = value
        return text

    def counter(self, name):
        return self.counters()[name]

    def pools(self):
        """How many objects of each pool are in use."""
        used = {}
        for body in self._dump(self.POOLS):
            name, _, now, _, _, _ = self.POOL.unpack_from(body)
            used[name.rstrip(b"\0").decode()] = now
        return used


class Program:
    """One that runs until it is stopped, and says a line when it is ready."""

    def __init__(self, world, argv, **options):
        self.world = world
        self.errors = tempfile.TemporaryFile(dir=world.dir)
        self.process = world.popen(argv, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=self.errors,
                                   **options)
        self.pid = self.process.pid
        self._rest = b""

    def line(self, seconds=READY_S):
        """The next line of its output."""
        end = time.monotonic() + seconds
        out = self.process.stdout.fileno()
        while b"\n" not in self._rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([out], [], [], left)[0]:
                raise TimeoutError(f"no line within {seconds} s: {self.stderr()}")
            more = os.read(out, 65536)
            if not more:
                raise EOFError(f"ended with {self.process.wait(STOP_S)}: "
                               f"{self.stderr()}")
            self._rest += more
        line, self._rest = self._rest.split(b"\n", 1)
        return line.decode()

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def stop(self, number=signal.SIGTERM, seconds=STOP_S):
        """Returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        code = self.stop()
        if kind is None and (code != 0 or self.stderr()):
            raise RuntimeError(f"ended with {code}: {self.stderr()}")


class Lull(Program):
    """A program with a lull inside: a namespace, and a control socket."""

    netns = ctl = None

    def run(self, *argv, **options):
        return self.world.run_in(self.netns, *argv, **options)

    def curl(self, *argv, **options):
        return self.run("curl", "-sS", "--max-time", "30", *argv, **options)

    def connect(self, addr=V4, port=80, timeout=10, setup=None):
        """A socket of the kernel's. `setup` sees it before it connects."""
        family = socket.AF_INET6 if ":" in addr else socket.AF_INET
        with Inside(self.netns):
            sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        try:
            if setup:
                setup(sock)
            sock.connect((addr, port))
        except BaseException:
            sock.close()
            raise
        return sock

    def states(self):
        out = self.world.lull("ss", "-s", "--json", "--ctl", self.ctl)
        return json.loads(out.stdout)["states"]

    def wait_states(self, seconds=10, **want):
        """Until so many are in these states, as ESTAB=1; true if they were."""
        def there():
            now = self.states()
            return all(now[k.replace("_", "-")] == n for k, n in want.items())
        return bool(wait_for(there, seconds))

    def counter(self, name):
        return Control(self.ctl).counter(name)

    def counters(self):
        return Control(self.ctl).counters()

    def pools(self):
        return Control(self.ctl).pools()


class Serve(Lull):
    def __init__(self, world, *argv, wrap=(), **options):
        super().__init__(world, [*wrap, world.path, "serve", *argv], **options)
        try:
            self.ready = self.line()
            self.state = None  # with --state its line comes first
            if self.ready.startswith("state "):
                self.state, self.ready = self.ready, self.line()
            found = re.fullmatch(r"ready (\S+) netns=(\S+) ctl=(\S+)", self.ready)
            if not found:
                raise RuntimeError(f"ready line: {self.ready}")
        except BaseException:
            self.stop()
            raise
        self.url, self.netns, self.ctl = found.groups()
        world.ctls.add(self.ctl)


class Peer(Lull):
    """The C program beside this: a lull that does one thing (sink.c)."""

    def __init__(self, world, mode, *argv):
        self.netns = world.name(mode)
        self.ctl = os.path.join(world.dir, f"{mode}.ctl")
        world.ctls.add(self.ctl)
        super().__init__(world, [world.tool, mode, self.netns, self.ctl, *argv])
        try:
            if self.line() != "ready":
                raise RuntimeError("not ready")
        except BaseException:
            self.stop()
            raise


class World:
    def __init__(self, tap, path, tool):
        self.path, self.tool = path, tool
        self.tap = tap
        self.dir = tempfile.mkdtemp(prefix="lull-peers-")
        self.processes, self.pids, self.ctls = [], {os.getpid()}, set()
        self.skip = tap.skip

    # ---- results ----

    def ok(self, name, good, *why):
        return self.tap.ok(name, bool(good), *why)

    def equal(self, name, got, want):
        return self.ok(name, got == want, f"got  {got!r}", f"want {want!r}")

    # ---- files ----

    def file(self, name, data=b"", directory=None):
        path = os.path.join(directory or self.www(), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def www(self):
        path = os.path.join(self.dir, "www")
        os.makedirs(path, exist_ok=True)
        return path

    # ---- processes ----

    def name(self, what):
        return f"lull-peers-{what}-{os.getpid()}"

    def popen(self, argv, **options):
        p = subprocess.Popen(argv, preexec_fn=die_with_parent, **options)
        self.processes.append(p)
        self.pids.add(p.pid)
        return p

    def end(self, p):
        """Gives it the time to take down what it has made."""
        p.terminate()
        try:
            p.communicate(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            p.kill()
            p.communicate()

    def run(self, *argv, timeout=RUN_S, text=True, **options):
        """Returns the process with .stdout, .stderr and .returncode."""
        p = self.popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, **options)
        try:
            out, err = p.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.end(p)
            raise
        if text:  # with CRLF as it came
            out = out.decode(errors="replace")
        return subprocess.CompletedProcess(argv, p.returncode, out,
                                           err.decode(errors="replace"))

    def inside(self, netns, *argv):
        return ["nsenter", f"--net={NETNS}/{netns}", *argv]

    def run_in(self, netns, *argv, **options):
        return self.run(*self.inside(netns, *argv), **options)

    def lull(self, *argv, **options):
        return self.run(self.path, *argv, **options)

    def serve(self, *argv, **options):
        return Serve(self, *argv, **options)

    def refuses(self, name, code, words, *argv, wrap=(), **options):
        """The command says one line on stderr, with `words`, and exits with
        `code`, or one of them."""
        codes = code if isinstance(code, tuple) else (code,)
        try:
            p = self.run(*wrap, self.path, *argv, timeout=3, **options)
        except subprocess.TimeoutExpired:
            return self.ok(name, False, f"it runs, want exit {code}, with {words}")
        lines = p.stderr.splitlines()
        return self.ok(name, p.returncode in codes and len(lines) == 1 and
                       not p.stdout and all(w in lines[0] for w in words),
                       f"exit {p.returncode}, want {code}, with {words}",
                       p.stderr, p.stdout)

    # ---- namespaces ----

    def add_netns(self, what):
        name = self.name(what)
        p = self.run("ip", "netns", "add", name)
        if p.returncode:
            raise RuntimeError(p.stderr)
        self.run("ip", "-n", name, "link", "set", "lo", "up")
        return name

    def del_netns(self, name):
        return self.run("ip", "netns", "del", name)

    def netns_there(self, name):
        return os.path.exists(f"{NETNS}/{name}")

    # ---- the end ----

    def left(self):
        """What should be gone, and is not."""
        pids = {str(pid) for pid in self.pids}
        left = [f"process {p.pid} {p.args}" for p in self.processes
                if p.poll() is None]
        left += [f"socket {c}" for c in self.ctls if os.path.lexists(c)]
        left += [f"socket {f}" for f in (f"/run/lull/{p}.sock" for p in pids)
                 if os.path.lexists(f)]
        if os.path.isdir(NETNS):
            left += [f"namespace {n}" for n in os.listdir(NETNS)
                     if pids & set(n.split("-"))]
        return left

    def clean(self):
        for p in self.processes:
            if p.poll() is None:
                self.end(p)
        for what in self.left():
            kind, name = what.split(" ", 1)
            if kind == "namespace":
                subprocess.run(["ip", "netns", "del", name], check=False)
            elif kind == "socket":
                os.unlink(name)
        shutil.rmtree(self.dir, ignore_errors=True)


def missing(programs, root):
    """Why these tests can't run here; None: they can."""
    if root and os.geteuid() != 0:
        return "needs root"
    if root and not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "needs /dev/net/tun"
    for p in programs:
        if not shutil.which(p):
            return f"needs {p}"
    return None


def _stop(number, _):
    sys.exit(128 + number)


def main(tests, programs=(), root=True):
    """For a script's end: `main([function, ...])`; each gets the World."""
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} LULL [PEERTOOL]")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    os.environ["LC_ALL"] = "C.UTF-8"
    why = missing([*programs, *(["ip", "nsenter"] if root else [])], root)
    if why:
        print(f"1..0 # SKIP {why}")
        sys.exit(0)
    signal.signal(signal.SIGTERM, _stop)
    tap = Tap()
    world = World(tap, os.path.abspath(sys.argv[1]),
                  os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None)
    try:
        for test in tests:
            try:
                test(world)
            except Exception:
                tap.ok(f"{test.__name__} runs to its end", False,
                       traceback.format_exc())
        left = world.left()
        tap.ok("nothing is left: no process, socket or namespace", not left, *left)
    finally:
        world.clean()
    sys.exit(tap.done())
