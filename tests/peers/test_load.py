# SPDX-License-Identifier: BSD-2-Clause
"""`lull load`: against nginx on the kernel, against silence, against lull."""

import json
import os
import re
import socket

from peers import Inside, STATES, main, wait_for

PORT = 8080
HOST = f"http://V4:{PORT}"
HOST6 = f"http://V6:{PORT}"
TOTAL = 3000

NGINX = """
daemon off;
master_process off;
user root;
pid {dir}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
	access_log off;
	client_body_temp_path {dir}/n1;
	proxy_temp_path {dir}/n2;
	fastcgi_temp_path {dir}/n3;
	uwsgi_temp_path {dir}/n4;
	scgi_temp_path {dir}/n5;
	keepalive_requests 1000000;
	server {{
		listen {port} backlog=4096;
		listen [::]:{port} backlog=4096 ipv6only=on;
		root {www};
	}}
}}
"""


def listens(w, netns):
    return f":{PORT} " in w.run_in(netns, "ss", "-Hltn").stdout


def start_nginx(w, netns):
    conf = w.file("nginx.conf", NGINX.format(
        dir=w.dir, www=w.www(), port=PORT).encode(), w.dir)
    with open(os.path.join(w.dir, "nginx.err"), "wb") as err:
        p = w.popen(w.inside(netns, "nginx", "-e", "stderr", "-c", conf),
                    stderr=err)
    wait_for(lambda: listens(w, netns), 10, "nginx listens")
    return p


def states_in(text):
    """The counts of the last line, `states now: TIME-WAIT 3000`."""
    line = re.search(r"^  states now:(.*)$", text, re.M)[1].split()
    return dict(zip(line[::2], map(int, line[1::2])))


def test_text(w, load, netns):
    p = load(HOST + "/", "-n", TOTAL, "-c", "64")
    first, states = p.stdout.splitlines()[0], states_in(p.stdout)
    w.ok(f"{TOTAL} connections, we close first: exit 0, all succeeded",
         p.returncode == 0 and not p.stderr and
         re.fullmatch(rf"{TOTAL} of {TOTAL} succeeded in [0-9.]+ s: \d+/s, 64 at "
                      r"a time, \d+ bytes", first), p.stdout, p.stderr)
    w.ok("no error is printed", not re.search(r"^  E[A-Z]+:|not 200", p.stdout,
                                              re.M), p.stdout)
    w.ok("the TIME-WAITs are ours, and printed",
         TOTAL - 64 <= states.get("TIME-WAIT", 0) <= TOTAL and
         set(states) <= set(STATES), states)

    p = load(HOST + "/", "-n", TOTAL, "-c", "64", "--close-by", "server")
    states = states_in(p.stdout)
    w.ok(f"{TOTAL} connections, the server closes first: exit 0",
         p.returncode == 0 and p.stdout.startswith(f"{TOTAL} of {TOTAL} "),
         p.stdout, p.stderr)
    w.equal("we have no TIME-WAIT", states.get("TIME-WAIT", 0), 0)
    out = w.run_in(netns, "ss", "-Htan", "state", "time-wait").stdout
    w.ok("the kernel has them", out.count("\n") >= TOTAL - 64, out.count("\n"))


def test_json(w, load, netns):
    for host in (HOST, HOST6):
        for how in ((), ("--close-by", "server"), ("--keep-alive",)):
            p = load(host + "/", "-n", TOTAL, "-c", "32", "--json", *how)
            got = json.loads(p.stdout)
            w.equal(f"{host} {' '.join(how)}: exit, done, failed, errors",
                    (p.returncode, got["schema"], got["done"], got["failed"],
                     got["not_200"], got["errors"]), (0, 1, TOTAL, 0, 0, {}))
            w.ok("every state, the rate, the latencies",
                 set(got["states"]) == set(STATES) and got["per_s"] > 0 and
                 0 < got["latency_us"]["p50"] <= got["latency_us"]["p99"] <=
                 got["latency_us"]["max"] and got["bytes"] > TOTAL * 100, got)
            if how == ("--keep-alive",):
                w.ok("no more connections than slots",
                     sum(got["states"].values()) <= 64, got["states"])
    p = load(HOST + "/missing", "-n", "10", "--json")
    w.equal("404s are counted", json.loads(p.stdout)["not_200"], 10)


def test_refused(w, load, netns):
    p = load("http://V4:81/", "-n", "100")
    w.ok("a closed port: exit 1, ECONNREFUSED by name and number",
         p.returncode == 1 and p.stdout.startswith("0 of 100 succeeded") and
         "  ECONNREFUSED: 100 " in p.stdout, p.stdout, p.stderr)
    p = load("http://V6:81/", "-n", "100", "--json")
    w.equal("and in JSON", (p.returncode, json.loads(p.stdout)["errors"]),
            (1, {"ECONNREFUSED": 100}))


def test_silence(w, load, netns):
    with Inside(netns):
        server = socket.create_server(("0.0.0.0", 82), backlog=64)
    p = load("http://V4:82/", "-n", "4", "-c", "4", "--timeout", "1",
             "--json")
    server.close()
    w.equal("a server that never answers: ETIMEDOUT, exit 1",
            (p.returncode, json.loads(p.stdout)["errors"]), (1, {"ETIMEDOUT": 4}))
    p = load("http://10.9.251.77/", "-n", "2", "--timeout", "1", "--json",
             subnet=251)
    errors = json.loads(p.stdout)["errors"]
    w.ok("an address where nobody is: two errors with a name, exit 1",
         p.returncode == 1 and sum(errors.values()) == 2 and
         set(errors) <= {"ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"}, errors)


NO_REUSE = ("--sysctl", "net.lull.tcp_tw_reuse_safe=0")
EIGHT = ("--sysctl", "net.ipv4.ip_local_port_range=40000 40007", *NO_REUSE)
NO_PORT = re.compile(r"""
  EADDRNOTAVAIL: 4 \(.*\)
  no port: 4 connects to (\S+):8080 failed; after each the next was tried within 100 ms
    no port is left towards this destination; first after \d\.\d+ s, at \d connections/s
    of 8 ports \(40000-40007\) 0 are live, 8 in TIME-WAIT, 0 reserved, 0 free
    the first is free in 5\d\.\d s; none can be reused: net\.ipv4\.tcp_tw_reuse and .* are off
    what helps, safest first:
      - keep connections open .*
      - let the server close first: .*
      - more source addresses, .* 8 ports
      - net\.ipv4\.ip_local_port_range="1024 65535": 64504 ports more
      - net\.lull\.tcp_tw_reuse_safe=1: .*
      - net\.ipv4\.tcp_tw_reuse=1: .*
  states now: TIME-WAIT 8
""")


def test_ports_run_out(w, load, netns):
    for host in (HOST, HOST6):
        p = load(host + "/", "-n", "12", "-c", "1", *EIGHT)
        w.ok(f"{host}: eight ports run out: exit 1, and the explained no",
             p.returncode == 1 and p.stdout.startswith("8 of 12 ") and
             NO_PORT.search(p.stdout), p.stdout, p.stderr)
    p = load(HOST + "/", "-n", "50", "-c", "4", "--json", "--sysctl",
             "net.ipv4.ip_local_port_range=40000 40009", "--sysctl",
             "net.ipv4.tcp_tw_reuse_delay=60000", "--sysctl",
             "net.ipv4.tcp_tw_reuse=1", *NO_REUSE)
    got = json.loads(p.stdout)
    w.equal("each connect that finds none is a failed one", (p.returncode,
            got["done"], got["failed"], got["errors"], got["no_port"]["connects"]),
            (1, 10, 40, {"EADDRNOTAVAIL": 40}, 40))
    why = got["why"]
    times = why.pop("free_in_ns"), why.pop("reuse_in_ns")
    remedies = why.pop("remedies")
    rate = why.pop("opens_per_s")
    w.equal("JSON has the numbers", why,
            {"reason": "ports_in_use", "ports": 10, "ports_live": 0,
             "ports_closing": 10, "ports_reserved": 0, "ports_free": 0,
             "full_in_ns": why["full_in_ns"]})
    w.ok("times and rate", all(50e9 < t < 60.01e9 for t in times) and
         rate <= 10 and why["full_in_ns"] in (0, None), times, rate, why)
    w.ok("remedies, without the one that is there", len(remedies) == 5 and
         not any(" 60000 ms" in r for r in remedies), remedies)


def test_forecast(w, load, netns):
    ports = ("--sysctl", "net.ipv4.ip_local_port_range=40000 43999", *NO_REUSE)
    p = load(HOST + "/", "-n", TOTAL, *ports)
    found = re.search(r"^  ports: of 4000 ports \(40000-43999\) (\d+) are live, "
                      r"(\d+) in TIME-WAIT, 0 reserved, 1000 free; full in (\S+) "
                      r"(m?s) at this rate \((\d+)/s\)$", p.stdout, re.M)
    w.ok("it works, and is told how long it will", p.returncode == 0 and found,
         p.stdout, p.stderr)
    live, closing, time, unit, rate = found.groups()
    w.equal("all that were opened are in use", int(live) + int(closing), TOTAL)
    seconds = float(time) / (1000 if unit == "ms" else 1)
    w.ok("when at this rate no port is left",
         0 <= seconds - 1000 / int(rate) <= 0.1, found[0])
    p = load(HOST + "/", "-n", TOTAL, *ports, "--close-by", "server")
    w.ok("what the server closes first lasts at any rate",
         p.returncode == 0 and "full in" not in p.stdout, p.stdout, p.stderr)
    got = json.loads(load(HOST + "/", "-n", "10", "--json").stdout)
    w.equal("JSON tells how it stands when nothing was refused",
            (got["why"]["reason"], got["why"]["ports"], got["no_port"]["connects"],
             "remedies" in got["why"]), ("none", 28232, 0, False))


def test_no_route(w, load, netns):
    p = w.lull("load", "http://[fd00:9:9::1]/", "--netns", netns, "--addr",
               "10.9.251.2/24", "-n", "1")
    w.ok("another no is explained as well", p.returncode == 1 and
         "  why: we have no address of that family\n" in p.stdout, p.stdout,
         p.stderr)


def test_by_destination(w, load, netns):
    """A lull that has run out, looked at from outside."""
    ctl = os.path.join(w.dir, "load.ctl")
    w.ctls.add(ctl)
    p = w.popen([w.path, "load", f"http://10.9.252.1:{PORT}/", "-n", "1000000000",
                 "-c", "1", "--netns", netns, "--addr", "10.9.252.2/24", "--ctl",
                 ctl, *EIGHT], stdout=-1, stderr=-1)

    def rows():
        got = w.lull("ss", "--by", "destination", "--json", "--ctl", ctl)
        return got.returncode == 0 and json.loads(got.stdout)["destinations"]
    full = wait_for(lambda: [r for r in rows() or []
                             if r["ports_closing"] == 8], 10, "eight TIME-WAITs")
    w.equal("ss --by destination: who has no port left",
            [(r["local"], r["peer"], r["ports"], r["ports_live"], r["ports_free"])
             for r in full],
            [({"address": "10.9.252.2"}, {"address": "10.9.252.1", "port": PORT},
              8, 0, 0)])
    out = w.lull("ss", "--by", "destination", "-n", "--ctl", ctl).stdout
    w.ok("and in columns", re.fullmatch(
        r"Local Address +Peer Address:Port +Live TIME-WAIT Free Opens/s Full in\n"
        r"10\.9\.252\.2 +10\.9\.252\.1:8080 +0 +8 +0 +\d now +\n", out), out)
    p.terminate()
    out, err = p.communicate(timeout=10)
    w.ok("its socket goes with it", p.returncode == 1 and not err and
         not os.path.exists(ctl), p.returncode, out, err)


def test_seconds(w, load, netns):
    """Bounded by time; none that is under way is broken off."""
    p = load(HOST + "/", "--seconds", "1", "-c", "2", "--json")
    got = json.loads(p.stdout)
    w.ok("--seconds 1: it ends after that, exit 0, nothing failed",
         p.returncode == 0 and 1 <= got["seconds"] < 3 and
         got["done"] >= 100 and not got["errors"] and
         got["states"]["ESTAB"] == 0, p.returncode, p.stdout, p.stderr)
    p = load(HOST + "/", "--seconds", "60", "-n", "10", "--json")
    w.equal("-n ends it before",
            (p.returncode, json.loads(p.stdout)["done"]), (0, 10))


def test_starts_anew(w, load, netns):
    """Another lull, with another key: the peer's TIME_WAITs are older than it.

    The kernel answers such a SYN with an old ACK if its timestamp is not newer;
    our RST must end that TIME_WAIT, so that the SYN after it gets through."""
    ports = ["--sysctl", "net.ipv4.ip_local_port_range=40000 40019"]
    for round in ("fills the server's TIME-WAITs", "gets through them anew"):
        p = load(HOST + "/", "-n", "20", "-c", "20", "--close-by",
                 "server", "--json", *ports, subnet=250)
        got = json.loads(p.stdout)
        w.equal(f"a lull with 20 ports {round}", (got["done"], got["errors"]),
                (20, {}))


def test_signal(w, load, netns):
    p = w.popen([w.path, "load", f"http://10.9.4.1:{PORT}/", "-n",
                 "1000000000", "--netns",
                 netns, "--json"], stdout=-1, stderr=-1)
    wait_for(lambda: "10.9.4.2" in w.run_in(netns, "ss", "-Htan").stdout, 10,
             "it has begun")
    p.terminate()
    out, err = p.communicate(timeout=10)
    w.ok("SIGTERM ends it with what there is: exit 1, JSON",
         p.returncode == 1 and json.loads(out)["done"] > 0 and not err,
         p.returncode, out, err)


def test_nginx(w):
    w.file("index.html", b"hello from the kernel\n" * 10)
    netns = w.add_netns("nginx")
    server = start_nginx(w, netns)

    subnets = iter(range(10, 250))

    def load(target, *argv, subnet=None):
        """From addresses of its own: no TIME-WAIT of another run is in the way.
        V4 and V6 in the URL are the kernel's."""
        n = subnet or next(subnets)
        target = target.replace("V4", f"10.9.{n}.1")
        target = target.replace("V6", f"[fd00:9:{n}::1]")
        return w.lull("load", target, *map(str, argv), "--netns", netns, "--addr",
                      f"10.9.{n}.2/24", "--addr", f"fd00:9:{n}::2/64")
    for test in (test_text, test_json, test_refused, test_silence,
                 test_ports_run_out, test_forecast, test_no_route, test_seconds,
                 test_by_destination, test_starts_anew, test_signal):
        test(w, load, netns)
    out = w.run_in(netns, "ip", "-o", "link").stdout
    w.ok("each load took its TUN device with it", "lull" not in out, out)
    server.terminate()
    server.wait(10)
    w.del_netns(netns)


def test_lull_to_lull(w):
    with w.serve(w.www()) as s:
        p = w.lull("load", "http://10.9.3.2/", "--netns", s.netns, "-n", "2000",
                   "--close-by", "server", "--json")
        got = json.loads(p.stdout)
        w.equal("a lull loads a lull, through the kernel",
                (p.returncode, got["done"], got["errors"]), (0, 2000, {}))
        w.equal("the TIME-WAITs are where the close began",
                (got["states"]["TIME-WAIT"], s.states()["TIME-WAIT"]), (0, 2000))


main([test_nginx, test_lull_to_lull], ["nginx", "ss"])
