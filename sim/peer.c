/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peer.c: the programs of the simulated world: some behave, some don't.
 *
 * Each side writes its stream and reads the other's, at its own pace, and
 * ends as its plan says. Programs use the public calls alone.
 *
 * Entry points: sim_begin, sim_events, sim_wake.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "middle.h"
#include "rules.h"
#include "sim.h"
#include "wire.h"

enum {
	PORT = 80,
	LISTENER = 1, /* the listener's cookie; sides count from 2 */
	FIRST_SIDE = 2,
};

static struct lull_shard *shard_of(struct world *w, const struct side *s)
{
	return w->host[s->host].shard;
}

/* ---- what a side is ---- */

static uint64_t draw_length(struct world *w)
{
	switch (sim_below(w, 8)) {
	case 0:
		return 0;
	case 1:
		return 1 + sim_below(w, 4);
	case 2:
		return 60000 + sim_below(w, 140000);
	default:
		return sim_below(w, 4000);
	}
}

static enum plan draw_plan(struct world *w)
{
	const uint8_t weight[PLANS] = {
		[PLAN_CLOSE] = 30,
		[PLAN_SHUT_READ] = sim_has(w, KIND_HALF) ? 120 : 25,
		[PLAN_READ_CLOSE] = 25,
		[PLAN_ABORT] = sim_has(w, KIND_ABORT) ? 15 : 0,
		[PLAN_LINGER_0] = sim_has(w, KIND_LINGER_0) ? 12 : 0,
		[PLAN_LINGER] = sim_has(w, KIND_LINGER) ? 15 : 0,
	};
	uint64_t at, sum = 0;

	for (int p = 0; p < PLANS; p++)
		sum += weight[p];
	at = sim_below(w, sum);
	for (int p = 0; p < PLANS; p++) {
		if (at < weight[p])
			return (enum plan)p;
		at -= weight[p];
	}
	return PLAN_CLOSE;
}

static bool draws(struct world *w, enum kind kind, uint32_t percent)
{
	return sim_has(w, kind) && sim_chance_of(w, kind, percent);
}

/* Bad habits. */
static void draw_habits(struct world *w, struct side *s)
{
	if (draws(w, KIND_SLOW, 30)) {
		s->read_most = 1 + (uint32_t)sim_below_of(w, KIND_SLOW, 2000);
		s->pause_ns = 1 + sim_below_of(w, KIND_SLOW, 50000000);
	}
	if (draws(w, KIND_BYTES, 30)) {
		s->write_most = 1;
		s->to_write %= 200;
		s->write_pause_ns = sim_below_of(w, KIND_BYTES, 20000000);
	}
	s->leaks = draws(w, KIND_LEAK, 15);
	s->deaf = draws(w, KIND_DEAF, 15);
	s->urgent = draws(w, KIND_URGENT, 30);
	s->corks = draws(w, KIND_CORK, 30);
	s->records = draws(w, KIND_RECORDS, 50);
}

static struct side *new_side(struct world *w, int host, bool client)
{
	struct side *s = &w->side[w->sides];

	if (w->sides == SIM_SIDES_MAX)
		return NULL;
	*s = (struct side){
		.open = true,
		.client = client,
		.host = host,
		.born_ns = w->now_ns,
		.id = w->options->seed << 16 | (uint64_t)w->sides,
		.to_write = draw_length(w),
		.plan = draw_plan(w),
		.read_most = 65536,
		.write_most = 4096,
		.wake_ns = UINT64_MAX,
	};
	if (!w->quiet)
		draw_habits(w, s);
	/* Two that both wait for the other's end would wait for ever. */
	if (client && s->plan == PLAN_READ_CLOSE)
		s->plan = PLAN_SHUT_READ;
	if (w->sure) {
		s->sure = true;
		s->plan = client ? PLAN_SHUT_READ : PLAN_READ_CLOSE;
		/* Who has few buffers resets an orphan with many of them. */
		if (sim_has(w, KIND_TIGHT))
			s->to_write %= 2048;
	}
	w->sides++;
	return s;
}

static uint64_t cookie_of(const struct world *w, const struct side *s)
{
	return (uint64_t)(s - w->side) + FIRST_SIDE;
}

/* ---- the end ---- */

static void let_go(struct world *w, struct side *s)
{
	s->open = false;
	s->wake_ns = UINT64_MAX;
	sim_trace(w, "side %d closes", (int)(s - w->side));
	lull_sock_close(shard_of(w, s), s->sock);
}

static void break_off(struct world *w, struct side *s)
{
	s->broke = true;
	s->open = false;
	s->wake_ns = UINT64_MAX;
	sim_trace(w, "side %d aborts", (int)(s - w->side));
	lull_sock_abort(shard_of(w, s), s->sock);
}

static void close_lingering(struct world *w, struct side *s, int32_t seconds)
{
	struct lull_linger l = {.on = 1, .seconds = seconds};

	if (lull_sock_set(shard_of(w, s), s->sock, LULL_OPT_LINGER, &l,
			  sizeof l) == 0) {
		s->broke |= seconds == 0;
		s->lingers = seconds > 0;
	}
	let_go(w, s);
}

/* Is there text that it has not read? Then close() resets. */
static bool unread(struct world *w, const struct side *s)
{
	struct lull_sock_info info = {.size = sizeof info};

	return lull_sock_info(shard_of(w, s), s->sock, &info) == 0 &&
	       info.rcv_queued > 0;
}

/* All is written. */
static void finish(struct world *w, struct side *s)
{
	bool resets = unread(w, s);

	switch (s->plan) {
	case PLAN_CLOSE:
		s->wrote_fin = !resets;
		s->broke |= resets;
		let_go(w, s);
		return;
	case PLAN_LINGER:
		s->wrote_fin = !resets;
		s->broke |= resets;
		close_lingering(w, s, 1 + (int32_t)sim_below(w, 5));
		return;
	case PLAN_LINGER_0:
		close_lingering(w, s, 0);
		return;
	case PLAN_SHUT_READ:
		s->wrote_fin = true;
		if (lull_sock_shutdown(shard_of(w, s), s->sock, LULL_SHUT_WR))
			s->broke = true;
		return;
	case PLAN_READ_CLOSE:
	case PLAN_ABORT:
	case PLANS:
		return;
	}
}

/* ---- writing and reading ---- */

/* For one call of lull_sock_send(). */
static int flags_of(struct world *w, const struct side *s, bool last)
{
	int flags = 0;

	if (s->urgent && sim_chance_of(w, KIND_URGENT, 30))
		flags |= LULL_MSG_OOB;
	if (s->corks && !last && sim_chance_of(w, KIND_CORK, 50))
		flags |= LULL_MSG_MORE;
	if (s->records && sim_chance_of(w, KIND_RECORDS, 50))
		flags |= LULL_MSG_EOR;
	return flags;
}

static void write_some(struct world *w, struct side *s)
{
	uint8_t text[4096];

	if (s->fills && sim_habit_fill(w, s))
		return;
	while (s->open && s->written < s->to_write) {
		uint64_t left = s->to_write - s->written;
		size_t n = left < s->write_most ? (size_t)left : s->write_most;
		struct lull_span span = {text, n};
		long sent;
		int flags;

		if (s->write_ns > w->now_ns)
			return;
		sim_fill(s->id, s->written, text, n);
		flags = flags_of(w, s, left == n);
		sent = lull_sock_send(shard_of(w, s), s->sock, &span, 1, flags);
		if (sent == -EAGAIN)
			return;
		if (sent < 0) {
			s->broke = true;
			let_go(w, s);
			return;
		}
		s->written += (uint64_t)sent;
		if (flags & LULL_MSG_EOR && (size_t)sent == n)
			rules_ends_record(w->rules, s);
		if (s->write_pause_ns)
			s->write_ns = w->now_ns + s->write_pause_ns;
		if (s->plan == PLAN_ABORT && sim_chance(w, 50)) {
			break_off(w, s);
			return;
		}
	}
	if (!s->open || s->wrote_fin || s->leaks)
		return;
	if (s->plan == PLAN_ABORT)
		break_off(w, s);
	else
		finish(w, s);
}

static void at_eof(struct world *w, struct side *s)
{
	if (s->eof)
		return;
	sim_check_eof(w, s);
	if (s->written < s->to_write || s->leaks)
		return; /* half-closed: go on writing */
	s->wrote_fin = true;
	let_go(w, s);
}

static void read_some(struct world *w, struct side *s)
{
	uint8_t text[65536];
	long n;

	while (s->open && !s->eof) {
		n = lull_sock_recv(shard_of(w, s), s->sock, text, s->read_most);
		if (n == -EAGAIN)
			return;
		if (n < 0) {
			s->broke = true;
			let_go(w, s);
			return;
		}
		if (n == 0) {
			at_eof(w, s);
			return;
		}
		sim_check_read(w, s, text, (size_t)n);
		if (s->pause_ns) {
			s->read_ns = w->now_ns + s->pause_ns;
			return;
		}
	}
}

/* When there is something to do again that no event tells of. */
static uint64_t next_wake(const struct world *w, const struct side *s)
{
	uint64_t next = UINT64_MAX;

	if (s->open && s->connected && s->read_ns > w->now_ns)
		next = s->read_ns;
	if (s->open && s->connected && s->write_ns > w->now_ns &&
	    s->write_ns < next)
		next = s->write_ns;
	return next;
}

/* After end of file with all written there is nothing left to do. */
static void act(struct world *w, struct side *s)
{
	if (s->open && s->connected)
		write_some(w, s);
	if (s->open && s->connected && s->read_ns <= w->now_ns && !s->deaf)
		read_some(w, s);
	if (s->open && s->eof && s->written == s->to_write && !s->leaks) {
		s->wrote_fin = true;
		let_go(w, s);
	}
	s->wake_ns = next_wake(w, s);
}

void sim_wake(struct world *w, struct side *s)
{
	s->wake_ns = UINT64_MAX;
	act(w, s);
}

void sim_programs_quiet(struct world *w)
{
	for (int i = 0; i < w->sides; i++) {
		struct side *s = &w->side[i];

		if (s->open && (s->leaks || s->deaf))
			s->wake_ns = w->now_ns;
		s->leaks = s->deaf = false;
	}
}

/* ---- connections ---- */

/* The client that has this pair now: the newest. */
static struct side *client_of(struct world *w, const struct side *server)
{
	struct lull_endpoint remote = server->remote;
	uint64_t sent_ns =
		middle_inner(w, server->host, wire_irs(w, server), &remote);

	for (int i = w->sides - 1; i >= 0; i--) {
		struct side *c = &w->side[i];

		if (c->client && c->born_ns <= sent_ns &&
		    memcmp(&c->local, &remote, sizeof c->local) == 0 &&
		    memcmp(&c->remote, &server->local, sizeof c->remote) == 0)
			return c;
	}
	return NULL;
}

static void take_endpoints(struct world *w, struct side *s)
{
	struct lull_sock_info info = {.size = sizeof info};

	if (lull_sock_info(shard_of(w, s), s->sock, &info) < 0) {
		sim_fail(w, "no information about a new socket");
		return;
	}
	memset(&s->local, 0, sizeof s->local);
	memset(&s->remote, 0, sizeof s->remote);
	s->local.addr = info.local.addr;
	s->local.port = info.local.port;
	s->remote.addr = info.remote.addr;
	s->remote.port = info.remote.port;
}

/* false: it has no ends any more. */
static bool pair_up(struct world *w, struct side *s)
{
	struct side *c;

	take_endpoints(w, s);
	if (s->local.port == 0)
		return false;
	c = client_of(w, s);
	if (!c) {
		sim_fail(w, "accepted what nobody asked for");
		return false;
	}
	if (c->peer)
		sim_fail(w, "two connections for one");
	c->peer = s;
	s->peer = c;
	w->result->connections++;
	return true;
}

void sim_keep_alive(struct world *w, struct lull_shard *shard,
		    struct lull_sock sock)
{
	static const struct {
		enum lull_option option;
		int32_t value;
	} set[] = {
		{LULL_OPT_KEEPALIVE, 1},
		{LULL_OPT_KEEPIDLE, 20},
		{LULL_OPT_KEEPINTVL, 5},
		{LULL_OPT_KEEPCNT, 4},
	};

	for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
		if (lull_sock_set(shard, sock, set[i].option, &set[i].value,
				  sizeof set[i].value) < 0)
			sim_fail(w, "no keepalive for a new socket");
}

/* Urgent octets stay in the stream, so that every byte can be checked. */
static void set_habits(struct world *w, struct side *s)
{
	int32_t on = 1;

	if (sim_has(w, KIND_URGENT) &&
	    lull_sock_set(shard_of(w, s), s->sock, LULL_OPT_OOBINLINE, &on,
			  sizeof on) < 0)
		sim_fail(w, "urgent text can not be left in line");
	if (s->corks && lull_sock_set(shard_of(w, s), s->sock, LULL_OPT_CORK,
				      &on, sizeof on) < 0)
		sim_fail(w, "no cork for a new socket");
	if (s->write_most == 1 && sim_chance_of(w, KIND_BYTES, 50) &&
	    lull_sock_set(shard_of(w, s), s->sock, LULL_OPT_NODELAY, &on,
			  sizeof on) < 0)
		sim_fail(w, "no TCP_NODELAY for a new socket");
}

static void accept_one(struct world *w, int host, struct lull_sock sock)
{
	struct side *s = new_side(w, host, false);
	uint64_t cookie;

	if (!s) {
		lull_sock_abort(w->host[host].shard, sock);
		return;
	}
	cookie = cookie_of(w, s);
	s->sock = sock;
	s->connected = true;
	if (lull_sock_set(shard_of(w, s), sock, LULL_OPT_COOKIE, &cookie,
			  sizeof cookie) < 0)
		sim_fail(w, "no cookie for a new socket");
	sim_trace(w, "side %d accepted on host %d: plan %d, %lu bytes",
		  (int)(s - w->side), host, s->plan, s->to_write);
	if (!pair_up(w, s)) { /* it ended while it waited */
		s->broke = true;
		let_go(w, s);
		return;
	}
	sim_keep_alive(w, shard_of(w, s), s->sock);
	set_habits(w, s);
	sim_habit_accept(w, s);
	act(w, s);
}

static void accept_all(struct world *w, int host)
{
	struct host *h = &w->host[host];
	struct lull_sock sock;

	while (lull_sock_accept(h->shard, h->listener, 0, &sock) == 0)
		accept_one(w, host, sock);
}

/* One that can be reached; host 0 always can. */
static int draw_server(struct world *w, int from)
{
	int to = (from + 1 + (int)sim_below(w, (uint64_t)w->hosts - 1)) %
		 w->hosts;

	for (int i = 0; i < w->hosts; i++, to = (to + 1) % w->hosts)
		if (to != from && !middle_hides(w, to))
			return to;
	return -1;
}

void sim_begin(struct world *w)
{
	int from = (int)sim_below(w, (uint64_t)w->hosts);
	int to = draw_server(w, from);
	struct side *s = new_side(w, from, true);
	struct lull_connect c = {.size = sizeof c};
	int v6 = (int)sim_below(w, 2), e;

	if (!s)
		return;
	if (to < 0) { /* all others hide: one of them connects */
		to = from;
		from = (from + 1) % w->hosts;
		s->host = from;
	}
	if (w->host[from].down || !sim_is_awake(w, from)) {
		s->open = s->sure = false;
		return;
	}
	/* As a run loop does: its clock is read before programs act. */
	(void)lull_shard_run(w->host[from].shard, w->now_ns);
	c.remote.addr = w->host[to].addr[v6].addr;
	c.remote.port = PORT;
	c.cookie = cookie_of(w, s);
	if (sim_has(w, KIND_FEW_PORTS)) {
		c.local.addr = w->host[from].addr[v6].addr;
		c.local.port = (uint16_t)(5000 + sim_below(w, 4));
	}
	e = lull_sock_connect(w->host[from].shard, &c, &s->sock, NULL);
	sim_trace(w, "side %d connects host %d to %d: %d; plan %d, %lu bytes",
		  (int)(s - w->side), from, to, e, s->plan, s->to_write);
	if (e < 0) { /* the pair is in use, or there are limits */
		s->open = s->sure = false;
		return;
	}
	take_endpoints(w, s);
	sim_keep_alive(w, shard_of(w, s), s->sock);
	set_habits(w, s);
	sim_habit_begin(w, s);
}

static void on_event(struct world *w, int host, const struct lull_event *e)
{
	struct side *s;

	sim_hash(w, &e->bits, sizeof e->bits);
	if (e->cookie == LISTENER) {
		accept_all(w, host);
		return;
	}
	s = &w->side[e->cookie - FIRST_SIDE];
	sim_trace(w, "side %d: event %x error %d", (int)(s - w->side), e->bits,
		  e->error);
	if (e->bits & LULL_EVENT_CLOSED) {
		if (!s->lingers)
			sim_fail(w, "CLOSED for a side that doesn't linger");
		s->lingers = false;
		return;
	}
	if (!s->open) {
		sim_fail(w, "an event after close");
		return;
	}
	if (e->bits & LULL_EVENT_WRITE && !s->connected) {
		s->connected = true;
		take_endpoints(w, s); /* a port that was refused is changed */
	}
	if (e->bits & LULL_EVENT_ERROR && s->connected) {
		/* What came before the error may still be read. */
		s->read_most = 65536;
		s->pause_ns = s->read_ns = s->write_ns = 0;
		s->deaf = s->leaks = s->fills = false;
		act(w, s);
		if (s->open) { /* it had read the end already */
			s->broke = true;
			let_go(w, s);
		}
		return;
	}
	if (e->bits & LULL_EVENT_ERROR) {
		s->broke = true;
		let_go(w, s);
		return;
	}
	act(w, s);
}

void sim_gone(struct world *w, int host)
{
	for (int i = 0; i < w->sides; i++) {
		struct side *s = &w->side[i];

		if (s->host != host)
			continue;
		s->broke |= s->open;
		s->open = s->lingers = s->sure = false;
		s->wake_ns = UINT64_MAX;
	}
}

void sim_events(struct world *w, int host)
{
	struct lull_event e[32];
	int n;

	while ((n = lull_events_get(w->host[host].shard, e, 32)) > 0)
		for (int i = 0; i < n; i++)
			on_event(w, host, &e[i]);
}
