/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules_queues.c: what keeps connections from being made, and what resets
 * them: D15 to D20, D26, D27.
 */
#include "rules.h"

/* ---- SYN queue and accept queue ---- */

static bool is_half_open(const struct facts *f)
{
	int64_t half = f->state[1][SYN_RECV], whole = f->state[1][ESTABLISHED];

	if (!known(half) || !known(whole) ||
	    lasting(f, KIND_SYN_RECV) < HALF_MANY)
		return false;
	return half > HALF_TIMES * whole;
}

static void advise_syn(struct finding *n, const struct facts *f)
{
	if (f->knob[K_SYNCOOKIES] == 0)
		safe(n, "sysctl -w net.ipv4.tcp_syncookies=1 (undo: =0)");
	else if (f->knob[K_SYNCOOKIES] == 2)
		safe(n, "sysctl -w net.ipv4.tcp_syncookies=1 (undo: =2)");
	else
		safe(n, "keep net.ipv4.tcp_syncookies=1, the default");
	safe(n, "a longer backlog in listen() for bursts; "
		"net.core.somaxconn and net.ipv4.tcp_max_syn_backlog bound "
		"it");
	safe(n, "see the sources: lull ss -tn state syn-recv; filter a flood "
		"upstream");
	dont(n, NO_COOKIES_ALWAYS);
	dont(n, NO_ABORT_ON_OVERFLOW);
}

static const struct listener *most_half_open(const struct facts *f)
{
	const struct listener *most = NULL;

	for (int i = 0; i < f->listeners; i++)
		if (f->listener[i].syn_recv &&
		    (!most || f->listener[i].syn_recv > most->syn_recv))
			most = &f->listener[i];
	return most;
}

static void tell_cookies(const struct facts *f, struct sheet *s)
{
	struct finding *n =
		find(s, INFO, "every SYN gets a cookie: tcp_syncookies is 2");

	cause(n, "Cookies are for a SYN queue that is full; there is no sign "
		 "that it is. 2 is meant for tests.");
	evidence_rate(n, f, C_COOKIES_SENT);
	evidence_knob(n, f, K_SYNCOOKIES);
	safe(n, "sysctl -w net.ipv4.tcp_syncookies=1 (undo: =2)");
	dont(n, NO_COOKIES_ALWAYS);
}

JUDGE(rule_d15)
{
	double cookies = facts_rate(f, C_REQQ_COOKIES),
	       dropped = facts_rate(f, C_REQQ_DROP),
	       sent = facts_rate(f, C_COOKIES_SENT);
	/* With 2 each SYN gets one, and counts as if the queue were full. */
	bool full = dropped > 0 ||
		    (f->knob[K_SYNCOOKIES] != 2 && (cookies > 0 || sent > 0));
	const struct listener *l = most_half_open(f);
	struct finding *n;

	if (!known(f->state[1][SYN_RECV]) && cookies < 0) {
		not_known(s, "SYN_RECV, and counters at two times");
		return;
	}
	if (f->knob[K_SYNCOOKIES] == 2 && dropped <= 0 && !is_half_open(f)) {
		if (sent > 0 || cookies > 0)
			tell_cookies(f, s);
		return;
	}
	/* A full accept queue keeps handshakes half open too: that's D16. */
	if (!full && (!is_half_open(f) || full_listener(f)))
		return;
	n = find(s, dropped > 0 ? CRITICAL : WARN,
		 full ? "the SYN queue is full"
		      : "far more connections are half open than open");
	cause(n, "SYNs come whose handshake nobody finishes: a flood with "
		 "false sources, clients whose path loses our SYN-ACK, or a "
		 "backlog too small for a burst.");
	evidence_state(n, f, SYN_RECV);
	evidence_state(n, f, ESTABLISHED);
	evidence_rate(n, f, C_REQQ_COOKIES);
	evidence_rate(n, f, C_COOKIES_SENT);
	evidence_rate(n, f, C_REQQ_DROP);
	evidence_knob(n, f, K_SYNCOOKIES);
	evidence_knob(n, f, K_SYN_BACKLOG);
	if (or_zero(f->log_flood) > 0)
		evidence(n, "/dev/kmsg", (double)f->log_flood,
			 "lines \"Possible SYN flooding\" since boot");
	if (l)
		who_listens(n, l);
	who_holds(n, f, KIND_SYN_RECV);
	advise_syn(n, f);
}

static void advise_accept(struct finding *n, const struct facts *f,
			  const struct listener *l)
{
	int64_t max = f->knob[K_SOMAXCONN];

	if (l && l->pid)
		safe(n,
		     "see why it does not accept: top -H -p %d; cat "
		     "/proc/%d/wchan",
		     l->pid, l->pid);
	safe(n, "a larger backlog in the program (listen(), nginx `backlog=`, "
		"Node `backlog`), and restart it; it is min(backlog, "
		"somaxconn)");
	if (l && known(max) && l->wqueue >= max)
		safe(n,
		     "sysctl -w net.core.somaxconn=%lld (undo: =%lld), "
		     "then restart the program",
		     (long long)max * 4, (long long)max);
	safe(n, "if it stays full, more workers: a longer queue only waits "
		"longer");
	dont(n, NO_ABORT_ON_OVERFLOW);
}

JUDGE(rule_d16)
{
	double rate = facts_rate(f, C_LISTEN_OVERFLOWS);
	const struct listener *l = full_listener(f);
	bool long_full = l && (!l->seen[0] ||
			       (l->rqueue[0] > 0 && l->rqueue[0] >= l->wqueue));
	struct finding *n;

	if (rate < 0 && !f->listeners) {
		not_known(s, "ListenOverflows, and listeners' queues");
		return;
	}
	if (rate <= 0 && !long_full)
		return;
	n = find(s, rate > 0 && l ? CRITICAL : WARN, "%s",
		 l ? "an accept queue is full"
		   : "an accept queue was full for a moment");
	cause(n, "The program accepts too slowly, or its backlog is too "
		 "small. SYNs are dropped, and clients wait for whole "
		 "seconds, until they send them again.");
	evidence_rate(n, f, C_LISTEN_OVERFLOWS);
	evidence_rate(n, f, C_LISTEN_DROPS);
	if (l) {
		evidence(n, row_source(f), l->rqueue[1],
			 "connections wait to be accepted (Recv-Q)");
		evidence(n, row_source(f), l->wqueue,
			 "is its backlog (Send-Q); one more has room");
		who_listens(n, l);
	}
	evidence_knob(n, f, K_SOMAXCONN);
	evidence_knob(n, f, K_ABORT_ON_OVERFLOW);
	advise_accept(n, f, l);
}

JUDGE(rule_d17)
{
	double drops = facts_rate(f, C_LISTEN_DROPS),
	       overflows = facts_rate(f, C_LISTEN_OVERFLOWS),
	       queue = facts_rate(f, C_REQQ_DROP);
	struct finding *n;

	if (drops < 0 || overflows < 0) {
		not_known(s, "ListenDrops and ListenOverflows, at two times");
		return;
	}
	/* A full SYN queue drops as well, and D15 tells of it. */
	if (drops <= overflows || queue > 0)
		return;
	n = find(s, WARN,
		 "listeners drop SYNs, and not for a full accept "
		 "queue");
	cause(n, "No memory for the connection, no route back to the client, "
		 "or a filter in the program's socket.");
	evidence_rate(n, f, C_LISTEN_DROPS);
	evidence_rate(n, f, C_LISTEN_OVERFLOWS);
	if (known(f->mem_pages))
		evidence(n, "/proc/net/sockstat mem (whole host)",
			 (double)f->mem_pages, "pages that TCP uses");
	safe(n, "compare /proc/net/sockstat mem with "
		"/proc/sys/net/ipv4/tcp_mem");
	safe(n, "ip route get CLIENT, for a client that waits");
	dont(n, NO_ABORT_ON_OVERFLOW);
}

/* ---- nobody answers ---- */

JUDGE(rule_d18)
{
	const struct dest *d = &f->syn_dest;
	char text[ADDR_TEXT];
	struct finding *n;
	int64_t n_old;

	if (!known(f->state[1][SYN_SENT]) || !known(f->client_rows)) {
		not_known(s, "SYN_SENT by destination");
		return;
	}
	n_old = f->seconds > 0 ? d->syn_old : d->syn_sent;
	/* That none was sent again meanwhile says nothing: SYNs are sent
	 * again after seconds, and later after a minute. */
	if (n_old < SYN_OLD)
		return;
	facts_addr(d->dst, d->dport, text, sizeof text);
	n = find(s, WARN, "%lld connections to %s get no answer to their SYN",
		 (long long)n_old, text);
	cause(n, "Something there drops SYNs: a firewall, a full accept "
		 "queue, a full conntrack table, or a TIME_WAIT behind a NAT "
		 "(PAWS).");
	evidence_state(n, f, SYN_SENT);
	evidence(n, row_source(f), d->syn_sent, "of them to %s", text);
	evidence_rate(n, f, C_SYN_RETRANS);
	evidence_rate(n, f, C_ATTEMPT_FAILS);
	evidence_rate(n, f, C_TIMEOUTS);
	who(n, "the destination %s", text);
	safe(n, "run lull doctor there: D16, D19 and D20 are its side of it");
	safe(n,
	     "see whether a SYN gets there: tcpdump -ni any 'tcp[13] & 2 != "
	     "0 and port %u'",
	     d->dport);
	safe(n, "try from another source port: nc -p 40001 ADDRESS PORT");
	dont(n, NO_TIMESTAMPS);
	dont(n, NO_RECYCLE);
}

/* Linux counts them apart since 2025; before, with those of ESTABLISHED. */
static bool counts_paws_apart(const struct facts *f)
{
	return known(f->counter[C_PAWS_TIMEWAIT][1]);
}

JUDGE(rule_d19)
{
	enum counter c = counts_paws_apart(f) ? C_PAWS_TIMEWAIT : C_PAWS_ESTAB;
	double rate = facts_rate(f, c);
	int64_t refused;
	struct finding *n;

	if (rate < 0) {
		not_known(s, "PAWSTimewait or PAWSEstab, at two times");
		return;
	}
	refused = (int64_t)(rate * f->seconds + 0.5);
	if (rate <= 0)
		return;
	n = find(s, refused >= PAWS_MANY && c == C_PAWS_TIMEWAIT ? WARN : INFO,
		 "%lld segments were refused for an old timestamp%s",
		 (long long)refused,
		 c == C_PAWS_TIMEWAIT ? ", by TIME_WAITs" : "");
	cause(n,
	      "A NAT gives one client's address and port to another within "
	      "60 s, and their clocks differ: its SYN is taken for an old "
	      "one, and the client waits.%s",
	      c == C_PAWS_ESTAB
		      ? " Or just old duplicates: this kernel counts both "
			"together."
		      : "");
	evidence_rate(n, f, C_PAWS_TIMEWAIT);
	evidence_rate(n, f, C_PAWS_ESTAB);
	evidence_rate(n, f, C_PASSIVE_OPENS);
	evidence_knob(n, f, K_TIMESTAMPS);
	if (or_zero(f->tw_server) > 0)
		evidence(n, row_source(f), (double)f->tw_server,
			 "TIME_WAITs of listeners, which refuse them");
	safe(n, "at the NAT: choose ports at random, and keep one for 60 s "
		"after its end");
	safe(n, "let clients close first: their TIME_WAIT is then not here");
	safe(n, "see them: tcpdump -ni any 'tcp[13] & 2 != 0' and look for a "
		"SYN that only gets an ACK");
	dont(n, NO_RECYCLE);
	dont(n, NO_TIMESTAMPS);
	dont(n, NO_SS_KILL);
}

JUDGE(rule_d20)
{
	int64_t count = f->knob[K_CT_COUNT], max = f->knob[K_CT_MAX];
	double drop = facts_rate(f, C_CT_DROP),
	       early = facts_rate(f, C_CT_EARLY_DROP),
	       failed = facts_rate(f, C_CT_INSERT_FAILED);
	int full = percent(or_zero(count), or_zero(max));
	bool lost = drop > 0 || early > 0 || failed > 0;
	struct finding *n;

	if (f->origin != FROM_KERNEL || (!known(count) && drop < 0)) {
		not_known(s, "conntrack's table: it is not there, or not "
			     "shown here");
		return;
	}
	if (full < CONNTRACK_WARN && !lost)
		return;
	n = find(s, drop > 0 || full >= CONNTRACK_CRITICAL ? CRITICAL : WARN,
		 "the conntrack table %s",
		 full >= CONNTRACK_WARN ? "is nearly full"
					: "loses connections");
	cause(n, "Packets of connections that have no room there are dropped. "
		 "It counts closed connections for its own times, not TCP's.");
	evidence_knob(n, f, K_CT_COUNT);
	evidence_knob(n, f, K_CT_MAX);
	evidence_rate(n, f, C_CT_DROP);
	evidence_rate(n, f, C_CT_EARLY_DROP);
	evidence_rate(n, f, C_CT_INSERT_FAILED);
	evidence_knob(n, f, K_CT_TIME_WAIT);
	evidence_knob(n, f, K_CT_CLOSE_WAIT);
	if (or_zero(f->log_conntrack) > 0)
		evidence(n, "/dev/kmsg", (double)f->log_conntrack,
			 "lines \"table full, dropping packet\" since boot");
	if (or_zero(max) > 0)
		safe(n,
		     "on the host: sysctl -w "
		     "net.netfilter.nf_conntrack_max=%lld (undo: =%lld), "
		     "and nf_conntrack_buckets with it",
		     (long long)max * 2, (long long)max);
	if (or_zero(f->knob[K_CT_TIME_WAIT]) > 60)
		safe(n,
		     "sysctl -w "
		     "net.netfilter.nf_conntrack_tcp_timeout_time_wait=60 "
		     "(undo: =%lld); it is conntrack's, not TCP's",
		     (long long)f->knob[K_CT_TIME_WAIT]);
	safe(n, "NOTRACK for the busy port, where no NAT needs it");
	dont(n, NO_LIBERAL);
}

/* ---- resets ---- */

JUDGE(rule_d26)
{
	double data = facts_rate(f, C_ABORT_ON_DATA),
	       unread = facts_rate(f, C_ABORT_ON_CLOSE),
	       active = facts_rate(f, C_ACTIVE_OPENS),
	       passive = facts_rate(f, C_PASSIVE_OPENS), resets, opens;
	struct finding *n;

	if (data < 0 || unread < 0) {
		not_known(s, "TCPAbortOnData and TCPAbortOnClose, at two "
			     "times");
		return;
	}
	resets = data + unread;
	opens = (active > 0 ? active : 0) + (passive > 0 ? passive : 0);
	if (resets < RESETS_A_SECOND || resets * 100 < opens * RESETS_SHARE)
		return;
	n = find(s, WARN, "programs here reset %.0f connections a second",
		 resets);
	cause(n,
	      "%s. The peers get ECONNRESET, and may lose data that they "
	      "have not read.",
	      data > unread
		      ? "close() with SO_LINGER 0, or data that came after "
			"close()"
		      : "close() with data that the program has not read");
	evidence_rate(n, f, C_ABORT_ON_DATA);
	evidence_rate(n, f, C_ABORT_ON_CLOSE);
	evidence_rate(n, f, C_OUT_RSTS);
	evidence_rate(n, f, C_ACTIVE_OPENS);
	evidence_rate(n, f, C_PASSIVE_OPENS);
	who(n, "the counters have no process; see who: perf trace -e "
	       "tcp:tcp_send_reset, or strace -f -e setsockopt,close -p PID");
	safe(n, "in the program: shutdown(SHUT_WR), read to the end, then "
		"close()");
	if (data > unread)
		safe(n, "take SO_LINGER with 0 out; TIME_WAIT is no fault");
	dont(n, NO_LINGER);
}

JUDGE(rule_d27)
{
	double aborts = facts_rate(f, C_ABORT_ON_TIMEOUT),
	       probes = facts_rate(f, C_KEEPALIVE);
	struct finding *n;

	if (aborts < 0 && probes < 0)
		not_known(s, "TCPAbortOnTimeout and TCPKeepAlive, at two "
			     "times");
	if (aborts <= 0)
		return;
	n = find(s, INFO, "%.1f connections a second were given up", aborts);
	cause(n, "Their peers vanished; keepalive and timeouts do their job.");
	evidence_rate(n, f, C_ABORT_ON_TIMEOUT);
	evidence_rate(n, f, C_KEEPALIVE);
	safe(n, "nothing, unless they are more than the peers that you know "
		"to go away");
}
