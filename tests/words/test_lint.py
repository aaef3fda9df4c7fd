#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`lull sysctl lint`: what it says of lines, of files, and of the system's.

usage: test_lint.py LULL

recipe.conf is the recipe that the web passes on; recipe.txt and
recipe.zh_CN.txt are what is to be said of it.
"""

import json
import os
import pathlib
import shutil
import subprocess
import time

from words import CHINESE, LULL, Tap, has_chinese, lull, width
import tap

HERE = pathlib.Path(__file__).resolve().parent
DANGER, LOOK, NOTE = "danger", "look", "note"

# A file, and what is found: (line, grade, tag), and the exit code.
CASES = (
    ("", [], 0),
    ("# only\n; comments\n\n", [], 0),
    ("vm.swappiness = 10\nkernel.panic=5\n", [], 0),
    ("net.ipv4.conf.all.rp_filter = 2\n", [], 0),
    ("net.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.lo.rp_filter\n", [], 0),
    ("net.ipv4.tcp_rfc1337 = 0\n", [(1, NOTE, "default")], 0),
    ("net.ipv4.tcp_rfc1337 = 1\n", [(1, NOTE, "misread")], 0),
    ("net.ipv4.tcp_tw_recycle = 0\n", [(1, LOOK, "removed")], 1),
    ("-net.ipv4.tcp_tw_recycle = 1\n", [(1, DANGER, "removed")], 2),
    ("net/ipv4/tcp_tw_recycle=1", [(1, DANGER, "removed")], 2),
    ("net.ipv4.ip_conntrack_max = 9\n", [(1, LOOK, "removed")], 1),
    ("net.ipv4.tcp_keepalive_intv1 = 75\n", [(1, LOOK, "misspelt")], 1),
    ("net.ipv4.tcp_fin_timeot = 30\n", [(1, LOOK, "misspelt")], 1),
    ("net.ipv4.xyzzy_plugh = 30\n", [(1, LOOK, "unknown")], 1),
    ("net.inet.tcp.msl = 1000\n", [(1, LOOK, "another system's")], 1),
    ("TcpTimedWaitDelay = 30\n", [(1, LOOK, "another system's")], 1),
    ("net.ipv4.tcp_tw_timeout = 3\n", [(1, LOOK, "another system's")], 1),
    ("net.lull.tcp_timewait_len = 5\n", [(1, LOOK, "unknown")], 1),
    ("net.ipv4.tcp_fin_timeout = 3\n",
     [(1, LOOK, "no effect on TIME_WAIT")], 1),
    ("net.ipv4.tcp_fin_timeout = 30 # s\n", [(1, LOOK, "broken")], 1),
    ("net.ipv4.tcp_fin_timeout = 30s\n", [(1, LOOK, "broken")], 1),
    ("net.ipv4.tcp_fin_timeout =\n", [(1, LOOK, "broken")], 1),
    ("net.ipv4.tcp_fin_timeout\n", [(1, LOOK, "broken")], 1),
    ("= 5\n", [(1, LOOK, "broken")], 1),
    ("net.ipv4.tcp_timestamps = 0\n", [(1, DANGER, "no protection")], 2),
    ("net.ipv4.tcp_timestamps = 0\nnet.ipv4.tcp_tw_reuse = 1\n",
     [(1, DANGER, "no protection"), (2, NOTE, "for clients"),
      (2, LOOK, "contradicted")], 2),
    ("net.ipv4.tcp_syncookies = 2\n", [(1, DANGER, "for tests")], 2),
    ("net.ipv4.tcp_syncookies = 0\n", [(1, DANGER, "open to floods")], 2),
    ("net.ipv4.tcp_abort_on_overflow = 1\n",
     [(1, DANGER, "resets clients")], 2),
    ("net.ipv4.tcp_mem = 94500000 915000000 927000000000\n",
     [(1, DANGER, "misread"), (1, NOTE, "not here")], 2),
    ("net.ipv4.tcp_retries2 = 5\n", [(1, DANGER, "drops connections")], 2),
    ("net.ipv4.tcp_max_tw_buckets = 3\n", [(1, DANGER, "no protection")], 2),
    ("net.ipv4.ip_local_port_range = 1024 65001\n",
     [(1, DANGER, "takes ports of services")], 2),
    ("net.ipv4.ip_local_port_range = 1024 65001\n"
     "net.ipv4.ip_local_reserved_ports = 1433,3306,5432-5433\n", [], 0),
    ("net.ipv4.ip_local_port_range = 40000 40100\n",
     [(1, LOOK, "slow"), (1, LOOK, "risky")], 1),
    ("net.ipv4.tcp_keepalive_* = 60\n",
     [(1, LOOK, "no effect on TIME_WAIT")], 1),
    ("net.ipv4.tcp_rfc1337 = 1\nnet.ipv4.tcp_rfc1337 = 0\n",
     [(1, NOTE, "misread"), (1, LOOK, "overridden"), (2, NOTE, "default")],
     1),
    ("net.ipv4.tcp_rfc1337 = 1\r\nnet.ipv4.tcp_rfc1337=1\r\n",
     [(1, NOTE, "misread"), (1, NOTE, "said twice"), (2, NOTE, "misread")],
     0),
)


def test_cases(t, prefix):
    for text, want, code in CASES:
        out = lull("sysctl", "lint", "--json", "-", given=text, prefix=prefix)
        try:
            found = [(f["line"], f["grade"], f["tag"])
                     for f in json.loads(out.stdout)["findings"]]
        except ValueError:
            found = out.stdout
        t.ok(f"{text!r:.70}", (found, out.returncode) == (want, code), found,
             f"exit {out.returncode}", out.stderr)


def test_recipe(t):
    with open("/proc/sys/net/ipv4/tcp_ehash_entries", encoding="ascii") as f:
        buckets = abs(int(f.read()))
    for language, name in ((None, "recipe.txt"),
                           (CHINESE, "recipe.zh_CN.txt")):
        what = f"the recipe is judged as {name} has it"
        if buckets // 2 <= 5000 or buckets // 128 >= 8192:
            t.skip(what, "this machine's defaults are others")
            continue
        out = subprocess.run(
            [LULL, "sysctl", "lint", "recipe.conf"], cwd=HERE,
            env={**os.environ, "LC_ALL": "C"} if not language else
            {"PATH": os.environ["PATH"], **language},
            capture_output=True, encoding="utf-8", timeout=60)
        t.ok(what, out.returncode == 2 and out.stdout ==
             (HERE / name).read_text(encoding="utf-8"), out.stdout)


def test_facts(t):
    """Dangers name a version or a source."""
    out = lull("sysctl", "lint", "--json", str(HERE / "recipe.conf"))
    found = json.loads(out.stdout)
    bare = [f for f in found["findings"]
            if f["tag"] != "default" and not f["source"]]
    t.ok("each finding of the recipe says where it is written", not bare, bare)
    recycle = [f for f in found["findings"] if "recycle" in f["name"]]
    t.ok("the version that removed it", recycle[0]["since"] == "4.12", recycle)
    t.ok("JSON has schema 1, and sums", found["schema"] == 1 and
         found["settings"] == 8 and found["danger"] >= 1, found)


def test_files(t):
    out = lull("sysctl", "lint", "/nonexistent", str(HERE / "recipe.conf"))
    t.ok("a file that is not there: 3, and the others are read",
         out.returncode == 3 and "settings: 8" in out.stdout and
         out.stderr == "lull sysctl: /nonexistent: No such file or directory\n",
         out.stdout, out.stderr)
    out = lull("sysctl", "lint", "--nonsense")
    t.ok("usage: 64", out.returncode == 64 and not out.stdout, out.stderr)


def test_rubbish(t):
    rubbish = bytes(range(256)) * 40 + b"\n\x1b[2J=\x1b]0;x\x07\n" + b"a" * 9999
    run = subprocess.run([LULL, "sysctl", "lint", "-"], input=rubbish,
                         capture_output=True, timeout=60)
    t.ok("rubbish is judged, and no escape of it printed",
         run.returncode in (0, 1) and b"\x1b" not in run.stdout + run.stderr,
         run.returncode)
    run = subprocess.run([LULL, "sysctl", "lint", "--json", "-"],
                         input=rubbish, capture_output=True, timeout=60)
    t.ok("its JSON is JSON", json.loads(run.stdout)["schema"] == 1)
    run = lull("sysctl", "lint", "-",
               given="net.ipv4.tcp_rfc1337 = 1\n" * 2000)
    t.ok("two thousand lines", "settings: 2000" in run.stdout,
         run.stdout[-200:])


def test_odd(t):
    run = subprocess.run(f"head -c 1000000 /dev/zero | '{LULL}' sysctl lint -",
                         shell=True, capture_output=True, timeout=60)
    t.ok("a line without an end: 3, and it is said", run.returncode == 3 and
         b"64 KiB" in run.stderr, run.returncode, run.stderr)
    run = subprocess.run([LULL, "sysctl", "lint", "-"], timeout=60,
                         input=b"\xef\xbb\xbfnet.ipv4.tcp_tw_reuse = 1\n"
                         b"nte.ipv4.tcp_tw_reuse = 1\n\x9b.x = 1\n"
                         b"kernel.nobody_knows = 1\n", capture_output=True)
    out = run.stdout.decode("utf-8")
    t.ok("a byte order mark, another control and a misspelt net are seen",
         run.returncode == 1 and out.count("broken") == 2 and
         "did you mean net.ipv4.tcp_tw_reuse?" in out and
         "worth a look: 3" in out, out)


def test_many(t):
    """Different names that nobody knows: each is compared with all."""
    names = "".join(f"net.ipv4.xy{i}zzy{i * 7919}plugh = 1\n"
                    for i in range(2001))
    started = time.monotonic()
    run = lull("sysctl", "lint", "-", given=names)
    t.ok("two thousand settings are the limit, and said to be",
         run.returncode == 3 and "settings: 2000;" in run.stdout and
         run.stderr == "lull sysctl: -: more than 2000 settings; is it a "
         "file for sysctl(8)?\n", run.stdout[-200:], run.stderr)
    seconds = time.monotonic() - started
    t.ok("they take less than 20 seconds", seconds < 20, seconds)


SYSTEM = """
mount -t tmpfs none /etc/sysctl.d && mount -t tmpfs none /run || exit 77
mkdir /run/sysctl.d
echo 'net.ipv4.tcp_fin_timeout = 11' > /run/sysctl.d/50-x.conf
echo 'net.ipv4.tcp_fin_timeout = 12' > /etc/sysctl.d/50-x.conf
echo 'net.ipv4.tcp_fin_timeout = 13' > /etc/sysctl.d/90-y.conf
echo 'net.ipv4.tcp_fin_timeout = 14' > /etc/sysctl.d/notes.txt
ln -s /etc/sysctl.conf /etc/sysctl.d/99-sysctl.conf
"$@"
"""


def test_system(t):
    """As sysctl.d(5): by name, the first directory of two; not notes.txt."""
    what = "without a file: those of the system, in order"
    if os.geteuid() != 0 or not shutil.which("unshare"):
        t.skip(what, "needs root and unshare(1)")
        return
    run = subprocess.run(
        ["unshare", "-m", "-n", "sh", "-c", SYSTEM, "sh", LULL, "sysctl",
         "lint", "--json"], capture_output=True, text=True, timeout=60)
    if run.returncode == 77:
        t.skip(what, "no mount namespace here")
        return
    found = [(f["file"], f["value"], f["tag"]) for f in
             json.loads(run.stdout)["findings"] if "fin_timeout" in f["name"]]
    effect = "no effect on TIME_WAIT"
    t.ok(what, found[:3] == [
        ("/run/sysctl.d/50-x.conf", "11", effect),
        ("/run/sysctl.d/50-x.conf", "11", "overridden"),
        ("/etc/sysctl.d/90-y.conf", "13", effect)], found, run.stderr)


def test_chinese(t):
    text = "".join(c[0] + "\n" for c in CASES)
    out = lull("sysctl", "lint", "-", given=text, language=CHINESE).stdout
    lines = out.splitlines()
    prose = [x for x in lines if x.startswith("  ") and not has_chinese(x)
             and "[" not in x and len(x.split()) > 4]
    t.ok("all of it in Chinese", has_chinese(out) and not prose, *prose)
    wide = [x for x in lines if width(x) > 80 and not x.startswith("standard")]
    t.ok("in 80 columns", not wide, *wide)


def main():
    t = Tap()
    prefix = ("unshare", "-n") if os.geteuid() == 0 and \
        shutil.which("unshare") else ()
    if prefix:
        test_cases(t, prefix)
    else:
        t.skip("cases", "needs root and unshare(1): a kernel's own defaults")
    test_recipe(t)
    test_facts(t)
    test_files(t)
    test_rubbish(t)
    test_odd(t)
    test_many(t)
    test_system(t)
    test_chinese(t)
    tap.finish(t)


main()
