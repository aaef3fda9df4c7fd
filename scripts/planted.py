#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Does the simulator find bugs? Plants them one by one, and looks.

usage: planted.py [NAME...]     all of tests/planted, or these

Each tests/planted/NAME.patch breaks one rule. Its head says which (Rule:), how
(Broken:), who should notice (Check:) and what `lull sim` is asked to run, with
the seeds that are enough (Run:). In a scratch copy of the tree one after the
other is applied, lull-sim is built, and seeds are run until one fails.

Prints a table; after a run of all of them writes docs/planted.md. The last
line: N caught, N missed. Exit: 1 if one was missed, or does not apply.
"""

import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATCHES = ROOT / "tests/planted"
PAGE = ROOT / "docs/planted.md"
FIELDS = ("Rule", "Broken", "Check", "Run")
SEED = re.compile(r"^seed (\d+) failed: (.*?); again: ", re.M)
CHUNK = 8        # seeds at a time
PATIENCE_S = 300  # for one chunk: a bug may go round in circles
HEAD = """# Planted bugs

Made by `make planted`, which breaks one rule after the other in a copy of the tree and runs
`lull sim` until a seed fails that holds without the bug; tests/planted has the
patches.

| bug | rule | broken | caught by | `lull sim` | seeds | it says |
|---|---|---|---|---|---|---|
"""


def head_of(patch):
    """The fields in front of the patch. Raises ValueError: one is missing."""
    text = patch.read_text().split("\n--- ")[0]
    head = dict(re.findall(r"^(\w+): (.*)$", text, re.M))
    missing = [f for f in FIELDS if f not in head]
    if missing:
        raise ValueError(f"{patch.name}: no {', '.join(missing)}")
    return head


def span_of(run):
    """The arguments without the seeds, the first seed and the last."""
    found = re.search(r"--seeds (\d+)\.\.(\d+)", run)
    rest = (run[:found.start()] + run[found.end():]).split()
    return rest, int(found[1]), int(found[2])


def run(args, cwd, **more):
    return subprocess.run(args, cwd=cwd, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False,
                          **more)


def must(args, cwd):
    done = run(args, cwd)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, args))}:\n{done.stdout}")


def copy_tree(to):
    def not_ours(folder, names):
        if pathlib.Path(folder) != ROOT:
            return [n for n in names if n == "__pycache__"]
        return [n for n in names if n == ".git" or n.startswith("build")]

    shutil.copytree(ROOT, to, ignore=not_ours, dirs_exist_ok=True)


def apply(tree, patch, *more):
    return run(["patch", "-p1", "-s", "-f", "-N", "-F0", "-i", patch, *more],
               tree)


def build(tree):
    return run(["ninja", "-C", "build", "-j1", "lull-sim"], tree)


def hunt(tree, head):
    """How many seeds it took, and what the first that failed said. A seed that
    fails without the bug as well says nothing."""
    rest, first, last = span_of(head["Run"])
    for seed in range(first, last + 1, CHUNK):
        end = min(seed + CHUNK - 1, last)
        args = [*rest, "--seeds"]
        try:
            done = run(["build/lull-sim", *args, f"{seed}..{end}"], tree,
                       timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            return end - first + 1, f"no end within {PATIENCE_S} s"
        for found in SEED.finditer(done.stdout):
            at = int(found[1])
            if run(["./whole-sim", *args, f"{at}..{at}"], tree).returncode == 0:
                return at - first + 1, found[2]
        if done.returncode < 0:
            return end - first + 1, f"ended by signal {-done.returncode}"
    return None, "nothing failed"


def try_one(tree, patch):
    head = head_of(patch)
    start = time.monotonic()
    done = apply(tree, patch)
    if done.returncode:
        return head, None, f"does not apply: {done.stdout.strip()}"
    try:
        built = build(tree)
        if built.returncode:
            wrong = re.search(r"^.*error.*$", built.stdout, re.M)
            return head, None, "does not build: " + (
                wrong[0] if wrong else built.stdout[-200:])
        seeds, why = hunt(tree, head)
    finally:
        if apply(tree, patch, "-R").returncode:
            sys.exit(f"{patch.name} can't be taken back")
    print(f"{patch.stem:26} {seeds or 'MISSED':>6}  "
          f"{time.monotonic() - start:4.0f} s  {why}", flush=True)
    return head, seeds, why


def row(name, head, seeds, why):
    cells = [name, head["Rule"], head["Broken"], head["Check"],
             head["Run"], seeds or "missed", why]
    return "| " + " | ".join(str(c).replace("|", "/") for c in cells) + " |\n"


def main():
    # The scratch copy goes also when somebody ends this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    names = sys.argv[1:] or sorted(p.stem for p in PATCHES.glob("*.patch"))
    rows, missed = [], 0
    with tempfile.TemporaryDirectory(prefix="lull-planted-") as scratch:
        tree = pathlib.Path(scratch)
        copy_tree(tree)
        must(["meson", "setup", "build", "-Dtests=false"], tree)
        must(["ninja", "-C", "build", "-j1", "lull-sim"], tree)
        shutil.copy(tree / "build/lull-sim", tree / "whole-sim")
        for name in names:
            head, seeds, why = try_one(tree, PATCHES / f"{name}.patch")
            if not seeds and why != "nothing failed":
                print(f"{name}: {why}", flush=True)
            missed += not seeds
            rows.append(row(name, head, seeds, why))
    if not sys.argv[1:]:
        PAGE.write_text(HEAD + "".join(rows))
    print(f"{len(names) - missed} caught, {missed} missed")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
