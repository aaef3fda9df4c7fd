#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""lull.7 from lull.7.in and the lists of the core.

usage: tables.py TEMPLATE KNOBS.DEF KNOBS_IDLE.DEF COUNTERS.DEF DROPS.DEF

A line @KNOBS@, @IDLE@, @COUNTERS@ or @DROPS@ of the template becomes the list. What
it does not understand is an error, so that nothing is left out silently.
Writes to standard output.
"""

import re
import sys

ROW = re.compile(r"^(KNOB[123]|PORTS|IDLE|REFUSED|COUNTER|DROP)\((.*)\)$")
PIECE = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^",]+)\s*(?:,|$)')
LIMITS = re.compile(r" \(default: ([\w.]+)\)$")


def rows(path):
    """(macro, values) of each row; comments are skipped."""
    with open(path, encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    for line in filter(None, map(str.strip, text.splitlines())):
        m = ROW.match(line)
        if not m:
            sys.exit(f"{path}: what is this: {line}")
        pieces = [p.strip('"') for p in PIECE.findall(m.group(2))]
        yield m.group(1), pieces


def escape(text):
    """Text of a line that troff takes as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in ".'" else text


def entry(tag, more, text):
    more = f' "{escape(more)}"' if more else ""
    return f".TP\n.BR {escape(tag)}{more}\n{escape(text)}.\n"


def knob(macro, p):
    if macro == "PORTS":
        _, name, unit, least, most, text = p
        return entry(name, f" (default none; {least} to {most} {unit}, "
                           "as 80,8000-8080)", text)
    values = int(macro[-1])
    if len(p) != {1: 8, 2: 8, 3: 9}[values]:
        sys.exit(f"{p[1]}: {len(p)} values")
    name, unit, default, text = p[1], p[2], p[3:3 + values], p[-1]
    least, most = p[3 + values], p[4 + values]
    words = p[-2].lstrip("!").split() if values == 1 else []
    limits = LIMITS.search(text)
    text = LIMITS.sub("", text)
    if words and "=" in words[0]:
        bounds = f"{least} to {most}"
        text += "; also " + ", ".join(w.replace("=", " (") + ")"
                                      for w in words)
    elif words:
        default = [words[int(default[0])]]
        bounds = " or ".join(words)
    else:
        bounds = f"{least} to {most}"
    if limits:
        default = [limits.group(1)]
    if values == 1 and p[-2].startswith("!"):
        text += "; fixed when the stack is made"
    facts = f"default {' '.join(default)}; {bounds}"
    return entry(name, f" ({facts}{' ' + unit if unit else ''})", text)


def knobs(path):
    return "".join(knob(macro, p) for macro, p in rows(path))


def idle(path):
    return "".join(entry(name, " (refused)" if macro == "REFUSED" else "",
                         text) for macro, (name, text) in rows(path))


def counters(path):
    out, group = [], None
    for _, (_, new, name, text) in rows(path):
        if new != group:
            group = new
            out.append(f".SS {group}\n")
        out.append(entry(name, "", text))
    return "".join(out)


def drops(path, names):
    out = []
    for _, (_, name, counter, text) in rows(path):
        more = "" if counter == "NONE" else f" (and {names[counter]})"
        out.append(entry(name, more, text))
    return "".join(out)


def main():
    template, knobs_def, idle_def, counters_def, drops_def = sys.argv[1:]
    names = {p[0]: f"{p[1]} {p[2]}" for _, p in rows(counters_def)}
    lists = {"@KNOBS@\n": knobs(knobs_def),
             "@IDLE@\n": idle(idle_def),
             "@COUNTERS@\n": counters(counters_def),
             "@DROPS@\n": drops(drops_def, names)}
    with open(template, encoding="utf-8") as f:
        for line in f:
            sys.stdout.write(lists.pop(line, line))
    if lists:
        sys.exit(f"{template}: no line {', '.join(lists)}")


main()
