#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""docs/claims.md, made from the experiments of `lull lab`.

usage: claims.py LULL_LAB CLAIMS.TSV [RUN.json] > docs/claims.md

Runs all of them, or takes what a run of all has written with --json.
"""

import json
import re
import subprocess
import sys

HEAD = """# What is said of TCP, and what is so

Made by `make claims` from the experiments under lab/: `lull lab run NAME` repeats one, `lull
lab run all --html DIR` draws them all. A verdict follows from what was seen: OK all of what
is claimed, PART some of it, OLD it was so once, WRONG none of it, DANGER it does harm. Claims
without an experiment have the reason in its place, and the verdict of the texts.

| claim | verdict | what is said | experiment |
|---|---|---|---|
"""


def cell(text):
    return text.replace("|", "\\|")


def number(claim):
    return int(re.sub(r"\D", "", claim))


def rows_of(scripts):
    """id: (verdict, claim, names of scripts)."""
    rows = {}
    for s in scripts:
        for c in s["claims"]:
            ran = "skipped" not in s
            old = rows.get(c["id"])
            verdict = c["verdict"] if ran else ""
            names = (old[2] if old else []) + [s["name"] + (
                "" if ran else " (on the kernel only)")]
            if old and old[0] and verdict and old[0] != verdict:
                sys.exit(f"claims.py: {c['id']}: {old[0]} in {old[2]}, "
                         f"{verdict} in {s['name']}")
            rows[c["id"]] = (old[0] if old and old[0] else verdict,
                             old[1] if old else c["says"], names)
    return rows


def main():
    if len(sys.argv) > 3:
        with open(sys.argv[3]) as f:
            scripts = json.load(f)
    else:
        run = subprocess.run([sys.argv[1], "run", "all", "--json"],
                             capture_output=True, text=True)
        if run.returncode:
            sys.exit(f"claims.py: the experiments: {run.stderr}"
                     f"exit {run.returncode}")
        scripts = json.loads(run.stdout)
    rows = rows_of(scripts)
    lines = {i: f"| {i} | {v or 'kernel only'} | {cell(says)} | {', '.join(names)} |"
             for i, (v, says, names) in rows.items()}
    with open(sys.argv[2]) as f:
        for line in f:
            if line.startswith("#"):
                continue
            claim, verdict, says, why = line.rstrip("\n").split("\t")
            if claim in lines:
                sys.exit(f"claims.py: {claim} has an experiment, and a row in "
                         f"{sys.argv[2]}")
            lines[claim] = f"| {claim} | {verdict} | {cell(says)} | none: {cell(why)} |"
    sys.stdout.write(HEAD)
    for claim in sorted(lines, key=number):
        print(lines[claim])


main()
