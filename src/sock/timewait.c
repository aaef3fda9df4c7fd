/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timewait.c: what is left of connections that this shard never had.
 *
 * Makes each record by lull_closing_make(), as a close on the wire does. Sends
 * nothing: whatever was due has been sent by whoever had the connection.
 *
 * Entry point: lull_timewait_put.
 */
#include "sock/sock.h"

#define FLAGS \
	(LULL_TIMEWAIT_TS | LULL_TIMEWAIT_ACTIVE | LULL_TIMEWAIT_REUSEADDR)

enum {
	ECN_BITS = 3,
	LEFT_MAX_MS = 3600000, /* as net.lull.tcp_timewait_len */
	WSCALE_MAX = 14,       /* RFC 7323 2.3 */
	STEPS = 8,	       /* lengths that a 2MSL is cut into */
	AT_ONCE = 32,
};

static bool is_pair(const struct lull_timewait *w)
{
	return w->local.port && w->remote.port &&
	       lull_addr_is4(&w->local.addr) ==
		       lull_addr_is4(&w->remote.addr) &&
	       !lull_addr_is_any(&w->local.addr) &&
	       !lull_addr_is_any(&w->remote.addr) &&
	       !lull_addr_is_group(&w->local.addr) &&
	       !lull_addr_is_group(&w->remote.addr);
}

static bool holds(const struct lull_timewait *w)
{
	return w->size == sizeof *w && w->unused == 0 &&
	       (w->state == LULL_TCP_TIME_WAIT ||
		w->state == LULL_TCP_FIN_WAIT_2) &&
	       !(w->flags & ~(uint32_t)FLAGS) && w->left_ms >= 1 &&
	       w->left_ms <= LEFT_MAX_MS && w->wscale <= WSCALE_MAX &&
	       is_pair(w);
}

/* Lengths in use at one time are few, and what is taken over has many. */
static uint32_t rounded_ms(const struct lull_shard *s, uint32_t left_ms)
{
	uint32_t step = (uint32_t)s->g.knobs.timewait_len_s * 1000 / STEPS;

	return (left_ms + step - 1) / step * step;
}

static struct lull_tuple tuple_of(const struct lull_timewait *w)
{
	return (struct lull_tuple){w->local.addr, w->remote.addr, w->local.port,
				   w->remote.port};
}

static int put(struct lull_shard *s, const struct lull_timewait *w,
	       uint32_t hash)
{
	struct lull_closing_new from = {
		.tuple = tuple_of(w),
		.snd_nxt = lull_seq(w->snd_nxt),
		.rcv_nxt = lull_seq(w->rcv_nxt),
		.ts_recent = w->ts_recent,
		.wnd = w->wnd,
		.tos = (uint8_t)(w->tos & ~ECN_BITS),
		.flags = (uint8_t)(w->wscale << LULL_CLOSING_WSCALE_SHIFT),
	};

	if (!holds(w))
		return -EINVAL;
	if (w->flags & LULL_TIMEWAIT_TS)
		from.flags |= LULL_CLOSING_TS;
	if (w->state == LULL_TCP_TIME_WAIT) /* when it begins anew */
		from.timewait_len_s = (uint16_t)s->g.knobs.timewait_len_s;
	/* How often its numbers came round is not known: as if they had, so
	 * that a new connection waits for all of its time. */
	if (w->flags & LULL_TIMEWAIT_ACTIVE)
		from.flags |= LULL_CLOSING_ACTIVE | LULL_CLOSING_LAPPED;
	if (w->flags & LULL_TIMEWAIT_REUSEADDR)
		from.tos |= LULL_CLOSING_REUSEADDR;
	if (lull_tcp_find(&s->tcp, hash, &from.tuple))
		return -EEXIST;
	if (!lull_closing_make(&s->tcp, &from, hash, 0,
			       (enum lull_tcp_state)w->state,
			       rounded_ms(s, w->left_ms)))
		return -ENOSPC;
	lull_tcp_moved(&s->tcp, &from.tuple, LULL_TCP_CLOSED,
		       (enum lull_tcp_state)w->state, from.snd_nxt,
		       from.rcv_nxt);
	return 0;
}

/* In two passes, so that memory answers for all of them at once. */
static int put_few(struct lull_shard *s, const struct lull_timewait *w, int n)
{
	uint32_t hash[AT_ONCE];

	for (int i = 0; i < n; i++) {
		struct lull_tuple tuple = tuple_of(&w[i]);

		hash[i] = (uint32_t)lull_hash_tuple(s->g.keys.flow, &tuple);
		lull_table_prefetch(&s->tcp.flows, hash[i]);
	}
	for (int i = 0; i < n; i++) {
		int e = put(s, &w[i], hash[i]);

		if (e < 0)
			return i ? i : e;
	}
	return n;
}

int lull_timewait_put(struct lull_shard *s, const struct lull_timewait *w,
		      int n)
{
	int made = 0;

	while (made < n) {
		int few = n - made < AT_ONCE ? n - made : AT_ONCE;
		int e = put_few(s, w + made, few);

		/* One that stopped a batch is the first of the next. */
		if (e < 0)
			return made ? made : e;
		made += e;
	}
	return made;
}
