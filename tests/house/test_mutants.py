#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The mutants of tests/script/mutants.py can still be made.

usage: test_mutants.py SOURCE_ROOT

`make script-mutants` takes minutes and runs now and then; that what it looks
for stands in the core once is seen here.
"""

import collections
import pathlib
import sys

import tap


def main():
    root, t = pathlib.Path(sys.argv[1]), tap.Tap()
    sys.path.insert(0, str(root / "tests/script"))
    sys.dont_write_bytecode = True
    mutants = __import__("mutants").MUTANTS
    times = {name: (root / "src" / file).read_text().count(old)
             for name, file, old, _ in mutants}
    wrong = [f"{name}: {n} times" for name, n in times.items() if n != 1]
    t.ok("each mutant's line stands in its file once", not wrong, *wrong)
    names = collections.Counter(name for name, _, _, _ in mutants)
    twice = [name for name, n in names.items() if n > 1]
    t.ok("each has a name of its own", not twice, *twice)
    same = [name for name, _, old, new in mutants if old == new]
    t.ok("each changes something", not same, *same)
    tap.finish(t)


main()
