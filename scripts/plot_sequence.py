#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A time-sequence diagram, as tcptrace draws them, of a `lull bench path --trace`.

usage: plot_sequence.py TRACE.csv OUT.svg [--title TEXT] [--note TEXT]
                        [--flow N] [--from MS] [--to MS] [--low KB] [--high KB]

As the sender sees it: segments when they go, ACKs, SACK blocks and the window
when they come. Without --from and --to it shows what lies around the first and
the last retransmission.
"""

import argparse
import csv
import html
import math

WIDTH, HEIGHT = 1000, 620
LEFT, RIGHT, TOP, BOTTOM = 74, 18, 92, 52

STYLE = """
svg { color: #222;
      font: 13px system-ui, "DejaVu Sans", sans-serif; }
.title { font-size: 18px; font-weight: 600; }
text { fill: currentColor; }
.paper { fill: #fff; } .note { fill: #666; }
.grid { stroke: #e7e7e7; } .frame { stroke: #999; fill: none; }
.data { stroke: #1f5fa8; } .again { stroke: #d62222; }
.lost { stroke: #222; } .ack { stroke: #1b8a3a; }
.sack { stroke: #8e44ad; } .wnd { stroke: #c77f00; }
@media (prefers-color-scheme: dark) {
  svg { color: #e4e4e4; } .paper { fill: #14171a; }
  .note { fill: #a0a0a0; } .grid { stroke: #2a2f34; } .frame { stroke: #777; }
  .data { stroke: #6cb0ff; } .again { stroke: #ff5c5c; }
  .lost { stroke: #f0f0f0; } .ack { stroke: #4fcf75; }
  .sack { stroke: #cf8df0; } .wnd { stroke: #f0b347; }
}
.data, .again { stroke-width: 2; fill: none; }
.again { stroke-width: 3; }
.lost, .ack, .wnd { stroke-width: 1.5; fill: none; }
.sack { stroke-width: 2.5; fill: none; }
.wnd { stroke-dasharray: 6 3; }
"""


class Trace:
    """One flow, in milliseconds and kilobytes."""

    def __init__(self, path, flow):
        self.data, self.acks, self.sacks = [], [], []
        syn = {}
        with open(path, newline="", encoding="utf-8") as f:
            for row in csv.DictReader(f):
                if int(row["flow"]) != flow:
                    continue
                if "S" in row["flags"]:
                    syn.setdefault((row["event"], row["way"]),
                                   float(row["us"]) / 1000)
                self.take(row)
        self.rtt = syn[("in", "back")] - syn[("out", "forth")]
        self.sacks = new_blocks(self.acks)

    def take(self, row):
        at = float(row["us"]) / 1000
        size = int(row["len"])
        if (row["event"], row["way"]) == ("out", "forth") and size:
            low = int(row["seq"]) / 1000
            self.data.append((at, low, low + size / 1000, row["again"] == "1",
                              bool(row["fate"])))
        elif (row["event"], row["way"]) == ("in", "back"):
            blocks = [tuple(int(v) / 1000 for v in b.rsplit("-", 1))
                      for b in row["sack"].split()]
            ack = int(row["ack"]) / 1000
            self.acks.append((at, ack, ack + int(row["wnd"]) / 1000, blocks))


def new_blocks(acks):
    """(time, low, high) of what each ACK is the first to tell."""
    known, found = [], []
    for at, ack, _, blocks in acks:
        for low, high in blocks:
            low = max(low, ack)
            for a, b in known:
                if a <= low < b:
                    low = b
                elif low < a < high:
                    found.append((at, low, a))
                    low = b
            if low < high:
                found.append((at, low, high))
        known = merge(known + [b for b in blocks if b[1] > ack])
    return found


def merge(stretches):
    out = []
    for low, high in sorted(stretches):
        if out and low <= out[-1][1]:
            out[-1] = (out[-1][0], max(high, out[-1][1]))
        else:
            out.append((low, high))
    return out


def ticks(low, high, most):
    step = 10 ** math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 5, 10):
        if (high - low) / (step * factor) <= most:
            step *= factor
            break
    at = math.ceil(low / step) * step
    while at <= high + step / 1e6:
        yield round(at, 6)
        at += step


class Picture:
    def __init__(self, x, y):
        self.x, self.y, self.parts = x, y, []

    def px(self, at):
        low, high = self.x
        return round(LEFT + (at - low) / (high - low) *
                     (WIDTH - LEFT - RIGHT), 2)

    def py(self, kb):
        low, high = self.y
        return round(HEIGHT - BOTTOM - (kb - low) / (high - low) *
                     (HEIGHT - TOP - BOTTOM), 2)

    def text(self, x, y, text, anchor="start", kind="", turn=False):
        turned = f' transform="rotate(-90 {x} {y})"' if turn else ""
        self.parts.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}" '
                          f'class="{kind}"{turned}>{html.escape(text)}</text>')

    def path(self, kind, steps):
        if steps:
            self.parts.append(f'<path class="{kind}" d="{" ".join(steps)}"/>')

    def axes(self):
        bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
        grid = []
        for at in ticks(*self.x, 12):
            grid.append(f"M{self.px(at)} {TOP}V{bottom}")
            self.text(self.px(at), bottom + 18, f"{at:g}", "middle")
        for kb in ticks(*self.y, 10):
            grid.append(f"M{LEFT} {self.py(kb)}H{right}")
            self.text(LEFT - 8, self.py(kb) + 4, f"{kb:g}", "end")
        self.path("grid", grid)
        self.text((LEFT + right) / 2, HEIGHT - 12,
                  "time at the sender, ms", "middle")
        self.text(18, (TOP + bottom) / 2, "sequence number, kB", "middle",
                  turn=True)

    def frame(self):
        self.parts.append(
            f'<rect class="frame" x="{LEFT}" y="{TOP}" '
            f'width="{WIDTH - LEFT - RIGHT}" '
            f'height="{HEIGHT - TOP - BOTTOM}"/>')

    def stairs(self, kind, points):
        """A line that stays until the next point; starts at the left edge."""
        steps, last = [], None
        for at, kb in points:
            if at < self.x[0]:
                last = kb
                continue
            if at > self.x[1]:
                break
            if not steps:
                first = kb if last is None else last
                begin = at if last is None else self.x[0]
                steps.append(f"M{self.px(begin)} {self.py(first)}")
            steps.append(f"H{self.px(at)}V{self.py(kb)}")
        if steps:
            steps.append(f"H{WIDTH - RIGHT}")
        self.path(kind, steps)


def segment(p, at, low, high, least=0):
    """A bar with its two ends, as tcptrace draws a segment."""
    x, y0, y1 = p.px(at), p.py(low), p.py(high)
    if y0 - y1 < least:  # pixels
        y0, y1 = (y0 + y1 + least) / 2, (y0 + y1 - least) / 2
    return f"M{x - 2} {y0}h4M{x} {y0}V{y1}m-2 0h4"


def cross(p, at, kb):
    x, y = p.px(at), p.py(kb)
    return f"M{x - 4} {y - 4}l8 8m0 -8l-8 8"


LEGEND = [("data", "data"), ("again", "sent again"), ("lost", "lost"),
          ("ack", "ACK"), ("sack", "SACK, newly told"),
          ("wnd", "end of the window")]


def legend(p, kinds):
    x, y = LEFT, TOP - 16
    for kind, text in LEGEND:
        if kind not in kinds:
            continue
        if kind == "lost":
            p.path(kind, [f"M{x + 8} {y - 8}l8 8m0 -8l-8 8"])
        elif kind in ("ack", "wnd"):
            p.path(kind, [f"M{x} {y - 4}h24"])
        else:
            p.path(kind, [f"M{x + 10} {y}h4M{x + 12} {y}v-9m-2 0h4"])
        p.text(x + 30, y, text)
        x += 46 + 7.4 * len(text)


def draw(trace, args):
    p = Picture(*bounds(trace, args))
    (x0, x1), (y0, y1) = p.x, p.y

    def seen(at, low, high):
        return x0 <= at <= x1 and high >= y0 and low <= y1
    data = [d for d in trace.data if seen(*d[:3])]
    sacks = [s for s in trace.sacks if seen(*s)]
    in_view = any(x0 <= a[0] <= x1 and y0 <= a[2] <= y1 for a in trace.acks)
    p.axes()
    p.parts.append(f'<clipPath id="c"><rect x="{LEFT}" y="{TOP}" '
                   f'width="{WIDTH - LEFT - RIGHT}" '
                   f'height="{HEIGHT - TOP - BOTTOM}"/></clipPath>'
                   '<g clip-path="url(#c)">')
    if in_view:
        p.stairs("wnd", [(a[0], a[2]) for a in trace.acks])
    p.stairs("ack", [(a[0], a[1]) for a in trace.acks])
    p.path("sack", [f"M{p.px(at)} {p.py(a)}V{p.py(b)}" for at, a, b in sacks])
    p.path("data", [segment(p, *d[:3]) for d in data if not d[3]])
    p.path("again", [segment(p, *d[:3], 9) for d in data if d[3]])
    p.path("lost", [cross(p, d[0], (d[1] + d[2]) / 2) for d in data if d[4]])
    p.parts.append("</g>")
    p.frame()
    legend(p, {"data", "ack"} |
           {"again" for d in data if d[3]} | {"lost" for d in data if d[4]} |
           {"sack" for _ in sacks} | ({"wnd"} if in_view else set()))
    p.text(LEFT, 28, args.title, kind="title")
    p.text(LEFT, 50, args.note, kind="note")
    return p.parts


def bounds(trace, args):
    marks = [d[0] for d in trace.data if d[3] or d[4]] or \
            [trace.data[0][0], trace.data[-1][0]]
    low = max(0, marks[0] - 0.6 * trace.rtt)
    high = marks[-1] + 2.2 * trace.rtt
    low = args.begin if args.begin is not None else low
    high = args.end if args.end is not None else high
    inside = [d for d in trace.data if low <= d[0] <= high]
    acks = [a[1] for a in trace.acks if low <= a[0] <= high]
    bottom = min([d[1] for d in inside] + acks)
    top = max([d[2] for d in inside] + acks)
    wnd = [a[2] for a in trace.acks if low <= a[0] <= high]
    if wnd and max(wnd) < top + 0.5 * (top - bottom):
        top = max(top, max(wnd))
    pad = (top - bottom) * 0.04
    y0 = args.low if args.low is not None else bottom - pad
    y1 = args.high if args.high is not None else top + pad
    return (low, high), (y0, y1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("trace")
    parser.add_argument("out")
    parser.add_argument("--title", default="")
    parser.add_argument("--note", default="")
    parser.add_argument("--flow", type=int, default=0)
    parser.add_argument("--from", type=float, dest="begin")
    parser.add_argument("--to", type=float, dest="end")
    parser.add_argument("--low", type=float)
    parser.add_argument("--high", type=float)
    args = parser.parse_args()
    parts = draw(Trace(args.trace, args.flow), args)
    with open(args.out, "w", encoding="utf-8") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" '
                f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img">\n'
                f"<title>{html.escape(args.title)}</title>\n"
                f"<style>{STYLE}</style>\n"
                f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>\n')
        f.write("\n".join(parts))
        f.write("\n</svg>\n")


main()
