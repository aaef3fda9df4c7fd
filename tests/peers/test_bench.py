# SPDX-License-Identifier: BSD-2-Clause
"""`lull bench`: that it runs, without an error; how fast is not tested."""

import json
import re

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


main([test_all, test_timewait])
