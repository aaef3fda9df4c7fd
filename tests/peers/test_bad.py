# SPDX-License-Identifier: BSD-2-Clause
"""What can't be: one line that names the thing and the way out; 64 or 3."""

import os
import shutil

from peers import main

# The words that the line must have; the arguments.
SERVE = (
    (["bogus"], ["--bogus"]),
    (["addr"], ["--addr"]),
    (["port", "0", "65535"], ["--port", "0"]),
    (["port", "65536"], ["--port", "65536"]),
    (["port", "http"], ["--port", "http"]),
    (["port", "80x"], ["--port", "80x"]),
    (["--addr", "10.9.3"], ["--addr", "10.9.3"]),
    (["--addr", "10.9.3.2/33"], ["--addr", "10.9.3.2/33"]),
    (["--addr", "fd00::/129"], ["--addr", "fd00::/129"]),
    (["--addr", "fd00:::2/64"], ["--addr", "fd00:::2/64"]),
    (["--addr", "10.9.3.2/"], ["--addr", "10.9.3.2/"]),
    (["--peer", "nobody"], ["--peer", "nobody"]),
    (["--close-by", "nobody", "server", "client"], ["--close-by", "nobody"]),
    (["net.ipv4.tcp_fin_timeut", "net.ipv4.tcp_fin_timeout"],
     ["--sysctl", "net.ipv4.tcp_fin_timeut=5"]),
    (["net.ipv4.tcp_fin_timeout", "5", "NAME=VALUE"],
     ["--sysctl", "net.ipv4.tcp_fin_timeout 5"]),
    (["net.ipv4.tcp_fin_timeout", "1", "3600"],
     ["--sysctl", "net.ipv4.tcp_fin_timeout=999999"]),
    (["net.ipv4.tcp_fin_timeout", "soon"],
     ["--sysctl", "net.ipv4.tcp_fin_timeout=soon"]),
    (["net.ipv4.tcp_rmem"], ["--sysctl", "net.ipv4.tcp_rmem=1 2 3 4"]),
    (["tcp_tw_recycle"], ["--sysctl", "net.ipv4.tcp_tw_recycle=1"]),
    (["--keepalive-timeout", "0"], ["--keepalive-timeout", "0"]),
    (["--keepalive-requests", "-1"], ["--keepalive-requests", "-1"]),
    (["--ctl"], ["--ctl", "/tmp/" + "x" * 200]),
    (["two"], [".", "two"]),
)
LOAD = (
    (["URL"], []),
    (["URL"], ["http://10.9.3.1/", "http://10.9.3.1/"]),
    (["10.9.3.1"], ["10.9.3.1"]),
    (["https"], ["https://10.9.3.1/"]),
    (["-c", "0"], ["http://10.9.3.1/", "-c", "0"]),
    (["-c", "many"], ["http://10.9.3.1/", "-c", "many"]),
    (["-n", "-5"], ["http://10.9.3.1/", "-n", "-5"]),
    (["--timeout", "0"], ["http://10.9.3.1/", "--timeout", "0"]),
    (["--close-by", "both"], ["http://10.9.3.1/", "--close-by", "both"]),
    (["--keep-alive", "--close-by"],
     ["http://10.9.3.1/", "--keep-alive", "--close-by", "server"]),
    (["--addr", "x"], ["http://10.9.3.1/", "--addr", "x"]),
    (["bogus"], ["http://10.9.3.1/", "--bogus"]),
)
OTHERS = (
    (["command"], []),
    (["srve", "serve"], ["srve"]),
    (["sysctrl", "sysctl"], ["sysctrl"]),
    (["nothing-like-it"], ["nothing-like-it"]),
    (["bogus"], ["--bogus"]),
    (["--ctl"], ["trace"]),
    (["bogus"], ["ss", "--bogus"]),
    (["-z"], ["ss", "-z"]),
    (["--json", "value"], ["ss", "--json=1"]),
    (["-u", "TCP", "ss(8)"], ["ss", "-tulpn"]),
    (["--json", "--prom"], ["ss", "-s", "--json", "--prom"]),
    (["--all-netns", "dev"], ["ss", "--all-netns", "dev", "=", "lo"]),
    (["etsablished", "established"],
     ["ss", "--ctl", "/x", "state", "etsablished"]),
    (["dprot", "dport"], ["ss", "--ctl", "/x", "dprot", "=", ":80"]),
    (["knob"], ["sysctl", "--ctl", "/x"]),
    (["crr", "rr", "stream"], ["bench"]),
    (["fast", "crr"], ["bench", "fast"]),
    (["--link", "wire", "memory", "tun"], ["bench", "crr", "--link", "wire"]),
    (["--seconds", "0"], ["bench", "crr", "--seconds", "0"]),
    (["--size", "0"], ["bench", "crr", "--size", "0"]),
    (["bogus"], ["bench", "crr", "--bogus"]),
)


def show(argv):
    return " ".join(a if len(a) < 40 else a[:8] + "..." for a in argv)


def test_usage(w):
    cwd = w.www()
    for command, table in (("serve", SERVE), ("load", LOAD)):
        for words, argv in table:
            w.refuses(f"lull {command} {show(argv)}", 64, words, command, *argv,
                      cwd=cwd)
    for words, argv in OTHERS:
        w.refuses(f"lull {show(argv)}", 64, words, *argv, cwd=cwd)


def test_help(w):
    for argv in (["--help"], ["serve", "--help"], ["load", "--help"],
                 ["ss", "--help"], ["sysctl", "--help"], ["bench", "--help"],
                 ["sim", "--help"]):
        p = w.lull(*argv)
        w.ok(f"lull {' '.join(argv)}: on stdout, exit 0, 80 columns",
             p.returncode == 0 and p.stdout.startswith("usage: lull") and
             " 64 " in p.stdout and not p.stderr and
             max(map(len, p.stdout.splitlines())) <= 80, p.stdout, p.stderr)
    p = w.lull("--version")
    w.ok("lull --version", p.returncode == 0 and
         p.stdout.startswith("lull ") and len(p.stdout.split()) == 2, p.stdout)


def test_nowhere(w):
    """Standard output that is closed, or full."""
    for how in (">&-", ">/dev/full"):
        for argv in ("--help", "ss --help", "ss -tan"):
            w.refuses(f"lull {argv} {how}", 3, ["standard output"], *argv.split(),
                      wrap=("sh", "-c", f'"$@" {how}', "sh"))


def test_places(w):
    """Directory, capture file, control socket: they name the path."""
    w.refuses("a directory that isn't there", 3, ["nowhere"], "serve",
              f"{w.dir}/nowhere")
    path = w.file("file", b"x", w.dir)
    w.refuses("a file for a directory", 3, [path], "serve", path)
    bad = f"{path}/x"  # beneath a file
    w.refuses("a capture file that can't be", 3, [bad], "serve", "--pcap", bad,
              cwd=w.www())
    w.refuses("a control socket that can't be", 3, [bad], "serve", "--ctl", bad,
              cwd=w.www())
    w.refuses("lull ss: nobody is there", 3, [bad], "ss", "--ctl", bad)
    w.refuses("lull ss: a file that is no socket", 3, [path], "ss", "--ctl", path)
    w.refuses("lull sysctl: nobody is there", 3, [bad], "sysctl", "-a", "--ctl",
              bad)
    w.refuses("lull serve: a file where the control socket would be", 3, [path],
              "serve", "--ctl", path, cwd=w.www())
    with open(path, "rb") as f:
        w.equal("and the file is still there", f.read(), b"x")


def test_netns_names(w):
    for name in ("x" * 300, "../x", "a/b", ""):
        w.refuses(f"--netns {show([name])}: no name of a namespace", (3, 64),
                  [name],
                  "serve", "--netns", name, cwd=w.www())


def test_in_use(w):
    name = w.add_netns("busy")
    with w.serve(w.www(), "--netns", name) as s:
        w.refuses("the address is in use", 3, ["10.9.3.2", "--addr", "--netns"],
                  "serve", w.www(), "--netns", name)
        w.refuses("the prefix is in use", 3, ["10.9.3.7", "--addr"],
                  "serve", w.www(), "--netns", name, "--addr", "10.9.3.7/24")
        w.refuses("the control socket is in use", 3, [s.ctl, "--ctl"],
                  "serve", w.www(), "--ctl", s.ctl)
        w.refuses("lull load: the address is in use", 3, ["10.9.3.2", "--addr"],
                  "load", "http://10.9.3.1/", "--addr", "10.9.3.2/24",
                  "--netns", name)
        w.ok("and what was there goes on", s.states()["LISTEN"] == 1 and
             os.path.exists(s.ctl))
        out = w.run("ip", "-n", name, "-o", "link").stdout
        w.equal("with its one device", out.count("lull"), 1)
    w.del_netns(name)


def test_no_tun(w):
    """In a mount namespace with an empty /dev/net."""
    hide = ["unshare", "-m", "sh", "-c",
            'mount -t tmpfs none /dev/net && exec "$@"', "sh"]
    name = w.add_netns("notun")
    for how, argv in (("serve", ["serve", w.www(), "--netns", name]),
                      ("load", ["load", "http://10.9.4.1/", "--netns", name])):
        w.refuses(f"lull {how}: no /dev/net/tun", 3, ["/dev/net/tun"], *argv,
                  wrap=hide)
    w.refuses("lull bench: no /dev/net/tun", 3, ["/dev/net/tun"], "bench", "crr",
              "--link", "tun", "--seconds", "1", wrap=hide)
    w.del_netns(name)


def test_no_permission(w):
    """As nobody, without a capability; the program where nobody may run it."""
    os.chmod(w.dir, 0o755)
    path = os.path.join(w.dir, "lull")
    shutil.copy(w.path, path)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
              "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]
    name = w.add_netns("noperm")
    real, w.path = w.path, path
    try:
        w.refuses("lull serve as nobody", 3, ["permission", "root"], "serve",
                  w.www(), wrap=nobody)
        w.refuses("lull serve --netns -, as nobody", 3,
                  ["permission", "CAP_NET_ADMIN"], "serve", w.www(), "--netns",
                  "-", wrap=w.inside(name, *nobody))
        w.refuses("lull load as nobody", 3, ["permission", "CAP_NET_ADMIN"],
                  "load", "http://10.9.4.1/", wrap=w.inside(name, *nobody))
        w.refuses("lull bench --link tun as nobody", 3, ["permission", "root"],
                  "bench", "crr", "--link", "tun", wrap=nobody)
        with w.serve(w.www()) as s:
            w.refuses("another user's control socket", 3, [s.ctl], "ss", "--ctl",
                      s.ctl, wrap=nobody)
    finally:
        w.path = real
    w.del_netns(name)


main([test_usage, test_help, test_nowhere, test_places, test_netns_names, test_in_use, test_no_tun,
      test_no_permission], ["unshare", "setpriv"])
