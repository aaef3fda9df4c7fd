#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: sum.py testlog.json

Counts the TAP lines in meson's log. First line: PASSED FAILED SKIPPED; then
a line for each that was skipped, and why. A program that died without a
failing line counts as one that failed.
"""

import json
import re
import sys

LINE = re.compile(r"^(not )?ok\b\s*(\d*)\s*-?\s*([^#]*)(?:# *(SKIP|TODO)\b(.*))?",
                  re.I)


def main():
    passed = failed = skipped = 0
    notes = []
    for line in open(sys.argv[1], encoding="utf-8"):
        test = json.loads(line)
        before = failed
        for tap in test.get("stdout", "").splitlines():
            whole = re.match(r"1\.\.0 *# *SKIP(.*)", tap, re.I)
            if whole:
                skipped += 1
                notes.append(f"skipped: {test['name']}: {whole[1].strip()}")
            m = LINE.match(tap)
            if not m:
                continue
            if m[4] and m[4].upper() == "SKIP":
                skipped += 1
                notes.append(f"skipped: {test['name']}: {m[3].strip()}: "
                             f"{(m[5] or '').strip()}")
            elif m[1]:
                failed += 1
            else:
                passed += 1
        if test["result"] in ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT") \
                and failed == before:
            failed += 1
    print(passed, failed, skipped)
    print("\n".join(notes), end="\n" if notes else "")


main()
