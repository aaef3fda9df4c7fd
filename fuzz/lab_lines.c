/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_lines.c: see fuzz_lab.h. A line is a call of what man lull-lab(1) has,
 * or of Lua itself, from a table; its arguments come from other tables, or are
 * as numbers and texts usually are that nobody has thought of.
 *
 * Entry points: fuzz_lab_change, fuzz_lab_cross.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "fuzz_lab.h"

enum {
	LINES_MAX = 256,
	LINE_MAX = 512,
	TEXT_MAX = 1 << 16,
	NESTED = 3,
};

#define LEN(a) (sizeof(a) / sizeof *(a))

/*
 * h: a host, s: a socket, n: a number, p: a port, t: seconds, q: a text,
 * k: a knob and its value, K: a knob, o: an option of a socket, f: flags,
 * b: true or not, w: what the wire does, i: a claim, c: a counter, S: one more
 * statement, v: any value.
 */
static const char *const statements[] = {
	"a, b = host($q), host($q)",
	"a, b = host('A', {$k, profile='lull'}), host('B', {$k, peer=$b})",
	"h = host($q, {$k, $k})",
	"p = craft($q)",
	"c, s, l = opened($h, $h, $p, {port=$p})",
	"l = $h:listen($p, {backlog=$n, reuseaddr=$b})",
	"l = $h:listen(80)",
	"c = $h:connect($h, $p, {port=$p, bind=$b, no_port=$b, reuseaddr=$b})",
	"c = $h:connect($h, 80)",
	"d = $h:connect($h, 80)",
	"s = $s:accept()",
	"s = take($s)",
	"$s:send($q)",
	"$s:send(string.rep('x', $n))",
	"$s:send(string.rep('x', 20000))",
	"x = $s:recv()",
	"x = read_all($s)",
	"$s:shutdown()",
	"$s:close()",
	"c:close() run(0.1) s:close()",
	"$s:abort()",
	"$s:set($o, $n, $n)",
	"x = $s:state()",
	"x, y = $s:timer()",
	"x, y = $s:queues()",
	"x = $s:error()",
	"x = $s:connected()",
	"x, y = $s:port()",
	"x = $h:name()",
	"x = $h:count($c)",
	"x = $h:sysctl($K, $q)",
	"x = $h:sysctl($K, '$n')",
	"x = $h:sysctl($K)",
	"x = $h:states()",
	"$h:kill()",
	"$h:crash()",
	"$h:restart()",
	"$h:crash() $h:restart()",
	"$h:send{to=$h, sport=$p, dport=$p, flags=$f, seq=$n, ack=$n, text=$q}",
	"$h:send{to=$h, sport=$p, dport=$p, flags=$f, ts=$n, tsecr=$n, wnd=$n,"
	" mss=$n, sack=$b}",
	"x = $h:got()",
	"t = crafted_connect($h, $h, {seq=$n, ts=$n, wnd=$n, sport=$p})",
	"t = crafted_accept($h, $h, {seq=$n, ts=$n})",
	"t:send($f, {seq=$n, ack=$n, text=$q, ts=$n, wnd=$n})",
	"t:send('FA')",
	"t:send('A', {text=$q})",
	"x = t:read()",
	"wire(function(m) $S return $w end)",
	"wire(function(m) if m.flags == $f then return $w end end)",
	"wire(function(m) n = (n or 0) + 1 if n % 3 == 0 then return $w end end)",
	"wire(function(m) if m.from == $q or m.len > 0 then return $w end end)",
	"wire(nil)",
	"wire{delay=$t}",
	"run($t)",
	"run(0.1)",
	"run(90)",
	"x = until_true(function() $S return $v end, $t, $t)",
	"x = until_true($v, $t)",
	"x = now()",
	"x = on_kernel()",
	"x = segments()",
	"for _, m in ipairs(segments()) do note($h, m.text) end",
	"x = history($h)",
	"x = sent($q, $f)",
	"x = passed($h, 'TIME_WAIT')",
	"x = path_of($h)",
	"note($h, $q)",
	"timer($h, $q, $t, $t)",
	"timer($h, $q, 0, now())",
	"follow($n, {ts=$b})",
	"part($i, $q, $v)",
	"was($i, $q, $v)",
	"harm($i, $q, $v)",
	"fact($q, $v)",
	"x = case($q, function() $S return $v end)",
	"about{title=$q, claims={{id=$i, says=$q, who=$q, verdict='OK'}}}",
	"about{title=$q, claims={{id=$i, says=$q, who=$q, verdict=$q}},"
	" not_on_stack=$v}",
	"pcall(function() $S end)",
	"pcall($v, $v, $v)",
	"for i = 1, $n do $S end",
	"for i = 1, 20 do $S end",
	"for k, v in pairs($v) do $S end",
	"if $v then $S else $S end",
	"local x = $v",
	"x = setmetatable({}, {__index=$v, __tostring=$v, __call=$v})",
	"x = tostring($v) .. string.format($q, $v)",
	"table.sort($v, $v)",
	"print($v)",
	"error($v, $n)",
	"x = next($v, $v)",
	"x = table.move($v, $n, $n, $n)",
	"x = table.concat($v, $q)",
	"x = string.rep($q, $n, $q)",
	"x = string.format('%5.1f %d %q %p', $v, $v, $v, $v)",
	"x = {[$v]=$v, [$v]=$v, y=1}",
	"$S $S",
	"case($q, function()",
	"end)",
	"a, b = host 'A', host 'B'",
	"local function f() $S end",
	"return $v",
};

static const char *const hosts[] = {"a", "b", "a", "b", "a", "b", "p", "h"};
static const char *const socks[] = {"c", "s", "c", "s", "l", "d", "x"};
static const char *const ports[] = {"80", "80",	   "80",    "80", "40000",
				    "0",  "65535", "65536", "-1", "nil"};
static const char *const numbers[] = {
	"0",
	"1",
	"2",
	"3",
	"17",
	"255",
	"1000",
	"1460",
	"65535",
	"65536",
	"100000",
	"2147483647",
	"2147483648",
	"4294967295",
	"4294967296",
	"-1",
	"-2",
	"1.5",
	"math.mininteger",
	"1e308",
	"0/0",
	"1/0",
	"nil",
	"math.maxinteger",
	"'7'",
};
static const char *const times[] = {
	"0",   "0.01", "0.1",  "1",  "3",    "61",  "200",   "8000", "1e5",
	"4e6", "1e9",  "1e18", "-1", "1e-9", "0/0", "1e308", "nil",
};
static const char *const texts[] = {
	"'A'",
	"'B'",
	"'hello'",
	"''",
	"'\\0'",
	"'\\1\\27[31m'",
	"'\\xff\\xc3'",
	"'\\u{20ac}uro'",
	"'<&\">\\']]>'",
	"'%s %d %n %q'",
	"('x'):rep(300)",
	"('\\u{e9}'):rep(300)",
	"'a line\\nand one more'",
	"'prelude:1: x'",
	"'fuzz.lua:x'",
	"' '",
	"7",
	"{}",
};
static const char *const knobs[] = {
	"net.ipv4.tcp_tw_reuse",
	"net.ipv4.tcp_fin_timeout",
	"net.ipv4.ip_local_port_range",
	"net.ipv4.tcp_syncookies",
	"net.ipv4.tcp_max_tw_buckets",
	"net.ipv4.tcp_max_syn_backlog",
	"net.ipv4.tcp_timestamps",
	"net.ipv4.tcp_rfc1337",
	"net.ipv4.tcp_orphan_retries",
	"net.ipv4.tcp_keepalive_time",
	"net.lull.tcp_timewait_len",
	"net.ipv4.tcp_max_orphans",
	"net.ipv4.tcp_retries2",
	"net.ipv4.tcp_syn_retries",
	"net.ipv4.tcp_rmem",
	"net.ipv4.tcp_wmem",
	"net.ipv4.tcp_mem",
	"net.core.somaxconn",
	"net.lull.tcp_tw_reuse_safe",
	"net.lull.tcp_pacing",
	"net.ipv4.tcp_abort_on_overflow",
	"net.ipv4.tcp_congestion_control",
	"net.lull.tcp_mss_clamp",
	"net.ipv4.tcp_min_snd_mss",
	"net.ipv4.tcp_mtu_probing",
	"net.ipv4.tcp_window_scaling",
	"net.ipv4.tcp_ecn",
	"net.lull.profile",
};
static const char *const values[] = {
	"0", "1", "2", "8", "x", "40 41", "4096 1 70000", "60000"};
static const char *const options[] = {
	"linger",  "keepalive", "keepidle", "keepintvl",
	"keepcnt", "linger2",	"nodelay",  "user_timeout",
	"rcvbuf",  "sndbuf",	"quickack",
};
static const char *const flags[] = {"S",  "SA", "A", "FA", "R",
				    "RA", "F",	"",  "P",  "SFRPA"};
static const char *const bends[] = {
	"'lose'", "0.3", "{copy=0.2}", "nil",	"0",	  "{copy=70}",
	"61",	  "$t",	 "{copy=$t}",  "false", "'tear'",
};
static const char *const claims[] = {"'C1'", "'C2'", "''", "'C1'", "$q"};
static const char *const counters[] = {"OutRsts", "ListenDrops", "TWRecycled",
				       "InSegs",  "RetransSegs", "none"};
static const char *const any[] = {
	"$n",
	"$q",
	"$h",
	"$s",
	"x",
	"true",
	"nil",
	"{}",
	"case",
	"run",
	"segments",
	"now",
	"wire",
	"until_true",
	"error",
	"function() $S end",
	"function() $S return true end",
	"sent",
	"x == y",
	"{$v, $v}",
	"host",
	"pcall",
	"tostring",
};

static uint64_t chance;

static uint32_t pick(size_t n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (uint32_t)((chance >> 16) % n);
}

#define ONE_OF(a) ((a)[pick(LEN(a))])

/* ---- a line ---- */

struct line {
	char text[LINE_MAX];
	size_t len;
};

static void put(struct line *l, const char *text, size_t len)
{
	if (len > sizeof l->text - 1 - l->len)
		len = sizeof l->text - 1 - l->len;
	memcpy(l->text + l->len, text, len);
	l->len += len;
	l->text[l->len] = 0;
}

static void add(struct line *l, const char *text)
{
	put(l, text, strlen(text));
}

static void add_quoted(struct line *l, const char *text, const char *value)
{
	add(l, "'");
	add(l, text);
	if (value) {
		add(l, "=");
		add(l, value);
	}
	add(l, "'");
}

/* Text as it is where nothing stands for something; else what is in tables. */
static const char *what_is(char letter)
{
	switch (letter) {
	case 'h':
		return ONE_OF(hosts);
	case 's':
		return ONE_OF(socks);
	case 'n':
		return ONE_OF(numbers);
	case 'p':
		return ONE_OF(ports);
	case 't':
		return ONE_OF(times);
	case 'q':
		return ONE_OF(texts);
	case 'b':
		return pick(2) ? "true" : "false";
	case 'w':
		return ONE_OF(bends);
	case 'i':
		return ONE_OF(claims);
	case 'v':
		return ONE_OF(any);
	default:
		return ONE_OF(statements);
	}
}

static void expand(struct line *l, const char *from, int depth)
{
	for (; *from; from++) {
		size_t len = strcspn(from, "$");

		put(l, from, len);
		from += len;
		if (!*from++)
			break;
		switch (*from) {
		case 'k':
			add_quoted(l, ONE_OF(knobs), ONE_OF(values));
			break;
		case 'K':
			add_quoted(l, ONE_OF(knobs), NULL);
			break;
		case 'o':
			add_quoted(l, ONE_OF(options), NULL);
			break;
		case 'f':
			add_quoted(l, ONE_OF(flags), NULL);
			break;
		case 'c':
			add_quoted(l, ONE_OF(counters), NULL);
			break;
		default:
			if (depth < NESTED)
				expand(l, what_is(*from), depth + 1);
			else if (*from != 'S')
				add(l, "nil");
		}
	}
}

static void make_line(struct line *l)
{
	const char *s = ONE_OF(statements);
	bool safe = !pick(3);

	l->len = 0;
	l->text[0] = 0;
	if (safe)
		add(l, "pcall(function() ");
	expand(l, s, 0);
	if (safe)
		add(l, " end)");
	add(l, "\n");
}

/* ---- a script as lines ---- */

struct lines {
	const uint8_t *at[LINES_MAX];
	size_t len[LINES_MAX];
	size_t n;
};

static void split(struct lines *s, const uint8_t *p, size_t size)
{
	const uint8_t *end = p + size;

	s->n = 0;
	while (p < end && s->n < LINES_MAX - 1) {
		const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));
		const uint8_t *next = nl ? nl + 1 : end;

		s->at[s->n] = p;
		s->len[s->n++] = (size_t)(next - p);
		p = next;
	}
}

static void insert(struct lines *s, size_t where, const uint8_t *p, size_t len)
{
	if (s->n == LINES_MAX)
		return;
	memmove(s->at + where + 1, s->at + where,
		(s->n - where) * sizeof *s->at);
	memmove(s->len + where + 1, s->len + where,
		(s->n - where) * sizeof *s->len);
	s->at[where] = p;
	s->len[where] = len;
	s->n++;
}

static void take_out(struct lines *s, size_t where)
{
	s->n--;
	memmove(s->at + where, s->at + where + 1,
		(s->n - where) * sizeof *s->at);
	memmove(s->len + where, s->len + where + 1,
		(s->n - where) * sizeof *s->len);
}

/* What begins or ends something: a script without it is no Lua any more. */
static bool is_frame(const uint8_t *p, size_t len)
{
	static const char *const ends[] = {"function()", "function(m)", " do",
					   " then"};
	size_t n;

	if (len && p[len - 1] == '\n')
		len--;
	if (len >= 3 && !memcmp(p, "end", 3))
		return true;
	for (size_t i = 0; i < LEN(ends); i++) {
		n = strlen(ends[i]);
		if (len >= n && !memcmp(p + len - n, ends[i], n))
			return true;
	}
	return false;
}

/* A place for a change; seldom in the frame. */
static size_t some_line(const struct lines *s)
{
	size_t at = 0;

	for (int i = 0; i < 8; i++) {
		at = pick(s->n);
		if (!is_frame(s->at[at], s->len[at]) || !pick(16))
			break;
	}
	return at;
}

/* Into `out`, which lines may be in; too much of it goes line by line. */
static size_t join(struct lines *s, uint8_t *out, size_t max)
{
	static uint8_t text[TEXT_MAX];
	size_t len = 0;

	if (max > TEXT_MAX)
		max = TEXT_MAX;
	for (size_t i = 0; i < s->n; i++)
		len += s->len[i];
	while (s->n && len > max) {
		size_t at = some_line(s);

		len -= s->len[at];
		take_out(s, at);
	}
	len = 0;
	for (size_t i = 0; i < s->n; i++) {
		memcpy(text + len, s->at[i], s->len[i]);
		len += s->len[i];
	}
	memcpy(out, text, len);
	return len;
}

/* A number, a name or a text in quotes becomes another one. */
static void change_word(struct line *l, const uint8_t *p, size_t len)
{
	size_t words = 0, from = 0, to = 0;

	for (size_t i = 0; i < len;) {
		size_t n = i;

		while (n < len && ((p[n] >= '0' && p[n] <= '9') ||
				   (i == n && p[n] == '-')))
			n++;
		if (n == i && p[i] == '\'')
			for (n++; n < len && p[n - 1 + (n == i + 1)] != '\'';)
				n++;
		if (n == i) {
			i++;
			continue;
		}
		if (!pick(++words)) {
			from = i;
			to = n;
		}
		i = n;
	}
	l->len = 0;
	l->text[0] = 0;
	put(l, (const char *)p, from);
	if (words)
		expand(l, p[from] == '\'' ? "$q" : pick(2) ? "$n" : "$t", 0);
	put(l, (const char *)p + to, len - to);
}

static void change_lines(struct lines *s, struct line *fresh)
{
	size_t at = s->n ? some_line(s) : 0, other = s->n ? pick(s->n) : 0;

	switch (s->n ? pick(10) : 0) {
	default:
		make_line(fresh);
		insert(s, s->n ? pick(s->n + 1) : 0,
		       (const uint8_t *)fresh->text, fresh->len);
		break;
	case 4:
		make_line(fresh);
		s->at[at] = (const uint8_t *)fresh->text;
		s->len[at] = fresh->len;
		break;
	case 5:
		take_out(s, at);
		break;
	case 6:
		insert(s, other, s->at[at], s->len[at]);
		break;
	case 7: {
		const uint8_t *p = s->at[at];
		size_t len = s->len[at];

		take_out(s, at);
		insert(s, s->n ? pick(s->n) : 0, p, len);
		break;
	}
	case 8:
	case 9:
		change_word(fresh, s->at[at], s->len[at]);
		s->at[at] = (const uint8_t *)fresh->text;
		s->len[at] = fresh->len;
		break;
	}
}

static void begin(unsigned seed)
{
	chance = (seed + 1ULL) * 0x9e3779b97f4a7c15ULL | 1;
}

size_t fuzz_lab_change(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static struct line fresh[4];
	struct lines s;

	begin(seed);
	if (!pick(12))
		return LLVMFuzzerMutate(data, size, max);
	split(&s, data, size);
	for (uint32_t i = 0, n = 1 + pick(LEN(fresh)); i < n; i++)
		change_lines(&s, &fresh[i]);
	return join(&s, data, max);
}

/* The beginning of one, and lines of the other in it. */
size_t fuzz_lab_cross(const uint8_t *a, size_t a_len, const uint8_t *b,
		      size_t b_len, uint8_t *out, size_t max, unsigned seed)
{
	struct lines s, of;
	size_t from, where, n;

	begin(seed);
	split(&s, a, a_len);
	split(&of, b, b_len);
	if (!of.n)
		return join(&s, out, max);
	from = pick(of.n);
	n = 1 + pick(of.n - from);
	where = s.n ? pick(s.n) : 0;
	for (size_t i = from; i < from + n; i++) {
		if (is_frame(of.at[i], of.len[i]) && pick(16))
			continue;
		insert(&s, where, of.at[i], of.len[i]);
		where += where < s.n;
	}
	return join(&s, out, max);
}
