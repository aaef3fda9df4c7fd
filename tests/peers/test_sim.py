# SPDX-License-Identifier: BSD-2-Clause
"""`lull sim`: its command line. (What it finds is the simulator's own matter.)"""

import os
import re

from peers import main

LAST = re.compile(r"(\d+) seeds, (\d+) connections, (\d+) failed, hash [0-9a-f]{16}")


def last(p):
    lines = p.stdout.splitlines()
    return lines[-1] if lines else ""


def test_seeds(w):
    p = w.lull("sim", "--seeds", "1..20")
    found = LAST.fullmatch(last(p))
    w.ok("seeds 1..20: exit 0, twenty of them, none failed, the last line",
         p.returncode == 0 and found and found[1] == "20" and found[3] == "0" and
         int(found[2]) > 20 and not p.stderr, p.stdout, p.stderr)
    w.equal("again: the same hash", last(w.lull("sim", "--seeds", "1..20")),
            last(p))
    one = w.lull("sim", "--seeds", "7..7")
    w.ok("7..7 is one seed", last(one).startswith("1 seeds, "), one.stdout)
    w.ok("another seed, another hash", last(one)[-16:] !=
         last(w.lull("sim", "--seeds", "8..8"))[-16:])
    trace = w.lull("sim", "--seeds", "7..7", "--trace")
    w.ok("--trace tells what happens, and changes nothing",
         len(trace.stdout.splitlines()) > 50 and last(trace) == last(one),
         last(trace), last(one))
    again = w.lull("sim", "--seeds", "7..7", "--trace")
    w.ok("the same seed, the same trace", trace.stdout == again.stdout)
    short = w.lull("sim", "--seeds", "7..7", "--trace", "--until", "0.5")
    w.ok("--until ends it early", 0 < len(short.stdout) < len(trace.stdout),
         len(short.stdout), len(trace.stdout))


def test_pcap(w):
    path = os.path.join(w.dir, "sim.pcapng")
    p = w.lull("sim", "--seeds", "7..8", "--pcap", path)
    w.ok("--pcap writes a pcapng file", p.returncode == 0 and
         os.path.getsize(path) > 1000, p.stderr)
    with open(path, "rb") as f:
        w.equal("of that format", f.read(4), b"\x0a\x0d\x0d\x0a")
    p = w.lull("sim", "--seeds", "7..7", "--pcap", path)
    w.equal("and changes nothing", last(p),
            last(w.lull("sim", "--seeds", "7..7")))
    w.refuses("a capture file that can't be", 3, [f"{path}/x"], "sim", "--seeds",
              "7..7", "--pcap", f"{path}/x")


SCENE = re.compile(r"([a-z-]+): 3 seeds, (\d+) connections, 0 failed, (\d+) as "
                   r"expected, hash [0-9a-f]{16}")


def test_scenarios(w):
    names = [l.split()[0] for l in
             w.lull("sim", "--scenario", "list").stdout.splitlines()]
    w.ok("--scenario list: at least a dozen", len(names) >= 12, names)
    p = w.lull("sim", "--scenario", "last-ack", "--seeds", "0..2")
    found = SCENE.fullmatch(last(p))
    w.ok("one of them", p.returncode == 0 and found and
         found[1] == "last-ack" and int(found[2]) > 60, p.stdout, p.stderr)
    w.equal("again: the same hash", last(p), last(
        w.lull("sim", "--scenario", "last-ack", "--seeds", "0..2")))
    p = w.lull("sim", "--scenario", "control", "--seeds", "0..23",
               "--trace")
    seeds = re.split("control: IPv(?=[46], )", p.stdout)[1:]
    seen = {s[0] for s in seeds
            if re.search("read (a wrong byte|more than was written)", s)}
    w.ok("the control sees old bytes in new connections, of both families",
         p.returncode == 0 and seen == {"4", "6"}, seen, last(p))
    # By turns: Linux's reuse, which the scenario must see, and the safe one.
    p = w.lull("sim", "--scenario", "lapped", "--seeds", "1..2")
    w.ok("2^30 bytes: the pair that comes again early is seen",
         p.returncode == 0 and "0 failed, 1 as expected" in last(p), last(p))
    w.refuses("an unknown scenario", 64, ["bogus"], "sim", "--scenario",
              "bogus", "--seeds", "1..1")


def test_kinds(w):
    p = w.lull("sim", "--without", "list")
    names = [l.split()[0] for l in p.stdout.splitlines()]
    w.ok("--without list: at least forty kinds", p.returncode == 0 and
         len(names) >= 40 and len(set(names)) == len(names), names)
    first = w.lull("sim", "--seeds", "47..47", "--trace").stdout.splitlines()[0]
    kinds = first.split("kinds: ")[1].split(",")
    w.ok("a world tells its own", set(kinds) <= set(names), first)
    p = w.lull("sim", "--seeds", "47..47", "--trace", "--without", kinds[0])
    w.equal("and is without one", ",".join(kinds[1:]),
            p.stdout.splitlines()[0].split("kinds: ")[1])
    p = w.lull("sim", "--seeds", "47..47", "--conns", "3", "--trace")
    w.equal("three connections, and five when the faults are over", 8,
            len(re.findall(r"side \d+ connects", p.stdout)))
    w.refuses("an unknown kind", 64, ["bogus"], "sim", "--seeds", "1..1",
              "--without", "loss,bogus")
    w.refuses("no number of connections", 64, ["none"], "sim", "--seeds",
              "1..1", "--conns", "none")
    w.refuses("a scenario has no kinds", 64, ["plain"], "sim", "--scenario",
              "plain", "--seeds", "1..1", "--without", "loss")


def test_regressions(w):
    def run(text):
        path = os.path.join(w.dir, "regressions")
        with open(path, "w") as f:
            f.write(text)
        return w.lull("sim", "--regressions", path)

    p = run("# a comment\n7 a bug\n8 --without=loss,dup --conns=9 another\n"
            "plain:3 in a scenario\n")
    w.ok("lines that hold", p.returncode == 0 and
         p.stdout == "3 regressions, 0 failed\n", p.stdout, p.stderr)
    for line, what in (("bogus:3 x", "scenario"), ("7 --without=bogus", "kind"),
                       ("7 --bogus", "option"), ("x7 y", "seed"),
                       ("7 --conns=0", "connections"),
                       ("plain:3 --without=loss", "scenario")):
        p = run(f"7 fine\n{line}\n")
        w.ok(f"{line}: said, and failed", p.returncode == 1 and what in p.stdout
             and ":2: " in p.stdout and p.stdout.endswith("2 regressions, 1 failed\n"),
             p.stdout)
    p = run("# nothing\n")
    w.ok("no line at all: failed", p.returncode == 1, p.stdout)


def test_usage(w):
    for text in ("5..3", "5", "..", "1..", "..9", "a..b", "-1..5", "1..5x",
                 "1...5", "99999999999999999999..99999999999999999999"):
        w.refuses(f"--seeds {text}", 64, [text, "A..B"], "sim", f"--seeds={text}")
    w.refuses("no seeds", 64, ["--seeds"], "sim")
    w.refuses("--until nothing", 64, ["never"], "sim", "--seeds", "1..1",
              "--until", "never")
    w.refuses("an unknown option", 64, ["bogus"], "sim", "--bogus")
    w.refuses("a word too many", 64, ["word"], "sim", "--seeds", "1..1", "word")


main([test_seeds, test_pcap, test_scenarios, test_kinds, test_regressions,
      test_usage], root=False)
