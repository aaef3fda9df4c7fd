/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules.c: the table of rules, what is refused, and what rules share.
 *
 * Entry points: rules_judge, rules_baseline.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

const struct rule rules[] = {
	{"D1", "TIME_WAIT of a server", rule_d1},
	{"D2", "TIME_WAIT of a client", rule_d2},
	{"D3", "ports towards a destination", rule_d3},
	{"D4", "bind before connect", rule_d4},
	{"D5", "tcp_tw_reuse=2 and an address of our own", rule_d5},
	{"D6", "ip_local_port_range", rule_d6},
	{"D7", "tcp_max_tw_buckets", rule_d7},
	{"D8", "CLOSE_WAIT: a program does not close", rule_d8},
	{"D9", "CLOSE_WAIT: a program does not keep up", rule_d9},
	{"D10", "CLOSE_WAIT: the peer does not take our data", rule_d10},
	{"D11", "FIN_WAIT_1: our FIN is not acknowledged", rule_d11},
	{"D12", "FIN_WAIT_2: the peer does not close", rule_d12},
	{"D13", "orphans", rule_d13},
	{"D14", "LAST_ACK and CLOSING", rule_d14},
	{"D15", "SYN queue", rule_d15},
	{"D16", "accept queue", rule_d16},
	{"D17", "SYNs dropped for another reason", rule_d17},
	{"D18", "SYN_SENT: nobody answers", rule_d18},
	{"D19", "PAWS behind a NAT", rule_d19},
	{"D20", "conntrack", rule_d20},
	{"D21", "tcp_tw_recycle", rule_d21},
	{"D22", "lines of sysctl files that do nothing", rule_d22},
	{"D23", "tcp_timestamps=0", rule_d23},
	{"D24", "idle connections without keepalive", rule_d24},
	{"D25", "peers that are gone", rule_d25},
	{"D26", "resets by our own programs", rule_d26},
	{"D27", "keepalive and timeouts", rule_d27},
	{"D28", "restart of a server", rule_d28},
	{"D29", "a fixed source port", rule_d29},
	{"D30", "knobs of other network namespaces", rule_d30},
	{"D31", "the search for a port", rule_d31},
	{"D32", "TIME_WAITs reused", rule_d32},
	{"L1", "lull: records given up", rule_l1},
	{"L2", "lull: reuse refused by a peer", rule_l2},
	{"L3", "lull: a pool is empty", rule_l3},
	{"L4", "lull: connections given up as broken", rule_l4},
};

const int rules_count = sizeof rules / sizeof rules[0];

_Static_assert(sizeof rules / sizeof rules[0] <= RULES, "room for each rule");

const struct refusal_text refusals[REFUSALS] = {
	[NO_RECYCLE] = {"net.ipv4.tcp_tw_recycle=1",
			"it dropped SYNs of clients behind a NAT, and left "
			"Linux with 4.12; today the line only fails",
			true, "tcp_tw_recycle"},
	[NO_BUCKETS] = {"lower net.ipv4.tcp_max_tw_buckets",
			"above it TIME_WAITs are not made at all: old "
			"duplicates may enter new connections, and lost last "
			"ACKs become resets",
			true, "tcp_max_tw_buckets"},
	[NO_FIN_TIMEOUT] = {"net.ipv4.tcp_fin_timeout against TIME_WAIT",
			    "it ends orphaned FIN_WAIT_2s; TIME_WAIT is 60 s "
			    "whatever it says",
			    true, "tcp_fin_timeout"},
	[NO_LINGER] = {"SO_LINGER with 0 seconds as a habit",
		       "close() then resets: what was not sent yet is lost, "
		       "and the peer gets ECONNRESET",
		       true, "so_linger"},
	[NO_SS_KILL] = {"ss -K state time-wait",
			"it makes way for old duplicates, which is what "
			"TIME_WAIT keeps out",
			true, "ss -K"},
	[NO_KILL9] = {"netstat | awk '{print $2}' | xargs kill -9",
		      "column 2 is Recv-Q, so it runs kill -9 0 and ends its "
		      "own process group; a TIME_WAIT has no process",
		      true, "kill -9"},
	[NO_TIMESTAMPS] = {"net.ipv4.tcp_timestamps=0 as tuning",
			   "it takes PAWS and the reuse of TIME_WAITs away",
			   true, "tcp_timestamps=0"},
	[NO_ABORT_ON_OVERFLOW] = {"net.ipv4.tcp_abort_on_overflow=1",
				  "a short burst then becomes errors at the "
				  "clients instead of a delay",
				  true, "tcp_abort_on_overflow"},
	[NO_TIMEWAIT_LEN] = {"a shorter TIME_WAIT (TcpTimedWaitDelay, patched "
			     "kernels)",
			     "Linux has no such knob, and the wait has to "
			     "outlive segments that are on their way",
			     true, "TcpTimedWaitDelay"},
	[NO_TW_REUSE_SERVER] = {"net.ipv4.tcp_tw_reuse on a server",
				"it acts on connect() alone; accepted "
				"connections take no port",
				false, NULL},
	[NO_KEEPALIVE] = {"net.ipv4.tcp_keepalive_* against CLOSE_WAIT",
			  "the peer's host answers the probes, so nothing ends",
			  false, NULL},
	[NO_WIDE_RANGE] = {"ip_local_port_range=\"1024 65535\" alone",
			   "it collides with the ports of services; reserve "
			   "those by ip_local_reserved_ports",
			   false, NULL},
	[NO_LOW_ORPHANS] = {"lower net.ipv4.tcp_max_orphans",
			    "closing connections are then reset", false, NULL},
	[NO_COOKIES_ALWAYS] = {"net.ipv4.tcp_syncookies=2 for good",
			       "connections without timestamps lose window "
			       "scaling and SACK; it is for tests",
			       false, NULL},
	[NO_LOW_RETRIES] = {"net.ipv4.tcp_retries2=3 for the whole host",
			    "a short outage then ends every connection", false,
			    NULL},
	[NO_LIBERAL] = {"nf_conntrack_tcp_be_liberal=1 blindly",
			"it lets in what is out of the window, and may fill "
			"the table",
			false, NULL},
	[NO_REBOOT] = {"a reboot", "the wait is 60 s, a reboot takes longer",
		       false, NULL},
};

/* ---- what rules say ---- */

struct finding *find(struct sheet *s, enum severity severity,
		     const char *format, ...)
{
	/* The table has fewer rules than there is room for findings. */
	struct finding *n =
		&s->finding[s->findings < FINDINGS - 1 ? s->findings++
						       : FINDINGS - 1];
	va_list args;

	memset(n, 0, sizeof *n);
	n->rule = &rules[s->now];
	n->severity = severity;
	s->rule[s->now].outcome = FOUND;
	va_start(args, format);
	vsnprintf(n->symptom, sizeof n->symptom, format, args);
	va_end(args);
	return n;
}

void not_known(struct sheet *s, const char *format, ...)
{
	va_list args;

	s->rule[s->now].outcome = NOT_KNOWN;
	va_start(args, format);
	vsnprintf(s->rule[s->now].why, sizeof s->rule[s->now].why, format,
		  args);
	va_end(args);
}

void cause(struct finding *n, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(n->cause, sizeof n->cause, format, args);
	va_end(args);
}

void evidence(struct finding *n, const char *source, double value,
	      const char *format, ...)
{
	struct evidence *e = &n->evidence[n->evidences];
	va_list args;

	if (n->evidences == EVIDENCE)
		return;
	n->evidences++;
	e->value = value;
	snprintf(e->source, sizeof e->source, "%s", source);
	va_start(args, format);
	vsnprintf(e->what, sizeof e->what, format, args);
	va_end(args);
}

void who(struct finding *n, const char *format, ...)
{
	va_list args;

	if (n->whos == WHO)
		return;
	va_start(args, format);
	vsnprintf(n->who[n->whos++], LINE, format, args);
	va_end(args);
}

void safe(struct finding *n, const char *format, ...)
{
	va_list args;

	if (n->safes == SAFE)
		return;
	va_start(args, format);
	vsnprintf(n->safe[n->safes++], LINE, format, args);
	va_end(args);
}

void dont(struct finding *n, enum refusal r)
{
	if (n->donts < DONT)
		n->dont[n->donts++] = r;
}

void evidence_rate(struct finding *n, const struct facts *f, enum counter c)
{
	const char *group, *name;
	double rate = facts_rate(f, c);
	char source[LINE];

	if (rate < 0)
		return;
	facts_counter_name(c, &group, &name);
	evidence(n, facts_counter_source(f, c, source, sizeof source), rate,
		 "%s a second, over %.1f s", name, f->seconds);
}

void evidence_knob(struct finding *n, const struct facts *f, enum knob k)
{
	char source[LINE], *at;

	if (!known(f->knob[k]))
		return;
	snprintf(source, sizeof source, "%s%s",
		 f->origin == FROM_LULL ? "control socket, " : "/proc/sys/",
		 facts_knob_name(k));
	for (at = source; f->origin != FROM_LULL && (at = strchr(at, '.'));)
		*at = '/';
	evidence(n, source, (double)f->knob[k], "is %s", facts_knob_name(k));
}

void evidence_state(struct finding *n, const struct facts *f, int state)
{
	char text[32];

	if (known(f->state[1][state]))
		evidence(n, row_source(f), (double)f->state[1][state], "in %s",
			 facts_state_name(state, text, sizeof text));
}

static void who_row(struct finding *n, const struct row *r)
{
	char local[ADDR_TEXT], remote[ADDR_TEXT];

	if (r->no_addr)
		return;
	who(n, "one of them: %s -> %s",
	    facts_addr(r->src, r->sport, local, sizeof local),
	    facts_addr(r->dst, r->dport, remote, sizeof remote));
}

static void who_group(struct finding *n, const struct group *g)
{
	char fds[64] = "", fd[32] = "";

	if (!g->pid)
		return;
	if (g->fd >= 0)
		snprintf(fd, sizeof fd, ", one is fd %d", g->fd);
	if (known(g->fds) && known(g->fds_max))
		snprintf(fds, sizeof fds, "; %lld of %lld descriptors open",
			 (long long)g->fds, (long long)g->fds_max);
	who(n, "%s, pid %d: %u of them%s%s", g->name, g->pid, g->n, fd, fds);
}

void who_holds(struct finding *n, const struct facts *f, enum kind kind)
{
	const struct row *example = NULL;
	uint32_t owned = 0;
	int shown = 0;

	for (int i = 0; i < f->groups; i++) {
		const struct group *g = &f->group[i];

		if (g->kind != kind)
			continue;
		if (!example)
			example = &g->example;
		owned += g->pid ? g->n : 0;
		if (shown++ < 3)
			who_group(n, g);
	}
	if (f->origin == FROM_KERNEL && known(f->sum[kind].n) &&
	    f->sum[kind].n > owned)
		who(n, "%lld without a process that we can see%s",
		    (long long)f->sum[kind].n - owned,
		    or_zero(f->hidden) > 0 ? " (root sees more)" : "");
	if (example)
		who_row(n, example);
}

void who_listens(struct finding *n, const struct listener *l)
{
	char text[ADDR_TEXT];

	facts_addr(l->addr, l->port, text, sizeof text);
	if (l->pid)
		who(n, "the listener %s: %s, pid %d", text, l->name, l->pid);
	else
		who(n, "the listener %s", text);
}

/* ---- what rules ask ---- */

const char *row_source(const struct facts *f)
{
	static const char *const names[] = {
		[FROM_KERNEL] = "sock_diag",
		[FROM_TEXT] = "pasted text",
		[FROM_LULL] = "control socket",
	};

	return names[f->origin];
}

int64_t or_zero(int64_t v)
{
	return known(v) ? v : 0;
}

int percent(int64_t part, int64_t whole)
{
	if (whole <= 0 || part <= 0)
		return 0;
	return part >= whole ? 100 : (int)(100 * (double)part / (double)whole);
}

bool has_age(const struct facts *f, enum kind kind)
{
	return known(f->sum[kind].old);
}

int64_t lasting(const struct facts *f, enum kind kind)
{
	return has_age(f, kind) ? f->sum[kind].old : or_zero(f->sum[kind].n);
}

/* Room is for backlog + 1; once full it stays so while SYNs are dropped. */
const struct listener *full_listener(const struct facts *f)
{
	for (int i = 0; i < f->listeners; i++) {
		const struct listener *l = &f->listener[i];

		if (l->seen[1] && l->rqueue[1] > 0 && l->rqueue[1] >= l->wqueue)
			return l;
	}
	return NULL;
}

static bool is_loopback(const uint8_t *addr)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff},
			     one[16] = {[15] = 1};

	if (memcmp(addr, mapped, sizeof mapped) == 0)
		return addr[12] == 127;
	return memcmp(addr, one, sizeof one) == 0;
}

bool is_reused(const struct facts *f, const struct dest *d)
{
	int64_t reuse = f->knob[K_TW_REUSE];

	if (f->knob[K_TIMESTAMPS] != 1 || d->no_reuse)
		return false;
	if (f->knob[K_LULL_REUSE_SAFE] == 1)
		return true;
	return reuse == 1 || (reuse == 2 && is_loopback(d->dst));
}

int64_t dest_ports(const struct facts *f, const struct dest *d)
{
	int64_t ports = facts_ports(f);

	if (known(d->ports))
		return d->ports;
	/* A pasted text has no range: the default is said to be one. */
	return known(ports) || f->origin != FROM_TEXT ? ports : PORTS_DEFAULT;
}

/* ---- entry points ---- */

struct baseline rules_baseline(const struct facts *f)
{
	struct baseline b = {
		.verdict = BASE_UNKNOWN,
		.tw = f->state[1][TIME_WAIT],
		.expected = UNKNOWN,
		.closes = facts_rate(f, C_TW),
	};

	if (b.closes >= 0)
		b.expected = (int64_t)(b.closes * TW_SECONDS + 0.5);
	if (!known(b.tw))
		return b;
	if (b.tw < TW_MANY)
		b.verdict = BASE_NONE;
	else if (!known(b.expected))
		b.verdict = BASE_NO_RATE;
	else if (b.tw <= b.expected + b.expected / 2)
		b.verdict = BASE_NORMAL;
	else
		b.verdict = BASE_LEFTOVER;
	return b;
}

static int by_severity(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	return (x->rule > y->rule) - (x->rule < y->rule);
}

void rules_judge(const struct facts *f, struct sheet *s)
{
	memset(s, 0, sizeof *s);
	for (s->now = 0; s->now < rules_count; s->now++)
		rules[s->now].judge(f, s);
	if (s->findings)
		qsort(s->finding, (size_t)s->findings, sizeof *s->finding,
		      by_severity);
}
