#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every text is translated, and every translation is of a text.

usage: test_po.py SOURCE_ROOT
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import tap


def run(*argv, cwd):
    return subprocess.run(argv, capture_output=True, text=True, cwd=cwd)


def entries(text):
    """msgid: msgstr, without the head."""
    found = {}
    for m in re.finditer(r'^msgid ((?:".*"\n)+)msgstr ((?:".*"\n?)+)', text,
                         re.M):
        key, value = ("".join(re.findall(r'"(.*)"', g)) for g in m.groups())
        found[key] = value
    found.pop("", None)
    return found


def texts(root, out):
    options = re.findall(r"'(--(?:keyword|language|from-code)[^']*)'",
                         (root / "po/meson.build").read_text())
    files = [line for line in (root / "po/POTFILES").read_text().splitlines()
             if line and not line.startswith("#")]
    made = run("xgettext", *options, "--no-wrap", "-o", out, *files, cwd=root)
    return made.stderr


def main():
    root, t = pathlib.Path(sys.argv[1]), tap.Tap()
    if not shutil.which("xgettext"):
        t.skip("catalogues", "gettext is not installed")
        tap.finish(t)
    with tempfile.TemporaryDirectory() as d:
        why = texts(root, f"{d}/x.pot")
        have = entries(pathlib.Path(d, "x.pot").read_text())
    t.ok("texts can be read", len(have) > 700, why)
    for path in sorted((root / "po").glob("*.po")):
        made = run("msgfmt", "--check", "-o", "/dev/null", str(path), cwd=root)
        t.ok(f"{path.name} is well-formed", made.returncode == 0, made.stderr)
        text = path.read_text()
        done = entries(text)
        missing = [k for k in have if not done.get(k)]
        extra = [k for k in done if k not in have]
        t.ok(f"{path.name} has all {len(have)} texts", not missing, *missing)
        t.ok(f"{path.name} has no others", not extra, *extra)
        t.ok(f"{path.name} has nothing doubtful", ", fuzzy" not in text)
        same = [k for k in done if done[k] == k and
                re.search(r"[a-z]{4,} [a-z]{2,} [a-z]{3,}", k)]
        t.ok(f"{path.name} leaves no sentence as it was", not same, *same)
    tap.finish(t)


main()
