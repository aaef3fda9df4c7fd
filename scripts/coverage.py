#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Lines of the core that were reached, by module; and those that were not.

usage: coverage.py BUILD

Asks gcov(1) for every object of src/ in BUILD, of the plain core and of the
checked one. A line counts once, and is reached if it is in any of them. Not
counted are lines that are there to be never reached: those of LULL_NEVER and
the two behind it. Writes BUILD/unreached.txt: file, line, text.
"""

import collections
import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile

NEVER = re.compile(r"LULL_NEVER\(|lull_panic\(")


def ask_gcov(build, root):
    """{file: {line: hits}} of src/, over all objects."""
    lines = collections.defaultdict(lambda: collections.defaultdict(int))
    notes = [p for p in sorted(build.rglob("*.gcno"))
             if p.name.startswith("src_")]
    with tempfile.TemporaryDirectory() as out:
        for i in range(0, len(notes), 50):
            subprocess.run(["gcov", "--json-format", "--hash-filenames",
                            *[str(p.resolve()) for p in notes[i:i + 50]]],
                           cwd=out, check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        for path in pathlib.Path(out).glob("*.gcov.json.gz"):
            data = json.loads(gzip.decompress(path.read_bytes()))
            where = pathlib.Path(data["current_working_directory"])
            for f in data["files"]:
                name = (where / f["file"]).resolve()
                if not name.is_relative_to(root / "src"):
                    continue
                rel = str(name.relative_to(root))
                for line in f["lines"]:
                    lines[rel][line["line_number"]] += line["count"]
    return lines


def excused(text, number):
    """Is the line one that is never to be reached?"""
    near = text[max(0, number - 3):number]
    return any(NEVER.search(line) for line in near)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    root = pathlib.Path(__file__).resolve().parent.parent
    lines = ask_gcov(build, root)
    rooms = collections.defaultdict(lambda: [0, 0])
    unreached = []
    for name in sorted(lines):
        text = (root / name).read_text().splitlines()
        parts = pathlib.Path(name).parts
        room = rooms["/".join(parts[:2]) if len(parts) > 2 else "src"]
        for number, hits in sorted(lines[name].items()):
            if not hits and excused(text, number):
                continue
            room[0] += hits > 0
            room[1] += 1
            if not hits:
                unreached.append(f"{name}:{number}: "
                                 f"{text[number - 1].strip()}")
    (build / "unreached.txt").write_text("\n".join(unreached) + "\n")
    for room, (hit, all_) in sorted(rooms.items()):
        print(f"{room:10} {100 * hit / all_:6.2f} %  {hit:5} of {all_:5}")
    hit = sum(r[0] for r in rooms.values())
    all_ = sum(r[1] for r in rooms.values())
    print(f"{'all':10} {100 * hit / all_:6.2f} %  {hit:5} of {all_:5} lines; "
          f"{len(unreached)} in {build.name}/unreached.txt")


main()
