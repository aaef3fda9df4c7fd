#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The arrows point one way, and every file stands alone.

usage: test_includes.py SOURCE_ROOT CC CXX

base <- wire <- {ip, tcp} <- shard <- {sock, diag}; host, sim, tools and
examples use the installed headers only.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import tap

INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.M)
# What each room may include, besides itself and include/lull.
MAY = {
    "base": set(),
    "wire": {"base"},
    "ip": {"base", "wire"},
    "tcp": {"base", "wire"},
    "shard": {"base", "wire", "ip", "tcp"},
    "sock": {"base", "wire", "ip", "tcp", "shard"},
    "diag": {"base", "wire", "ip", "tcp", "shard"},
}
# libc headers of which the core uses only types, macros and mem*.
LIBC = {"errno.h", "string.h", "stdbool.h", "stddef.h", "stdint.h",
        "limits.h", "sodium/crypto_shorthash_siphash24.h"}


def room_of(path):
    """src/tcp/x.c -> tcp; src/x.c -> shard."""
    return path.parts[1] if len(path.parts) > 2 else "shard"


def room_of_include(name):
    parts = name.split("/")
    return parts[0] if len(parts) > 1 else "shard"


def wrong_arrows(root):
    wrong = []
    for path in sorted((root / "src").rglob("*.[ch]")):
        rel = path.relative_to(root)
        room = room_of(rel)
        for name in INCLUDE.findall(path.read_text()):
            if name.startswith("lull/") or name in LIBC \
                    or name.endswith(".def") and room_of_include(name) in \
                    MAY[room] | {room}:
                continue
            target = room_of_include(name)
            if target != room and target not in MAY[room]:
                wrong.append(f"{rel} includes {name}")
    return wrong


def inside_users(root):
    """host, sim, tools and examples that reach into src/."""
    wrong = []
    own = {p.name for d in ("host", "sim", "tools/lull", "examples")
           for p in (root / d).glob("*.h")}
    for room in ("host", "sim", "tools", "examples"):
        for path in sorted((root / room).rglob("*.[ch]")):
            for name in INCLUDE.findall(path.read_text()):
                inside = (root / "src" / name).exists()
                if inside and name not in own:
                    wrong.append(f"{path.relative_to(root)} includes {name}")
    return wrong


def compile_all(jobs):
    """Run compilers, two at a time. The failures, as text."""
    def one(job):
        name, command = job
        run = subprocess.run(command, capture_output=True, text=True)
        return None if run.returncode == 0 and not run.stderr else \
            f"{name}: {run.stderr}"
    with ThreadPoolExecutor(2) as pool:
        return [f for f in pool.map(one, jobs) if f]


def main():
    root, cc, cxx = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    t = tap.Tap()
    arrows = wrong_arrows(root)
    t.ok("no file of src/ includes upwards", not arrows, *arrows)
    users = inside_users(root)
    t.ok("host, sim, tools and examples use include/lull alone", not users,
         *users)
    with tempfile.TemporaryDirectory() as out:
        alone = [(p.name, [cc, "-std=gnu17", f"-I{root}/include",
                           f"-I{root}/src", "-c", str(p), "-o",
                           f"{out}/{p.parent.name}-{p.stem}.o"])
                 for p in sorted((root / "src").rglob("*.c"))]
        bad = compile_all(alone)
        t.ok(f"each of {len(alone)} files of src/ compiles alone", not bad,
             *bad)
        headers = sorted((root / "include/lull").glob("*.h"))
        for language, compiler, flags in (
                ("C", cc, ["-x", "c", "-std=c17", "-pedantic"]),
                ("C++", cxx, ["-x", "c++", "-std=c++17", "-pedantic"])):
            jobs = [(h.name, [compiler, *flags, "-Wall", "-Wextra", "-Werror",
                              f"-I{root}/include", "-fsyntax-only", str(h)])
                    for h in headers]
            bad = compile_all(jobs)
            t.ok(f"each installed header compiles alone as {language}",
                 not bad, *bad)
        inner = sorted((root / "src").rglob("*.h"))
        jobs = [(h.name, [cc, "-std=gnu17", "-x", "c", f"-I{root}/include",
                          f"-I{root}/src", "-fsyntax-only", str(h)])
                for h in inner]
        bad = compile_all(jobs)
        t.ok("each header of src/ compiles alone", not bad, *bad)
    tap.finish(t)


main()
