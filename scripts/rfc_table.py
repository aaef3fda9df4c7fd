# SPDX-License-Identifier: BSD-2-Clause
r"""The tables of tests/rfc: what an RFC asks for, and what shows that we do it.

    == 3.8.6.3 Delayed acknowledgements
    MUST-40  An ACK waits less than half a second.
      test  ack:delayed_ack
      in    src/tcp/tcp.h
      find  LULL_DELAYED_ACK_MS 40
      put   LULL_DELAYED_ACK_MS 600

A row begins at the left edge: id, perhaps its level in brackets, and the rule
in our own words. Below it stand

    test       PROGRAM:FUNCTION of tests/unit: it fails under the mutation
    in, find, put   the mutation: a file, a text that it has once (\n and \t
               stand for what they do in C), and another one in its place
    hangs      (any text) under the mutation the test may run for ever
    also       another test of the same
    file       a test of another kind: nothing breaks the code for that
    not ours   why the rule is for somebody else
    otherwise  why we do something else, or nothing

A rule of several parts may have several tests, each with its mutation. `=`
lines make headings, `#` lines are comments. A line that begins with a dot
goes on with the one before.
"""

import pathlib
import re

SHOW = ("test", "in", "find", "put", "hangs")
KEYS = SHOW + ("also", "file", "not ours", "otherwise")
ROW = re.compile(r"(\S+)(?: \(([^)]+)\))?  (\S.*)")
FIELD = re.compile(r"  (" + "|".join(KEYS) + r")(?: +(.*))?$")
LEVELS = {"MUST": "MUST", "SHLD": "SHOULD", "MAY": "MAY",
          "REC": "RECOMMENDED"}
TESTS = re.compile(r"cmocka_unit_test\w*\(\s*(\w+)")


class Row:
    """One rule. Fields that were not given are None."""

    def __init__(self, name, level, text):
        self.id = name
        self.level = level or LEVELS.get(name.split("-")[0], "")
        self.text = text
        self.field = {}
        self.shows, self.also = [], []

    def __getitem__(self, key):
        return self.field.get(key)

    def take(self, key, value):
        """One field; ValueError: it can't stand here."""
        if key in ("find", "put"):
            value = value.replace("\\n", "\n").replace("\\t", "\t")
        if key == "also":
            self.also.append(value)
            return
        if key == "test":
            self.shows.append(dict.fromkeys(SHOW))
        if key in SHOW and not self.shows:
            raise ValueError("no test before it")
        where = self.shows[-1] if key in SHOW else self.field
        if where.get(key) is not None:
            raise ValueError("twice")
        where[key] = value

    @property
    def tests(self):
        return [show["test"] for show in self.shows]

    @property
    def verdict(self):
        for key in ("not ours", "otherwise"):
            if self[key]:
                return key
        return "done" if self.shows or self["file"] else "open"

    @property
    def mutations(self):
        return [show for show in self.shows if show["find"] is not None]


class Table:
    """One RFC: `sections` is a list of (heading, rows)."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.number = re.search(r"\d+", self.path.name).group()
        self.title, self.intro, self.sections, self.errors = "", [], [], []
        for n, line in enumerate(joined(self.path.read_text()), 1):
            try:
                self._take(line)
            except ValueError as e:
                self.errors.append(f"{self.path.name}: {e}: {line}")

    def _take(self, line):
        if not line.strip() or line.startswith("#"):
            return
        if line.startswith("== "):
            self.sections.append((line[3:], []))
        elif line.startswith("= "):
            self.title = line[2:]
        elif line.startswith(": "):
            self.intro.append(line[2:])
        elif line.startswith(" "):
            self._take_field(line)
        else:
            m = ROW.fullmatch(line)
            if not m:
                raise ValueError("no row")
            self.sections[-1][1].append(Row(*m.groups()))

    def _take_field(self, line):
        m = FIELD.fullmatch(line)
        if not m:
            raise ValueError("no such field")
        self.sections[-1][1][-1].take(m.group(1), m.group(2) or "")

    def rows(self):
        return [row for _, rows in self.sections for row in rows]


def joined(text):
    """Lines, those that begin with a dot behind the one before."""
    out = []
    for line in text.splitlines():
        if line.lstrip().startswith(". ") and out:
            out[-1] += " " + line.lstrip()[2:]
        else:
            out.append(line.rstrip())
    return out


def tables(root):
    return [Table(p) for p in
            sorted((pathlib.Path(root) / "tests/rfc").glob("rfc*.txt"),
                   key=lambda p: (p.name != "rfc9293.txt", p.name))]


def tests_of(root, program):
    """The functions that a test program runs; None: there is no such one."""
    tests = pathlib.Path(root) / "tests"
    path = tests / f"unit/test_{program}.c"
    if not path.exists() or \
       f"'{program}'" not in (tests / "meson.build").read_text():
        return None
    return set(TESTS.findall(path.read_text()))


def complaints(root, row):
    """What is wrong with one row; a line each."""
    bad = []
    for test in row.tests + row.also:
        program, _, function = test.partition(":")
        known = tests_of(root, program)
        if known is None:
            bad.append(f"{row.id}: no test program {program} is built")
        elif function not in known:
            bad.append(f"{row.id}: test_{program}.c has no {function}")
    if row.verdict == "open":
        bad.append(f"{row.id}: neither a test nor a reason")
    if row["file"] and not (pathlib.Path(root) / row["file"]).exists():
        bad.append(f"{row.id}: no {row['file']}")
    if row.also and not row.shows:
        bad.append(f"{row.id}: also, and no test")
    for show in row.shows:
        bad += mutation_complaints(root, row.id, show)
    return bad


def mutation_complaints(root, name, show):
    given = [show[k] is not None for k in ("in", "find", "put")]
    if not any(given):
        return []
    if not all(given):
        return [f"{name}: a mutation is in, find and put"]
    path = pathlib.Path(root) / show["in"]
    if not path.exists():
        return [f"{name}: no {show['in']}"]
    n = path.read_text().count(show["find"]) if show["find"] else 0
    if n != 1:
        return [f"{name}: {n} times in {show['in']}: {show['find']}"]
    return []
