# SPDX-License-Identifier: BSD-2-Clause
"""`lull bench`: that it runs, without an error; how fast is not tested."""

import csv
import json
import os
import pathlib
import re
from xml.etree import ElementTree

from peers import main

KEYS = {"tag", "mode", "conc", "sec", "done", "errs", "tmo", "per_s", "p50us",
        "p99us", "gbps", "mach_cpu_s", "srv_cpu_s", "mach_us_per", "srv_us_per"}


def test_all(w):
    for link in ("memory", "tun"):
        for mode in ("crr", "rr", "stream"):
            p = w.lull("bench", mode, "--link", link, "--seconds", "1", "--json")
            w.ok(f"{mode}, {link}: exit 0, one line",
                 p.returncode == 0 and p.stdout.count("\n") == 1 and
                 not p.stderr, p.returncode, p.stdout, p.stderr)
            got = json.loads(p.stdout)
            w.equal("no error, no time-out",
                    (got["tag"], got["mode"], got["errs"], got["tmo"]),
                    (f"lull.{link}.{mode}", mode, 0, 0))
            w.ok("the keys of the peers' client, and something done",
                 KEYS <= set(got) and 0.5 < got["sec"] < 3 and
                 (got["gbps"] > 0.01 if mode == "stream" else got["done"] > 1000),
                 got)
    p = w.lull("bench", "crr", "--link", "tun", "--seconds", "10", "-n", "500",
               "-c", "8", "--size", "2000")
    found = re.search(r" (\d+) done, 0 errors, 0 timed out$", p.stdout, re.M)
    w.ok("-n, -c and --size, as text: it stops, but for those under way",
         p.returncode == 0 and p.stdout.startswith(
             "crr over tun, 8 at a time, ") and
         found and 500 <= int(found[1]) < 508, p.stdout, p.stderr)


def test_stream(w):
    """Both directions, with offload and without, checksums or none."""
    for options in (("tun", "--direction", "send"),
                    ("tun", "--direction", "send", "--offload", "off"),
                    ("tun", "--offload", "off"),
                    ("memory", "--offload", "on"),
                    ("memory", "--checksum", "off", "--streams", "10")):
        p = w.lull("bench", "stream", "--link", *options, "--seconds", "0.5",
                   "--json")
        got = json.loads(p.stdout or "{}")
        w.ok(f"stream, {' '.join(options)}: bytes, and CPU for each GB",
             p.returncode == 0 and got["gbps"] > 0.01 and
             got["mach_s_per_gb"] > 0 and got["srv_s_per_gb"] > 0,
             p.stdout, p.stderr)
    for option, value in (("--direction", "up"), ("--offload", "1"),
                          ("--checksum", "no"), ("--streams", "0")):
        w.refuses(f"{option} {value} is refused", 64, [option, value] if
                  option != "--streams" else ["-c"], "bench", "stream", option,
                  value)


def test_timewait(w):
    p = w.lull("bench", "timewait", "--entries", "20000", "--json")
    got = json.loads(p.stdout or "{}")
    w.ok("timewait: exit 0, one line",
         p.returncode == 0 and p.stdout.count("\n") == 1 and not p.stderr,
         p.returncode, p.stdout, p.stderr)
    w.equal("all late FINs are answered rightly, all rows are counted",
            [got.get(k) for k in ("right", "entries", "by_wire", "samples",
                                  "answered", "rows", "state_errors",
                                  "dest_errors")],
            [True, 20000, 200, 10000, 10000, 20001, 0, 0])
    w.ok("ports of ours towards many destinations, and times",
         got["active"] > 1000 and got["destinations"] > 1000 and
         all(got[k] > 0 for k in ("insert_ns", "restart_ns", "expire_ns",
                                  "fill_ns", "find_ns", "find_batch_ns",
                                  "receive_ns", "pause_us", "machine_pause_us",
                                  "machine_load_ns", "peak_mib")), got)
    p = w.lull("bench", "timewait", "--entries", "20001")
    w.ok("the same as text",
         p.returncode == 0 and
         "late FINs answered rightly: 10000 of 10000" in p.stdout and
         "recount: 20002 rows" in p.stdout, p.stdout, p.stderr)
    p = w.lull("bench", "timewait", "--entries", "10")
    w.ok("too few are refused", p.returncode == 64 and
         "from 1000 to 67108864" in p.stderr, p.stderr)


PATH_KEYS = {"peer", "cc", "sec", "goodput_mbit", "bytes", "fairness",
             "segments", "retransmitted", "needless", "lost", "overflowed",
             "marked", "timeouts", "probes", "undone", "rtt_ms", "rtt_p95_ms"}


def path(w, *args):
    p = w.lull("bench", "path", "--rate", "10", "--json", *args)
    w.ok("path " + " ".join(args) + ": exit 0, one line",
         p.returncode == 0 and p.stdout.count("\n") == 1 and not p.stderr,
         p.returncode, p.stdout, p.stderr)
    return json.loads(p.stdout or "{}")


def test_path(w):
    got = path(w, "--bytes", "500000", "--drop", "5,100+2,last")
    w.ok("path: all keys", PATH_KEYS <= set(got), got)
    w.equal("all bytes arrive; what is to be lost is, and goes again",
            (got["bytes"], got["lost"]), ([500000], 4))
    w.ok("each of them at least once", got["retransmitted"] >= 4, got)
    lossy = ("--loss", "1", "--jitter", "5", "--flows", "2", "--seconds", "3")
    first = path(w, *lossy, "--seed", "7")
    w.equal("the same seed, the same segments", first,
            path(w, *lossy, "--seed", "7"))
    w.ok("another seed, others", first != path(w, *lossy, "--seed", "8"))
    w.ok("two flows, at most the link's rate",
         len(first["bytes"]) == 2 and 0.1 < first["goodput_mbit"] < 10, first)
    quiet = path(w, "--delay", "20", "--queue", "0", "--seconds", "2")
    w.ok("nothing is lost without a limit; the round trip is told",
         quiet["overflowed"] == quiet["lost"] == quiet["retransmitted"] == 0
         and quiet["rtt_ms"] > 40, quiet)


def test_path_kernel(w):
    got = path(w, "--peer", "kernel", "--cc", "reno", "--bytes", "200000",
               "--drop", "20", "--delay", "10", "--seconds", "20")
    w.equal("two kernels over it: all arrives, the loss is repaired",
            [got.get(k) for k in ("peer", "cc", "bytes", "lost")],
            ["kernel", "reno", [200000], 1])
    w.ok("and is seen", got["retransmitted"] >= 1 and got["sec"] < 10 and
         200000 / 1460 <= got["segments"] < 200, got)


def test_path_usage(w):
    for args, text in ((("--queue", "2x"), "0.2bdp"),
                       (("--reorder", "5"), "N,K"),
                       (("--drop", "0"), "FIRST+COUNT"),
                       (("--stall", "a"), "milliseconds"),
                       (("--peer", "bsd"), "lull or kernel"),
                       (("--seconds", "0"), "above 0"),
                       (("--flows", "17"), "from 1 to 16"),
                       (("more",), "what is that")):
        p = w.lull("bench", "path", *args)
        w.ok("refused: " + " ".join(args),
             p.returncode == 64 and text in p.stderr, p.returncode, p.stderr)


def test_path_trace(w):
    out = w.file("trace.csv")
    path(w, "--bytes", "100000", "--drop", "3", "--trace", out)
    with open(out, encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    data = [r for r in rows if r["event"] == "out" and int(r["len"])]
    w.equal("the trace has what was lost",
            [r["seq"] for r in data if r["fate"] == "dropped"], ["2896"])
    w.equal("and what went again for it",
            [r["seq"] for r in data if r["again"] == "1"], ["2896"])


def test_plots(w):
    """`make plots` draws what was lost, what went again, and the ACKs."""
    script = pathlib.Path(__file__).parents[2] / "scripts/plots.sh"
    p = w.run("sh", str(script), w.path, w.dir)
    w.ok("plots: exit 0", p.returncode == 0, p.stdout, p.stderr)
    for name, kinds in (("five-drops", {"data", "again", "lost", "ack", "wnd"}),
                        ("tail-loss", {"data", "again", "lost", "ack"}),
                        ("spurious-timeout", {"data", "again", "ack", "wnd"})):
        svg = ElementTree.parse(os.path.join(w.dir, name + ".svg"))
        drawn = {e.get("class") for e in svg.iter() if e.tag.endswith("path")}
        w.ok(f"{name}: {', '.join(sorted(kinds))}", kinds <= drawn, drawn)


main([test_all, test_stream, test_timewait, test_path, test_path_kernel, test_path_usage,
      test_path_trace, test_plots])
