/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listen.c: listeners, and what arrives at one (3.10.7.2).
 *
 * A listener of one port, at one address or at any, is found by hash; those
 * on prefixes or ranges stand in one chain, `listen_wide`, that is walked.
 * The narrowest prefix wins, then the narrowest range.
 *
 * Overflow is Linux's: a full accept queue drops the SYN (ListenOverflows), a
 * full SYN queue sends a cookie (cookie.c), or with tcp_syncookies 0 drops it
 * too (TCPReqQFullDrop); drops move ListenDrops.
 *
 * Entry points: lull_tcp_listen, lull_listener_close, lull_listener_find,
 * lull_listener_has_port, lull_listen_arrives.
 */
#include "tcp/tcp.h"

enum {
	DEFERRED_MS = 63000, /* as long as five SYN-ACKs would be tried */
	LOOKS_MAX = 65536,   /* connections, for one listener that begins */
};

/* The chain of a port at an address, or at any address with NULL. */
static uint32_t *chain_at(const struct lull_tcp *t,
			  const struct lull_addr *local, uint16_t port)
{
	uint32_t h = port;

	for (int i = 0; local && i < 16; i += 4)
		h = h * 31 + ((uint32_t)local->b[i] << 24 |
			      (uint32_t)local->b[i + 1] << 16 |
			      (uint32_t)local->b[i + 2] << 8 | local->b[i + 3]);
	h *= 0x9e3779b1U; /* 2^32 / golden ratio: spread to the high bits */
	return &t->listen_hash[h >> 16 & t->listen_mask];
}

static bool takes_any_addr(const struct lull_prefix *p)
{
	return p->bits == 0 || (p->bits == 96 && lull_addr_is4(&p->addr));
}

/* Where a listener is to be found. */
static uint32_t *chain_of(struct lull_tcp *t, const struct lull_prefix *local,
			  uint16_t lo, uint16_t hi)
{
	if (lo == hi && takes_any_addr(local))
		return chain_at(t, NULL, lo);
	if (lo == hi && local->bits == 128)
		return chain_at(t, &local->addr, lo);
	return &t->listen_wide;
}

static bool fits(const struct lull_listener *l, const struct lull_spot *spot)
{
	if (spot->port < l->port_lo || spot->port > l->port_hi)
		return false;
	if (!spot->ours && !(l->flags & LULL_LISTEN_TRANSPARENT))
		return false;
	if (l->flags & LULL_LISTEN_V6ONLY && lull_addr_is4(&spot->addr))
		return false;
	return lull_prefix_covers(&l->local, &spot->addr);
}

/* Which of a group has most of this flow's luck: no other's coming or going
 * moves it. */
static uint32_t luck(uint32_t listener, uint32_t hash)
{
	uint32_t x = (hash ^ listener * 0x9e3779b1U) * 0x85ebca6bU;

	return (x ^ x >> 15) * 0xc2b2ae35U;
}

/* Is `a` to be preferred to `b`? */
static bool narrower(const struct lull_tcp *t, uint32_t a, uint32_t b,
		     uint32_t hash)
{
	const struct lull_listener *la = lull_listener_at(t, a);
	const struct lull_listener *lb = lull_listener_at(t, b);
	uint32_t ports_a = la->port_hi - la->port_lo;
	uint32_t ports_b = lb->port_hi - lb->port_lo;

	if (la->local.bits != lb->local.bits)
		return la->local.bits > lb->local.bits;
	if (ports_a != ports_b)
		return ports_a < ports_b;
	return la->flags & lb->flags & LULL_LISTEN_REUSEPORT &&
	       luck(a, hash) > luck(b, hash);
}

/* The best of a chain and of what was found before. */
static uint32_t narrowest(const struct lull_tcp *t, uint32_t chain,
			  const struct lull_spot *spot, uint32_t best)
{
	for (; chain; chain = lull_listener_at(t, chain)->next) {
		const struct lull_listener *l = lull_listener_at(t, chain);

		if (fits(l, spot) &&
		    (!best || narrower(t, chain, best, spot->hash)))
			best = chain;
	}
	return best;
}

uint32_t lull_listener_find(const struct lull_tcp *t,
			    const struct lull_spot *spot)
{
	uint32_t exact = *chain_at(t, &spot->addr, spot->port);
	uint32_t any = *chain_at(t, NULL, spot->port);
	uint32_t best = narrowest(t, exact, spot, 0);

	best = narrowest(t, any, spot, best);
	return narrowest(t, t->listen_wide, spot, best);
}

/* Those that stand in for strangers take what comes: they hold no port. */
static bool holds(const struct lull_tcp *t, uint32_t chain,
		  const struct lull_spot *spot)
{
	for (; chain; chain = lull_listener_at(t, chain)->next) {
		const struct lull_listener *l = lull_listener_at(t, chain);

		if (fits(l, spot) && !(l->flags & LULL_LISTEN_TRANSPARENT))
			return true;
	}
	return false;
}

bool lull_listener_has_port(const struct lull_tcp *t,
			    const struct lull_addr *local, uint16_t port)
{
	struct lull_spot spot = {.addr = *local, .port = port, .ours = true};

	return holds(t, *chain_at(t, local, port), &spot) ||
	       holds(t, *chain_at(t, NULL, port), &spot) ||
	       holds(t, t->listen_wide, &spot);
}

static bool same_place(const struct lull_listener *l,
		       const struct lull_prefix *p, uint16_t lo, uint16_t hi)
{
	return l->port_lo == lo && l->port_hi == hi &&
	       l->local.bits == p->bits &&
	       lull_prefix_covers(p, &l->local.addr);
}

/* ---- profile linux: inet_csk_bind_conflict() ---- */

/* Whoever has a port at one of these addresses. */
struct claim {
	const struct lull_prefix *local;
	uint16_t lo, hi;
	bool v6only;
	bool reuse; /* with SO_REUSEADDR: only who has not stands in the way */
	uint32_t looks; /* that are left: no turn shall be long */
};

static bool is_in_way(const struct claim *c, const struct lull_tuple *tuple,
		      bool reuseaddr)
{
	return tuple->lport >= c->lo && tuple->lport <= c->hi &&
	       !(c->reuse && reuseaddr) &&
	       !(c->v6only && lull_addr_is4(&tuple->local)) &&
	       lull_prefix_covers(c->local, &tuple->local);
}

static bool live_in_way(const struct lull_tcp *t, struct claim *c)
{
	for (uint32_t i = 1; i < t->tcbs.fresh && c->looks > 0; i++) {
		const struct lull_tcb *tcb = lull_tcb_at(t, i);

		c->looks--;
		if (tcb->state && tcb->flags & LULL_TCB_BOUND &&
		    is_in_way(c, &tcb->tuple, tcb->flags & LULL_TCB_REUSEADDR))
			return true;
	}
	return false;
}

static bool closing_in_way(const struct lull_tcp *t, bool v6, uint8_t length,
			   struct claim *c)
{
	enum lull_kind kind = v6 ? LULL_KIND_CLOSING6 : LULL_KIND_CLOSING4;
	const struct lull_list *f = &t->closing[v6].fifo[length];

	for (uint32_t i = f->head; i && c->looks > 0;
	     i = lull_list_at(f, i)->next) {
		uint32_t name = lull_name(kind, i);
		struct lull_tuple tuple;

		c->looks--;
		lull_closing_tuple(t, name, &tuple);
		if (is_in_way(c, &tuple,
			      lull_closing_at(t, name)->head.tos &
				      LULL_CLOSING_REUSEADDR))
			return true;
	}
	return false;
}

/*
 * Whoever has the port at one of these addresses, and the newcomer, must have
 * SO_REUSEADDR. The counts are by port alone: only what is at other addresses
 * is looked for one by one, and taken for a hindrance where it is too many.
 */
static bool has_hard_flows(const struct lull_tcp *t,
			   const struct lull_listen *listen, uint16_t hi)
{
	struct claim c = {
		.local = &listen->local,
		.lo = listen->port_lo,
		.hi = hi,
		.v6only = listen->flags & LULL_LISTEN_V6ONLY,
		.reuse = listen->flags & LULL_LISTEN_REUSEADDR,
		.looks = LOOKS_MAX,
	};
	uint64_t n = 0;

	if (t->g->profile != LULL_PROFILE_LINUX)
		return false;
	for (uint32_t p = c.lo; p <= hi; p++)
		n += c.reuse ? t->port_use[p].hard : t->port_use[p].flows;
	if (n == 0 || live_in_way(t, &c))
		return n > 0;
	for (uint8_t k = 0; k < 2 * LULL_LENGTHS; k++)
		if (closing_in_way(t, k & 1, k / 2, &c))
			return true;
	return c.looks == 0;
}

static bool is_taken(const struct lull_tcp *t, const struct lull_listen *listen,
		     uint16_t hi, uint32_t chain)
{
	for (; chain; chain = lull_listener_at(t, chain)->next) {
		const struct lull_listener *l = lull_listener_at(t, chain);

		if (same_place(l, &listen->local, listen->port_lo, hi) &&
		    !(l->flags & listen->flags & LULL_LISTEN_REUSEPORT))
			return true;
	}
	return has_hard_flows(t, listen, hi);
}

int lull_tcp_listen(struct lull_tcp *t, const struct lull_listen *listen,
		    uint32_t user)
{
	uint16_t hi = listen->port_hi ? listen->port_hi : listen->port_lo;
	uint32_t *chain = chain_of(t, &listen->local, listen->port_lo, hi);
	struct lull_listener *l;
	uint32_t i;

	if (is_taken(t, listen, hi, *chain))
		return -EADDRINUSE;
	i = lull_slab_get(&t->listeners);
	if (!i)
		return -ENFILE;
	l = lull_listener_at(t, i);
	*l = (struct lull_listener){
		.next = *chain,
		.local = listen->local,
		.port_lo = listen->port_lo,
		.port_hi = hi,
		.gen = (uint16_t)(l->gen + 1),
		.flags = (uint8_t)listen->flags,
		.live = true,
		.user = user,
		.backlog = lull_min(listen->backlog,
				    (uint32_t)t->g->knobs.somaxconn),
	};
	lull_list_init(&l->accept, &lull_user_at(t, 0)->accept,
		       sizeof(struct lull_user));
	*chain = i;
	lull_user_at(t, user)->name = lull_name(LULL_KIND_LISTENER, i);
	lull_tcp_moved(t,
		       &(struct lull_tuple){.local = listen->local.addr,
					    .lport = listen->port_lo},
		       LULL_TCP_CLOSED, LULL_TCP_LISTEN, lull_seq(0),
		       lull_seq(0));
	return 0;
}

/* Those that wait get RST; half-open ones find nobody when their ACK comes. */
void lull_listener_close(struct lull_tcp *t, uint32_t i)
{
	struct lull_listener *l = lull_listener_at(t, i);
	uint32_t *link = chain_of(t, &l->local, l->port_lo, l->port_hi);
	uint32_t user;

	while ((user = lull_list_pop(&l->accept))) {
		uint32_t name = lull_user_at(t, user)->name;

		if (name)
			lull_tcp_reset(t, lull_tcb_at(t, lull_name_index(name)),
				       0);
		lull_user_free(t, user);
	}
	while (*link != i)
		link = &lull_listener_at(t, *link)->next;
	*link = l->next;
	l->live = false;
	lull_user_at(t, l->user)->name = 0;
	lull_tcp_moved(t,
		       &(struct lull_tuple){.local = l->local.addr,
					    .lport = l->port_lo},
		       LULL_TCP_LISTEN, LULL_TCP_CLOSED, lull_seq(0),
		       lull_seq(0));
	lull_slab_put(&t->listeners, i);
}

bool lull_listener_is_full(const struct lull_listener *l)
{
	return l->accept.len > l->backlog; /* Linux's > : backlog 1 takes 2 */
}

/* Is there room for one more SYN? */
static enum lull_drop admit(const struct lull_tcp *t,
			    const struct lull_listener *l)
{
	int64_t most = t->g->knobs.max_syn_backlog;

	/* tcp_conn_request(): three quarters, and not at all with cookies */
	if (t->g->profile == LULL_PROFILE_LINUX)
		most = t->g->knobs.syncookies ? INT64_MAX
					      : most - (most >> 2) + 1;
	if (lull_listener_is_full(l))
		return LULL_DROP_LISTEN_ACCEPT_FULL;
	if (l->halves >= l->backlog + 1 || l->halves >= most)
		return LULL_DROP_LISTEN_SYN_FULL;
	return LULL_DROP_NONE;
}

static uint16_t peer_mss(const struct lull_tcp *t, const struct lull_seg *syn)
{
	bool v6 = !lull_addr_is4(&syn->tuple.local);
	/* MUST-15 */
	uint32_t mss = syn->mss ? syn->mss : v6 ? 1220 : 536;

	mss = lull_max(mss, (uint32_t)t->g->knobs.min_snd_mss);
	return (uint16_t)lull_min(mss, lull_mss_for(t, v6));
}

static void fill_half(struct lull_tcp *t, struct lull_half *h,
		      const struct lull_seg *syn,
		      const struct lull_reopen *reopen)
{
	const struct lull_knobs *k = &t->g->knobs;
	struct lull_secret secret = lull_secret_of(t, &syn->tuple);

	*h = (struct lull_half){
		.tuple = syn->tuple,
		.irs = syn->seq,
		.iss = lull_seq(reopen ? lull_isn_above(t, secret, reopen->used)
				       : secret.isn),
		.ts_recent = syn->tsval,
		.ts_offset = secret.ts_offset,
		.mss = peer_mss(t, syn),
		.wnd = syn->wnd,
		.tos = syn->tos,
		.live = true,
	};
	if (syn->has_ts && k->timestamps)
		h->flags |= LULL_HALF_TS;
	if (syn->sack_ok && k->sack)
		h->flags |= LULL_HALF_SACK;
	if (syn->wscale != LULL_NO_WSCALE && k->window_scaling) {
		h->flags |= LULL_HALF_WSCALE;
		h->snd_wscale = syn->wscale;
	}
	if (lull_ecn_is_asked(t, syn))
		h->flags |= LULL_HALF_ECN;
	if (reopen && reopen->back)
		h->flags |= LULL_HALF_BACK;
}

/* A listener with TCP_MAXSEG accepts connections of that size. */
static void belong_to(const struct lull_tcp *t, struct lull_half *h,
		      const struct lull_listener *l)
{
	h->listener = (uint16_t)(l - lull_listener_at(t, 0));
	h->listener_gen = l->gen;
	if (l->user_mss && l->user_mss < h->mss)
		h->mss = l->user_mss;
}

/* From a TIME_WAIT, which stays as a shadow; Linux forgets it. */
static void take_pair(struct lull_tcp *t, uint32_t record, uint32_t hash,
		      uint32_t i)
{
	uint32_t name = lull_name(LULL_KIND_HALF, i);

	lull_count(t->g, LULL_COUNT_SYN_REOPENED);
	if (t->g->profile == LULL_PROFILE_LINUX) {
		lull_table_swap(&t->flows, hash, record, name);
		lull_closing_del(t, record, true);
	} else {
		lull_shadow_cast(t, record, hash, name);
		lull_half_at(t, i)->shadow = record;
	}
}

/* A half-open connection in the table; a record that it replaces leaves. */
static uint32_t new_half(struct lull_tcp *t, const struct lull_seg *syn,
			 const struct lull_reopen *reopen)
{
	uint32_t i = lull_slab_get(&t->halves);
	uint32_t name = lull_name(LULL_KIND_HALF, i);

	if (!i)
		return 0;
	fill_half(t, lull_half_at(t, i), syn, reopen);
	if (reopen) {
		take_pair(t, reopen->name, syn->hash, i);
	} else if (!lull_table_put(&t->flows, syn->hash, name)) {
		lull_half_at(t, i)->live = false;
		lull_slab_put(&t->halves, i);
		return 0;
	}
	lull_tcp_moved(t, &syn->tuple, LULL_TCP_CLOSED, LULL_TCP_SYN_RECEIVED,
		       lull_half_at(t, i)->iss, lull_seq_add(syn->seq, 1));
	return i;
}

/* There is no room for this SYN: may it be answered with a cookie? */
static bool may_cookie(const struct lull_tcp *t, const struct lull_listener *l,
		       const struct lull_reopen *reopen)
{
	return t->g->knobs.syncookies && !reopen &&
	       !(l->flags & LULL_LISTEN_DEFER);
}

static enum lull_drop send_cookie(struct lull_tcp *t, struct lull_listener *l,
				  const struct lull_seg *syn)
{
	struct lull_half h;

	fill_half(t, &h, syn, NULL);
	belong_to(t, &h, l);
	return lull_cookie_send(t, l, &h) ? LULL_DROP_NONE
					  : LULL_DROP_LISTEN_SYN_FULL;
}

/* Admit a SYN. 0, or why not. */
static enum lull_drop take_syn(struct lull_tcp *t, uint32_t listener,
			       const struct lull_seg *syn,
			       const struct lull_reopen *reopen)
{
	struct lull_listener *l = lull_listener_at(t, listener);
	bool defer = l->flags & LULL_LISTEN_DEFER;
	bool cookie = may_cookie(t, l, reopen);
	enum lull_drop why = admit(t, l);
	uint32_t user = 0, i;

	if (cookie && (why == LULL_DROP_LISTEN_SYN_FULL ||
		       (!why && t->g->knobs.syncookies == 2)))
		return send_cookie(t, l, syn);
	if (why)
		return why;
	if (defer) {
		user = lull_user_new(t, LULL_USER_SYN,
				     lull_user_at(t, l->user)->cookie);
		if (!user)
			return LULL_DROP_LISTEN_NO_CONN;
	}
	i = new_half(t, syn, reopen);
	if (!i) {
		if (user)
			lull_user_free(t, user);
		return cookie ? send_cookie(t, l, syn)
			      : LULL_DROP_LISTEN_NO_HALF;
	}

	struct lull_half *h = lull_half_at(t, i);
	uint32_t name = lull_name(LULL_KIND_HALF, i);

	belong_to(t, h, l);
	l->halves++;
	if (!defer) {
		lull_half_send_syn_ack(t, i);
		lull_wheel_set(&t->wheel, name,
			       lull_in_ms(t->g, LULL_SYN_ACK_MS));
		return LULL_DROP_NONE;
	}
	h->user = user;
	h->answer = LULL_HALF_AWAITED;
	lull_user_at(t, user)->name = name;
	lull_user_news(t, user, LULL_EVENT_SYN);
	lull_wheel_set(&t->wheel, name, lull_in_ms(t->g, DEFERRED_MS));
	return LULL_DROP_NONE;
}

bool lull_listen_arrives(struct lull_tcp *t, uint32_t listener,
			 const struct lull_seg *seg,
			 const struct lull_reopen *reopen)
{
	enum lull_drop why;

	/* First, check for a RST; second, for an ACK; third, for a SYN. */
	if (seg->flags & LULL_RST) {
		lull_refuse(t, seg, LULL_DROP_LISTEN_RST);
		return false;
	}
	if (seg->flags & LULL_ACK) {
		lull_refuse(t, seg, LULL_DROP_LISTEN_ACK);
		lull_reply_rst(t, seg);
		return false;
	}
	if (!(seg->flags & LULL_SYN)) {
		lull_refuse(t, seg, LULL_DROP_LISTEN_NO_SYN);
		return false;
	}
	/* Text that came with the SYN comes again (3.10.7.2 would queue it). */
	why = take_syn(t, listener, seg, reopen);
	if (why) {
		lull_refuse(t, seg, why);
		lull_count(t->g, LULL_COUNT_LISTEN_DROPS);
	}
	return !why;
}
