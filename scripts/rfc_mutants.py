#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Does each test of tests/rfc fail when the code breaks its rule?

usage: rfc_mutants.py SOURCE_ROOT [ID...]

A scratch copy of the tree in build-rfc/ is built without optimisation. There
each mutation is made, alone; its test program is built, and the one function
that the row names is run: it must fail. What the program says without any
mutation is looked at first. One line each; the last one is the sum. Exit 1 if
a test didn't notice. About two seconds each.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import rfc_table

RUN_MAX_S = 60
BUILD_MAX_S = 600
OK = re.compile(r"^ok \d+ - (\w+)", re.M)


def files(root):
    """What is to be copied: all but what was built."""
    for path, dirs, names in os.walk(root):
        dirs[:] = [d for d in dirs
                   if not d.startswith((".", "build", "__pycache__"))]
        for name in names:
            yield (pathlib.Path(path) / name).relative_to(root)


def copy(root, tree):
    """Only what differs, so that little is built again."""
    for name in files(root):
        src, dst = root / name, tree / name
        if src.is_symlink():
            continue
        if dst.exists() and dst.read_bytes() == src.read_bytes():
            continue
        dst.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(src, dst)


class Scratch:
    """A copy of the tree, and its build."""

    def __init__(self, root):
        self.tree = root / "build-rfc/tree"
        self.build_dir = root / "build-rfc/build"
        self.passing = {}
        copy(root, self.tree)
        if not (self.build_dir / "build.ninja").exists():
            subprocess.run(["meson", "setup", self.build_dir, self.tree,
                            "-Dtests=true", "-Doptimization=0"],
                           check=True, stdout=subprocess.DEVNULL)

    def build(self, program):
        """None, or what the compiler says."""
        run = subprocess.run(["ninja", "-C", self.build_dir, "-j1",
                              f"tests/test_{program}"], text=True,
                             stdout=subprocess.PIPE, timeout=BUILD_MAX_S)
        return None if run.returncode == 0 else run.stdout

    def run(self, program, function=None):
        """(exit code, output); the code is None when it took too long."""
        env = dict(os.environ)
        env.pop("LULL_TEST", None)
        if function:
            env["LULL_TEST"] = function
        try:
            run = subprocess.run([self.build_dir / f"tests/test_{program}"],
                                 env=env, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, timeout=RUN_MAX_S)
        except subprocess.TimeoutExpired:
            return None, ""
        return run.returncode, run.stdout.decode(errors="replace")

    def passes(self, program):
        """The functions of a program that pass without a mutation."""
        if program not in self.passing:
            said = self.build(program)
            if said:
                sys.exit(f"{said}\nrfc-mutants: test_{program} can't be built")
            self.passing[program] = set(OK.findall(self.run(program)[1]))
        return self.passing[program]

    def mutate(self, m):
        """How the test takes it: (caught, what happened)."""
        program, _, function = m["test"].partition(":")
        path = self.tree / m["in"]
        text = path.read_text()
        path.write_text(text.replace(m["find"], m["put"]))
        try:
            if self.build(program):
                return False, "does not compile"
            code, out = self.run(program, function)
        finally:
            path.write_text(text)
        if code is None:
            return m["hangs"] is not None, "runs for ever"
        if code < 0:
            return True, f"aborted by signal {-code}"
        if re.search(rf"^not ok \d+ - {function}\b", out, re.M):
            return True, "failed"
        return False, "passes"


def one(scratch, m):
    program, _, function = m["test"].partition(":")
    if function not in scratch.passes(program):
        return False, "fails without a mutation, too"
    return scratch.mutate(m)


def chosen(root, ids):
    """(id, mutation) of all rows, or of those."""
    rows = [r for t in rfc_table.tables(root) for r in t.rows() if r.mutations]
    bad = [c for r in rows for m in r.mutations
           for c in rfc_table.mutation_complaints(root, r.id, m)]
    unknown = set(ids) - {r.id for r in rows}
    bad += [f"{i}: no row has this id and a mutation" for i in sorted(unknown)]
    if bad:
        sys.exit("\n".join(bad))
    out = [(r.id, m) for r in rows for m in r.mutations
           if not ids or r.id in ids]
    # One file after the other: half as much is built.
    return sorted(out, key=lambda pair: (pair[1]["in"], pair[1]["test"]))


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    mutations = chosen(root, sys.argv[2:])
    scratch = Scratch(root)
    caught = 0
    for name, m in mutations:
        start = time.monotonic()
        good, what = one(scratch, m)
        caught += good
        print(f"{'caught' if good else 'MISSED'}  {name:<12} "
              f"{m['test']}: {what} ({time.monotonic() - start:.1f} s)",
              flush=True)
    print(f"{caught} caught, {len(mutations) - caught} missed")
    sys.exit(caught < len(mutations))


main()
