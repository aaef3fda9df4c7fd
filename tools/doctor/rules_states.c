/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules_states.c: connections that stay in a state: D8 to D14, D24, D25.
 *
 * A busy host has some in each state at any time. What counts is those that
 * two samples show by the same cookie; of a pasted text, how many there are.
 */
#include "rules.h"

static void evidence_lasting(struct finding *n, const struct facts *f,
			     enum kind kind)
{
	if (has_age(f, kind))
		evidence(n, "sock_diag, two dumps, same cookie",
			 (double)f->sum[kind].old, "of them there %.1f s ago",
			 f->seconds);
}

static void evidence_loss(struct finding *n, const struct facts *f)
{
	evidence_rate(n, f, C_RETRANS_SEGS);
	evidence_rate(n, f, C_OUT_SEGS);
}

/* ---- CLOSE_WAIT ---- */

/* Nobody accepted them, or a listener has no room: it is too slow. */
static bool is_stalled(const struct facts *f)
{
	const struct sum *queued = &f->sum[KIND_CLOSE_WAIT_QUEUED];
	const struct sum *all = &f->sum[KIND_CLOSE_WAIT];

	if (lasting(f, KIND_CLOSE_WAIT_QUEUED) >= QUEUED_MANY &&
	    known(queued->n))
		return true;
	return full_listener(f) && known(all->unread) &&
	       all->unread >= LEAK_MANY && percent(all->unread, all->n) >= 50;
}

/* As many as stay, without those that wait for the peer (D10). */
static int64_t leaked(const struct facts *f)
{
	int64_t n = lasting(f, KIND_CLOSE_WAIT);
	int64_t stuck = or_zero(f->sum[KIND_CLOSE_WAIT].stuck);

	return n > stuck ? n - stuck : 0;
}

static bool is_growing(const struct facts *f)
{
	const int64_t first = f->state[0][CLOSE_WAIT],
		      second = f->state[1][CLOSE_WAIT];

	/* Where they come and go, few of the first are among the second. */
	return known(first) && known(second) && f->seconds > 0 &&
	       second - first >= LEAK_GROWTH && 2 * leaked(f) >= first;
}

/* The process that is nearest to its limit of descriptors, or NULL. */
static const struct group *fullest(const struct facts *f)
{
	for (int i = 0; i < f->groups; i++) {
		const struct group *g = &f->group[i];

		if (g->kind == KIND_CLOSE_WAIT && g->n >= LEAK_GROWTH &&
		    known(g->fds) && known(g->fds_max) &&
		    percent(g->fds, g->fds_max) >= FDS_CRITICAL)
			return g;
	}
	return NULL;
}

static void advise_close(struct finding *n, const struct facts *f)
{
	const struct group *g = NULL;

	for (int i = 0; i < f->groups && !g; i++)
		if (f->group[i].kind == KIND_CLOSE_WAIT && f->group[i].pid)
			g = &f->group[i];
	if (g)
		safe(n,
		     "see them: ls -l /proc/%d/fd; lull ss -tnp state "
		     "close-wait",
		     g->pid);
	else
		safe(n, "see who holds them, as root: lull ss -tnp state "
			"close-wait");
	safe(n, "in the program: read to the end, then close; close bodies of "
		"responses; give each connection a timeout");
	if (g && g->pid == 1)
		safe(n, "until then restart its container");
	else if (g)
		safe(n, "until then restart it: kill %d, and start it again",
		     g->pid);
	dont(n, NO_KEEPALIVE);
	dont(n, NO_FIN_TIMEOUT);
	dont(n, NO_KILL9);
}

static void explain_leak(struct finding *n, const struct facts *f)
{
	const struct sum *all = &f->sum[KIND_CLOSE_WAIT];

	cause(n, "The peer has closed, the program has not: CLOSE_WAIT has no "
		 "timer and lasts until close(). It is the program's fault, "
		 "and no knob helps.");
	evidence_state(n, f, CLOSE_WAIT);
	evidence_lasting(n, f, KIND_CLOSE_WAIT);
	if (known(f->state[0][CLOSE_WAIT]) && f->seconds > 0)
		evidence(n, row_source(f), (double)f->state[0][CLOSE_WAIT],
			 "in CLOSE_WAIT %.1f s before", f->seconds);
	if (known(all->not_read))
		evidence(n, "sock_diag idiag_rqueue", (double)all->not_read,
			 "whose end the program did not read; the others it "
			 "read, and kept");
	if (known(all->oldest_ms))
		evidence(n, "sock_diag tcpi_last_ack_recv",
			 (double)all->oldest_ms / 1000,
			 "seconds since one was last heard of");
	who_holds(n, f, KIND_CLOSE_WAIT);
}

JUDGE(rule_d8)
{
	int64_t n_leaked = leaked(f), all = f->state[1][CLOSE_WAIT];
	const struct group *full = fullest(f);
	enum severity severity = INFO;
	struct finding *n;

	if (!known(all)) {
		not_known(s, "how many are in CLOSE_WAIT");
		return;
	}
	if (is_stalled(f))
		return;
	if (n_leaked >= LEAK_MANY || (n_leaked > 0 && is_growing(f)))
		severity = WARN;
	else if (!n_leaked ||
		 or_zero(f->sum[KIND_CLOSE_WAIT].oldest_ms) < LEAK_OLD_MS)
		return;
	if (full)
		severity = CRITICAL;
	n = find(s, severity, "%lld connections %s in CLOSE_WAIT%s",
		 (long long)n_leaked,
		 has_age(f, KIND_CLOSE_WAIT) ? "stay" : "are",
		 is_growing(f) ? ", and they get more" : "");
	explain_leak(n, f);
	if (full)
		who(n, "%s, pid %d: soon out of descriptors, %lld of %lld",
		    full->name, full->pid, (long long)full->fds,
		    (long long)full->fds_max);
	advise_close(n, f);
}

JUDGE(rule_d9)
{
	const struct listener *l = full_listener(f);
	struct finding *n;

	if (!known(f->sum[KIND_CLOSE_WAIT].n)) {
		not_known(s, "CLOSE_WAITs one by one");
		return;
	}
	if (!is_stalled(f))
		return;
	n = find(s, WARN, "peers give up before a program has read their data");
	cause(n, "The program is behind, it does not leak: connections end "
		 "before it accepts or reads them.");
	evidence_state(n, f, CLOSE_WAIT);
	evidence(n, "sock_diag, inode 0",
		 (double)or_zero(f->sum[KIND_CLOSE_WAIT_QUEUED].n),
		 "of them not accepted yet");
	if (known(f->sum[KIND_CLOSE_WAIT].unread))
		evidence(n, "sock_diag idiag_rqueue",
			 (double)f->sum[KIND_CLOSE_WAIT].unread,
			 "with data that nobody read");
	if (l)
		who_listens(n, l);
	who_holds(n, f, KIND_CLOSE_WAIT);
	if (l && l->pid)
		safe(n, "see what it does: top -H -p %d; strace -c -f -p %d",
		     l->pid, l->pid);
	safe(n, "profile the program; give it more workers");
	dont(n, NO_KEEPALIVE);
	dont(n, NO_ABORT_ON_OVERFLOW);
}

JUDGE(rule_d10)
{
	int64_t stuck = f->sum[KIND_CLOSE_WAIT].stuck;
	struct finding *n;

	if (!known(stuck)) {
		not_known(s, "Send-Q of CLOSE_WAITs, at two times");
		return;
	}
	if (!stuck)
		return;
	n = find(s, stuck >= LAST_OLD ? WARN : INFO,
		 "%lld in CLOSE_WAIT with data that the peer does not take",
		 (long long)stuck);
	cause(n, "The peer closed its side and acknowledges nothing more: it "
		 "is gone, or its window is closed. Our program may be right "
		 "to wait.");
	evidence(n, "sock_diag idiag_wqueue, two dumps", (double)stuck,
		 "with the same Send-Q %.1f s ago", f->seconds);
	evidence_loss(n, f);
	who_holds(n, f, KIND_CLOSE_WAIT);
	safe(n, "in the program: TCP_USER_TIMEOUT, say 30 s");
	dont(n, NO_LOW_RETRIES);
	dont(n, NO_KEEPALIVE);
}

/* ---- our FIN ---- */

static void advise_fin(struct finding *n, const struct facts *f)
{
	int64_t retries = f->knob[K_ORPHAN_RETRIES];

	safe(n, "look for loss and dead peers: nstat -az TcpRetransSegs "
		"TcpExtTCPTimeouts; lull ss -tnoi state fin-wait-1");
	if (known(retries) && (!retries || retries > 4))
		safe(n,
		     "sysctl -w net.ipv4.tcp_orphan_retries=4 (undo: "
		     "=%lld): give up after seconds, not minutes",
		     (long long)retries);
	safe(n, "in the program: a timeout for sending, TCP_USER_TIMEOUT");
	dont(n, NO_LOW_ORPHANS);
	dont(n, NO_LINGER);
}

JUDGE(rule_d11)
{
	int64_t all = f->state[1][FIN_WAIT_1], n_old = all;
	bool aged = has_age(f, KIND_FIN_WAIT_1);
	struct finding *n;

	if (!known(all)) {
		not_known(s, "how many are in FIN_WAIT_1");
		return;
	}
	if (aged)
		n_old = f->sum[KIND_FIN_WAIT_1].old;
	if (n_old < (aged ? FIN_OLD : FIN_MANY))
		return;
	n = find(s, WARN, "%lld connections %s FIN_WAIT_1", (long long)n_old,
		 aged ? "stay in" : "are in");
	cause(n, "We closed, and our FIN is not acknowledged: the peers are "
		 "gone, the path loses packets, or a zero window keeps it "
		 "back. Without a program they are orphans, and hold memory.");
	evidence_state(n, f, FIN_WAIT_1);
	evidence_lasting(n, f, KIND_FIN_WAIT_1);
	if (known(f->sum[KIND_FIN_WAIT_1].probing))
		evidence(n, "sock_diag idiag_timer 4",
			 (double)f->sum[KIND_FIN_WAIT_1].probing,
			 "whose window at the peer is zero");
	if (known(f->orphans[1]))
		evidence(n, "/proc/net/sockstat orphan (whole host)",
			 (double)f->orphans[1], "orphans");
	evidence_loss(n, f);
	evidence_knob(n, f, K_ORPHAN_RETRIES);
	who_holds(n, f, KIND_FIN_WAIT_1);
	advise_fin(n, f);
}

static void judge_held(const struct facts *f, struct sheet *s)
{
	int64_t held = lasting(f, KIND_FIN_WAIT_2_HELD);
	struct finding *n;

	if (!known(f->sum[KIND_FIN_WAIT_2_HELD].n) || held < HELD_MANY)
		return;
	n = find(s, WARN, "%lld in FIN_WAIT_2 are held by a program",
		 (long long)held);
	cause(n, "It called shutdown() and waits for the peer's end, which "
		 "does not come. There is no timer while a program holds it.");
	evidence(n, "sock_diag, state 5 without a timer",
		 (double)f->sum[KIND_FIN_WAIT_2_HELD].n, "in FIN_WAIT_2, held");
	evidence_lasting(n, f, KIND_FIN_WAIT_2_HELD);
	who_holds(n, f, KIND_FIN_WAIT_2_HELD);
	safe(n, "in the program: a timeout for reading after shutdown(), then "
		"close()");
	dont(n, NO_FIN_TIMEOUT);
}

JUDGE(rule_d12)
{
	int64_t all = f->state[1][FIN_WAIT_2], orphans = all;
	struct finding *n;

	if (!known(all)) {
		not_known(s, "how many are in FIN_WAIT_2");
		return;
	}
	judge_held(f, s);
	if (known(f->sum[KIND_FIN_WAIT_2_ORPHAN].n))
		orphans = f->sum[KIND_FIN_WAIT_2_ORPHAN].n;
	if (orphans < ORPHANED_MANY)
		return;
	n = find(s, orphans > or_zero(f->state[1][ESTABLISHED]) ? WARN : INFO,
		 "%lld in FIN_WAIT_2 wait for peers that do not close",
		 (long long)orphans);
	cause(n, "We closed, the peer acknowledged and keeps its side open: a "
		 "CLOSE_WAIT there. They end after tcp_fin_timeout.");
	evidence_state(n, f, FIN_WAIT_2);
	evidence(n, row_source(f), (double)orphans,
		 "of them without a program");
	evidence_knob(n, f, K_FIN_TIMEOUT);
	who_holds(n, f, KIND_FIN_WAIT_2_ORPHAN);
	safe(n, "look for the leak of CLOSE_WAIT at the peer");
	if (or_zero(f->knob[K_FIN_TIMEOUT]) > 30)
		safe(n,
		     "sysctl -w net.ipv4.tcp_fin_timeout=30 (undo: =%lld), "
		     "or TCP_LINGER2 in the program",
		     (long long)f->knob[K_FIN_TIMEOUT]);
	dont(n, NO_LINGER);
	dont(n, NO_LOW_ORPHANS);
}

JUDGE(rule_d13)
{
	int64_t max = f->knob[K_MAX_ORPHANS], now = f->orphans[1];
	int full = percent(or_zero(now), or_zero(max));
	bool logged = or_zero(f->log_orphans) > 0;
	struct finding *n;

	if (!known(now) || !known(max)) {
		not_known(s, f->child_netns
				     ? "net.ipv4.tcp_max_orphans: it is not "
				       "shown in this network namespace; look "
				       "on the host"
				     : "orphans, or net.ipv4.tcp_max_orphans");
		return;
	}
	if (full < ORPHANS_WARN && !logged)
		return;
	n = find(s,
		 full >= ORPHANS_CRITICAL ? CRITICAL
		 : full >= ORPHANS_WARN	  ? WARN
					  : INFO,
		 "%lld orphans of %lld that there may be", (long long)now,
		 (long long)max);
	cause(n, "Connections that programs have closed and peers have not. "
		 "Above the limit they are reset.");
	evidence(n, "/proc/net/sockstat orphan", (double)now,
		 "orphans, on the whole host");
	evidence_knob(n, f, K_MAX_ORPHANS);
	evidence_rate(n, f, C_ABORT_ON_MEMORY);
	if (logged)
		evidence(n, "/dev/kmsg", (double)f->log_orphans,
			 "lines \"too many orphaned sockets\" since boot");
	who_holds(n, f, KIND_FIN_WAIT_1);
	advise_fin(n, f);
	safe(n,
	     "sysctl -w net.ipv4.tcp_max_orphans=%lld (undo: =%lld), if "
	     "there is memory: some kilobytes each, and 64 with data",
	     (long long)max * 2, (long long)max);
}

JUDGE(rule_d14)
{
	int64_t last = f->state[1][LAST_ACK], closing = f->state[1][CLOSING];
	bool aged = has_age(f, KIND_LAST_ACK) && has_age(f, KIND_CLOSING);
	int64_t n_old;
	struct finding *n;

	if (!known(last) || !known(closing)) {
		not_known(s, "how many are in LAST_ACK and CLOSING");
		return;
	}
	n_old = aged ? f->sum[KIND_LAST_ACK].old + f->sum[KIND_CLOSING].old
		     : last + closing;
	if (n_old < (aged ? LAST_OLD : LAST_MANY))
		return;
	n = find(s, WARN, "%lld connections %s %s", (long long)n_old,
		 aged ? "stay in" : "are in",
		 !closing ? "LAST_ACK"
		 : !last  ? "CLOSING"
			  : "LAST_ACK or CLOSING");
	cause(n, "Both sides have closed, and our FIN is not acknowledged: "
		 "loss on the path, or the peer is gone.");
	evidence_state(n, f, LAST_ACK);
	evidence_state(n, f, CLOSING);
	evidence_lasting(n, f, KIND_LAST_ACK);
	evidence_loss(n, f);
	who_holds(n, f, KIND_LAST_ACK);
	who_holds(n, f, KIND_CLOSING);
	safe(n, "look for loss: nstat -az TcpRetransSegs; lull ss -tnoi state "
		"last-ack; a capture of one peer shows whose ACK is missing");
	dont(n, NO_LINGER);
	dont(n, NO_LOW_ORPHANS);
}

/* ---- ESTABLISHED ---- */

JUDGE(rule_d24)
{
	const struct sum *idle = &f->sum[KIND_IDLE];
	struct finding *n;

	if (!known(idle->idle[0])) {
		not_known(s, "how long connections have been idle");
		return;
	}
	if (!idle->idle[0])
		return;
	n = find(s, INFO,
		 "%lld idle connections without keepalive may be cut silently",
		 (long long)idle->idle[0]);
	cause(n, "NATs and load balancers forget idle connections without a "
		 "word: Azure after 240 s, AWS after 350 s, IPVS after 900 s. "
		 "The next request then hangs, or gets a reset.");
	evidence(n, "sock_diag tcpi_last_data_recv, _sent",
		 (double)idle->idle[0], "idle for more than %d s, no keepalive",
		 IDLE_AZURE_S);
	evidence(n, "sock_diag tcpi_last_data_recv, _sent",
		 (double)idle->idle[1], "for more than %d s", IDLE_AWS_S);
	evidence(n, "sock_diag tcpi_last_data_recv, _sent",
		 (double)idle->idle[2], "for more than %d s", IDLE_IPVS_S);
	evidence_knob(n, f, K_KEEPALIVE_TIME);
	who_holds(n, f, KIND_IDLE);
	safe(n, "in the program or driver: SO_KEEPALIVE, with TCP_KEEPIDLE "
		"below the limit of what is on the way, but not below 10 s");
	safe(n,
	     "sysctl -w net.ipv4.tcp_keepalive_time=200 acts only where "
	     "SO_KEEPALIVE is set (undo: =%lld)",
	     (long long)(known(f->knob[K_KEEPALIVE_TIME])
				 ? f->knob[K_KEEPALIVE_TIME]
				 : 7200));
	dont(n, NO_LOW_RETRIES);
}

JUDGE(rule_d25)
{
	int64_t dead = f->sum[KIND_DEAD].n,
		open = or_zero(f->state[1][ESTABLISHED]);
	struct finding *n;

	if (!known(dead)) {
		not_known(s, "retransmissions of single connections");
		return;
	}
	if (!dead)
		return;
	n = find(s,
		 dead >= DEAD_MANY && 100 * dead >= DEAD_SHARE * open ? WARN
								      : INFO,
		 "%lld connections send to peers that do not answer",
		 (long long)dead);
	cause(n, "They wait for tcp_retries2 to run out, about 15 minutes. "
		 "The programs are held up as long.");
	evidence(n, "sock_diag idiag_timer, idiag_retrans", (double)dead,
		 "ESTABLISHED, sent again %d times or more", DEAD_RETRIES);
	evidence_rate(n, f, C_TIMEOUTS);
	evidence_knob(n, f, K_RETRIES2);
	who_holds(n, f, KIND_DEAD);
	safe(n, "in the program: TCP_USER_TIMEOUT, say 30 s, and a timeout for "
		"each request");
	dont(n, NO_LOW_RETRIES);
}
