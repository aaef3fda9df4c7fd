#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The planted bugs of tests/planted can still be planted.

usage: test_planted.py SOURCE_ROOT

Each patch applies to the tree as it is and says what it breaks, and
docs/planted.md, which `make planted` writes, has its row as it stands: of what
is broken, of who notices, and of the seeds.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import tap

FIELDS = ("Rule", "Broken", "Check", "Run")
FILE = re.compile(r"^--- a/(\S+)$", re.M)
LEAST = 20  # the issue's; and there is more to break


def applies(root, patch):
    """What is wrong, or None. Only what it touches is copied."""
    with tempfile.TemporaryDirectory() as scratch:
        for name in FILE.findall(patch.read_text()):
            to = pathlib.Path(scratch) / name
            to.parent.mkdir(parents=True, exist_ok=True)
            if not (root / name).is_file():
                return f"there is no {name}"
            shutil.copy(root / name, to)
        done = subprocess.run(
            ["patch", "-p1", "-s", "-f", "-N", "-F0", "-i", patch.resolve()],
            cwd=scratch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False)
        return done.stdout.strip() or "no" if done.returncode else None


def wrong_head(patch):
    head = dict(re.findall(r"^(\w+): (.*)$",
                           patch.read_text().split("\n--- ")[0], re.M))
    missing = [f for f in FIELDS if not head.get(f)]
    if missing:
        return f"no {', '.join(missing)}"
    if not re.search(r"--seeds \d+\.\.\d+", head["Run"]):
        return "Run: no seeds"
    return None


def row_of(page, patch):
    """Its cells in the page; None: no row."""
    for line in page.splitlines():
        if line.startswith(f"| {patch.stem} |"):
            return [c.strip() for c in line.strip("|").split(" | ")]
    return None


def wrong_row(page, patch):
    head = dict(re.findall(r"^(\w+): (.*)$",
                           patch.read_text().split("\n--- ")[0], re.M))
    row = row_of(page, patch)
    if row is None:
        return "no row"
    said = [head.get(f, "").replace("|", "/") for f in FIELDS]
    if row[1:5] != said:
        return f"its row says {row[1:5]}, its head {said}"
    return None if row[5].isdigit() else "it was missed"


def report(t, name, patches, wrong_of):
    wrong = [f"{p.name}: {why}" for p in patches if (why := wrong_of(p))]
    t.ok(name, len(patches) >= LEAST and not wrong, *wrong)


def main():
    root = pathlib.Path(sys.argv[1])
    patches = sorted((root / "tests/planted").glob("*.patch"))
    page = (root / "docs/planted.md").read_text()
    t = tap.Tap()
    report(t, "each planted bug says what it breaks", patches, wrong_head)
    report(t, "each planted bug applies to the tree", patches,
           lambda p: applies(root, p))
    report(t, "docs/planted.md has each, caught (`make planted`)", patches,
           lambda p: wrong_row(page, p))
    names = {p.stem for p in patches}
    gone = [line for line in re.findall(r"^\| ([a-z][\w-]+) \|", page, re.M)
            if line not in names and line != "bug"]
    t.ok("docs/planted.md has no other", not gone, *gone)
    tap.finish(t)


main()
