# SPDX-License-Identifier: BSD-2-Clause
"""`lull serve --state`: what a restart forgets, and what its peers see of it."""

import os
import select
import signal
import socket
import time

from kill9 import PAGE, Server, Witness, committed, first_answer, rounds
from peers import Inside, V4, V6, main, wait_for

KILLS = 10
FEW = 1000  # records
CLOSING = ("--closing", str(FEW))


def device_of(server):
    """Its number, which another one of that name would not have."""
    out = server.w.run("ip", "-n", server.netns, "-o", "link", "show", "dev",
                       "lull0").stdout
    return out.split(":")[:2]


def test_restart(w):
    server = Server(w, closing=FEW)
    s = server.now
    w.equal("a new file says so", s.state, f"state {server.path} new")
    device = device_of(server)
    for addr in (V4, V6):
        for _ in range(3):
            with Witness(s, addr, False).sock:
                pass
    late = [Witness(s, addr, False) for addr in (V4, V6)]
    w.ok("six in TIME-WAIT, two in FIN-WAIT-2",
         s.wait_states(TIME_WAIT=6, FIN_WAIT_2=2), s.states())
    rows = s.run(w.path, "ss", "-tan", "--ctl", s.ctl).stdout
    server.kill()
    out = w.run("ip", "-n", server.netns, "-o", "addr").stdout
    w.ok("killed: the device and its addresses stay",
         all(a in out for a in (" 10.9.3.1/24 ", " fd00:9:3::1/64 ")), out)
    with Inside(server.netns):
        early = socket.socket()
    early.setblocking(False)
    early.connect_ex((V4, 80))
    s = server.start()
    w.ok("the next process takes all over", "restored TIME-WAIT=6 FIN-WAIT-2=2 "
         "ended=0 after=kill" in s.state, s.state)
    w.equal("the same pairs in the same states",
            sorted(s.run(w.path, "ss", "-tan", "--ctl", s.ctl)
                   .stdout.splitlines()), sorted(rows.splitlines()))
    w.equal("on the same device", device_of(server), device)
    for witness in late:
        witness.speak()
        w.equal("a late FIN gets its ACK, and no RST", witness.end(), None)
    select.select([], [early], [], 10)
    w.equal("who came while nobody was there is connected",
            early.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0)
    early.close()
    w.equal("a stop in order: exit 0", s.stop(), 0)
    s = server.start()
    w.ok("and forgets none either", server.restored()["TIME-WAIT"] >= 8 and
         server.restored()["after"] == "stop", s.state)
    server.clean()


def test_linux_profile(w):
    server = Server(w, "--sysctl", "net.lull.profile=linux", closing=FEW)
    with Witness(server.now, V4, False).sock:
        pass
    server.now.wait_states(TIME_WAIT=1)
    server.kill()
    s = server.start()
    w.ok("profile linux: a port with a TIME-WAIT is listened on again",
         "restored TIME-WAIT=1" in s.state and first_answer(s), s.state)
    server.clean()


def test_old_file(w):
    """Records whose time is over while nobody is there."""
    server = Server(w, "--sysctl", "net.lull.tcp_timewait_len=1", closing=FEW)
    with Witness(server.now, V4, False).sock:
        pass
    w.ok("one in TIME-WAIT for a second", server.now.wait_states(TIME_WAIT=1))
    server.kill()
    over = time.monotonic() + 1.1
    wait_for(lambda: time.monotonic() > over, 5)
    s = server.start()
    w.ok("is over when the next process comes", "restored TIME-WAIT=0 "
         "FIN-WAIT-2=0 ended=1" in s.state, s.state)
    w.equal("and its place is free", sum(committed(server.path, FEW).values()),
            0)
    server.clean()


def damage(path, at, data):
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(data)


def refuse(w, server, name, words, way, *argv, **options):
    w.refuses(f"{name} is refused, with the way out", 3, [*words, way],
              "serve", w.www(), "--netns", server.netns, "--ctl", server.ctl,
              "--state", server.path, *(argv or CLOSING), **options)


def test_refusals(w):
    server = Server(w, closing=FEW)
    with Witness(server.now, V4, False).sock:
        pass
    server.now.wait_states(TIME_WAIT=1)
    refuse(w, server, "a second process", [server.path, str(server.now.pid)],
           "stop it first")
    server.kill()
    size = os.path.getsize(server.path)
    with open(server.path, "rb") as f:
        good = f.read()
    quiet = "--quiet-time"
    refuse(w, server, "another number of records", ["1000", "999"], quiet,
           "--closing", "999")
    for name, at, data, words in (
            ("garbage", 0, os.urandom(4096), ["not a state file"]),
            ("another version", 8, b"\x07", ["version 7."]),
            ("another boot", 64, b"?", ["boot"]),
            ("a damaged record", PAGE + 40 + 12, b"\x5a\xa5",
             ["1 of its records"])):
        damage(server.path, at, data)
        refuse(w, server, name, [server.path, *words], quiet)
        refuse(w, server, f"{name}, again,", words, quiet)
        damage(server.path, 0, good)
    os.truncate(server.path, size - 5000)
    refuse(w, server, "a truncated one", ["cut"], quiet)
    os.unlink(server.path)
    with open(server.path, "wb") as f:
        f.write(good)
    os.chmod(server.path, 0o640)
    refuse(w, server, "what others may read", ["0640"], "chmod 600")
    os.chmod(server.path, 0o600)
    os.chown(server.path, 65534, 0)
    refuse(w, server, "another owner", ["65534"], "another file")
    os.chown(server.path, 0, 0)
    os.rename(server.path, server.path + ".real")
    os.symlink(server.path + ".real", server.path)
    refuse(w, server, "a symbolic link", ["symbolic link"], "another file")
    os.rename(server.path + ".real", server.path)
    s = server.start()
    w.ok("and unharmed it is taken", "restored TIME-WAIT=1" in s.state, s.state)
    server.clean()


def test_usage(w):
    gone = w.name("gone")
    w.refuses("--state without --netns", 64, ["--netns"], "serve", "--state",
              "/dev/shm/f")
    w.refuses("--quiet-time without --state", 64, ["--state"], "serve",
              "--quiet-time")
    w.refuses("a namespace that is not there", 3, [gone, "ip netns add"],
              "serve", "--netns", gone, "--state", "/dev/shm/lull-none")
    w.ok("it is not made, nor the file", not w.netns_there(gone) and
         not os.path.exists("/dev/shm/lull-none"))
    name = w.add_netns("disk")
    path = os.path.join(w.dir, "f")
    argv = ["serve", w.www(), "--netns", name, "--ctl",
            os.path.join(w.dir, "c"), "--state", path, *CLOSING]
    if w.run("stat", "-f", "-c", "%T", w.dir).stdout.strip() != "tmpfs":
        w.refuses("a file on a disk", 3, [path, "--state-force"], *argv)
    with w.serve(*argv[1:], "--state-force", "--tun", "web0") as s:
        w.ok("but if it must be", first_answer(s) and s.state.endswith(" new"),
             s.state)
        w.refuses("a device that another process has", 3,
                  ["web0", "another process"], "serve", w.www(), "--netns",
                  name, "--tun", "web0", "--addr", "10.77.0.2/24", "--ctl",
                  s.ctl + "2")
    w.ok("--tun names the device", "web0" in w.run(
        "ip", "-n", name, "-o", "link").stdout)
    w.del_netns(name)


def test_quiet_time(w):
    server = Server(w, closing=FEW)
    server.kill()
    damage(server.path, 0, b"garbage!")
    server.argv += ["--quiet-time=2"]
    began = time.monotonic()
    with Inside(server.netns):
        sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex((V4, 80))
    s = server.start()
    took = time.monotonic() - began
    w.ok("with --quiet-time a file that is no good is forgotten, in one line",
         s.state.startswith(f"state {server.path} fresh quiet=") and
         s.stderr().count("\n") == 1 and "forgotten" in s.stderr(),
         s.state, s.stderr())
    w.ok("and there is silence for so long", took >= 1.9, f"{took:.2f} s")
    select.select([], [sock], [], 10)
    w.equal("a SYN that came meanwhile was not refused",
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0)
    sock.close()
    server.kill()
    s = server.start()
    w.ok("a good file is taken, --quiet-time or not", "restored" in s.state,
         s.state)
    server.kill()

    # Silence is not over because somebody is killed in it.
    damage(server.path, 0, b"garbage!")
    server.argv[-1] = "--quiet-time=60"
    p = w.popen([w.path, "serve", *server.argv], stdout=-1, stderr=-3)
    line = p.stdout.readline().decode()
    w.ok("one that is silent says so at once", "quiet=60.0" in line, line)
    p.kill()
    p.wait()
    p.stdout.close()
    p = w.popen([w.path, "serve", *server.argv[:-1]], stdout=-1, stderr=-1)
    line = p.stdout.readline().decode()
    w.ok("the next one goes on with it", "fresh quiet=" in line, line)
    p.send_signal(signal.SIGTERM)
    out, err = p.communicate(timeout=5)
    w.equal("SIGTERM ends it: exit 0, nothing said", (p.returncode, out, err),
            (0, b"", b""))
    server.now = p  # it has ended
    server.now.stop = lambda: None
    server.clean()


def test_kills(w):
    wrong, _ = rounds(w, KILLS, seed=os.environ.get("LULL_SEED"))
    w.equal(f"{KILLS} SIGKILLs under load: nothing lost, no peer sees it",
            wrong, [])


main([test_restart, test_linux_profile, test_old_file, test_refusals,
      test_usage, test_quiet_time, test_kills], ["wrk"])
