#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The rules of the house that a machine can read (CONTRIBUTING.md).

usage: test_tidy.py SOURCE_ROOT

Lengths of functions and files, SPDX lines, file heads, names in backquotes,
words that have no place in the tree, and clang-format where it is there.
"""

import pathlib
import re
import shutil
import subprocess
import sys

import tap

FUNCTION_MAX = 70
FILE_MAX = 800
FILE_HEAD_MAX = 20
CODE = ("src", "host", "sim", "tools", "tests", "fuzz", "examples", "bench",
        "include")
BANNED = re.compile(r"\b(FIXME|XXX|HACK)\b|\bTODO\b(?! #\d)")
# A definition at column 0 whose body begins with "{" at column 0.
BODY = re.compile(r"^\{\n(.*?)^\}", re.M | re.S)
NAME = re.compile(r"(\w+)\s*\([^;{}]*\)\s*\Z", re.S)
QUOTED = re.compile(r"`([a-z_][a-z0-9_]{3,})(?:\(\))?`")


def c_files(root, where=CODE):
    for d in where:
        yield from sorted((root / d).rglob("*.[ch]"))


def functions(text):
    """(name, lines) of each function; by the house's formatting."""
    for m in BODY.finditer(text):
        head = NAME.search(text[:m.start()])
        if head:
            yield head.group(1), m.group(0).count("\n") + 1


def allowed(root):
    path = root / "tests/house/tidy.allow"
    return {line.split()[0] for line in path.read_text().splitlines()
            if line and not line.startswith("#")}


def check_lengths(root, t):
    allow, used, long_f, long_files = allowed(root), set(), [], []
    for path in c_files(root):
        rel = str(path.relative_to(root))
        text = path.read_text()
        if text.count("\n") > FILE_MAX and not rel.startswith("bench/peers"):
            long_files.append(f"{rel}: {text.count(chr(10))} lines")
        if rel.startswith("bench/peers"):
            continue
        for name, lines in functions(text):
            key = f"{rel}:{name}"
            if lines > FUNCTION_MAX and key not in allow:
                long_f.append(f"{key}: {lines} lines")
            if lines > FUNCTION_MAX:
                used.add(key)
    t.ok(f"no function is longer than {FUNCTION_MAX} lines", not long_f,
         *long_f)
    t.ok(f"no file is longer than {FILE_MAX} lines", not long_files,
         *long_files)
    stale = allow - used
    t.ok("tests/house/tidy.allow names only what needs it", not stale, *stale)


def check_heads(root, t):
    bad = []
    for path in c_files(root):
        rel = str(path.relative_to(root))
        lines = path.read_text().splitlines()
        if rel.startswith("bench/peers"):
            continue
        if not lines or "SPDX-License-Identifier: BSD-2-Clause" not in lines[0]:
            bad.append(f"{rel}: no SPDX line")
        elif len(lines) < 2 or not lines[1].startswith("/*"):
            bad.append(f"{rel}: no file head")
        elif path.suffix == ".c":
            end = next((i for i, l in enumerate(lines) if "*/" in l and i > 0),
                       0)
            if end > FILE_HEAD_MAX:
                bad.append(f"{rel}: a file head of {end} lines")
    t.ok("each C file has its SPDX line and a short head", not bad, *bad)
    bad = []
    for path in sorted(p for d in (*CODE, "lab")
                       for p in (root / d).rglob("*.lua")):
        lines = path.read_text().splitlines()
        if not lines or lines[0] != "-- SPDX-License-Identifier: BSD-2-Clause":
            bad.append(f"{path.relative_to(root)}: no SPDX line")
        elif len(lines) < 2 or not lines[1].startswith("-- "):
            bad.append(f"{path.relative_to(root)}: does not say what it shows")
    t.ok("each script has its SPDX line and says what it shows", not bad, *bad)


def check_words(root, t):
    bad = []
    for path in c_files(root):
        for i, line in enumerate(path.read_text().splitlines(), 1):
            if BANNED.search(line):
                bad.append(f"{path.relative_to(root)}:{i}: {line.strip()}")
    t.ok("no unfinished work without an issue's number", not bad, *bad)


def check_quotes(root, t):
    """A name in backquotes must exist somewhere in the code."""
    texts = {p: p.read_text() for p in c_files(root)}
    texts.update({p: p.read_text() for p in (root / "src").rglob("*.def")})
    words = set()
    for text in texts.values():
        words.update(re.findall(r"\w+", re.sub(r"`[^`]*`", "", text)))
    bad = []
    docs = list(texts.items()) + [
        (p, p.read_text()) for p in
        [*root.glob("*.md"), *(root / "docs").glob("*.md")]]
    for path, text in docs:
        for name in QUOTED.findall(text):
            if "_" in name and name not in words:
                bad.append(f"{path.relative_to(root)}: `{name}`")
    t.ok("names in backquotes exist", not bad, *bad)


def check_format(root, t):
    if not shutil.which("clang-format"):
        t.skip("clang-format finds nothing", "clang-format is not installed")
        return
    files = [str(p) for p in c_files(root)
             if "bench/peers" not in str(p)]
    run = subprocess.run(["clang-format", "--dry-run", "-Werror", *files],
                         capture_output=True, text=True, cwd=root)
    t.ok("clang-format finds nothing", run.returncode == 0,
         *run.stderr.splitlines()[:20])


def main():
    root = pathlib.Path(sys.argv[1])
    t = tap.Tap()
    check_lengths(root, t)
    check_heads(root, t)
    check_words(root, t)
    check_quotes(root, t)
    check_format(root, t)
    tap.finish(t)


main()
