#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Lines of `lull bench path --json` as a table.

usage: path_table.py FILE
"""

import json
import statistics
import sys

HEAD = ("path", "peer", "cc", "Mbit/s", "of kernel", "again %", "needless",
        "timeouts", "RTT ms", "95 % ms")


def row(path, peer, lines, kernel):
    def middle(key):
        return statistics.median(one[key] for one in lines)
    goodput = middle("goodput_mbit")
    again = sum(x["retransmitted"] for x in lines) / max(
        1, sum(x["segments"] for x in lines))
    return (path, peer, lines[0]["cc"], f"{goodput:.2f}",
            f"{goodput / kernel:.2f}" if kernel else "-", f"{100 * again:.2f}",
            str(sum(x["needless"] for x in lines)),
            str(sum(x["timeouts"] for x in lines)), f"{middle('rtt_ms'):.0f}",
            f"{middle('rtt_p95_ms'):.0f}")


def main():
    groups = {}
    with open(sys.argv[1], encoding="utf-8") as f:
        for line in f:
            one = json.loads(line)
            groups.setdefault((one["path"], one["peer"]), []).append(one)
    rows = [HEAD]
    for (path, peer), lines in groups.items():
        other = groups.get((path, "kernel"))
        kernel = other and statistics.median(
            x["goodput_mbit"] for x in other)
        rows.append(row(path, peer, lines, kernel))
    widths = [max(len(r[i]) for r in rows) for i in range(len(HEAD))]
    for r in rows:
        print("  ".join(c.ljust(w) if i < 3 else c.rjust(w)
                        for i, (c, w) in enumerate(zip(r, widths))).rstrip())


main()
