#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The n-th get of each pool fails, over the unit tests.

usage: exhaust.py BUILD [PROGRAM...] [--sample SEED COUNT]

Runs each test program that stands on tests/unit/rig.c with LULL_FAIL=POOL:N. A
test may then fail by an assertion of its own; what may not be is a crash, an
assertion of the core, or a pool that keeps something when all is let go. Every
pool, every n to 64, from there on every eighth part more, until no shard of
the program has an n-th get. Those that are found wrong are printed with the
line that repeats them; exit 1. With --sample only so many of all, drawn from a
seed, n below 64.

Left out: test_stores and test_restore look into the core's middle, where it cannot
be left; test_exhaust and test_scarce do it themselves. test_arrives takes seconds,
so that no sample has it.
"""

import argparse
import os
import pathlib
import random
import re
import subprocess
import sys

POOLS = ["connections", "half-open", "listeners", "handles", "closing-IPv4",
         "closing-IPv6", "buffers-256", "buffers-2k", "buffers-64k",
         "destinations", "port-maps", "reassembly", "neighbours", "unresolved"]
NOT_THESE = {"test_stores", "test_restore", "test_exhaust", "test_scarce"}
# A test of theirs that fails still holds frames that it had from the link.
LENDERS = {"test_merge"}
SLOW = "test_arrives"
WRONG = re.compile(r"LEAK: .*|this is a bug in lull|.*exception: .*|"
                   r".*Sanitizer.*|.*runtime error.*")
FAILED = re.compile(r"^# FAILED: (\d+) gets", re.M)
ALL_TO = 64
N_MOST = 1 << 30


def run(program, pool, n):
    """(gets that failed, what is wrong or "")."""
    # A test that fails leaves what it had asked of malloc().
    asan = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    env = dict(os.environ, LULL_FAIL=f"{pool}:{n}", ASAN_OPTIONS=asan)
    try:
        p = subprocess.run([program], env=env, capture_output=True, text=True,
                           errors="replace", timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return 1, "no end"
    out = p.stdout + p.stderr
    if re.sub("-[a-z]+$", "", program.name) in LENDERS:
        out = re.sub("# LEAK: pool buffers .*", "", out)
    found = WRONG.search(out)
    gets = FAILED.search(out)
    if p.returncode < 0:
        return 1, found.group(0) if found else f"signal {-p.returncode}"
    if not gets:
        return 0, "it does not stand on the rig" if not found else found[0]
    return int(gets[1]), found.group(0) if found else ""


def programs(build):
    """Those that print what LULL_FAIL did."""
    for path in sorted((build / "tests").glob("test_*")):
        if not path.is_file() or not os.access(path, os.X_OK):
            continue
        if re.sub("-[a-z]+$", "", path.name) in NOT_THESE:
            continue
        if b"LULL_FAIL" in path.read_bytes():
            yield path


def report(program, pool, n, wrong):
    print(f"not ok - LULL_FAIL={pool}:{n} {program}: {wrong}", flush=True)


def sweep(program):
    """(runs, gets that failed, wrong ones)."""
    runs = failed = bad = 0
    for pool in POOLS:
        n, gets = 1, 1
        while gets:
            gets, wrong = run(program, pool, n)
            runs += 1
            failed += gets
            if wrong:
                bad += 1
                report(program, pool, n, wrong)
            n += 1 if n < ALL_TO else n // 8
            if n > N_MOST:  # the test sets what counts them
                bad += 1
                report(program, pool, n, "there is no last get")
                break
    return runs, failed, bad


def sample(paths, seed, count):
    draw = random.Random(seed)
    failed = bad = 0
    for _ in range(count):
        program, pool = draw.choice(paths), draw.choice(POOLS)
        n = 1 + int(ALL_TO ** draw.random())
        gets, wrong = run(program, pool, n)
        failed += gets
        if wrong:
            bad += 1
            report(program, pool, n, wrong)
    return count, failed, bad


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--sample", nargs=2, type=int,
                        metavar=("SEED", "COUNT"))
    parser.add_argument("program", nargs="*")
    a = parser.parse_args()
    paths = [p for p in programs(a.build)
             if not a.program or
             re.sub("-[a-z]+$", "", p.name) in a.program]
    if not paths:
        sys.exit(f"exhaust: no test programs in {a.build}/tests")
    if a.sample:
        paths = [p for p in paths if not p.name.startswith(SLOW)]
        sums = [sample(paths, *a.sample)]
    else:
        sums = []
        for p in paths:
            sums.append(sweep(p))
            print(p.name, *sums[-1], flush=True)
    runs, failed, bad = (sum(column) for column in zip(*sums))
    print(f"{len(paths)} programs, {runs} runs, {failed} gets failed, "
          f"{bad} wrong")
    sys.exit(bad > 0)


main()
