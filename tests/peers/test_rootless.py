# SPDX-License-Identifier: BSD-2-Clause
"""`lull serve` and `lull bench` for who is not root: a user namespace.

The device node may be root's alone here, so each run has a mount namespace
with one of mode 0666, as most distributions have it.
"""

import os
import shutil

from peers import V4, V6, main, url

UID = "65534"
NOBODY = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups",
          "--inh-caps=-all"]
NODE = ["unshare", "-m", "sh", "-c",
        'mount -t tmpfs none /dev/net && mknod -m 0666 /dev/net/tun c 10 200 '
        '&& exec "$@"', "sh"]


def setup(w):
    """The program and a directory for sockets where nobody may use them."""
    os.chmod(w.dir, 0o755)
    w.root_path, w.path = w.path, shutil.copy(w.path, w.dir)
    w.runtime = os.path.join(w.dir, "runtime")
    os.mkdir(w.runtime, 0o700)
    os.chown(w.runtime, int(UID), int(UID))
    w.env = dict(os.environ, XDG_RUNTIME_DIR=w.runtime)
    w.file("index.html", b"hello\n")
    p = w.run(*NODE, "true")
    if p.returncode:
        w.skip("rootless", f"needs mount(2) and mknod(2): {p.stderr.strip()}")
        return False
    p = w.run(*NOBODY, "unshare", "-U", "-r", "-n", "true")
    if p.returncode:
        w.skip("rootless", f"needs user namespaces: {p.stderr.strip()}")
        return False
    return True


def within(pid, *argv):
    """As the message of `lull serve` has it."""
    return [*NOBODY, "nsenter", "-t", str(pid), "-U", "-n",
            "--preserve-credentials", *argv]


def serves(w, *options):
    what = " ".join(["rootless", *options])
    s = w.serve(w.www(), *options, wrap=[*NODE, *NOBODY], env=w.env)
    try:
        w.equal(f"{what}: the ready line", s.ready,
                f"ready http://{V4}/ netns=/proc/{s.pid}/ns/net "
                f"ctl={w.runtime}/lull/{s.pid}.sock")
        w.ok(f"{what}: it says how to come in, in one line",
             f"nsenter -t {s.pid} -U -n --preserve-credentials" in s.stderr()
             and s.stderr().count("\n") == 1, s.stderr())
        for addr in (V4, V6):
            p = w.run(*within(s.pid, "curl", "-gsS", "--max-time", "30",
                              url(addr)))
            w.equal(f"{what}: a page for who came in, {addr}", p.stdout,
                    "hello\n")
        p = w.run(*within(s.pid, "ip", "neigh"))
        w.equal(f"{what}: neighbours of the kernel", p.stdout.count("lladdr"),
                2 if "tap" in options else 0)
        p = w.run(*NOBODY, w.path, "ss", "-s", "--ctl", s.ctl)
        w.ok(f"{what}: its user may ask it", p.returncode == 0 and
             "LISTEN" in p.stdout, p.stderr)
        status = open(f"/proc/{s.pid}/status", encoding="ascii").read()
        w.ok(f"{what}: to all others it is that user",
             f"\nUid:\t{UID}\t{UID}\t{UID}" in status)
    finally:
        code = s.stop()
    w.equal(f"{what}: exit", code, 0)
    w.ok(f"{what}: the socket is gone", not os.path.lexists(s.ctl))


def test_rootless(w):
    if not setup(w):
        return
    serves(w)
    serves(w, "--link", "tap")
    p = w.run(*NODE, *NOBODY, w.path, "bench", "crr", "--link", "tun",
              "--seconds", "1", "-n", "50", env=w.env)
    w.equal("rootless: lull bench", p.returncode, 0)
    refusals(w)


def refusals(w):
    w.refuses("no user namespaces left: the knob", 3,
              ["permission", "user.max_user_namespaces is 0", "sysctl"],
              "serve", w.www(),
              wrap=[*NOBODY, "unshare", "-U", "-r", "sh", "-c",
                    'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"',
                    "sh"])
    w.refuses("a device that is root's: its mode", 3,
              ["/dev/net/tun", "permission", "chmod"], "serve", w.www(),
              wrap=["unshare", "-m", "sh", "-c",
                    'mount -t tmpfs none /dev/net && mknod -m 0600 '
                    '/dev/net/tun c 10 200 && exec "$@"', "sh", *NOBODY])
    w.refuses("a namespace with a name takes root", 3, ["permission", "web"],
              "serve", w.www(), "--netns", "web", wrap=[*NODE, *NOBODY])


def test_root_needs_none(w):
    """Who may make a namespace with a name has one, as ever."""
    w.path = w.root_path
    with w.serve(w.www(), env=w.env) as s:
        w.equal("root: the ready line", s.ready,
                f"ready http://{V4}/ netns=lull-{s.pid} "
                f"ctl=/run/lull/{s.pid}.sock")


main([test_rootless, test_root_needs_none],
     ["curl", "mount", "mknod", "setpriv", "unshare"])
