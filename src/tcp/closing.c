/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * closing.c: where closing records are kept, and how they end.
 *
 * Records of one length expire in the order in which they began, so each
 * length has a FIFO: to insert, to restart (to the tail), to expire and to
 * find the oldest are all O(1), and one look at each head tells when the next
 * ends. There are LULL_LENGTHS lengths at a time; a further one is rounded up
 * to one that is in use; nobody's time is cut short.
 *
 * When none is free the oldest is ended (profile linux: the new one).
 *
 * They may lie in a file that outlives the process (restore.c, docs/state.md),
 * so each store leaves them fit to be found as they are: a body before its
 * commit, and then one aligned word at a time.
 *
 * Entry points: lull_closing_init, _make, _put, _restart, _fin, _del, _saw,
 * _answered, _flag, _head, _expire, _deadline_ms, _left_ms, _age_ms, _at,
 * _tuple, _check, _is, _prefetch, _prefetch_beside.
 */
#include "tcp/tcp.h"

#define SHORT_MS 4000 /* Linux counts these as TWKilled */
#define AHEAD	 16   /* records that end together: more don't fit the cache */

void lull_closing_init(struct lull_tcp *t, const struct lull_limits *limits,
		       const struct lull_tcp_memory *m)
{
	static const char name[2][16] = {"closing IPv4", "closing IPv6"};
	const uint32_t limit[2] = {limits->closing, limits->closing6};

	t->region = (struct lull_closing_region *)(void *)m->records[0];
	for (int v6 = 0; v6 < 2; v6++) {
		struct lull_closing_pool *p = &t->closing[v6];

		lull_slab_init(&p->links, m->links[v6],
			       sizeof(struct lull_links), limit[v6], &name[v6]);
		p->records = m->records[v6];
		p->stride = v6 ? sizeof(struct lull_closing6)
			       : sizeof(struct lull_closing4);
		p->before = p->stride - (uint32_t)sizeof(struct lull_closing);
		for (int k = 0; k < LULL_LENGTHS; k++)
			lull_list_init(&p->fifo[k], m->links[v6],
				       sizeof(struct lull_links));
	}
}

static bool is_v6(uint32_t name)
{
	return lull_name_kind(name) == LULL_KIND_CLOSING6;
}

static uint32_t name_of(bool v6, uint32_t i)
{
	return lull_name(v6 ? LULL_KIND_CLOSING6 : LULL_KIND_CLOSING4, i);
}

static uint8_t *record_at(const struct lull_tcp *t, uint32_t name)
{
	const struct lull_closing_pool *p = &t->closing[is_v6(name)];

	return p->records + (size_t)p->stride * lull_name_index(name);
}

struct lull_closing *lull_closing_at(const struct lull_tcp *t, uint32_t name)
{
	return (struct lull_closing *)(void *)(record_at(t, name) +
					       t->closing[is_v6(name)].before);
}

void lull_closing_tuple(const struct lull_tcp *t, uint32_t name,
			struct lull_tuple *tuple)
{
	const struct lull_closing *c = lull_closing_at(t, name);
	const uint8_t *addrs = record_at(t, name);

	if (is_v6(name)) {
		memcpy(tuple->local.b, addrs, 16);
		memcpy(tuple->remote.b, addrs + 16, 16);
	} else {
		lull_addr_map4(&tuple->local, addrs);
		lull_addr_map4(&tuple->remote, addrs + 4);
	}
	tuple->lport = c->lport;
	tuple->rport = c->rport;
}

void lull_closing_prefetch(const struct lull_tcp *t, uint32_t name, bool links)
{
	const struct lull_closing_pool *p = &t->closing[is_v6(name)];

	const uint8_t *record = record_at(t, name);

	/* Half of them lie in two cache lines. */
	__builtin_prefetch(record);
	__builtin_prefetch(record + p->stride - 1);
	if (links)
		__builtin_prefetch(
			lull_list_at(&p->fifo[0], lull_name_index(name)));
}

void lull_closing_prefetch_beside(const struct lull_tcp *t, uint32_t name)
{
	const struct lull_list *any = &t->closing[is_v6(name)].fifo[0];
	const struct lull_links *at = lull_list_at(any, lull_name_index(name));

	__builtin_prefetch(lull_list_at(any, at->prev), 1);
	__builtin_prefetch(lull_list_at(any, at->next), 1);
}

bool lull_closing_is(const struct lull_tcp *t, uint32_t name,
		     const struct lull_tuple *tuple)
{
	const struct lull_closing *c = lull_closing_at(t, name);
	const uint8_t *addrs = record_at(t, name);

	if (c->lport != tuple->lport || c->rport != tuple->rport)
		return false;
	if (is_v6(name))
		return memcmp(addrs, tuple->local.b, 16) == 0 &&
		       memcmp(addrs + 16, tuple->remote.b, 16) == 0;
	return memcmp(addrs, tuple->local.b + 12, 4) == 0 &&
	       memcmp(addrs + 4, tuple->remote.b + 12, 4) == 0 &&
	       lull_addr_is4(&tuple->local) && lull_addr_is4(&tuple->remote);
}

/* A class for a length that has none: a free one, or the next longer. */
static uint8_t new_class(struct lull_tcp *t, uint32_t len_ms)
{
	int unused = -1, longer = -1, longest = 0;

	for (int k = 0; k < LULL_LENGTHS; k++) {
		bool empty = !t->closing[0].fifo[k].len &&
			     !t->closing[1].fifo[k].len;

		if (empty)
			unused = k;
		if (t->length_ms[k] > len_ms &&
		    (longer < 0 || t->length_ms[k] < t->length_ms[longer]))
			longer = k;
		if (t->length_ms[k] > t->length_ms[longest])
			longest = k;
	}
	if (unused >= 0) {
		t->length_ms[unused] = len_ms;
		t->grown &= (uint16_t) ~(1U << unused);
		return (uint8_t)unused;
	}
	if (longer >= 0)
		return (uint8_t)longer;
	/* None is long enough: the longest grows, and stays in order. */
	t->length_ms[longest] = len_ms;
	t->grown |= (uint16_t)(1U << longest);
	return (uint8_t)longest;
}

static uint8_t class_of(struct lull_tcp *t, uint32_t len_ms)
{
	for (int k = 0; k < LULL_LENGTHS; k++)
		if (t->length_ms[k] == len_ms)
			return (uint8_t)k;
	return new_class(t, len_ms);
}

/* ---- stores ---- */

/* A test looks at the region after each one. */
static void stored(const struct lull_tcp *t, const void *at, size_t bytes)
{
	if (LULL_CHECKS && t->stored)
		t->stored(t->stored_arg, at, bytes);
}

#define STORE(t, field, value) \
	((field) = (value), stored(t, &(field), sizeof(field)))

/* One aligned store: a mapped record is never seen with half of it. */
static void set_life(const struct lull_tcp *t, struct lull_closing *c,
		     uint32_t expiry_ms, uint32_t ts)
{
	struct lull_closing_life life = {expiry_ms, ts};

	_Static_assert(sizeof life == 8 &&
			       offsetof(struct lull_closing, life) % 8 == 0,
		       "the life of a record is one aligned word");
	__atomic_store(&c->life, &life, __ATOMIC_RELAXED);
	stored(t, &c->life, sizeof life);
}

/* One aligned store, and all of the body before it. */
void lull_closing_head(const struct lull_tcp *t, struct lull_closing *c,
		       struct lull_closing_head head)
{
	_Static_assert(sizeof head == 8 &&
			       offsetof(struct lull_closing, head) % 8 == 0,
		       "the head of a record is one aligned word");
	__atomic_store(&c->head, &head, __ATOMIC_RELEASE);
	stored(t, &c->head, sizeof head);
}

/* To which millisecond an `expiry_ms`, that wraps, is near. */
static void set_wrote(const struct lull_tcp *t)
{
	__atomic_store_n(&t->region->wrote_ms, t->g->now_ms, __ATOMIC_RELAXED);
	stored(t, &t->region->wrote_ms, sizeof t->region->wrote_ms);
}

uint16_t lull_closing_check(const struct lull_closing *c,
			    struct lull_closing_head head, uint32_t hash)
{
	uint32_t fixed = head.flags &
			 (uint8_t) ~(LULL_CLOSING_ACTIVE | LULL_CLOSING_SHADOW |
				     LULL_CLOSING_LAPPED);
	uint32_t v = (hash ^ c->snd_nxt.v) * 0x9e3779b1U;

	v ^= v >> 15;
	v = (v ^ (c->wnd | (uint32_t)c->timewait_len_s << 16)) * 0x9e3779b1U;
	v ^= v >> 15;
	v = (v ^ (head.tos | fixed << 8)) * 0x85ebca6bU;
	return (uint16_t)(v >> 16);
}

void lull_closing_answered(const struct lull_tcp *t, struct lull_closing *c,
			   uint16_t now_ms)
{
	STORE(t, c->answered_ms, now_ms);
}

/* ---- which ends first ---- */

uint32_t lull_closing_left_ms(const struct lull_tcp *t,
			      const struct lull_closing *c)
{
	int32_t left = (int32_t)(c->life.expiry_ms - (uint32_t)t->g->now_ms);

	return left > 0 ? (uint32_t)left : 0;
}

uint32_t lull_closing_age_ms(const struct lull_tcp *t,
			     const struct lull_closing *c)
{
	uint32_t length_ms = t->length_ms[c->head.length];
	uint32_t left_ms = lull_closing_left_ms(t, c);

	/* Some of a class that grew are younger than that would tell. */
	if (t->grown >> c->head.length & 1 || left_ms > length_ms)
		return 0;
	return length_ms - left_ms;
}

/* The head of all FIFOs of one family that ends first, or 0. */
static uint32_t oldest(const struct lull_tcp *t, bool v6)
{
	uint32_t best = 0, best_ms = UINT32_MAX;

	for (int k = 0; k < LULL_LENGTHS; k++) {
		uint32_t i = t->closing[v6].fifo[k].head;
		uint32_t left;

		if (!i)
			continue;
		left = lull_closing_left_ms(t,
					    lull_closing_at(t, name_of(v6, i)));
		if (!best || left < best_ms) {
			best = i;
			best_ms = left;
		}
	}
	return best ? name_of(v6, best) : 0;
}

/* The oldest record whose end makes room for one of this family, or 0. */
static uint32_t victim_for(const struct lull_tcp *t, bool v6)
{
	uint32_t same = oldest(t, v6), other = oldest(t, !v6);
	const struct lull_slab *s = &t->closing[v6].links;

	if (s->used == s->limit || !other) /* the family's own is full */
		return same;
	if (!same) /* one cap for both */
		return other;
	return lull_closing_left_ms(t, lull_closing_at(t, other)) <
			       lull_closing_left_ms(t, lull_closing_at(t, same))
		       ? other
		       : same;
}

/* A free place, if need be the oldest's; 0: none. */
static uint32_t get_place(struct lull_tcp *t, bool v6)
{
	struct lull_slab *s = &t->closing[v6].links;
	uint32_t used = t->closing[0].links.used + t->closing[1].links.used;
	uint32_t i = 0, victim;

	if (used < t->g->knobs.max_tw_buckets)
		i = lull_slab_get(s);
	if (i)
		return i;
	if (t->g->profile == LULL_PROFILE_LINUX)
		goto overflow;
	victim = victim_for(t, v6);
	if (!victim)
		goto overflow;
	lull_count(t->g,
		   lull_closing_at(t, victim)->head.commit == LULL_TCP_TIME_WAIT
			   ? LULL_COUNT_TW_EVICTED
			   : LULL_COUNT_FIN_WAIT_2_EVICTED);
	lull_closing_del(t, victim, false);
	i = lull_slab_get(s);
	if (i)
		return i;
overflow:
	lull_count(t->g, LULL_COUNT_TIME_WAIT_OVERFLOW);
	return 0;
}

/* All but its life and its head: a free record, or it would be seen torn. */
static void fill(struct lull_tcp *t, uint32_t name,
		 const struct lull_closing_new *from,
		 struct lull_closing_head head, uint32_t hash)
{
	struct lull_closing *c = lull_closing_at(t, name);
	uint8_t *addrs = record_at(t, name);
	uint32_t bytes = is_v6(name) ? 16 : 4;

	/* That it is free stands there before anything is written over. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(addrs, from->tuple.local.b + 16 - bytes, bytes);
	stored(t, addrs, bytes);
	memcpy(addrs + bytes, from->tuple.remote.b + 16 - bytes, bytes);
	stored(t, addrs + bytes, bytes);
	STORE(t, c->lport, from->tuple.lport);
	STORE(t, c->rport, from->tuple.rport);
	STORE(t, c->snd_nxt, from->snd_nxt);
	STORE(t, c->wnd, from->wnd);
	STORE(t, c->answered_ms, 0);
	STORE(t, c->timewait_len_s, from->timewait_len_s);
	STORE(t, c->check, lull_closing_check(c, head, hash));
}

/* Into the FIFO of its length, to live that long from now. */
static uint8_t begin(struct lull_tcp *t, uint32_t name, uint32_t ts_recent,
		     uint32_t len_ms)
{
	struct lull_closing *c = lull_closing_at(t, name);
	uint8_t k = class_of(t, len_ms);

	if (!t->closing[0].fifo[k].len && !t->closing[1].fifo[k].len)
		t->grown &= (uint16_t) ~(1U << k); /* nobody is younger */
	set_wrote(t);
	set_life(t, c, lull_in_ms(t->g, t->length_ms[k]), ts_recent);
	lull_list_push(&t->closing[is_v6(name)].fifo[k], lull_name_index(name));
	return k;
}

uint32_t lull_closing_make(struct lull_tcp *t,
			   const struct lull_closing_new *from, uint32_t hash,
			   uint32_t replaced, enum lull_tcp_state state,
			   uint32_t len_ms)
{
	bool v6 = !lull_addr_is4(&from->tuple.local);
	uint32_t i = get_place(t, v6), name = name_of(v6, i);
	struct lull_closing_head head = {
		.rcv_nxt = from->rcv_nxt,
		.tos = from->tos,
		.flags = from->flags,
		.commit = (uint8_t)state,
	};

	if (!i)
		return 0;
	if (replaced) {
		lull_table_swap(&t->flows, hash, replaced, name);
	} else if (!lull_table_put(&t->flows, hash, name)) {
		lull_slab_put(&t->closing[v6].links, i);
		return 0;
	}
	/* A connection's own is counted already; lull_closing_put() moves it.
	 */
	if (!replaced && head.flags & LULL_CLOSING_ACTIVE &&
	    !lull_dest_record(t, &from->tuple))
		head.flags &= (uint8_t)~LULL_CLOSING_ACTIVE;
	fill(t, name, from, head, hash);
	head.length = begin(t, name, from->ts_recent, len_ms);
	lull_closing_head(t, lull_closing_at(t, name), head);
	lull_port_count(t, from->tuple.lport, head.tos & LULL_CLOSING_REUSEADDR,
			1);
	lull_count(t->g,
		   len_ms <= SHORT_MS ? LULL_COUNT_TW_KILLED : LULL_COUNT_TW);
	return name;
}

static struct lull_closing_new what_remains(const struct lull_tcp *t,
					    const struct lull_tcb *tcb)
{
	uint32_t wnd = lull_seq_sub(tcb->rcv.edge, tcb->rcv.nxt);
	uint32_t flags = (uint32_t)tcb->opt.rcv_wscale
			 << LULL_CLOSING_WSCALE_SHIFT;
	uint32_t tos = lull_tcb_cold(t, tcb)->tos;

	flags |= tcb->flags & LULL_TCB_TS ? LULL_CLOSING_TS : 0;
	flags |= lull_tcb_cold(t, tcb)->dest ? LULL_CLOSING_ACTIVE : 0;
	flags |= tcb->quarters >= 4 ? LULL_CLOSING_LAPPED : 0;
	tos |= tcb->flags & LULL_TCB_REUSEADDR ? LULL_CLOSING_REUSEADDR : 0;
	tos |= tcb->flags & LULL_TCB_BACK ? LULL_CLOSING_BACK : 0;
	return (struct lull_closing_new){
		.tuple = tcb->tuple,
		.snd_nxt = tcb->snd.nxt,
		.rcv_nxt = tcb->rcv.nxt,
		.ts_recent = tcb->opt.ts_recent,
		.wnd = (uint16_t)(wnd >> tcb->opt.rcv_wscale),
		.timewait_len_s = lull_tcb_cold(t, tcb)->timewait_len_s,
		.tos = (uint8_t)tos,
		.flags = (uint8_t)flags,
	};
}

uint32_t lull_closing_put(struct lull_tcp *t, struct lull_tcb *tcb,
			  enum lull_tcp_state state, uint32_t len_ms)
{
	struct lull_closing_new from = what_remains(t, tcb);
	struct lull_tcb_cold *cold = lull_tcb_cold(t, tcb);
	uint32_t name = lull_closing_make(t, &from, tcb->hash,
					  lull_name(LULL_KIND_TCB,
						    lull_tcb_index(t, tcb)),
					  state, len_ms);

	if (!name)
		return 0;
	if (cold->dest)
		lull_dest_closing(t, cold->dest, tcb->tuple.lport,
				  lull_rtt_timeout_ms(t, tcb));
	cold->dest = 0;
	if (state != (enum lull_tcp_state)tcb->state)
		lull_tcp_moved(t, &tcb->tuple, (enum lull_tcp_state)tcb->state,
			       state, from.snd_nxt, from.rcv_nxt);
	if (tcb->user)
		lull_user_ended(t, tcb->user, 0);
	lull_tcb_free(t, tcb);
	return name;
}

/* To the tail of the FIFO of a length. */
static uint8_t begin_anew(struct lull_tcp *t, uint32_t name, uint32_t len_ms)
{
	const struct lull_closing *c = lull_closing_at(t, name);

	lull_list_del(&t->closing[is_v6(name)].fifo[c->head.length],
		      lull_name_index(name));
	return begin(t, name, c->life.ts_recent, len_ms);
}

void lull_closing_restart(struct lull_tcp *t, uint32_t name, uint32_t len_ms)
{
	struct lull_closing *c = lull_closing_at(t, name);
	struct lull_closing_head head = c->head;

	head.length = begin_anew(t, name, len_ms);
	lull_closing_head(t, c, head);
}

void lull_closing_fin(struct lull_tcp *t, uint32_t name, uint32_t len_ms)
{
	struct lull_closing *c = lull_closing_at(t, name);
	struct lull_closing_head head = c->head;
	struct lull_tuple tuple;

	head.rcv_nxt = lull_seq_add(head.rcv_nxt, 1);
	head.commit = LULL_TCP_TIME_WAIT;
	head.length = begin_anew(t, name, len_ms);
	lull_closing_head(t, c, head);
	lull_closing_tuple(t, name, &tuple);
	lull_tcp_moved(t, &tuple, LULL_TCP_FIN_WAIT_2, LULL_TCP_TIME_WAIT,
		       c->snd_nxt, head.rcv_nxt);
}

void lull_closing_saw(const struct lull_tcp *t, struct lull_closing *c,
		      uint32_t tsval)
{
	set_life(t, c, c->life.expiry_ms, tsval);
}

void lull_closing_flag(const struct lull_tcp *t, struct lull_closing *c,
		       enum lull_closing_flags flag, bool on)
{
	struct lull_closing_head head = c->head;

	if (on)
		head.flags |= (uint8_t)flag;
	else
		head.flags &= (uint8_t)~flag;
	lull_closing_head(t, c, head);
}

static uint32_t hash_of(const struct lull_tcp *t,
			const struct lull_tuple *tuple)
{
	return (uint32_t)lull_hash_tuple(t->g->keys.flow, tuple);
}

static enum lull_trace_end why_over(const struct lull_tcp *t,
				    const struct lull_closing *c, bool replaced)
{
	if (replaced)
		return LULL_END_REUSED;
	return lull_closing_left_ms(t, c) ? LULL_END_EVICTED : LULL_END_TIME;
}

/* Out of the table, and of the count of its destination. */
static void leave(struct lull_tcp *t, uint32_t name,
		  const struct lull_tuple *tuple, uint32_t hash, bool replaced)
{
	const struct lull_closing *c = lull_closing_at(t, name);
	bool shadow = c->head.flags & LULL_CLOSING_SHADOW;

	if (!shadow) {
		lull_tcp_moved(t, tuple, (enum lull_tcp_state)c->head.commit,
			       LULL_TCP_CLOSED, c->snd_nxt, c->head.rcv_nxt);
		lull_trace_why(t->g, why_over(t, c, replaced));
	}
	if (!replaced && shadow)
		lull_shadow_forget(t, name, tuple);
	else if (!replaced)
		lull_table_del(&t->flows, hash, name);
	if (c->head.flags & LULL_CLOSING_ACTIVE) {
		uint32_t i = lull_dest_find(t, tuple, lull_dest_hash(t, tuple));

		LULL_ASSERT(i);
		if (!shadow && lull_closing_left_ms(t, c)) /* it was evicted */
			lull_dest_left(t, i, tuple, c->snd_nxt,
				       c->head.flags & LULL_CLOSING_LAPPED);
		lull_dest_over(t, i, tuple->lport, true);
	}
}

static void give_back(struct lull_tcp *t, uint32_t name)
{
	struct lull_closing_pool *p = &t->closing[is_v6(name)];
	struct lull_closing *c = lull_closing_at(t, name);

	lull_port_count(t, c->lport, c->head.tos & LULL_CLOSING_REUSEADDR, -1);
	lull_list_del(&p->fifo[c->head.length], lull_name_index(name));
	lull_closing_head(t, c, (struct lull_closing_head){0});
	lull_slab_put(&p->links, lull_name_index(name));
}

void lull_closing_del(struct lull_tcp *t, uint32_t name, bool replaced)
{
	struct lull_tuple tuple;

	lull_closing_tuple(t, name, &tuple);
	leave(t, name, &tuple, replaced ? 0 : hash_of(t, &tuple), replaced);
	give_back(t, name);
}

/* The first of a FIFO that are due, at most `most`; asks memory for them. */
static uint32_t due(const struct lull_tcp *t, bool v6,
		    const struct lull_list *fifo, uint32_t most,
		    uint32_t *names)
{
	uint32_t n = 0, len = 0;

	for (uint32_t i = fifo->head; i && len < most;
	     i = lull_list_at(fifo, i)->next) {
		names[len] = name_of(v6, i);
		lull_closing_prefetch(t, names[len++], false);
	}
	while (n < len &&
	       !lull_closing_left_ms(t, lull_closing_at(t, names[n])))
		n++;
	return n;
}

/*
 * The head ends first; end it, and the next, until one still has time. Some at
 * a time, in passes, so that misses overlap.
 */
static void expire_fifo(struct lull_tcp *t, bool v6, struct lull_list *fifo,
			int *budget)
{
	uint32_t names[AHEAD], hash[AHEAD], n = AHEAD;
	struct lull_tuple tuple[AHEAD];

	while (fifo->head && n == AHEAD && *budget > 0) {
		n = due(t, v6, fifo, lull_min(AHEAD, (uint32_t)*budget), names);
		for (uint32_t k = 0; k < n; k++) {
			lull_closing_tuple(t, names[k], &tuple[k]);
			hash[k] = hash_of(t, &tuple[k]);
			lull_table_prefetch(&t->flows, hash[k]);
		}
		for (uint32_t k = 0; k < n; k++) {
			leave(t, names[k], &tuple[k], hash[k], false);
			give_back(t, names[k]);
		}
		*budget -= (int)n;
	}
}

void lull_closing_expire(struct lull_tcp *t, int *budget)
{
	for (int v6 = 0; v6 < 2; v6++)
		for (int k = 0; k < LULL_LENGTHS; k++)
			expire_fifo(t, v6, &t->closing[v6].fifo[k], budget);
}

uint64_t lull_closing_deadline_ms(const struct lull_tcp *t)
{
	uint64_t best = UINT64_MAX;

	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t name = oldest(t, v6);
		uint64_t at;

		if (!name)
			continue;
		at = t->g->now_ms +
		     lull_closing_left_ms(t, lull_closing_at(t, name));
		best = at < best ? at : best;
	}
	return best;
}
