#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Bash completes what the command has, and expands nothing of what it reads.

usage: test_completion.py LULL COMPLETION KNOBS.DEF
"""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile

import tap

OPTION = re.compile(r"(?<![\w-])--?[A-Za-z0-9][\w-]*")
# As readline does it: the last argument is the word to complete.
ASK = r"""
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
$(complete -p lull | sed 's/.*-F \([^ ]*\) .*/\1/') "$1" "$2" "$3"
((${#COMPREPLY[@]})) && printf '%s\n' "${COMPREPLY[@]}"
exit 0
"""


class Shell:
    def __init__(self, lull, completion, t):
        self.lull, self.completion, self.t = lull, completion, t

    def __call__(self, *words, cwd=None):
        p = subprocess.run(["bash", "--norc", "--noprofile", "-c", ASK, "bash",
                            self.completion, self.lull, *words],
                           capture_output=True, text=True, cwd=cwd,
                           stdin=subprocess.DEVNULL, timeout=20)
        if p.stderr:
            self.t.ok(f"bash has no complaint: {words}", False, p.stderr)
        return p.stdout.splitlines()

    def equal(self, name, want, *words, **options):
        got = self(*words, **options)
        return self.t.ok(name, sorted(got) == sorted(want), f"got  {got}",
                         f"want {sorted(want)}")


def help_of(lull, *command):
    return subprocess.run([lull, *command, "--help"], capture_output=True,
                          text=True).stdout


def options_of(text):
    """Of lines that begin with an option, as far as two blanks."""
    found = {"--help"}
    for line in re.findall(r"^ +(-.*)", text, re.M):
        found.update(OPTION.findall(re.split(r"  +", line)[0]))
    return found


def check_commands(sh, t):
    commands = re.findall(r"^  ([a-z]+) ", help_of(sh.lull), re.M)
    t.ok("lull has commands", len(commands) > 5, commands)
    sh.equal("lull: its commands", [*commands, "--help", "--version"], "")
    sh.equal("lull sys", ["sysctl"], "sys")
    for name in commands:
        sh.equal(f"lull {name} -: the options of --help",
                 options_of(help_of(sh.lull, name)), name, "-")


def check_values(sh, t, knobs):
    sh.equal("words that --help has", ["client", "server"], "serve",
             "--close-by", "")
    sh.equal("and of another", ["destination"], "ss", "--by", "d")
    sh.equal("words of the usage", ["rr"], "bench", "rr")
    sh.equal("after them there are options", [], "bench", "rr", "r")
    out = subprocess.run([sh.lull, "sim", "--scenario", "list"],
                         capture_output=True, text=True).stdout
    listed = re.findall(r"^(\S+)  ", out, re.M)
    t.ok("there are scenarios", listed)
    sh.equal("scenarios", listed, "sim", "--scenario", "")
    sh.equal("a number has no completion", [], "load", "--seconds", "")
    sh.equal("knobs of --sysctl", [f"{k}=" for k in knobs
                                   if k.startswith("net.lull.")],
             "serve", "--sysctl", "net.lull.")
    got = set(sh("sysctl", "net.ipv4.tcp_"))
    want = {k for k in knobs if k.startswith("net.ipv4.tcp_")}
    t.ok("knobs of sysctl", len(want) > 10 and want <= got, got ^ want)


def check_files(sh, t, d):
    evil = "$(touch pwned);`touch pwned`"
    for name in ("web.ctl", "web page", evil):
        (d / name).write_text("")
    (d / "dir").mkdir()
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(d / "sock"))
    sh.equal("files", ["web.ctl", "web page"], "ss", "--ctl", "we", cwd=d)
    sh.equal("behind =, too", ["web.ctl", "web page"], "ss", "--ctl", "=", "we",
             cwd=d)
    sh.equal("directories", ["dir"], "serve", "", cwd=d)
    sh.equal("a name is never executed", [evil], "serve", "--pcap", "$", cwd=d)
    sh("sysctl", "--ctl", evil, "net", cwd=d)
    t.ok("indeed", not (d / "pwned").exists())
    sock.close()


def main():
    lull, completion, knobs = sys.argv[1:]
    t = tap.Tap()
    if not shutil.which("bash"):
        print("1..0 # SKIP bash is not installed")
        return
    os.environ["LC_ALL"] = "C.UTF-8"
    names = re.findall(r'^(?:KNOB\d|PORTS)\(\w+, "([^"]+)"',
                       pathlib.Path(knobs).read_text(), re.M)
    sh = Shell(os.path.abspath(lull), os.path.abspath(completion), t)
    check_commands(sh, t)
    check_values(sh, t, names)
    with tempfile.TemporaryDirectory() as d:
        check_files(sh, t, pathlib.Path(d))
    tap.finish(t)


main()
