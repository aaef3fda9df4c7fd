#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Keeps what run.sh measures, a JSON object a line, and prints tables of it.

usage: table.py machine RAW BUILD ROOT
       table.py keep RAW SECTION STACK CLIENTS ROUND SERVER COMMAND [K=V]... FILE...
       table.py show RAW SECTION
       table.py json RAW FILE
"""

import collections
import datetime
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

OTHERS_MAX = 0.12  # of the machine, for other programs: more is noise
CPU_LEAST_S = 0.3  # of CPU time, counted in ticks of 10 ms: less is no figure
CRR_TUN = 38000
CRR_CPU = 0.75
CRR_MEMORY = 300000
CLOSING = {"closing4": 64, "closing6": 88}
IDLE = 1024
CREATED = 4 << 20
HELD = 0.10        # between the slowest and the fastest level
ONE = 20000
RECORD = {"insert_ns": 250, "restart_ns": 250, "expire_ns": 250,
          "find_ns": 350, "find32_ns": 100}
PAUSE_US = 1000
PEAK_MIB = 650

NAMES = {
    "lull": "lull, TUN",
    "kernel": "kernel, veth",
    "kernel-nooff": "kernel, no offload",
    "lwip": "lwIP, TAP",
    "lwip-empty": "lwIP, first 1,000",
    "gvisor": "gVisor, TAP",
    "lull-memory": "lull, in memory", "lull-nooff": "lull, no offload",
    "null": "no stack, TUN", "null-nooff": "no stack, no offload",
}


# ---- keeping ----

def append(raw, entry):
    with open(raw, "a", encoding="utf-8") as f:
        f.write(json.dumps(entry) + "\n")


def load(raw):
    with open(raw, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.split(":", 1)[1].strip()
    return os.uname().machine


def build_options(build):
    path = pathlib.Path(build) / "meson-info/intro-buildoptions.json"
    try:
        options = {o["name"]: o["value"]
                   for o in json.loads(path.read_text())}
    except (OSError, ValueError):
        return "?"
    return f"{options['buildtype']}, -O{options['optimization']}"


def first_line(*command):
    try:
        run = subprocess.run(command, capture_output=True, text=True,
                             timeout=10, check=True)
        return run.stdout.splitlines()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        return "?"


def machine(raw, build, root):
    m = {
        "section": "machine",
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "kernel": os.uname().release,
        "date": datetime.datetime.now(datetime.timezone.utc)
                .strftime("%Y-%m-%d %H:%M UTC"),
        "load": os.getloadavg()[0],
        "build": build_options(build),
        "compiler": first_line("cc", "--version"),
        "commit": first_line("git", "-C", root, "describe", "--always",
                             "--dirty"),
    }
    append(raw, m)
    print(f"{m['cpu']}, {m['cores']} cores; Linux {m['kernel']}; "
          f"{m['date']}")
    print(f"lull {m['commit']}: {m['build']}; {m['compiler']}; "
          f"load at the start {m['load']:.2f}")


def add_clients(runs):
    """Clients that ran side by side: rates add up, the machine is one."""
    all_ = dict(runs[0])
    for key in ("done", "errs", "tmo", "per_s", "gbps", "cli_cpu_s"):
        all_[key] = sum(r[key] for r in runs)
    for key in ("sec", "mach_cpu_s", "srv_cpu_s", "steal_s", "p50us",
                "p99us"):
        all_[key] = max(r[key] for r in runs)
    return all_


def seconds(times):
    """Of all children, as the shell's `times` prints them: 0m1.234s."""
    return sum(int(m) * 60 + float(s) for m, s in
               re.findall(r"(\d+)m([\d.]+)s", times.splitlines()[1]))


def from_wrk(text, ticks, before, after):
    """wrk's own report, and the ticks of machine and server around it, and
    the shell's times."""
    units = {"us": 1, "ms": 1e3, "s": 1e6}

    def find(pattern, default="0"):
        m = re.search(pattern, text)
        return m.group(1) if m else default

    def latency(percent):
        m = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", text)
        return float(m.group(1)) * units[m.group(2)] if m else 0

    m = re.search(r"(\d+) requests in ([\d.]+)(s|m)", text)
    a = [int(t) / os.sysconf("SC_CLK_TCK") for t in ticks.split()]
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), "
                       r"write (\d+), timeout (\d+)", text)
    n = [int(x) for x in errors.groups()] if errors else [0] * 4
    return {
        "done": int(m.group(1)) if m else 0,
        "sec": float(m.group(2)) if m else 0,
        "per_s": float(find(r"Requests/sec:\s+([\d.]+)")),
        "errs": sum(n[:3]) + int(find(r"Non-2xx or 3xx responses: (\d+)")),
        "tmo": n[3],
        "p50us": latency(50),
        "p99us": latency(99),
        "mach_cpu_s": a[2] - a[0],
        "srv_cpu_s": a[3] - a[1],
        "cli_cpu_s": seconds(after) - seconds(before),
    }


def from_one(load_, saw):
    """What the client says, lull's or the kernel's, and what its server saw."""
    if "failed" in load_:
        load_ = {**load_, "errs": load_["failed"], "tmo": 0,
                 "sec": load_["seconds"],
                 "p50us": load_["latency_us"]["p50"],
                 "p99us": load_["latency_us"]["p99"]}
    return {**load_, "saw": saw}


def keep(raw, section, stack, clients, round_, server, command, *rest):
    pairs = dict(r.split("=", 1) for r in rest if re.match(r"[a-z_]+=", r))
    files = [r for r in rest if not re.match(r"[a-z_]+=", r)]
    texts = [pathlib.Path(f).read_text() for f in files]
    entry = {"section": section, "stack": stack, "clients": int(clients),
             "round": int(round_), "server": server, "command": command}
    try:
        if "wrk" in pairs:
            entry.update(from_wrk(texts[0], pairs.pop("wrk"), *texts[1:]))
        elif section == "timewait":
            entry.update(json.loads(texts[0]))
        elif section == "one-destination":
            entry.update(from_one(*map(json.loads, texts)))
        elif section == "one-virtual":
            entry.update(json.loads(texts[0]))
        elif section in ("memory", "ports"):
            entry["lines"] = [json.loads(x) for x in texts[0].splitlines()]
        else:
            entry.update(add_clients([json.loads(t) for t in texts]))
    except (ValueError, KeyError, IndexError) as e:
        print(f"bench: {stack}: no result: {e}: {command}", file=sys.stderr)
        return
    entry.update({k: int(v) if v.isdigit() else v for k, v in pairs.items()})
    append(raw, entry)


# ---- tables ----

def others(run):
    """The share of the machine that was neither server's nor client's."""
    if run.get("sec", 0) < 0.2 or "cli_cpu_s" not in run:
        return 0
    left = run["mach_cpu_s"] - run["srv_cpu_s"] - run["cli_cpu_s"]
    return left / (os.cpu_count() * run["sec"])


class Group:
    """The rounds of one line of a table; noisy ones don't count."""

    def __init__(self, runs):
        self.all = runs
        clean = [r for r in runs if others(r) < OTHERS_MAX]
        self.runs = clean or runs
        self.noisy = not clean

    def values(self, key, scale=1.0):
        return [r[key] * scale for r in self.runs if key in r]

    def per(self, key, scale=1.0):
        return [r[key] * scale / r["done"] for r in self.runs
                if r.get("done") and key in r]

    def cpu(self, key):
        """Microseconds for each; none when ticks are too coarse."""
        if self.all[0]["stack"] == "lwip-empty" or \
                max(self.values("mach_cpu_s"), default=0) < CPU_LEAST_S:
            return []
        return self.per(key, 1e6)

    def total(self, key):
        return sum(r.get(key, 0) for r in self.all)

    def counted(self):
        text = f"{len(self.runs)}/{len(self.all)}"
        if all(r.get("sec", 0) < 0.2 for r in self.all):
            return "short"
        return "noisy" if self.noisy else text


def middle(values, digits=0):
    if not values:
        return "-"
    m, a, b = (f"{v:,.{digits}f}" for v in
               (statistics.median(values), min(values), max(values)))
    return m if len(values) == 1 else f"{m} [{a}-{b}]"


def groups(raw, section, *keys):
    by = collections.OrderedDict()
    for run in load(raw):
        if run["section"] == section and run["stack"] != "callgrind":
            by.setdefault(tuple(run[k] for k in keys), []).append(run)
    return {k: Group(v) for k, v in by.items()}


def table(head, rows, commands):
    """Lines with numbers, and what made each of them below."""
    head, rows = ["", *head], [list(r) for r in rows]
    for i, row in enumerate(rows, 1):
        row[0] += f" ({i})"
    width = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        print("  " + "  ".join(
            c.ljust(w) if i == 0 or head[i] == "of" else c.rjust(w)
            for i, (c, w) in enumerate(zip(row, width))).rstrip())
    print()
    for i, run in enumerate(commands, 1):
        if run["server"] != "-":
            print(f"  ({i}) server: {run['server']}")
            print(f"      client: {run['command']}")
        else:
            print(f"  ({i}) {run['command']}")


def target(what, value, wanted, met, *on):
    """`on`: the groups that it rests on."""
    noise = ", in noise: measure again" if any(g.noisy for g in on) else ""
    print(f"  target: {what}: {value}, wanted {wanted}: "
          f"{'met' if met else 'not met'}{noise}")


def title(text):
    print(f"\n== {text}\n")


def show_crr_tun(raw):
    title("crr-tun: connect, request, response, close; the server closes "
          "first; 64 slots")
    found = groups(raw, "crr-tun", "clients", "stack")
    rows = []
    for (clients, stack), g in found.items():
        rows.append([
            f"{NAMES[stack]}, {clients} client{'s' * (clients > 1)}",
            middle(g.values("per_s")), middle(g.cpu("mach_cpu_s"), 1),
            middle(g.cpu("srv_cpu_s"), 1), middle(g.per("frames"), 2),
            middle(g.values("p50us")), middle(g.values("p99us")),
            str(g.total("errs")), str(g.total("tmo")), g.counted()])
    table(["conn/s", "machine us", "server us", "frames", "p50 us", "p99 us",
           "errors", "late", "rounds"], rows,
          [g.all[0] for g in found.values()])
    print()
    for clients in dict.fromkeys(c for c, _ in found):
        targets_crr_tun(found, clients)


def targets_crr_tun(found, clients):
    lull = found.get((clients, "lull"))
    if not lull:
        return
    with_ = f"with {clients} client{'s' * (clients > 1)}"
    rate = statistics.median(lull.values("per_s"))
    target(f"connections/s {with_}", f"{rate:,.0f}", f"> {CRR_TUN:,}",
           rate > CRR_TUN, lull)
    empty = found.get((clients, "lwip-empty"))
    if empty:
        other = statistics.median(empty.values("per_s"))
        target(f"... and than lwIP's first 1,000 in this run {with_}",
               f"{rate / other:.2f} of {other:,.0f}", "> 1", rate > other,
               lull, empty)
    kernel = found.get((clients, "kernel"))
    if not kernel or not kernel.cpu("mach_cpu_s") or \
            not lull.cpu("mach_cpu_s"):
        return
    ratio = (statistics.median(lull.cpu("mach_cpu_s")) /
             statistics.median(kernel.cpu("mach_cpu_s")))
    target(f"machine CPU for each, of the kernel's, {with_}", f"{ratio:.2f}",
           f"<= {CRR_CPU}", ratio <= CRR_CPU, lull, kernel)


def show_crr_held(raw):
    title("crr-held: the same while the server holds many TIME_WAITs; 64 slots")
    found = groups(raw, "crr-held", "level")
    rows = []
    for (level,), g in found.items():
        rows.append([
            f"{level:,} held", middle(g.values("per_s")),
            middle(g.cpu("mach_cpu_s"), 1), middle(g.cpu("srv_cpu_s"), 1),
            middle(g.values("p50us")), middle(g.values("p99us")),
            f"{min(r['before'] for r in g.all):,}-"
            f"{max(r['after'] for r in g.all):,}",
            str(g.total("errs")), str(g.total("tmo")), g.counted()])
    table(["conn/s", "machine us", "server us", "p50 us", "p99 us",
           "in TIME-WAIT", "errors", "late", "rounds"], rows,
          [g.all[0] for g in found.values()])
    rates = [statistics.median(g.values("per_s")) for g in found.values()]
    print()
    target("slowest and fastest level apart",
           f"{100 * (1 - min(rates) / max(rates)):.1f} %",
           f"<= {100 * HELD:.0f} %", min(rates) >= (1 - HELD) * max(rates),
           *found.values())


ONE_NAMES = {
    "lull-safe-1": "lull, tcp_tw_reuse_safe=1, TUN",
    "lull-safe-0": "lull, tcp_tw_reuse_safe=0, TUN",
    "kernel-reuse-2": "kernel, tcp_tw_reuse=2, veth",
    "kernel-reuse-1": "kernel, tcp_tw_reuse=1, veth",
}


def show_one_destination(raw):
    title("one-destination: from one address to one address and port, the "
          "client closes first; 28,232 ports")
    found = groups(raw, "one-destination", "stack")
    rows = []
    for (stack,), g in found.items():
        run = g.all[-1]
        rows.append([
            ONE_NAMES[stack], f"{run['sec']:.1f}", f"{run['done']:,}",
            f"{run['done'] / run['sec']:,.0f}", f"{run['errs']:,}",
            str(run["tmo"]), f"{run['p50us']:,}", f"{run['p99us']:,}",
            f"{run['saw']['conns']:,}", str(run["saw"]["resets"])])
    table(["s", "done", "conn/s", "failed", "late", "p50 us", "p99 us",
           "server saw", "with RST"], rows,
          [g.all[-1] for g in found.values()])
    print()
    lull = found.get(("lull-safe-1",))
    if not lull:
        return
    run = lull.all[-1]
    rate = run["done"] / run["sec"]
    target(f"connections/s for {run['sec']:.0f} s", f"{rate:,.0f}",
           f">= {ONE:,}", rate >= ONE)
    bad = run["errs"] + run["tmo"] + run["saw"]["resets"]
    target("failures, and RSTs that the server's program saw", bad, "0",
           bad == 0)


def show_crr_memory(raw):
    title("crr-memory: the same between two stacks in memory, on one core")
    found = groups(raw, "crr-memory", "stack")
    for g in found.values():
        table(["conn/s", "CPU us", "segments", "p50 us", "p99 us", "errors",
               "rounds"],
              [["lull, both ends", middle(g.values("per_s")),
                middle(g.cpu("srv_cpu_s"), 2),
                middle(g.values("segments_per"), 2),
                middle(g.values("p50us")), middle(g.values("p99us")),
                str(g.total("errs")), g.counted()]], g.all[:1])
        print()
        peaks = {}
        for run in g.all:
            for name, peak in run["pools"].items():
                peaks[name] = max(peak, peaks.get(name, 0))
        print("  most in use at the server, of all rounds: " + ", ".join(
            f"{name} {peak:,}" for name, peak in peaks.items() if peak))
        distinct(g)
        rate = statistics.median(g.values("per_s"))
        target("connections/s", f"{rate:,.0f}", f">= {CRR_MEMORY:,}",
               rate >= CRR_MEMORY, g)
    show_instructions(raw)


def distinct(g):
    """TIME_WAIT holds a pair once: as many records as connections means that
    no pair came twice. True while a run is shorter than 2MSL."""
    run = max(g.all, key=lambda r: r["done"])
    held = run["pools"].get("closing IPv4", 0)
    again = max(0, run["done"] - held)
    print(f"  address pairs: {run['done']:,} connections in "
          f"{run['sec']:.0f} s left {held:,} in TIME_WAIT at once: "
          f"{again:,} twice within 2MSL")


def show_instructions(raw):
    runs = sorted((r for r in load(raw) if r.get("stack") == "callgrind"),
                  key=lambda r: r["round"])
    if len(runs) < 2:
        return
    a, b = runs[0], runs[-1]
    each = (b["instructions"] - a["instructions"]) / (b["done"] - a["done"])
    print(f"  instructions for each connection: {each:,.0f}, both stacks, "
          "both programs and what joins them (callgrind,")
    print(f"    {b['instructions']:,} for {b['done']:,} less "
          f"{a['instructions']:,} for {a['done']:,})")
    for run in (a, b):
        print(f"    {run['command']}")


def show_rr(raw):
    title("rr: requests on 50 connections that are kept")
    found = groups(raw, "rr", "stack")
    rows = []
    for (stack,), g in found.items():
        cpu = "srv_cpu_s" if stack == "lull-memory" else "mach_cpu_s"
        rows.append([
            NAMES[stack], middle(g.values("per_s")), middle(g.cpu(cpu), 2),
            middle(g.cpu("srv_cpu_s"), 2), middle(g.values("p50us")),
            middle(g.values("p99us")), str(g.total("errs")),
            str(g.total("tmo")), g.counted()])
    table(["requests/s", "machine us", "server us", "p50 us", "p99 us",
           "errors", "late", "rounds"], rows,
          [g.all[0] for g in found.values()])
    in_memory_note(found)


def in_memory_note(found):
    if any(key[0] == "lull-memory" for key in found):
        print("\n  In memory client and server are one process: its CPU is "
              "both columns'.")


def per_gb(run, cpu):
    """Seconds of CPU for each 10^9 bytes."""
    bytes_ = run["gbps"] * run["sec"] / 8
    return run[cpu] / bytes_ if bytes_ else 0


def show_stream(raw):
    title("stream: one connection, one way; down is from the server")
    runs = load(raw)
    for run in runs:
        if run["section"] == "stream":
            run.setdefault("direction", "up")
    by = collections.OrderedDict()
    for run in runs:
        if run["section"] == "stream":
            by.setdefault((run["stack"], run["direction"]), []).append(run)
    found = {k: Group(v) for k, v in by.items()}
    rows = []
    for (stack, direction), g in found.items():
        cpu = "srv_cpu_s" if stack == "lull-memory" else "mach_cpu_s"
        rows.append([
            f"{NAMES[stack]}, {direction}", middle(g.values("gbps"), 2),
            middle([per_gb(r, cpu) for r in g.runs], 3),
            middle([per_gb(r, "srv_cpu_s") for r in g.runs], 3),
            str(g.total("errs")), g.counted()])
    table(["Gbit/s", "s/GB, machine", "s/GB, server", "errors", "rounds"],
          rows, [g.all[0] for g in found.values()])
    in_memory_note(found)


def show_memory(raw):
    title("memory: bytes of the server's shard")
    runs = [r for r in load(raw) if r["section"] == "memory"]
    if not runs:
        print("  no result")
        return
    lines = {x["what"]: x for x in runs[-1]["lines"]}
    names = {"idle4": "idle connection, IPv4", "idle6": "idle connection, "
             "IPv6", "closing4": "closing record, IPv4",
             "closing6": "closing record, IPv6"}
    rows = []
    for what, name in names.items():
        x = lines[what]
        rows.append([name, f"{x['n']:,}", str(x["pool_bytes"]),
                     f"{x['resident_bytes']:.1f}",
                     " + ".join(f"{n} {b}" for n, b in x["pools"].items())])
    table(["how many", "by pools", "resident", "of"], rows, [])
    print("  connections: the control block and its cold half, timers among "
          "them; handles: what a\n  program holds of one; closing: record "
          "and links; flow table: buckets, those that\n  ran over as well. "
          "resident: all that grew in the shard's memory, for each.\n")
    made = lines["created"]
    print(f"  right after creation, limits of {made['conns']:,} connections "
          f"and {made['closing']:,} closing records\n  of each family: "
          f"{made['resident_bytes']:,} bytes resident of "
          f"{made['mapped_bytes']:,} mapped; the process has "
          f"{made['process_bytes']:,},\n  {made['process_growth_bytes']:,} "
          "of them since just before")
    print(f"  {runs[-1]['command']}\n")
    target("an idle connection", lines["idle4"]["pool_bytes"],
           f"<= {IDLE:,}", lines["idle4"]["pool_bytes"] <= IDLE)
    for what, most in CLOSING.items():
        size = max(lines[what]["pool_bytes"], lines[what]["resident_bytes"])
        target(f"a {names[what]}", f"{size:g}", f"<= {most}", size <= most)
    target("resident after creation, the whole process",
           f"{made['process_bytes'] / (1 << 20):.2f} MiB",
           f"< {CREATED >> 20} MiB", made["process_bytes"] < CREATED)


def show_timewait(raw):
    title("timewait: closing records, in memory; nanoseconds for each")
    found = groups(raw, "timewait", "stack")
    core, whole = found.get(("core",)), found.get(("lull",))
    rows = []
    if core:
        rows.append(["the functions alone", *[
            middle(core.values(k)) for k in
            ("insert_ns", "restart_ns", "expire_ns", "fill_ns", "find_ns",
             "find32_ns")]])
    if whole:
        rows.append(["by lull bench timewait", *[
            middle(whole.values(k)) for k in
            ("insert_ns", "restart_ns", "expire_ns", "fill_ns", "find_ns",
             "find_batch_ns")]])
    table(["insert", "restart", "expire", "insert, all", "find", "find, by 32"],
          rows, [g.all[0] for g in (core, whole) if g])
    if whole:
        about_whole(whole)
    if core:
        for key, most in RECORD.items():
            ns = statistics.median(core.values(key))
            target(key[:-3].replace("32", " by 32"), f"{ns:.0f} ns",
                   f"<= {most}", ns <= most)


def about_whole(g):
    run = g.all[-1]
    print("  insert, restart and expire: of "
          f"{run['few']:,} records; the rest: of {run['entries']:,}.\n"
          "  insert and restart: in batches of 32.\n"
          "  restart in the second line: a late FIN, from the frame in to the "
          "ACK out.\n  an old ACK, from the frame on, by 32: "
          f"{middle(g.values('receive_ns'))} ns\n"
          "  the machine alone: a load from the records' memory that waits "
          "for the one before\n  (a find has two): "
          f"{middle(g.values('machine_load_ns'))} ns; a loop that only reads "
          "the clock\n  was held up for "
          f"{middle(g.values('machine_pause_us'))} us\n")
    target("all right: late FINs, rows, counts",
           f"{sum(r['right'] for r in g.all)} of {len(g.all)} runs", "all",
           all(r["right"] for r in g.all))
    peak = max(g.values("peak_mib"))
    target("most resident, MiB", f"{peak:.0f}; Linux {run['linux_mib']:.0f} "
           "and more", f"<= {PEAK_MIB}",
           peak <= PEAK_MIB)
    for key, name in (("pause_us", "longest turn while they end together, us"),
                      ("pause_cpu_us", "... of CPU")):
        us = statistics.median(g.values(key))
        target(name, middle(g.values(key)), f"<= {PAUSE_US:,}",
               us <= PAUSE_US)
    most = max(g.values("sec"))
    target("all of it, s", f"{most:.1f}", "<= 60", most <= 60)


def show_ports(raw):
    title("ports: the choice of one, towards a destination, in nanoseconds")
    run = [r for r in load(raw) if r["section"] == "ports"][-1]
    for line in run["lines"]:
        print(f"  {line['free']:6,} of {line['of']:,} free: median "
              f"{line['median_ns']:,}, 99 % {line['p99_ns']:,}, worst "
              f"{line['worst_ns']:,}" + (": refused, and explained"
                                         if line["failed"] else ""))
    print(f"\n  {run['command']}\n")
    few = next(x for x in run["lines"] if x["free"] == 28)
    target("99.9 % taken, median", f"{few['median_ns']} ns", "<= 1000",
           few["median_ns"] <= 1000)


def show_one_virtual(raw):
    title("one-virtual: one address to one port, the client closes first; "
          "in memory, virtual time")
    for run in (r for r in load(raw) if r["section"] == "one-virtual"):
        print(f"  {run['stack']}: {run['done']:,} of "
              f"{run['opened'] + run['no_port']:,} in {run['virtual_s']} s; "
              f"no port {run['no_port']:,}, errors {run['errors']}, resets at "
              f"the server {run['resets_at_server']}, RSTs {run['OutRsts']}\n"
              f"    {run['command']}")
        if run["stack"] != "none":
            target("no failure, no RST", f"{run['no_port'] + run['errors']}, "
                   f"{run['OutRsts']}", "0, 0",
                   not run["no_port"] + run["errors"] + run["OutRsts"])


SHOW = {"crr-tun": show_crr_tun, "crr-memory": show_crr_memory,
        "crr-held": show_crr_held, "one-destination": show_one_destination,
        "rr": show_rr, "stream": show_stream, "timewait": show_timewait,
        "ports": show_ports, "one-virtual": show_one_virtual,
        "memory": show_memory}


def show(raw, section):
    if any(r["section"] == section for r in load(raw)):
        SHOW[section](raw)
    else:
        title(f"{section}: no result")


def to_json(raw, path):
    all_ = load(raw)
    text = json.dumps({
        "schema": 1,
        "machine": next(r for r in all_ if r["section"] == "machine"),
        "runs": [r for r in all_ if r["section"] != "machine"],
    }, indent=1)
    pathlib.Path(path).write_text(text + "\n", encoding="utf-8")
    print(f"\nraw results: {path}")


def main():
    commands = {"machine": machine, "keep": keep, "show": show,
                "json": to_json}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])


main()
