#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a packet script that is wrong, or is not met, is told.

usage: test_words.py TEST_SCRIPT
"""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "house"))
import tap  # noqa: E402

# name, the script, what stdout must have; "" for the line that fails.
BAD = [
    ("a flag that is missing is a difference",
     "shake()\ncall.close()\nexpect{A, seq=1}\n",
     ["x.lua:3: not as expected: flags", "expected {A, seq=1}",
      "came     {FA, seq=1, ack=1, win=65535}"]),
    ("every field is compared",
     "shake{ts={5, 0}}\ncall.close()\n"
     "expect{FA, seq=2, ack=2, win=1, len=1, mss=1, wscale=1, sackok=true,"
     " ts={1, 1}, sack={{1, 2}}, ours=1, tos=4, ttl=1, port=9, data='x',"
     " urg=3, val=7, ecr=7}\n",
     ["not as expected: port, seq, ack, win, mss, wscale, urg, tos, ttl, ours,"
      " sackok, len, data, the stamp, the echo, val, ecr, sack"]),
    ("an option may have to be missing",
     "listen(80)\ninject{S, ts={1, 0}}\nexpect{SA, mss=false, ts=false}\n",
     ["x.lua:3: not as expected: mss, ts"]),
    ("what comes too late is told",
     "shake{rtt=10}\ncall.close()\nexpect{FA}\nexpect_after(200, {FA})\n",
     ["x.lua:4: nothing came", "10 ms later {FA, seq=1"]),
    ("what comes too early is told",
     "shake{rtt=10}\ncall.close()\nexpect{FA}\nexpect_after(220, {FA})\n",
     ["x.lua:4: too early, after 210.000 ms"]),
    ("silence has its time",
     "shake{rtt=10}\ncall.close()\nexpect{FA}\nexpect_nothing(300)\n",
     ["x.lua:4: too early, after 210.000 ms"]),
    ("nothing at all comes",
     "shake()\nexpect{FA}\n",
     ["x.lua:2: nothing came", "nothing, for 600 s more"]),
    ("a segment that nobody expected, before a word",
     "shake()\ncall.close()\ninject{A}\n",
     ["x.lua:3: before inject: a segment that nobody expected", "{FA, seq=1"]),
    ("a segment that nobody expected, at the end",
     "shake()\ncall.close()\n",
     ["at its end a segment that nobody expected: {FA, seq=1"]),
    ("a state", "shake()\nstate('TIME-WAIT')\n",
     ["x.lua:2: the state", "expected TIME-WAIT", "is       ESTAB"]),
    ("a value", "is(1, 2)\n", ["x.lua:1: not as expected", "expected 2"]),
    ("an error is a value", "shake()\nis(call.read(), EPIPE)\n",
     ["expected EPIPE", "is       EAGAIN"]),
    ("a condition", "check(false, 'because')\n", ["x.lua:1: because"]),
    ("a field that is misspelt", "shake()\ninject{A, akc=1}\n",
     ["x.lua:2: a segment has no field 'akc'"]),
    ("a field of what does not come, too", "shake()\nexpect{A, akc=1}\n",
     ["x.lua:2: a segment has no field 'akc'"]),
    ("flags that are none", "shake()\ninject{SAA, seq=1}\n",
     ["x.lua:2: a segment begins with its flags"]),
    ("a word that does not exist", "shale()\n",
     ["x.lua:1: attempt to call a nil value (global 'shale')"]),
    ("a counter that does not exist", "counter('Tw')\n",
     ["x.lua:1: no counter 'Tw'"]),
    ("a drop that does not exist", "refused('TW')\n",
     ["x.lua:1: no drop 'TW'"]),
    ("a knob that does not exist", "sysctl('net.ipv4.tcp_x', '1')\n",
     ["x.lua:1: sysctl net.ipv4.tcp_x=1: No such file or directory"]),
    ("an option that does not exist", "shake()\ncall.set('X', 1)\n",
     ["x.lua:2: no option 'X'"]),
    ("a call without a connection", "call.close()\n",
     ["x.lua:1: there is no connection yet"]),
    ("pcall saves nobody", "pcall(state, 'ESTAB')\n",
     ["x.lua:1: the state"]),
    ("only() comes first", "listen(80)\nonly 'lull'\n",
     ["x.lua:2: only: first, before anything happens"]),
    ("only() of two kinds leaves nothing", "only 'lull'\nonly 'linux'\n",
     ["only() leaves it no world to run in"]),
    ("a script that loops", "while true do end\n",
     ["x.lua:1: more than 10000000 steps"]),
    ("a script that is none", "shake(\n", ["x.lua:2: unexpected symbol"]),
]
GOOD = [
    ("what a script prints is in the trace", "print('here', 1)\n",
     ["here\t1", "ok 4 - x.lua, IPv6, linux", "1..4"]),
    ("only() leaves worlds out", "only 'lull'\nonly 'ipv6'\n",
     ["ok 1 - x.lua, IPv6, lull", "1..1"]),
    ("words that find all as it should be",
     "local sa = shake{ts={7, 0}}\nis(sa.ecr, 7)\nis(sa.flags, SA)\n"
     "is(now(), 0)\nafter(1.5)\nis(now(), 1.5)\n"
     "call.set('QUICKACK', 1)\ninject({PA, len=3}, {PA, data='x'})\n"
     "expect{A, ack=5}\nis(call.read(), text(3) .. 'x')\n"
     "call.send('a')\ncall.send('b')\nexpect{PA, data='ab'}\n", ["1..4"]),
]


def run(program, path, *options):
    # A sanitizer's exit is no answer of the program's.
    return subprocess.run([program, *options, path], capture_output=True,
                          text=True, timeout=60, env=os.environ)


def main():
    program = sys.argv[1]
    t = tap.Tap()
    with tempfile.TemporaryDirectory() as d:
        path = pathlib.Path(d) / "x.lua"
        for name, script, wants in BAD:
            path.write_text(script)
            got = run(program, str(path))
            missing = [w for w in wants if w not in got.stdout]
            again = "# again: " in got.stdout and str(path) in got.stdout
            t.ok(name, got.returncode == 1 and not missing and again
                 and "not ok 1 - x.lua" in got.stdout,
                 *missing, *got.stdout.splitlines()[:8], got.stderr)
        for name, script, wants in GOOD:
            path.write_text(script)
            got = run(program, str(path), "--trace")
            missing = [w for w in wants if w not in got.stdout]
            t.ok(name, got.returncode == 0 and not missing,
                 *missing, *got.stdout.splitlines()[:8], got.stderr)
        path.unlink()
        got = run(program, d)
        t.ok("a directory without scripts is an error",
             got.returncode == 1 and "no scripts there" in got.stderr)
        got = run(program, d, "--ip", "5")
        t.ok("an option that is none is an error",
             got.returncode == 64 and "usage" in got.stderr)
    tap.finish(t)


main()
