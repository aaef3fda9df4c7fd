# SPDX-License-Identifier: BSD-2-Clause
"""`lull lab`: all experiments are as they expect; bad scripts have a line."""

import json
import os
import re
import xml.dom.minidom
import xml.parsers.expat

from peers import main

HEAD = """about{
  title = "T", claims = {{id = "X1", verdict = "OK", who = "W", says = "S"}},
}
"""
CLOSE = HEAD + """
local seen = case("the client closes", function()
  local a, b = host "client", host("server", {peer = true})
  local c, s = opened(a, b)
  c:close()
  run(0.1)
  s:close()
  run(0.1)
  return c:state()
end)
"""


def script(w, name, text):
    return w.file(f"{name}.lua", text.encode())


def test_all(w):
    p = w.lull("lab", "run", "all")
    w.ok("run all: exit 0, none against what it expects", p.returncode == 0 and
         ", 0 against what they expect" in p.stdout and not p.stderr,
         p.stdout[-2000:], p.stderr)
    again = w.lull("lab", "run", "all")
    w.ok("again: the same bytes", again.stdout == p.stdout)
    wide = [line for line in p.stdout.splitlines() if len(line) > 80]
    w.ok("in 80 columns", len(p.stdout) > 10000 and not wide, *wide[:5])
    names = [line.split()[0] for line in
             w.lull("lab", "list").stdout.splitlines()]
    w.ok("list: three dozen and more", len(names) >= 36, names)
    missing = [n for n in names if f"\n{n}: " not in "\n" + p.stdout]
    w.ok("each of them was run", not missing, *missing)


def test_forms(w):
    p = w.lull("lab", "run", "lost-last-ack")
    w.ok("text: claim, states, a lost segment, a bracket, the verdict",
         all(t in p.stdout for t in ("C30 ", "Claimed by:", "LAST_ACK", "✗",
                                     "RTO", "C30: OK", "seen:")), p.stdout)
    p = w.lull("lab", "run", "lost-last-ack", env=dict(os.environ, LC_ALL="C"))
    w.ok("without UTF-8 it is ASCII", p.stdout.isascii() and "->|" in p.stdout,
         p.stdout)
    p = w.lull("lab", "run", "open", "--diagram", "svg")
    doc = xml.dom.minidom.parseString(p.stdout)
    w.ok("svg is well-formed, and names a state",
         doc.documentElement.tagName == "svg" and "SYN_RECEIVED" in p.stdout)
    p = w.lull("lab", "run", "lost-last-ack", "--json")
    run = json.loads(p.stdout)[0]
    w.equal("json: the verdicts", [c["verdict"] for c in run["claims"]],
            ["OK", "WRONG"])
    w.ok("json: the lost segment", any(
        s["fate"] == "lost" for s in run["cases"][0]["segments"]))
    path = os.path.join(w.dir, "page")
    p = w.lull("lab", "run", "all", "--html", path)
    with open(os.path.join(path, "index.html")) as f:
        page = f.read()
    outside = re.findall(r"(?:src|href)=\"(?!#)[^\"]*\"|url\(|@import|<script",
                         page)
    w.ok("html: one page that needs nothing else", p.returncode == 0 and
         page.count("<section") >= 36 and not outside, *outside[:5])
    w.ok("html: light and dark", "prefers-color-scheme:dark" in page)
    pcap = os.path.join(w.dir, "lab.pcapng")
    p = w.lull("lab", "run", "open", "--pcap", pcap)
    with open(pcap, "rb") as f:
        w.ok("pcap: of that format", p.returncode == 0 and
             f.read(4) == b"\x0a\x0d\x0d\x0a", p.stderr)


def test_verdicts(w):
    """What was seen decides, not what the script says that it expects."""
    def run(name, end):
        p = w.lull("lab", "run", script(w, name, CLOSE + end))
        return p.returncode, p.stdout
    code, out = run("ok", 'part("X1", "it has it", seen == "TIME_WAIT")\n')
    w.ok("as expected: exit 0", code == 0 and "X1: OK" in out, out)
    code, out = run("not", 'part("X1", "it is closed", seen == "CLOSED")\n')
    w.ok("another verdict: exit 1, and it says so", code == 1 and
         "X1: WRONG" in out and "expects OK" in out and "contradicts" in out, out)
    code, out = run("some", 'part("X1", "a", true)\npart("X1", "b", false)\n')
    w.ok("some of it is PART", code == 1 and "X1: PART" in out, out)
    code, out = run("old", 'part("X1", "a", false)\nwas("X1", "b", true)\n')
    w.ok("what was so once is OLD", code == 1 and "X1: OLD" in out, out)
    code, out = run("harm", 'part("X1", "a", true)\nharm("X1", "b", true)\n')
    w.ok("what does harm is DANGER", code == 1 and "X1: DANGER" in out, out)
    code, out = run("fact", 'part("X1", "a", true)\nfact("b", false)\n')
    w.ok("a fact that was not seen: exit 1", code == 1 and
         "contradicts" in out, out)
    code, out = run("none", "")
    w.ok("a claim without parts: exit 1", code == 1 and "not judged" in out, out)


def test_bad(w):
    def bad(name, text, line, *words):
        path = script(w, re.sub(r"\W", "-", name), text)
        # Lua shortens a long path from its front.
        w.refuses(name, 64, [f"{os.path.basename(path)}:{line}:", *words], "lab",
                  "run", path)
    bad("no Lua", "about{\n  title = = 1\n}\n", 2)
    bad("an error", HEAD + "error 'indeed'\n", 4, "indeed")
    bad("no about", "local x = 1\n", 1, "about")
    bad("a claim without an id", 'about{title = "T", claims = {{says = "S"}}}\n', 1,
        "id")
    bad("it loops", HEAD + "while true do end\n", 4, "steps")
    bad("it loops, and catches", HEAD +
        "while true do pcall(function() while true do end end) end\n", 4, "steps")
    bad("it looks, again and again", HEAD + """case("one", function()
  local p, q = craft "P", craft "Q"
  for i = 1, 3000 do p:send{to = q, flags = "A"} end
  while true do pcall(segments) end
end)
""", 7, "steps")
    bad("no clock", HEAD + "os.time()\n", 4, "os")
    bad("no file", HEAD + "io.open('/etc/passwd')\n", 4, "io")
    bad("a host outside a case", HEAD + 'host "A"\n', 4, "case")
    bad("a host of another case", HEAD + """local a
case("one", function() a = host "A" end)
case("two", function() a:states() end)
""", 6, "another case")
    bad("a socket of another case", CLOSE.replace("return c:state()", "return c") +
        'case("two", function() host "A" seen:state() end)\n', 14, "another case")
    bad("a closed socket", CLOSE.replace("return c:state()", 'return c:send "x"'), 12,
        "closed")
    bad("no such counter", HEAD +
        'case("one", function() host("A"):count "Nonsense" end)\n', 4, "Nonsense")
    bad("no such knob", HEAD + 'case("one", function() host("A", {"a.b=1"}) end)\n', 4,
        "a.b")
    bad("no such profile", HEAD +
        'case("one", function() host("A", {profile = "bsd"}) end)\n', 4, "bsd")
    bad("no such flag", HEAD + """case("one", function()
  local a, p = host "A", craft "P"
  p:send{to = a, flags = "Q"}
end)
""", 6, "Q")
    bad("a wire that can't", HEAD + """case("one", function()
  local a, b = host "A", host "B"
  wire(function() return "burn" end)
  opened(a, b)
end)
""", 7, "burn")
    bad("too long a time", HEAD + 'case("one", function() host "A" run(1e8) end)\n', 4,
        "days")
    bad("no time", HEAD + 'case("one", function() host "A" run(0/0) end)\n', 4, "time")
    bad("too many hosts", HEAD +
        'case("one", function() for i = 1, 9 do host("A" .. i) end end)\n', 4, "hosts")
    bad("a case in a case", HEAD +
        'case("one", function() case("two", function() end) end)\n', 4, "case")
    bad("a part of no claim", HEAD + 'part("X2", "a", true)\n', 4, "X2")
    two = 'case("one", function()\n  local a, b = host "A", host "B"\n'
    bad("an error below what the script calls", HEAD + two +
        "  opened(a, nil)\nend)\n", 6, "index a nil")
    bad("the wire's function lets time pass", HEAD + two + """  wire(function() run(1) end)
  opened(a, b)
end)
""", 6, "wire's function")
    bad("the wire's function takes a host away", HEAD + two +
        """  local c = opened(a, b)
  wire(function(m) a:crash() end)
  c:send(("x"):rep(9000))
  run(1)
end)
""", 7, "wire's function")
    bad("the wire's function fails, twice", HEAD + two + """  wire(function() error "torn" end)
  a:connect(b, 80)
  pcall(run, 9)
  run(9)
end)
""", 6, "torn")
    bad("a step too small to see", HEAD + two +
        "  until_true(on_kernel, 9, 1e-12)\nend)\n", 6, "above 0")
    w.refuses("more than there is room for", 3, ["much.lua:6:", "too much happens"],
              "lab", "run", script(w, "much", HEAD + two +
              "  for i = 1, 2000000 do note(a, 'x') end\nend)\n"))
    path = script(w, "down", HEAD + """case("one", function()
  local a, b = host "A", host "B"
  local c, s = opened(a, b)
  b:crash()
  local what, left = s:timer()
  part("X1", "nothing is left", what == "none" and left == 0 and s:queues() == 0)
end)
""")
    w.equal("timers and queues of a host that is down: none",
            w.lull("lab", "run", path).returncode, 0)
    path = script(w, "latin-host", HEAD + """case("one", function()
  local a, b = host "A\\xe9", host "B"
  a:connect(b, 80)
  run(1)
end)
""")
    w.refuses("json of a host's name that is not UTF-8", 64, ["UTF-8"], "lab", "run",
              path, "--json")
    path = script(w, "latin", CLOSE + 'part("X1", "a\\xe9", true)\n')
    w.refuses("json of what is not UTF-8", 64, ["UTF-8"], "lab", "run", path,
              "--json")
    w.refuses("no such file", 64, ["nowhere.lua"], "lab", "run",
              os.path.join(w.dir, "nowhere.lua"))


def test_texts(w):
    """What a script calls things: too long, no text, a terminal's commands."""
    long = "\u6587" * 300
    path = script(w, "texts", f"""about{{
  title = "{long}", claims = {{{{id = "X1", verdict = "OK\\27[2J",
    who = "a{long}", says = "ab{long}"}}}},
}}
case("b{long}", function()
  local a, b = host "{long}", host "b{long}"
  opened(a, b)
  note(a, "a{long}")
  note(b, "\\27[31m <\\0\\xff\\xed\\xa0\\x80&\\u{{20ac}}")
end)
part("X1", "{long}", true)
fact("\\27[2J", true)
""")
    p = w.lull("lab", "run", path)
    w.ok("text: no command of a terminal", p.returncode == 1 and
         "\33" not in p.stdout and "[2J" in p.stdout, p.stdout, p.stderr)
    p = w.lull("lab", "run", path, "--json")
    w.ok("json: cut between characters", p.returncode == 1 and not p.stderr and
         json.loads(p.stdout)[0]["title"] == long[:53], p.stdout[:500], p.stderr)
    p = w.lull("lab", "run", path, "--diagram", "svg")
    try:
        xml.dom.minidom.parseString(p.stdout.encode())
        wrong = None
    except (xml.parsers.expat.ExpatError, UnicodeError) as e:
        wrong = str(e)
    w.equal("svg: well-formed", wrong, None)


def test_usage(w):
    w.refuses("nothing to do", 64, ["list"], "lab")
    w.refuses("an unknown command", 64, ["bogus"], "lab", "bogus")
    w.refuses("run what", 64, ["NAME"], "lab", "run")
    w.refuses("an unknown experiment", 64, ["bogus", "list"], "lab", "run", "bogus")
    w.refuses("a word too many", 64, ["word"], "lab", "run", "open", "word")
    w.refuses("--on what", 64, ["moon"], "lab", "run", "open", "--on", "moon")
    w.refuses("--diagram what", 64, ["jpeg"], "lab", "run", "open", "--diagram", "jpeg")
    w.refuses("an unknown option", 64, ["bogus"], "lab", "list", "--bogus")
    w.refuses("a capture that can't be", 3, [f"{w.dir}/no/x"], "lab", "run", "open",
              "--pcap", f"{w.dir}/no/x")
    w.refuses("a page that can't be", 3, [f"{w.dir}/no/x"], "lab", "run", "open",
              "--html", f"{w.dir}/no/x")
    w.refuses("no scripts there", 3, [w.dir], "lab", "list",
              env=dict(os.environ, LULL_LAB=w.dir + "/none"))


def test_kernel(w):
    p = w.lull("lab", "run", "open", "--on", "kernel")
    if p.returncode == 3:
        w.skip("--on kernel", p.stderr.strip())
        return
    w.ok("--on kernel: the handshake", p.returncode == 0, p.stdout, p.stderr)
    for name in ("simultaneous", "lost-last-ack", "linger1-myth", "tw-buckets",
                 "bind-before-connect", "restart-server"):
        p = w.lull("lab", "run", name, "--on", "kernel")
        w.ok(f"--on kernel: {name}", p.returncode == 0, p.stdout, p.stderr)
    p = w.lull("lab", "run", "keepalive", "--on", "kernel")
    w.ok("two hours are not run on the kernel, and it says so", p.returncode == 0
         and "Not run: not on the kernel" in p.stdout, p.stdout)
    path = script(w, "long", HEAD + 'case("one", function() host "A" run(21) end)\n')
    w.refuses("21 s of real time", 64, ["long.lua:4:", "20 s"], "lab", "run", path,
              "--on", "kernel")


main([test_all, test_forms, test_verdicts, test_bad, test_texts, test_usage, test_kernel],
     root=False)
