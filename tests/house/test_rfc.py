#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each requirement of RFC 9293 has a test, or a reason; the page says which.

usage: test_rfc.py SOURCE_ROOT [--write]

The tables are tests/rfc/*.txt; scripts/rfc_table.py tells their form. With
--write docs/rfc9293.md and docs/rfcs.md are made anew; else they must be what
would be written. Whether a test fails under its mutation shows
`make rfc-mutants`.
"""

import collections
import pathlib
import sys

import tap

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "scripts"))
import rfc_table

NUMBERED = {"MUST": 69, "SHLD": 31, "MAY": 18, "REC": 1}
UNNUMBERED = 17  # "UN-n": rules of the text that Appendix B has no number for
VERDICTS = ("done", "otherwise", "not ours")
LEVELS = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "RECOMMENDED",
          "text")
KEY = """A row is one rule, in our own words.

- *shown by*: a function of a test program in tests/unit, and others that show
  the same, or a test of another kind. **otherwise**: we do something else, or
  nothing, where we may; and why. **not ours**: a rule for somebody else.
- *broken by*: a change of the code under which the first of those functions
  fails, so that it is known to look; where there are more of them, the second
  fails under the second, and so on. `make rfc-mutants` tries them all, `make rfc-mutants
  IDS="MUST-7 SHLD-31"` some; `LULL_TEST=function build/tests/test_program`
  runs one test alone.

Made from `tests/rfc/` by `make rfc`; `tests/house/test_rfc.py` fails when a
MUST has neither a test nor a reason, a test is not there, a text to change is
not found once, or this page is an old one.
"""
HEAD = """# RFC 9293, row by row

Appendix B of RFC 9293 numbers what the standard asks of a TCP: 119 rows of it
follow, and 17 rules of the text that have no number (UN-n; "text" is what it
says in small letters). Where our two profiles differ, the row is about
`net.lull.profile` lull, unless it says linux.

"""
OTHERS = """# Other RFCs, row by row

The rules of RFCs beside 9293 that decide how connections begin, end, and are
kept apart: shorter tables of the same form as [rfc9293.md](rfc9293.md), and not
each has a mutation.

"""


def code(text):
    return "`" + " ".join(text.split()).replace("|", "\\|") + "`"


def link(test):
    program, _, function = test.partition(":")
    return f"[{program}](../tests/unit/test_{program}.c): {function}"


def shown(row):
    out = []
    for verdict in VERDICTS[1:]:
        if row[verdict]:
            out.append(f"**{verdict}**: {row[verdict]}")
    out += [link(t) for t in row.tests + row.also]
    if row["file"]:
        out.append(f"[{row['file']}](../{row['file']})")
    return "<br>".join(out).replace("|", "\\|")


def broken(row):
    return "<br>".join(
        f"{m['in']}: {code(m['find'])} → "
        f"{code(m['put']) if m['put'] else 'nothing'}" for m in row.mutations)


def lines(table, depth):
    out = []
    for heading, rows in table.sections:
        out += [f"{depth} {heading}", "",
                "| id | level | rule | shown by | broken by |",
                "|---|---|---|---|---|"]
        out += [f"| {r.id} | {r.level} | {r.text} | {shown(r)} | {broken(r)} |"
                for r in rows]
        out.append("")
    return "\n".join(out) + "\n"


def count(table):
    n = collections.Counter((r.level, r.verdict) for r in table.rows())
    out = ["| | " + " | ".join(VERDICTS) + " | all |", "|---|---|---|---|---|"]
    for level in LEVELS:
        row = [n[level, v] for v in VERDICTS]
        if sum(row):
            out.append(f"| {level} | " + " | ".join(map(str, row)) +
                       f" | {sum(row)} |")
    all_of = [sum(n[l, v] for l in LEVELS) for v in VERDICTS]
    out.append("| all | " + " | ".join(map(str, all_of)) +
               f" | {sum(all_of)} |")
    rows = [r for r in table.rows() if r.mutations]
    n = sum(len(r.mutations) for r in rows)
    return "\n".join(out) + f"\n\n{n} mutations, of {len(rows)} rows.\n\n"


def pages(tables):
    main = tables[0]
    out = {"docs/rfc9293.md":
           HEAD + KEY + "\n" + count(main) + lines(main, "##")}
    text = OTHERS + KEY + "\n"
    for table in tables[1:]:
        text += f"## RFC {table.number}: {table.title}\n\n"
        text += "".join(line + "\n" for line in table.intro)
        text += "\n" * bool(table.intro) + count(table) + lines(table, "###")
    if tables[1:]:
        out["docs/rfcs.md"] = text
    return out


def wrong_ids(table):
    ids = collections.Counter(r.id for r in table.rows())
    want = [f"{kind}-{i}" for kind, n in NUMBERED.items()
            for i in range(1, n + 1)]
    want += [f"UN-{i}" for i in range(1, UNNUMBERED + 1)]
    return ([f"{i}: no row" for i in want if not ids[i]] +
            [f"{i}: {n} rows" for i, n in ids.items() if n > 1] +
            [f"{i}: no such id" for i in ids if i not in want])


def check(root, tables, t):
    errors = [e for table in tables for e in table.errors]
    t.ok("the tables of tests/rfc can be read", tables and not errors,
         *errors)
    wrong = wrong_ids(tables[0])
    t.ok("each requirement of RFC 9293 has one row", not wrong, *wrong)
    for table in tables:
        bad = [c for row in table.rows()
               for c in rfc_table.complaints(root, row)]
        bad += [f"{row.id}: what level is {row.level!r}?"
                for row in table.rows() if row.level not in LEVELS]
        t.ok(f"RFC {table.number}: tests, reasons and mutations are there",
             table.rows() and not bad, *bad)
    bare = [f"{row.id}: a test, and no mutation" for row in tables[0].rows()
            if len(row.shows) > len(row.mutations)]
    t.ok("RFC 9293: each test has a mutation", not bare, *bare)


def main():
    root = pathlib.Path(sys.argv[1])
    tables = rfc_table.tables(root)
    made = pages(tables)
    if "--write" in sys.argv:
        for name, text in made.items():
            (root / name).write_text(text)
        return
    t = tap.Tap()
    check(root, tables, t)
    for name, text in made.items():
        path = root / name
        t.ok(f"{name} is up to date (`make rfc` makes it anew)",
             path.exists() and path.read_text() == text)
    tap.finish(t)


main()
