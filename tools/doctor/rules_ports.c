/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules_ports.c: TIME_WAIT and local ports: D1 to D7, D28, D29, D31, D32.
 */
#include <string.h>

#include "rules.h"

static void refuse_timewait_folklore(struct finding *n)
{
	dont(n, NO_FIN_TIMEOUT);
	dont(n, NO_RECYCLE);
	dont(n, NO_BUCKETS);
	dont(n, NO_LINGER);
	dont(n, NO_SS_KILL);
	dont(n, NO_KILL9);
}

static const char *dest_text(const struct dest *d, char *text)
{
	return facts_addr(d->dst, d->dport, text, ADDR_TEXT);
}

JUDGE(rule_d1)
{
	const struct listener *most = NULL;
	struct finding *n;

	if (!known(f->tw_server)) {
		not_known(s, "which side closes first: there are no addresses");
		return;
	}
	if (f->tw_server < TW_MANY)
		return;
	n = find(s, INFO, "%lld TIME_WAITs are on the server's side",
		 (long long)f->tw_server);
	cause(n,
	      "We close first. That is harmless: about %d bytes each, no "
	      "port, no descriptor, no process.",
	      TW_BYTES);
	evidence(n, row_source(f), (double)f->tw_server, "%s",
		 f->role_guessed
			 ? "in TIME_WAIT on a low port, towards a high one"
			 : "in TIME_WAIT on the port of a listener");
	evidence_rate(n, f, C_TW);
	for (int i = 0; i < f->listeners; i++)
		if (!most || f->listener[i].tw > most->tw)
			most = &f->listener[i];
	if (most && most->tw)
		who_listens(n, most);
	safe(n, "leave it as it is");
	safe(n, "if they bother: HTTP keep-alive, or let clients close first");
	dont(n, NO_TW_REUSE_SERVER);
	refuse_timewait_folklore(n);
}

/* That with most TIME_WAITs among the fullest. */
static const struct dest *most_closed(const struct facts *f)
{
	const struct dest *most = NULL;

	for (int i = 0; i < f->dests; i++)
		if (!most || f->dest[i].tw > most->tw)
			most = &f->dest[i];
	return most;
}

static void advise_pool(struct finding *n)
{
	safe(n, "keep connections open for many requests: Go "
		"MaxIdleConnsPerHost, nginx `upstream` with keepalive, PHP "
		"pconnect, one HttpClient for all");
}

JUDGE(rule_d2)
{
	const struct dest *d = most_closed(f);
	struct finding *n;
	char text[ADDR_TEXT];

	if (!known(f->tw_client)) {
		not_known(s, "which side closes first: there are no addresses");
		return;
	}
	if (f->tw_client < TW_MANY || !d || percent(d->tw, f->tw_client) <= 50)
		return;
	n = find(s, INFO,
		 "%u of %lld TIME_WAITs on the client's side are "
		 "towards %s",
		 d->tw, (long long)f->tw_client, dest_text(d, text));
	cause(n, "Short connections to one place, closed by us. Each keeps a "
		 "local port towards it for 60 s.");
	evidence(n, row_source(f), d->tw, "in TIME_WAIT towards %s", text);
	evidence(n, row_source(f), (double)f->tw_client,
		 "in TIME_WAIT on the client's side");
	evidence_rate(n, f, C_ACTIVE_OPENS);
	who(n, "the destination %s; its TIME_WAITs have no process", text);
	advise_pool(n);
	safe(n, "on one host: a unix socket");
	refuse_timewait_folklore(n);
}

/* ---- D3 ---- */

struct ports {
	const struct dest *dest;
	int64_t size, left;
	int full;	/* percent */
	double seconds; /* until none is left; below 0: not at this rate */
	bool reused, forecast;
};

static double until_full(const struct facts *f, const struct ports *p)
{
	double more;

	if (known(p->dest->full_in_ms))
		return (double)p->dest->full_in_ms / 1000;
	if (f->seconds <= 0 || p->dest->used[1] <= p->dest->used[0])
		return -1;
	more = (p->dest->used[1] - p->dest->used[0]) / f->seconds;
	return (double)p->left / more;
}

/* Opens a second x 60 s, of which this destination has its share. */
static bool will_fill(const struct facts *f, const struct ports *p)
{
	double opens = facts_rate(f, C_ACTIVE_OPENS);
	double share = (double)p->dest->used[1];

	if (opens <= 0 || or_zero(f->client_rows) <= 0 ||
	    2 * (int64_t)p->dest->tw < p->dest->used[1])
		return false;
	share /= (double)f->client_rows;
	return share > 0.5 && opens * TW_SECONDS * share > (double)p->size;
}

static bool look_at(const struct facts *f, const struct dest *d,
		    struct ports *p)
{
	int64_t busy = d->used[1];

	p->dest = d;
	p->size = dest_ports(f, d);
	if (!known(p->size) || p->size <= 0)
		return false;
	p->left = p->size > busy ? p->size - busy : 0;
	p->reused = is_reused(f, d);
	if (p->reused) /* a TIME_WAIT is as good as free, after a second */
		busy -= d->tw < busy ? d->tw : busy;
	p->full = percent(busy, p->size);
	p->seconds = until_full(f, p);
	p->forecast = !p->reused && will_fill(f, p);
	return true;
}

static void show_ports(struct finding *n, const struct facts *f,
		       const struct ports *p)
{
	char text[ADDR_TEXT], src[ADDR_TEXT];

	dest_text(p->dest, text);
	evidence(n, row_source(f), p->dest->used[1],
		 "ports in use towards %s from %s", text,
		 facts_addr(p->dest->src, 0, src, sizeof src));
	evidence(n, row_source(f), p->dest->tw, "of them in TIME_WAIT");
	evidence(n,
		 f->origin == FROM_TEXT	  ? "Linux's default; the text has none"
		 : f->origin == FROM_LULL ? "control socket"
					  : "/proc/sys/net/ipv4/"
					    "ip_local_port_range, "
					    "ip_local_reserved_ports",
		 (double)p->size, "ports there are");
	evidence(n, "computed", (double)p->left, "ports left");
	if (p->seconds >= 0)
		evidence(n, "computed from two samples", p->seconds,
			 "seconds until none is left, at this rate");
	evidence(n, "computed", (double)p->size / TW_SECONDS,
		 "connections a second are the most that last, of 60 s each");
	evidence_rate(n, f, C_ACTIVE_OPENS);
	who(n, "the destination %s", text);
}

static void advise_ports(struct finding *n, const struct facts *f)
{
	advise_pool(n);
	safe(n, "more ports or addresses of the destination, or more source "
		"addresses: each pair has all ports again");
	if (f->origin == FROM_LULL && f->knob[K_LULL_REUSE_SAFE] == 0)
		safe(n, "lull sysctl --ctl PATH -w "
			"net.lull.tcp_tw_reuse_safe=1");
	else if (f->knob[K_TIMESTAMPS] == 0)
		safe(n, "sysctl -w net.ipv4.tcp_timestamps=1, or no TIME_WAIT "
			"can be reused");
	else if (f->knob[K_TW_REUSE] != 1)
		safe(n,
		     "sysctl -w net.ipv4.tcp_tw_reuse=1 (undo: =%lld), if "
		     "no NAT on the way mixes clocks",
		     (long long)(known(f->knob[K_TW_REUSE])
					 ? f->knob[K_TW_REUSE]
					 : 2));
	if (known(f->range_lo) && f->range_hi - f->range_lo < 28231)
		safe(n,
		     "sysctl -w net.ipv4.ip_local_port_range=\"32768 "
		     "60999\" (undo: \"%lld %lld\")",
		     (long long)f->range_lo, (long long)f->range_hi);
	else if (known(f->range_lo) && f->range_lo > 16384)
		safe(n,
		     "sysctl -w net.ipv4.ip_local_port_range=\"16384 "
		     "60999\" (undo: \"%lld %lld\"), and reserve the ports "
		     "of services in it by net.ipv4.ip_local_reserved_ports",
		     (long long)f->range_lo, (long long)f->range_hi);
	dont(n, NO_BUCKETS);
	dont(n, NO_LINGER);
	dont(n, NO_SS_KILL);
	dont(n, NO_FIN_TIMEOUT);
	dont(n, NO_WIDE_RANGE);
}

static void judge_dest(const struct facts *f, struct sheet *s,
		       const struct ports *p)
{
	enum severity severity = p->full > PORTS_CRITICAL ? CRITICAL : WARN;
	struct finding *n;
	char text[ADDR_TEXT];

	dest_text(p->dest, text);
	if (p->full > PORTS_WARN)
		n = find(s, severity,
			 "%u of %lld local ports towards %s are in use, %lld "
			 "left",
			 p->dest->used[1], (long long)p->size, text,
			 (long long)p->left);
	else
		n = find(s, WARN,
			 "at this rate the %lld local ports towards %s will "
			 "not last 60 s",
			 (long long)p->size, text);
	cause(n, "Each connection that we open takes a port towards its "
		 "destination, until 60 s after we close it. Without one "
		 "connect() says EADDRNOTAVAIL; other destinations are not "
		 "concerned.");
	show_ports(n, f, p);
	advise_ports(n, f);
}

JUDGE(rule_d3)
{
	struct ports p, worst = {.full = -1};

	if (!known(f->client_rows)) {
		not_known(s, "ports in use: there are no addresses");
		return;
	}
	if (f->dests && !known(dest_ports(f, &f->dest[0]))) {
		not_known(s, "net.ipv4.ip_local_port_range can't be read");
		return;
	}
	for (int i = 0; i < f->dests; i++)
		if (look_at(f, &f->dest[i], &p) &&
		    (p.full > worst.full || (p.forecast && !worst.forecast)))
			worst = p;
	if (worst.full > PORTS_WARN || (worst.full >= 0 && worst.forecast))
		judge_dest(f, s, &worst);
}

JUDGE(rule_d4)
{
	int64_t size = facts_ports(f);

	if (!known(f->client_rows) || !known(size)) {
		not_known(s, "ports by source address, or the range");
		return;
	}
	for (int i = 0; i < f->sources; i++) {
		const struct source *a = &f->source[i];
		int full = percent(a->rows, size);
		char text[ADDR_TEXT];
		struct finding *n;

		if (a->rows < BIND_ROWS || a->dests < BIND_DESTS ||
		    a->ports != a->rows || full < BIND_WARN)
			continue;
		facts_addr(a->addr, 0, text, sizeof text);
		n = find(s, full > PORTS_CRITICAL ? CRITICAL : WARN,
			 "no port of %s is used twice, though it has %u "
			 "connections to %u destinations",
			 text, a->rows, a->dests);
		cause(n,
		      "bind() before connect() takes a port for all "
		      "destinations together, so %lld are all there are; "
		      "then bind() says EADDRINUSE.",
		      (long long)size);
		evidence(n, row_source(f), a->rows, "ports of %s in use", text);
		evidence(n, row_source(f), a->dests, "destinations");
		evidence(n, "/proc/sys/net/ipv4/ip_local_port_range",
			 (double)size, "ports there are");
		who(n, "programs that bind to %s: lull ss -tnp src %s", text,
		    text);
		safe(n, "set IP_BIND_ADDRESS_NO_PORT before bind(), or leave "
			"bind() out; new squid, envoy, istio and haproxy have "
			"it");
		dont(n, NO_WIDE_RANGE);
		return;
	}
}

JUDGE(rule_d5)
{
	if (!known(f->knob[K_TW_REUSE]) || !known(f->client_rows)) {
		not_known(s, "net.ipv4.tcp_tw_reuse, or addresses");
		return;
	}
	for (int i = 0; i < f->dests; i++) {
		const struct dest *d = &f->dest[i];
		char text[ADDR_TEXT];
		struct finding *n;

		if (f->knob[K_TW_REUSE] != 2 || d->tw < TW_MANY ||
		    memcmp(d->src, d->dst, sizeof d->src) != 0)
			continue;
		/* 127.0.0.0/8 and ::1 are what mode 2 is for. */
		if (is_reused(f, d) || f->knob[K_TIMESTAMPS] != 1)
			continue;
		n = find(s, INFO,
			 "%u TIME_WAITs towards %s, an address of "
			 "our own, are not reused",
			 d->tw, dest_text(d, text));
		cause(n, "tcp_tw_reuse=2 means loopback addresses alone; this "
			 "is none, though it does not leave the host.");
		evidence(n, row_source(f), d->tw, "in TIME_WAIT to ourselves");
		evidence_knob(n, f, K_TW_REUSE);
		who(n, "the destination %s", text);
		safe(n, "connect to 127.0.0.1 or a unix socket");
		safe(n, "sysctl -w net.ipv4.tcp_tw_reuse=1 (undo: =2)");
		return;
	}
}

/* The command sets the whole list, so those that are there must be in it. */
static void advise_reserve(struct finding *n, const struct facts *f)
{
	const char *old = f->reserved_ports;

	if (!strcmp(old, "..."))
		safe(n,
		     "add %u to the list in "
		     "net.ipv4.ip_local_reserved_ports",
		     f->port_in_range);
	else
		safe(n,
		     "sysctl -w net.ipv4.ip_local_reserved_ports=%s%s%u "
		     "(undo: =%s)",
		     old, *old ? "," : "", f->port_in_range,
		     *old ? old : "\"\"");
}

JUDGE(rule_d6)
{
	const char *source = "/proc/sys/net/ipv4/ip_local_port_range";
	bool low, parity, overlap;
	struct finding *n;

	if (!known(f->range_lo) || !known(f->range_hi)) {
		not_known(s, "net.ipv4.ip_local_port_range");
		return;
	}
	low = f->range_lo < 1024;
	parity = f->origin == FROM_KERNEL &&
		 (f->range_lo & 1) == (f->range_hi & 1);
	overlap = or_zero(f->listeners_in_range) > 0;
	if (!low && !parity && !overlap)
		return;
	n = find(s, low ? WARN : INFO,
		 "net.ipv4.ip_local_port_range is "
		 "\"%lld %lld\"%s%s%s",
		 (long long)f->range_lo, (long long)f->range_hi,
		 low ? ", with the ports of services" : "",
		 parity ? ", its ends both odd or both even" : "",
		 overlap ? ", with listeners in it" : "");
	cause(n, "%s%s",
	      low || overlap ? "connect() may take the port that a service "
			       "wants at its next start. "
			     : "",
	      parity ? "connect() prefers one half of the ports; ends of "
		       "different parity make the halves equal."
		     : "");
	evidence(n, source, (double)f->range_lo, "is its lower end");
	evidence(n, source, (double)f->range_hi, "is its upper end");
	if (overlap) {
		evidence(n, row_source(f), (double)f->listeners_in_range,
			 "listeners in it that are not reserved");
		who(n, "the listener on port %u", f->port_in_range);
		advise_reserve(n, f);
	}
	if (low)
		safe(n,
		     "sysctl -w net.ipv4.ip_local_port_range=\"32768 "
		     "60999\" (undo: \"%lld %lld\")",
		     (long long)f->range_lo, (long long)f->range_hi);
	else if (parity)
		safe(n,
		     "sysctl -w net.ipv4.ip_local_port_range=\"%lld %lld\" "
		     "(undo: \"%lld %lld\")",
		     (long long)f->range_lo,
		     (long long)f->range_hi + (f->range_hi < 65535 ? 1 : -1),
		     (long long)f->range_lo, (long long)f->range_hi);
	dont(n, NO_WIDE_RANGE);
}

JUDGE(rule_d7)
{
	/* Below 0 it is the first namespace's, and shared. */
	int64_t max = f->knob[K_MAX_TW], usual = f->knob[K_EHASH];
	int64_t tw = known(f->tw_minisocks) ? f->tw_minisocks
					    : f->state[1][TIME_WAIT];
	double rate = facts_rate(f, C_TW_OVERFLOW);
	bool full = known(max) && known(tw) && max > 0 &&
		    percent(tw, max) >= BUCKETS_WARN;
	bool low;
	struct finding *n;

	if (known(usual))
		usual = (usual < 0 ? -usual : usual) / 2;
	low = known(max) && known(usual) && max < usual;
	if (rate <= 0 && !full && !low) {
		if (rate < 0 && !known(max))
			not_known(s, "TCPTimeWaitOverflow and "
				     "net.ipv4.tcp_max_tw_buckets");
		return;
	}
	n = find(s,
		 rate > 0 ? CRITICAL
		 : full	  ? WARN
			  : INFO,
		 "%s",
		 rate > 0 ? "TIME_WAITs are not made: tcp_max_tw_buckets"
		 : full	  ? "TIME_WAITs are nearly as many as "
			    "tcp_max_tw_buckets"
			  : "tcp_max_tw_buckets is below its default");
	cause(n, "Above the limit a connection ends without TIME_WAIT: old "
		 "duplicates may enter its successor, and a lost last ACK "
		 "becomes a reset at the peer.");
	evidence_rate(n, f, C_TW_OVERFLOW);
	if (known(tw))
		evidence(n,
			 known(f->tw_minisocks) ? "/proc/net/sockstat tw"
						: row_source(f),
			 (double)tw, "in TIME_WAIT%s",
			 known(f->tw_minisocks) ? " or an orphan's FIN_WAIT_2"
						: "");
	evidence_knob(n, f, K_MAX_TW);
	if (known(usual))
		evidence(n, "/proc/sys/net/ipv4/tcp_ehash_entries / 2",
			 (double)usual, "is the default");
	if (known(usual) && known(max))
		safe(n,
		     "sysctl -w net.ipv4.tcp_max_tw_buckets=%lld (undo: "
		     "=%lld); each is %d bytes",
		     (long long)(usual > 2 * max || low ? usual : 2 * max),
		     (long long)max, TW_BYTES);
	else
		safe(n, "raise net.ipv4.tcp_max_tw_buckets; each is %d bytes",
		     TW_BYTES);
	dont(n, NO_BUCKETS);
	dont(n, NO_SS_KILL);
}

/* ---- ports without a listener ---- */

/* Peers of a server have ports that their own connect() chose. */
static bool was_server(const struct lone *l)
{
	return l->rport >= 32768 || l->rport > l->port;
}

static const struct lone *first_lone(const struct facts *f, bool server)
{
	for (int i = 0; i < f->lones; i++)
		if (was_server(&f->lone[i]) == server)
			return &f->lone[i];
	return NULL;
}

JUDGE(rule_d28)
{
	const struct lone *l = first_lone(f, true);
	struct finding *n;

	if (!known(f->tw_lone)) {
		not_known(s, "TIME_WAITs by port: there are no addresses");
		return;
	}
	if (!l || f->role_guessed)
		return;
	n = find(s, INFO, "port %u has no listener, but %u TIME_WAITs", l->port,
		 l->tw);
	cause(n, "A server was there. If its restart says EADDRINUSE, the old "
		 "listener or the new one lacks SO_REUSEADDR; both must have "
		 "set it.");
	evidence(n, row_source(f), l->tw, "in TIME_WAIT on port %u", l->port);
	who(n, "whoever binds to port %u", l->port);
	safe(n, "set SO_REUSEADDR in the server, before bind()");
	safe(n,
	     "or wait 60 s: lull ss -tno state time-wait sport = :%u shows how "
	     "long",
	     l->port);
	dont(n, NO_SS_KILL);
	dont(n, NO_REBOOT);
}

JUDGE(rule_d29)
{
	const struct lone *l = first_lone(f, false);
	struct finding *n;

	if (!known(f->tw_lone)) {
		not_known(s, "TIME_WAITs by port: there are no addresses");
		return;
	}
	if (!l || f->role_guessed)
		return;
	n = find(s, INFO,
		 "port %u, outside of the range, is in TIME_WAIT "
		 "towards port %u",
		 l->port, l->rport);
	cause(n, "A client with a source port of its own choice. The same "
		 "connection again within 60 s is EADDRNOTAVAIL, unless both "
		 "sockets set SO_REUSEADDR and timestamps are on, whatever "
		 "tcp_tw_reuse says.");
	evidence(n, row_source(f), l->tw, "in TIME_WAIT from port %u", l->port);
	evidence_knob(n, f, K_TIMESTAMPS);
	who(n, "whoever connects from port %u", l->port);
	safe(n, "leave the port to connect(), or set SO_REUSEADDR and keep "
		"net.ipv4.tcp_timestamps=1");
	dont(n, NO_SS_KILL);
}

JUDGE(rule_d31)
{
	struct ports p;

	if (!known(f->client_rows) || f->origin != FROM_KERNEL) {
		not_known(s, "ports in use on a kernel");
		return;
	}
	for (int i = 0; i < f->dests; i++) {
		char text[ADDR_TEXT];
		struct finding *n;

		if (!look_at(f, &f->dest[i], &p) ||
		    percent(p.dest->used[1], p.size) <= 50)
			continue;
		n = find(s, INFO,
			 "connect() towards %s has to search for a "
			 "port",
			 dest_text(p.dest, text));
		cause(n, "It tries one half of the range before the other; "
			 "once that is used up, each connect() looks at it in "
			 "vain. It shows as system time.");
		evidence(n, row_source(f), p.dest->used[1], "ports in use");
		evidence(n, "/proc/sys/net/ipv4/ip_local_port_range",
			 (double)p.size, "ports there are");
		who(n, "the destination %s", text);
		advise_pool(n);
		return;
	}
}

JUDGE(rule_d32)
{
	double rate = facts_rate(f, C_TW_RECYCLED);
	struct finding *n;

	if (rate < 0)
		not_known(s, "TWRecycled, at two times");
	if (rate <= 0)
		return;
	n = find(s, INFO, "connect() takes %.1f ports a second from TIME_WAITs",
		 rate);
	cause(n, "tcp_tw_reuse, or a bound port with SO_REUSEADDR, is at work; "
		 "so many ports a second are saved.");
	evidence_rate(n, f, C_TW_RECYCLED);
	evidence_knob(n, f, K_TW_REUSE);
	safe(n, "leave it as it is");
}
