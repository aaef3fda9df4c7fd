#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each knob has a test that sees it act, and docs/knobs.md has them all.

usage: test_knobs.py SOURCE_ROOT [--write]

A test of tests/unit/test_knobs_*.c is named after each row of knobs.def; no
row is in knobs_idle.def as well. With --write docs/knobs.md is made anew;
else it must be what would be written.
"""

import pathlib
import re
import sys

import tap

ROW = re.compile(r"^(KNOB[123]|PORTS|IDLE|REFUSED)\((.*)\)$", re.M)
PIECE = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^",]+)\s*(?:,|$)')
HEAD = """# Knobs

Made from `src/base/knobs.def` and `src/base/knobs_idle.def` by
`python3 tests/house/test_knobs.py . --write`. Names, units and meanings are
Linux's; net.lull.* is our own. A default of limits.X is that limit of the stack.
A new value counts from the next use: a TIME_WAIT that is there keeps its time.
Behind each stands the test that sees its effect, in tests/unit/test_knobs_act.c,
test_knobs_cc.c or test_knobs_wire.c.

| knob | default | values | what it does | test |
|---|---|---|---|---|
"""
IDLE_HEAD = """
## Without effect

Linux has them, and files for sysctl(8) set them. `lull sysctl` accepts them with
a line that says why they do nothing; those marked *refused* it does not accept.

| knob | why |
|---|---|
"""


def rows(path):
    for macro, text in ROW.findall(path.read_text()):
        yield macro, [p.strip('"') for p in PIECE.findall(text)]


def short(name):
    return name.rsplit(".", 1)[1]


def entry(macro, p, tests):
    if macro == "PORTS":
        name, unit, least, most, text = p[1:]
        default, words = ["none"], []
    else:
        n = int(macro[-1])
        name, unit, default, text = p[1], p[2], p[3:3 + n], p[-1]
        least, most = p[3 + n], p[4 + n]
        words = p[-2].lstrip("!").split() if n == 1 else []
    values = f"{least} to {most} {unit}".rstrip()
    if words and "=" in words[0]:
        values += ", " + ", ".join(words)
    elif words:
        values, default = " or ".join(words), [words[int(default[0])]]
    limits = re.search(r" \(default: ([\w.]+)\)$", text)
    if limits:
        default, text = [limits.group(1)], text[:limits.start()]
    test = short(name) if short(name) in tests else ""
    return (f"| {name} | {' '.join(default)} | {values} | "
            f"{text.replace('|', '/')} | {test} |\n")


def page(knobs, idle, tests):
    out = HEAD + "".join(entry(m, p, tests) for m, p in
                         sorted(knobs, key=lambda row: row[1][1]))
    return out + IDLE_HEAD + "".join(
        f"| {name} | {'*refused*: ' if macro == 'REFUSED' else ''}{why} |\n"
        for macro, (name, why) in sorted(idle, key=lambda row: row[1][0]))


def main():
    root = pathlib.Path(sys.argv[1])
    knobs = list(rows(root / "src/base/knobs.def"))
    idle = list(rows(root / "src/base/knobs_idle.def"))
    tests = set()
    for path in (root / "tests/unit").glob("test_knobs_*.c"):
        tests.update(re.findall(r"cmocka_unit_test\w*\((\w+)",
                                path.read_text()))
    text = page(knobs, idle, tests)
    if "--write" in sys.argv:
        (root / "docs/knobs.md").write_text(text)
        return
    t = tap.Tap()
    names = {short(p[1]) for _, p in knobs}
    missing = sorted(names - tests)
    t.ok("each knob has a test that sees it act", len(names) > 30 and
         not missing, *missing)
    both = sorted({p[1] for _, p in knobs} & {p[0] for _, p in idle})
    t.ok("no knob acts and has no effect", idle and not both, *both)
    path = root / "docs/knobs.md"
    t.ok("docs/knobs.md is up to date (--write makes it anew)",
         path.exists() and path.read_text() == text)
    tap.finish(t)


main()
