#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""docs/claims.md is what the experiments say, and has each claim once.

usage: test_claims.py SOURCE_ROOT LULL_LAB
"""

import os
import pathlib
import re
import subprocess
import sys

import tap

CLAIMS = 107


def main():
    root, t = pathlib.Path(sys.argv[1]), tap.Tap()
    made = subprocess.run(
        [sys.executable, str(root / "scripts/claims.py"), sys.argv[2],
         str(root / "lab/claims.tsv")], capture_output=True, text=True,
        env=dict(os.environ, LULL_LAB=str(root / "lab")))
    have = (root / "docs/claims.md").read_text()
    t.ok("the experiments run", made.returncode == 0, made.stderr)
    differ = sorted(set(made.stdout.splitlines()) ^ set(have.splitlines()))
    t.ok("docs/claims.md is as `make claims` makes it", have == made.stdout,
         *differ)
    ids = re.findall(r"^\| C(\d+) ", have, re.M)
    t.ok(f"it has claims 1 to {CLAIMS}, each once, in order",
         ids == [str(i) for i in range(1, CLAIMS + 1)], ids)
    tap.finish(t)


main()
