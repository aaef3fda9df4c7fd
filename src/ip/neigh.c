/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * neigh.c: the cache of neighbours: see neigh.h. Knows no bytes: arp.c and
 * nd.c speak for it.
 *
 * RFC 4861 7.2.2, 7.2.3, 7.2.5, 7.3. An entry always has a timer, so that none
 * stays for ever.
 *
 * Entry points: lull_neigh_init, _find, _hear, _answer, _expire; for way.c:
 * lull_neigh_make, _enter, _wait, _refuse.
 */
#include "ip/ip.h"

static uint32_t hash_of(const struct lull_ip *ip, const struct lull_addr *a)
{
	return (uint32_t)lull_hash_bytes(ip->g->keys.neigh, a, sizeof *a);
}

void lull_neigh_init(struct lull_ip *ip, const struct lull_neigh_memory *m,
		     struct lull_mac mac)
{
	static const char name[2][16] = {"neighbours", "unresolved"};
	struct lull_neighs *n = &ip->neigh;
	struct lull_neigh *at = m->neighs;
	struct lull_waiting *waiting = m->waiting;

	n->mac = mac;
	n->drawn = UINT64_MAX;
	lull_slab_init(&n->slab, at, sizeof *at, m->neighs_len, &name[0]);
	lull_slab_init(&n->waiting, waiting, sizeof *waiting, m->waiting_len,
		       &name[1]);
	lull_table_init(&n->table, m->buckets, m->buckets_len, m->overflow,
			m->overflow_len);
	lull_wheel_init(&n->wheel, ip->g->now_ms);
	/* Names of a wheel with one kind are bare indices. */
	lull_wheel_view(&n->wheel, LULL_KIND_NONE, &at->timer, sizeof *at);
	lull_list_init(&n->unsure, &at->links, sizeof *at);
	lull_list_init(&n->sure, &at->links, sizeof *at);
	lull_list_init(&n->asks, &at->ask, sizeof *at);
	lull_list_init(&n->dead, &waiting->links, sizeof *waiting);
}

uint32_t lull_neigh_find(const struct lull_ip *ip, const struct lull_addr *a)
{
	const struct lull_neighs *n = &ip->neigh;
	struct lull_probe p = lull_table_probe(&n->table, hash_of(ip, a));
	uint32_t i;

	while ((i = lull_probe_next(&n->table, &p)))
		if (lull_addr_eq(&lull_neigh_at(n, i)->addr, a))
			return i;
	return 0;
}

/* ---- packets that wait ---- */

static struct lull_waiting *waiting_at(const struct lull_neighs *n, uint32_t i)
{
	return (struct lull_waiting *)lull_slab_at(&n->waiting, i);
}

static void drop_waiting(struct lull_ip *ip, uint32_t w)
{
	struct lull_neighs *n = &ip->neigh;

	lull_drop(ip->g, LULL_DROP_NEIGH_QUEUE);
	lull_tx_drop(&waiting_at(n, w)->tx, &ip->g->bufs);
	lull_slab_put(&n->waiting, w);
}

/* 0: there is no room for it. */
static uint32_t take(struct lull_ip *ip, const struct lull_tx *tx)
{
	uint32_t w = lull_slab_get(&ip->neigh.waiting);

	if (w)
		waiting_at(&ip->neigh, w)->tx = *tx;
	return w;
}

static uint32_t first_waiting(struct lull_neigh *at)
{
	uint32_t w = at->wait[0];

	at->waits--;
	memmove(at->wait, at->wait + 1, at->waits * sizeof at->wait[0]);
	return w;
}

/* RFC 4861 7.2.2: when there are too many the oldest goes. */
void lull_neigh_wait(struct lull_ip *ip, uint32_t i, struct lull_tx *tx)
{
	struct lull_neigh *at = lull_neigh_at(&ip->neigh, i);
	uint32_t w;

	if (at->waits == LULL_NEIGH_WAITING)
		drop_waiting(ip, first_waiting(at));
	w = take(ip, tx);
	if (w) {
		at->wait[at->waits++] = w;
		return;
	}
	lull_drop(ip->g, LULL_DROP_NEIGH_QUEUE);
	lull_tx_drop(tx, &ip->g->bufs);
}

void lull_neigh_refuse(struct lull_ip *ip, struct lull_tx *tx, bool no_route)
{
	uint32_t w = take(ip, tx);

	lull_drop(ip->g,
		  no_route ? LULL_DROP_NO_ROUTE : LULL_DROP_NEIGH_FAILED);
	if (!w) {
		lull_tx_drop(tx, &ip->g->bufs);
		return;
	}
	waiting_at(&ip->neigh, w)->no_route = no_route;
	lull_list_push(&ip->neigh.dead, w);
}

/* Back into the queue, to find their way. */
static void release(struct lull_ip *ip, struct lull_neigh *at)
{
	struct lull_neighs *n = &ip->neigh;

	while (at->waits > 0) {
		uint32_t w = first_waiting(at);
		struct lull_tx *tx = lull_txq_new(&ip->g->txq);

		if (!tx) {
			drop_waiting(ip, w);
			continue;
		}
		*tx = waiting_at(n, w)->tx;
		lull_txq_push(&ip->g->txq);
		lull_slab_put(&n->waiting, w);
	}
}

/* ---- states ---- */

/* RFC 4861 6.3.2, 6.3.4: so that not all hosts ask at the same time. */
static uint32_t reachable_ms(struct lull_ip *ip)
{
	struct lull_neighs *n = &ip->neigh;
	uint64_t period = ip->g->now_ms / LULL_NEIGH_DRAW_MS;

	if (n->drawn != period) {
		uint64_t h = lull_hash_bytes(ip->g->keys.neigh, &period,
					     sizeof period);

		n->drawn = period;
		n->reachable_ms = LULL_ND_REACHABLE_MS / 2 +
				  (uint32_t)(h % (LULL_ND_REACHABLE_MS + 1));
	}
	return n->reachable_ms;
}

static void unlist(struct lull_neighs *n, uint32_t i)
{
	lull_list_del(lull_neigh_at(n, i)->sure ? &n->sure : &n->unsure, i);
}

/* To the end of its list: the one that goes last. */
static void list(struct lull_neighs *n, uint32_t i)
{
	lull_list_push(lull_neigh_at(n, i)->sure ? &n->sure : &n->unsure, i);
}

static void ask(struct lull_neighs *n, uint32_t i)
{
	struct lull_neigh *at = lull_neigh_at(n, i);

	at->asked++;
	if (at->asking)
		return;
	at->asking = true;
	lull_list_push(&n->asks, i);
}

static void ask_no_more(struct lull_neighs *n, uint32_t i)
{
	struct lull_neigh *at = lull_neigh_at(n, i);

	if (at->asking)
		lull_list_del(&n->asks, i);
	at->asking = false;
	at->asked = 0;
}

static uint32_t time_in(struct lull_ip *ip, enum lull_neigh_state state)
{
	switch (state) {
	case LULL_NEIGH_INCOMPLETE:
	case LULL_NEIGH_PROBE:
	case LULL_NEIGH_FAILED:
		return LULL_ND_RETRANS_MS;
	case LULL_NEIGH_REACHABLE:
		return reachable_ms(ip);
	case LULL_NEIGH_STALE:
		return LULL_NEIGH_FORGET_MS;
	case LULL_NEIGH_DELAY:
		return LULL_ND_DELAY_MS;
	}
	LULL_ASSERT(!"a state");
	return 0;
}

void lull_neigh_enter(struct lull_ip *ip, uint32_t i,
		      enum lull_neigh_state state)
{
	struct lull_neighs *n = &ip->neigh;
	struct lull_neigh *at = lull_neigh_at(n, i);

	unlist(n, i);
	ask_no_more(n, i);
	at->state = (uint8_t)state;
	if (state == LULL_NEIGH_REACHABLE) {
		at->sure = true;
		at->confirmed_ms = (uint32_t)ip->g->now_ms;
	}
	list(n, i);
	if (state == LULL_NEIGH_INCOMPLETE || state == LULL_NEIGH_PROBE)
		ask(n, i);
	lull_wheel_set(&n->wheel, i, lull_in_ms(ip->g, time_in(ip, state)));
}

static void forget(struct lull_ip *ip, uint32_t i)
{
	struct lull_neighs *n = &ip->neigh;
	struct lull_neigh *at = lull_neigh_at(n, i);

	while (at->waits > 0)
		drop_waiting(ip, first_waiting(at));
	if (n->last == i)
		n->last = 0;
	ask_no_more(n, i);
	unlist(n, i);
	lull_wheel_clear(&n->wheel, i);
	lull_table_del(&n->table, at->hash, i);
	lull_slab_put(&n->slab, i);
}

static void evict(struct lull_ip *ip)
{
	struct lull_neighs *n = &ip->neigh;
	uint32_t victim = n->unsure.head ? n->unsure.head : n->sure.head;

	if (!victim)
		return;
	lull_count(ip->g, LULL_COUNT_NEIGH_EVICTED);
	forget(ip, victim);
}

uint32_t lull_neigh_make(struct lull_ip *ip, const struct lull_addr *a,
			 enum lull_neigh_state state)
{
	struct lull_neighs *n = &ip->neigh;
	struct lull_neigh *at;
	uint32_t i;

	if (n->slab.used == n->slab.limit)
		evict(ip);
	i = lull_slab_get(&n->slab);
	if (!i)
		return 0;
	at = lull_neigh_at(n, i);
	*at = (struct lull_neigh){.addr = *a, .hash = hash_of(ip, a)};
	if (!lull_table_put(&n->table, at->hash, i)) {
		lull_slab_put(&n->slab, i);
		return 0;
	}
	list(n, i);
	lull_neigh_enter(ip, i, state);
	return i;
}

/* ---- what others say ---- */

/* Behind an address that can be a neighbour's at all. */
static bool may_be_neighbour(const struct lull_ip *ip,
			     const struct lull_addr *a)
{
	return lull_ip_on_link(ip, a) && !lull_ip_is_own(ip, a);
}

void lull_neigh_hear(struct lull_ip *ip, const struct lull_addr *a,
		     struct lull_mac mac)
{
	uint32_t i = lull_neigh_find(ip, a);
	const struct lull_neigh_word word = {
		.mac = mac, .has_mac = true, .override = true};

	if (i) {
		lull_neigh_answer(ip, i, &word);
		return;
	}
	if (!may_be_neighbour(ip, a))
		return;
	i = lull_neigh_make(ip, a, LULL_NEIGH_STALE);
	if (i)
		lull_neigh_at(&ip->neigh, i)->mac = mac;
}

static void resolve(struct lull_ip *ip, uint32_t i,
		    const struct lull_neigh_word *word)
{
	struct lull_neigh *at = lull_neigh_at(&ip->neigh, i);

	if (!word->has_mac)
		return;
	at->mac = word->mac;
	lull_neigh_enter(ip, i,
			 word->solicited ? LULL_NEIGH_REACHABLE
					 : LULL_NEIGH_STALE);
	release(ip, at);
}

void lull_neigh_answer(struct lull_ip *ip, uint32_t i,
		       const struct lull_neigh_word *word)
{
	struct lull_neigh *at = lull_neigh_at(&ip->neigh, i);
	bool other = word->has_mac && !lull_mac_eq(&at->mac, &word->mac);

	if (at->state == LULL_NEIGH_INCOMPLETE ||
	    at->state == LULL_NEIGH_FAILED) {
		resolve(ip, i, word);
		return;
	}
	if (other && !word->override) {
		/* Which of the two is right, a probe must tell. */
		if (at->state == LULL_NEIGH_REACHABLE)
			lull_neigh_enter(ip, i, LULL_NEIGH_STALE);
		return;
	}
	if (other)
		at->mac = word->mac;
	if (word->solicited)
		lull_neigh_enter(ip, i, LULL_NEIGH_REACHABLE);
	else if (other)
		lull_neigh_enter(ip, i, LULL_NEIGH_STALE);
}

/* ---- time ---- */

static void fail(struct lull_ip *ip, uint32_t i)
{
	struct lull_neighs *n = &ip->neigh;
	struct lull_neigh *at = lull_neigh_at(n, i);

	lull_count(ip->g, LULL_COUNT_NEIGH_FAILED);
	while (at->waits > 0) {
		uint32_t w = first_waiting(at);

		lull_drop(ip->g, LULL_DROP_NEIGH_FAILED);
		waiting_at(n, w)->no_route = false;
		lull_list_push(&n->dead, w);
	}
	lull_neigh_enter(ip, i, LULL_NEIGH_FAILED);
}

static void ask_again(struct lull_ip *ip, uint32_t i)
{
	struct lull_neighs *n = &ip->neigh;

	ask(n, i);
	lull_wheel_set(&n->wheel, i, lull_in_ms(ip->g, LULL_ND_RETRANS_MS));
}

/* Somebody has confirmed it since the timer was set: for so long it holds. */
static void reachable_ends(struct lull_ip *ip, uint32_t i)
{
	const struct lull_neigh *at = lull_neigh_at(&ip->neigh, i);
	uint32_t past = (uint32_t)ip->g->now_ms - at->confirmed_ms;
	uint32_t whole = reachable_ms(ip);

	if (past >= whole)
		lull_neigh_enter(ip, i, LULL_NEIGH_STALE);
	else
		lull_wheel_set(&ip->neigh.wheel, i,
			       (uint32_t)ip->g->now_ms + whole - past);
}

static void fire(struct lull_ip *ip, uint32_t i)
{
	const struct lull_neigh *at = lull_neigh_at(&ip->neigh, i);

	switch ((enum lull_neigh_state)at->state) {
	case LULL_NEIGH_INCOMPLETE:
		if (at->asked < LULL_ND_MULTICAST_SOLICIT)
			ask_again(ip, i);
		else
			fail(ip, i);
		return;
	case LULL_NEIGH_REACHABLE:
		reachable_ends(ip, i);
		return;
	case LULL_NEIGH_DELAY:
		lull_neigh_enter(ip, i, LULL_NEIGH_PROBE);
		return;
	case LULL_NEIGH_PROBE:
		if (at->asked < LULL_ND_UNICAST_SOLICIT) {
			ask_again(ip, i);
			return;
		}
		/* 7.3.3: the next packet asks anew, by multicast. */
		lull_count(ip->g, LULL_COUNT_NEIGH_FAILED);
		forget(ip, i);
		return;
	case LULL_NEIGH_STALE:
	case LULL_NEIGH_FAILED:
		forget(ip, i);
		return;
	}
}

void lull_neigh_expire(struct lull_ip *ip, int *budget)
{
	uint32_t i;

	while ((i = lull_wheel_due(&ip->neigh.wheel, ip->g->now_ms, budget)))
		fire(ip, i);
}
