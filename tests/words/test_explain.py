#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`lull explain`: every word fits a screen, in both languages.

usage: test_explain.py LULL
"""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile

from words import CHINESE, LULL, Tap, has_chinese, lull, width
import tap

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINES, COLUMNS = 24, 80
KINDS = ("state|counter|drop of lull|knob|socket option|error|log line|"
         "word of another system|term|状态|计数器|lull 的丢弃原因|内核参数|"
         "套接字选项|错误码|内核日志|其他系统的用词|术语")

# What people type, and the word that they mean.
MEANT = {
    "TIME-WAIT": "TIME_WAIT", "time wait": "TIME_WAIT",
    "WAIT_TIMEOUT": "TIME_WAIT", "ITMED_WAIT": "TIME_WAIT",
    "CLOSED_WAIT": "CLOSE_WAIT", "WAIT_CLOSE": "CLOSE_WAIT",
    "SYN_SEND": "SYN_SENT", "fin_wait1": "FIN_WAIT_1",
    "eaddrnotavail": "EADDRNOTAVAIL", "99": "EADDRNOTAVAIL",
    "10048": "EADDRINUSE",
    "cannot assign requested address": "EADDRNOTAVAIL",
    "dial tcp 10.0.0.1:80: connect: cannot assign requested address":
        "EADDRNOTAVAIL",
    "tw": "TW", "TcpExtTCPTimeWaitOverflow": "TCPTimeWaitOverflow",
    "TcpExt: ListenDrops": "ListenDrops", "TimeWaitPaws": "TimeWaitPaws",
    "tcp_fin_timeout": "net.ipv4.tcp_fin_timeout",
    "net/ipv4/tcp_fin_timeout": "net.ipv4.tcp_fin_timeout",
    "tcp_tw_recycle": "net.ipv4.tcp_tw_recycle",
    "net.lull.tcp_timewait_len": "net.lull.tcp_timewait_len",
    "tcptimedwaitdelay": "TcpTimedWaitDelay", "MaxUserPort": "MaxUserPort",
    "SO_DONTLINGER": "SO_DONTLINGER", "net.inet.tcp.msl": "net.inet.tcp.msl",
    "net.inet.ip.portrange.last": "net.inet.ip.portrange.first",
    "tcp_close_wait_interval": "tcp_time_wait_interval",
    "[ 12.3] TCP: time wait bucket table overflow (CPU#3)":
        "time wait bucket table overflow",
    "TCP: request_sock_TCP: Possible SYN flooding on port 80. Sending "
    "cookies.": "possible SYN flooding",
    "TCP: too many orphaned sockets": "too many orphaned sockets",
    "TCP: out of memory -- consider tuning tcp_mem":
        "out of memory -- consider tuning tcp_mem",
    "nf_conntrack: nf_conntrack: table full, dropping packet":
        "nf_conntrack: table full, dropping packet",
    "2MSL": "MSL",
}


def all_words():
    return json.loads(lull("explain", "--list", "--json").stdout)["words"]


def test_meant(t):
    for typed, name in MEANT.items():
        out = lull("explain", "--json", typed)
        got = json.loads(out.stdout)["words"] if out.stdout else []
        t.ok(f"{typed} is {name}", out.returncode == 0 and
             [w["name"] for w in got] == [name], got, out.stderr)
    out = lull("explain", "time", "wait", "bucket", "table", "overflow")
    t.ok("a log line needs no quotes",
         out.stdout.startswith("time wait bucket table overflow (log line)\n"),
         out.stdout)


def screens(names, language):
    """The screen of each name: one run, divided where a title begins."""
    text = lull("explain", *names, language=language).stdout
    return re.split(rf"\n\n(?=\S.* ?[(（](?:\w+, )?(?:{KINDS})[)）]\n)",
                    text.rstrip("\n"))


def test_screens(t, words, language, called):
    names = list(dict.fromkeys(w["name"] for w in words))
    bad, texts = [], []
    for i in range(0, len(names), 100):
        texts += screens(names[i:i + 100], language)
    for text in texts:
        lines = text.split("\n")
        wide = [x for x in lines if width(x) > COLUMNS]
        if len(lines) > LINES or wide or len(lines) < 3:
            bad.append(text)
    t.ok(f"{called}: {len(names)} words, each on a screen of {LINES} lines of "
         f"{COLUMNS}", len(texts) == len(names) and not bad,
         f"{len(texts)} screens", *bad[:3])
    return texts


def test_tables(t, words):
    have = {(w["kind"], w["name"]) for w in words}
    base = ROOT / "src/base"
    for name, kind, pattern in (
            ("counters", "counter", r'^COUNTER\(\w+, "\w+", "(\w+)"'),
            ("drops", "drop of lull", r'^DROP\(\w+, "(\w+)"'),
            ("knobs", "knob", r'^(?:KNOB\d|PORTS)\(\w+, "([\w.]+)"'),
            ("knobs_idle", "knob", r'^(?:IDLE|REFUSED)\("([\w.]+)"')):
        rows = re.findall(pattern, (base / f"{name}.def").read_text(), re.M)
        missing = [r for r in rows if (kind, r) not in have]
        t.ok(f"all {len(rows)} of {name}.def are explained",
             rows and not missing, *missing)
    empty = [w["name"] for w in words if not w["what"]]
    t.ok("each word has a meaning", not empty, *empty)
    states = [w["name"] for w in words if w["kind"] == "state"]
    t.ok("RFC 9293's eleven states are there", len(states) >= 11, *states)


def test_values(t):
    w = json.loads(lull("explain", "--json", "tcp_fin_timeout").stdout)
    w = w["words"][0]
    with open("/proc/sys/net/ipv4/tcp_fin_timeout", encoding="ascii") as f:
        now = f.read().strip()
    t.ok("a knob's default, and what it is now",
         (w["default"], w["now"], w["unit"]) == ("60", now, "seconds"), w)
    out = lull("sysctl", "--explain", "net.inet.tcp.msl").stdout
    t.ok("sysctl --explain knows BSD's words", "Linux has no MSL" in out, out)


def test_wrong(t):
    out = lull("explain", "TIME_WIAT")
    t.ok("did you mean", (out.returncode, out.stdout, out.stderr) == (
        64, "", "lull explain: TIME_WIAT: nobody here knows it; did you mean "
        "TIME_WAIT?\n"), out.stderr)
    out = lull("explain", "\x1b[2J\u009b2Jxyzzy")
    t.ok("no escape comes back", out.returncode == 64 and
         not set("\x1b\u009b") & set(out.stderr), repr(out.stderr))
    out = subprocess.run([LULL, "explain", b"x\x9b2Jyzzy"],
                         capture_output=True, timeout=60)
    t.ok("nor one that is no UTF-8", out.returncode == 64 and
         b"\x9b" not in out.stderr, out.stderr)
    out = lull("explain", "a" * 50000)
    t.ok("a long word does not come back whole", out.returncode == 64 and
         len(out.stderr) < 400, len(out.stderr))
    for argv in ([], ["--list", "TW"], ["--nonsense"]):
        out = lull("explain", *argv)
        t.ok(f"usage: {argv}", out.returncode == 64 and not out.stdout and
             "lull explain --help" in out.stderr, out.stderr)


def test_chinese(t, words):
    texts = test_screens(t, words, CHINESE, "Chinese")
    english = [x for x in texts if not has_chinese(x)]
    t.ok("each screen is Chinese", not english, *english[:3])
    out = lull("explain", "TIME_WAIT", language=CHINESE).stdout
    t.ok("TIME_WAIT in Chinese", "我方先关闭" in out and "出处：" in out, out)
    for env in ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"},
                {"LANG": "en_US.UTF-8"}, {"LANG": "C.UTF-8"}, {}):
        out = lull("explain", "TIME_WAIT", language=env or {"X": "1"}).stdout
        t.ok(f"English where it is asked for: {env}", not has_chinese(out),
             out)
    for env in ({"LC_MESSAGES": "zh_CN"}, {"LC_ALL": "zh_CN.GB18030"},
                {"LC_ALL": "C.UTF-8", "LANGUAGE": "zh_CN"}):
        out = lull("explain", "TIME_WAIT", language=env).stdout
        t.ok(f"Chinese where it is asked for: {env}", has_chinese(out), out)


def test_installed(t):
    """bin/lull finds share/locale beside it, wherever both were put."""
    catalogue = pathlib.Path(LULL).parent / "po/zh_CN/LC_MESSAGES/lull.mo"
    what = "Chinese when installed"
    if not catalogue.exists():
        t.skip(what, f"{catalogue} was not built: no gettext")
        return
    with tempfile.TemporaryDirectory() as d:
        program = pathlib.Path(d, "bin/lull")
        there = pathlib.Path(d, "share/locale/zh_CN/LC_MESSAGES/lull.mo")
        for path, source in ((program, LULL), (there, catalogue)):
            path.parent.mkdir(parents=True)
            shutil.copy(source, path)
        run = subprocess.run([program, "explain", "TIME_WAIT"],
                             capture_output=True, encoding="utf-8",
                             env={"LANG": "zh_CN.UTF-8"}, timeout=60)
        t.ok(what, has_chinese(run.stdout), run.stdout, run.stderr)


def main():
    t = Tap()
    words = all_words()
    test_meant(t)
    test_tables(t, words)
    test_screens(t, words, None, "English")
    test_values(t)
    test_wrong(t)
    test_chinese(t, words)
    test_installed(t)
    tap.finish(t)


main()
