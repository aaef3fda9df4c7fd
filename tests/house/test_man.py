#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The manual tells what the programs and the headers have, and no more.

usage: test_man.py SOURCE_ROOT LULL

Each page of a subcommand has the options of its --help, and the other way
round; lull.7, lull.3 and docs/control.md name all that the code names; the
example in lull.3 compiles; each page has its sections, and troff has no
complaint.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import tap

ALWAYS = {"-h", "--help"}  # of every command; no --help lists itself
SECTIONS = {
    "1": ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS",
          "EXAMPLES", "SEE ALSO"],
    "3": ["NAME", "SYNOPSIS", "DESCRIPTION", "ERRORS", "EXAMPLES",
          "SEE ALSO"],
    "7": ["NAME", "DESCRIPTION", "KNOBS", "COUNTERS", "DROPS", "LIMITS",
          "SEE ALSO"],
}
OPTION = re.compile(r"(?<![\w-])--?[A-Za-z0-9][\w-]*")
COMMAND = re.compile(r"^  (\w+) ", re.M)
FUNCTION = re.compile(r"^LULL_API\b[^;(]*?(?:__attribute__\(\(\w+\)\)[^;(]*?)?"
                      r"\b(lull_\w+)\(", re.M)
CTL = re.compile(r"\bLULL_CTL_(?!TYPE\b)\w+")
ROW = re.compile(r"^(KNOB[123]|PORTS|COUNTER|DROP|IDLE|REFUSED)"
                 r"\((?:\w+, )?(.*)\)$", re.M)


def run(*args):
    return subprocess.run(args, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)


def plain(roff):
    """Without comments, fonts and escapes of single characters."""
    roff = re.sub(r'^\.\\".*\n|\\".*', "", roff, flags=re.M)
    roff = re.sub(r"\\f(\[\w*\]|.)", "", roff)
    return roff.replace("\\-", "-").replace("\\&", "").replace("\\e", "\\")


def without_macros(roff):
    """Alternating fonts put together, as they are printed."""
    def join(m):
        words = re.findall(r'"([^"]*)"|(\S+)', m.group(2))
        return ("" if len(m.group(1)) == 2 else " ").join(
            a or b for a, b in words)
    return re.sub(r"^\.(BR|RB|BI|IB|IR|RI|B|I) (.*)", join, plain(roff),
                  flags=re.M)


def tags(roff):
    """The line behind each .TP, in section OPTIONS."""
    part = re.search(r"^\.SH OPTIONS\n(.*?)^\.SH ", plain(roff),
                     re.M | re.S)
    return re.findall(r"^\.TP.*\n(.*)", part.group(1) if part else "", re.M)


# ---- the commands ----

def options_of_help(text):
    """Of lines that begin with an option, as far as two blanks."""
    found = set()
    for line in re.findall(r"^ +(-.*)", text, re.M):
        found.update(OPTION.findall(re.split(r"  +", line)[0]))
    return found


def check_command(root, lull, name, t):
    path = root / "man" / f"lull-{name}.1"
    if not t.ok(f"{name} has a page", path.exists()):
        return
    helped = run(lull, name, "--help")
    short = run(lull, name, "-h")
    in_help = options_of_help(helped.stdout)
    in_page = set()
    for line in tags(path.read_text()):
        in_page.update(OPTION.findall(line))
    want = in_help | ALWAYS
    t.ok(f"{name} --help, and -h, print options",
         helped.returncode == 0 and short.stdout == helped.stdout and in_help,
         helped.stderr, short.stderr)
    t.ok(f"{path.name} has the options of {name} --help", want == in_page,
         *(f"only in --help: {o}" for o in sorted(want - in_page)),
         *(f"only in {path.name}: {o}" for o in sorted(in_page - want)))


def check_commands(root, lull, t):
    main = run(lull, "--help").stdout
    names = COMMAND.findall(main)
    page = without_macros((root / "man/lull.1").read_text())
    t.ok("lull --help lists commands", len(names) >= 2, main)
    missing = [n for n in names if f"lull-{n}(1)" not in page]
    t.ok("lull.1 names each command's page", not missing, *missing)
    pages = {p.stem for p in (root / "man").glob("lull-*.1")}
    extra = sorted(pages - {f"lull-{n}" for n in names})
    t.ok("each page is of a command", not extra, *extra)
    for name in names:
        check_command(root, lull, name, t)


# ---- lull.7 ----

def lists(root):
    base = root / "src/base"
    return [base / f"{n}.def" for n in ("knobs", "knobs_idle", "counters",
                                       "drops")]


def make_lull7(root):
    made = run(sys.executable, str(root / "man/tables.py"),
               str(root / "man/lull.7.in"), *map(str, lists(root)))
    return made.stdout, made.stderr if made.returncode else ""


def facts_of(macro, row):
    """The name of a row, and what its entry must say."""
    texts = re.findall(r'"([^"]*)"', row)
    text, limits = re.subn(r" \(default: .*", "", texts[-1])
    if macro in ("COUNTER", "DROP"):
        return texts[macro == "COUNTER"], [text]
    if macro in ("IDLE", "REFUSED"):
        return texts[0], [text]
    numbers = re.findall(r", (\d+)(?=,)", row)
    if macro == "PORTS":
        return texts[0], [text, " to ".join(numbers)]
    n = int(macro[-1])
    words = texts[2].lstrip("!").split() if n == 1 else []
    if words and "=" in words[0]:
        text += "; also " + words[0].split("=")[0]
    elif words:
        return texts[0], [text, f"default {words[int(numbers[0])]};", *words]
    default = "limits." if limits else " ".join(numbers[:n]) + ";"
    bounds = f" {numbers[n]} to {numbers[n + 1]} {texts[1]}".rstrip() + ")"
    return texts[0], [text, f"default {default}", bounds]


def check_lists(root, page, t):
    """Each name, with its help; of a knob its numbers and its unit, too."""
    entries = {}
    for m in re.finditer(r"^\.TP\n\.BR (\S+)(.*)\n(.*)", plain(page), re.M):
        entries.setdefault(m.group(1), []).append(
            m.group(2).replace('"', "") + m.group(3))
    for path in lists(root):
        text, missing = path.read_text(), []
        rows = [facts_of(*row) for row in ROW.findall(text)]
        for name, facts in rows:
            if not any(all(f in e for f in facts)
                       for e in entries.get(name, [])):
                missing.append(f"{name}: {facts}")
        rough = len(re.findall(r"^(?:KNOB\d|PORTS|COUNTER|DROP|IDLE|REFUSED)\(", text, re.M))
        t.ok(f"lull.7 has all of {path.name}",
             rows and len(rows) == rough and not missing, *missing)


# ---- other texts ----

def check_functions(root, t):
    page = plain((root / "man/lull.3").read_text())
    missing, names, rough = [], [], 0
    for path in sorted((root / "include/lull").glob("*.h")):
        text = path.read_text()
        names += FUNCTION.findall(text)
        rough += len(re.findall(r"^LULL_API\b", text, re.M))
    missing = [n for n in names if not re.search(rf"\b{n}\b", page)]
    unknown = sorted(set(re.findall(r"\b(lull_\w+) ?\(\)", page))
                     - set(names))
    t.ok("lull.3 names each exported function",
         names and len(names) == rough and not missing,
         f"{len(names)} of {rough} declarations read", *missing)
    t.ok("lull.3 names no function that is not there", not unknown, *unknown)


def check_example(root, t):
    name = "the example in lull.3 compiles"
    cc = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not cc:
        t.skip(name, "no C compiler")
        return
    found = re.findall(r"^\.EX\n(.*?)^\.EE",
                       plain((root / "man/lull.3").read_text()), re.M | re.S)
    made = subprocess.run([cc, "-std=gnu17", "-Wall", "-Werror",
                           f"-I{root}/include", "-fsyntax-only", "-xc", "-"],
                          input=found[-1] if found else "#error none",
                          capture_output=True, text=True)
    t.ok(name, made.returncode == 0, made.stderr)


def check_control(root, t):
    page = (root / "docs/control.md").read_text()
    head = (root / "host/control.h").read_text()
    names = set(CTL.findall(re.sub(r"#(ifndef|define) LULL_HOST.*", "", head)))
    missing = sorted(n for n in names if not re.search(rf"\b{n}\b", page))
    unknown = sorted(set(CTL.findall(page)) - names)
    wrong = [f"{n} {v}" for n, v in
             re.findall(r"\b(LULL_CTL_\w+)\s*=?\s*(0x[0-9a-f]+)", head)
             if not re.search(rf"\b{n}\b.*{v}", page)]
    t.ok("docs/control.md names each LULL_CTL_ of host/control.h",
         names and not missing, *missing)
    t.ok("docs/control.md has their numbers, and no others",
         not wrong and not unknown, *wrong, *unknown)


# ---- form ----

def check_form(path, t):
    text = path.read_text()
    has = re.findall(r"^\.SH (.*)", text, re.M)
    want = SECTIONS[path.suffix[1:]]
    t.ok(f"{path.name} has its sections, in order",
         [s for s in has if s in want] == want, has)
    if not shutil.which("groff"):
        t.skip(f"{path.name} renders without a warning",
               "groff is not installed")
        return
    made = run("groff", "-man", "-Tutf8", "-ww", "-z", str(path))
    t.ok(f"{path.name} renders without a warning",
         made.returncode == 0 and not made.stderr, made.stderr)


def check_see_also(paths, t):
    """Pages of ours that are referred to exist."""
    have = {f"{p.stem}({p.suffix[1:]})" for p in paths}
    bad = []
    for path in paths:
        text = without_macros(path.read_text())
        bad += [f"{path.name}: {r}"
                for r in re.findall(r"\blull[\w-]*\(\d\)", text)
                if r not in have]
    t.ok("pages that are referred to are there", not bad, *bad)


def main():
    root, lull = pathlib.Path(sys.argv[1]), sys.argv[2]
    t = tap.Tap()
    check_commands(root, lull, t)
    page, why = make_lull7(root)
    t.ok("lull.7 can be made", page and not why, why)
    check_lists(root, page, t)
    check_functions(root, t)
    check_example(root, t)
    check_control(root, t)
    with tempfile.TemporaryDirectory() as d:
        made = pathlib.Path(d) / "lull.7"
        made.write_text(page)
        pages = sorted([*(root / "man").glob("lull*.[13]"), made])
        for path in pages:
            check_form(path, t)
        check_see_also(pages, t)
    tap.finish(t)


main()
