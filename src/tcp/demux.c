/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * demux.c: whose is this segment?
 *
 * In two passes over a batch: lull_tcp_prepare() validates, lull_tcp_hash()
 * asks memory for the bucket, lull_tcp_prefetch() for the object;
 * lull_tcp_input() finds it again, since what went before may have moved it,
 * and acts.
 *
 * Entry points: lull_tcp_init, _prepare, _hash, _prefetch, _input, _find.
 */
#include "tcp/tcp.h"

void lull_tcp_init(struct lull_tcp *t, struct lull_ground *g,
		   const struct lull_limits *limits,
		   const struct lull_tcp_memory *m)
{
	static const char name[5][16] = {"connections", "half-open",
					 "listeners", "handles", "sent ranges"};

	*t = (struct lull_tcp){.g = g, .cold = m->cold, .cookies = m->cookies};
	lull_slab_init(&t->tcbs, m->tcbs, sizeof(struct lull_tcb),
		       limits->conns, &name[0]);
	lull_slab_init(&t->halves, m->halves, sizeof(struct lull_half),
		       limits->half_open, &name[1]);
	lull_slab_init(&t->listeners, m->listeners,
		       sizeof(struct lull_listener), limits->listeners,
		       &name[2]);
	lull_slab_init(&t->users, m->users, sizeof(struct lull_user),
		       limits->socks, &name[3]);
	lull_slab_init(&t->ranges, m->ranges, sizeof(struct lull_range),
		       limits->ranges, &name[4]);
	lull_table_init(&t->flows, m->buckets, m->buckets_len, m->overflow,
			m->overflow_len);
	lull_wheel_init(&t->wheel, g->now_ms);
	lull_wheel_view(&t->wheel, LULL_KIND_TCB, &lull_tcb_at(t, 0)->timer,
			sizeof(struct lull_tcb));
	lull_wheel_view(&t->wheel, LULL_KIND_HALF, &lull_half_at(t, 0)->timer,
			sizeof(struct lull_half));
	lull_list_init(&t->out, &lull_tcb_at(t, 0)->out,
		       sizeof(struct lull_tcb));
	lull_list_init(&t->ready, &lull_user_at(t, 0)->ready,
		       sizeof(struct lull_user));
	t->listen_hash = m->listen_hash;
	t->listen_mask = m->listen_hash_len - 1;
	lull_closing_init(t, limits, m);
	lull_dest_init(t, limits, m);
}

/* One buffer, or two: see link.c. */
static bool checksum_holds(const struct lull_bufs *bufs,
			   const struct lull_buf *b, const struct lull_seg *seg)
{
	const struct lull_buf *more =
		b->next ? lull_buf_at(bufs, b->next) : NULL;
	uint32_t sum;

	if (b->flags & (LULL_FRAME_CSUM_OK | LULL_FRAME_CSUM_PARTIAL))
		return true;
	sum = lull_sum_pseudo(&seg->tuple.remote, &seg->tuple.local,
			      LULL_PROTO_TCP, b->len + (more ? more->len : 0));
	sum = lull_sum(sum, b->data + b->off, b->len, 0);
	if (more)
		sum = lull_sum(sum, more->data + more->off, more->len, b->len);
	return lull_sum_fold(sum) == 0xffff;
}

static enum lull_drop validate(const struct lull_bufs *bufs,
			       const struct lull_buf *b, struct lull_seg *seg)
{
	enum lull_drop why = lull_tcp_parse(b->data + b->off, b->len, seg);

	if (why)
		return why;
	if (!checksum_holds(bufs, b, seg))
		return LULL_DROP_TCP_CHECKSUM; /* MUST-3 */
	if ((seg->flags & (LULL_SYN | LULL_FIN)) == (LULL_SYN | LULL_FIN))
		return LULL_DROP_TCP_FLAGS;
	if (!seg->tuple.lport || !seg->tuple.rport)
		return LULL_DROP_TCP_PORT_0;
	return LULL_DROP_NONE;
}

/* A frame that stands for many segments, perhaps in two buffers. */
static void take_large(const struct lull_bufs *bufs, const struct lull_buf *b,
		       struct lull_seg *seg)
{
	if (b->next)
		seg->text_len += lull_buf_at(bufs, b->next)->len;
	if (b->gso_size && seg->text_len > b->gso_size)
		seg->segs = (seg->text_len + b->gso_size - 1) / b->gso_size;
}

bool lull_tcp_prepare(struct lull_tcp *t, uint32_t buf,
		      const struct lull_ip_hdr *ip, bool ours,
		      struct lull_seg *seg)
{
	struct lull_ground *g = t->g;
	struct lull_buf *b = lull_buf_at(&g->bufs, buf);
	enum lull_drop why;

	seg->tuple.local = ip->dst;
	seg->tuple.remote = ip->src;
	seg->tos = ip->tos;
	seg->ours = ours;
	seg->segs = 1;
	why = validate(&g->bufs, b, seg);
	if (!why && (b->gso_size || b->next))
		take_large(&g->bufs, b, seg);
	lull_count_n(g, LULL_COUNT_IN_SEGS, seg->segs);
	if (why) {
		lull_drop(g, why);
		if (why == LULL_DROP_TCP_CHECKSUM)
			lull_count(g, LULL_COUNT_IN_ERRS);
		return false;
	}
	b->off += seg->hdr_len;
	b->len -= seg->hdr_len;
	b->seq = seg->seq;
	seg->buf = seg->tail = buf;
	if (b->next) {
		seg->tail = b->next;
		lull_text_number(t, seg);
		if (b->len == 0) { /* headers filled the first buffer */
			seg->buf = b->next;
			lull_buf_put(&g->bufs, buf);
		}
	}
	return true;
}

void lull_tcp_hash(const struct lull_tcp *t, struct lull_seg *seg,
		   const struct lull_seg *before)
{
	if (before && lull_tuple_eq(&before->tuple, &seg->tuple)) {
		seg->hash = before->hash;
		return;
	}
	seg->hash = (uint32_t)lull_hash_tuple(t->g->keys.flow, &seg->tuple);
	lull_table_prefetch(&t->flows, seg->hash);
}

static bool is_flow(const struct lull_tcp *t, uint32_t name,
		    const struct lull_tuple *tuple)
{
	uint32_t i = lull_name_index(name);

	switch (lull_name_kind(name)) {
	case LULL_KIND_TCB:
		return lull_tuple_eq(&lull_tcb_at(t, i)->tuple, tuple);
	case LULL_KIND_HALF:
		return lull_tuple_eq(&lull_half_at(t, i)->tuple, tuple);
	case LULL_KIND_CLOSING4:
	case LULL_KIND_CLOSING6:
		return lull_closing_is(t, name, tuple);
	case LULL_KIND_NONE:
	case LULL_KIND_LISTENER:
	case LULL_KINDS:
		break;
	}
	LULL_ASSERT(!"a flow is a connection of some size");
	return false;
}

uint32_t lull_tcp_find(const struct lull_tcp *t, uint32_t hash,
		       const struct lull_tuple *tuple)
{
	struct lull_probe p = lull_table_probe(&t->flows, hash);
	uint32_t name;

	while ((name = lull_probe_next(&t->flows, &p)))
		if (is_flow(t, name, tuple))
			break;
	return name;
}

uint32_t lull_tcp_prefetch(const struct lull_tcp *t, uint32_t hash, bool fin)
{
	struct lull_probe p = lull_table_probe(&t->flows, hash);
	uint32_t name = lull_probe_next(&t->flows, &p);
	uint32_t i = lull_name_index(name);
	const uint8_t *at = NULL;

	switch (lull_name_kind(name)) {
	case LULL_KIND_TCB:
		at = (const uint8_t *)lull_tcb_at(t, i);
		__builtin_prefetch(at + 64);
		__builtin_prefetch(at + 128);
		__builtin_prefetch(at + 192);
		break;
	case LULL_KIND_HALF:
		at = (const uint8_t *)lull_half_at(t, i);
		__builtin_prefetch(at + 64);
		break;
	case LULL_KIND_CLOSING4:
	case LULL_KIND_CLOSING6:
		lull_closing_prefetch(t, name, fin);
		return fin ? name : 0;
	case LULL_KIND_NONE:
	case LULL_KIND_LISTENER:
	case LULL_KINDS:
		return 0;
	}
	__builtin_prefetch(at);
	return 0;
}

/* 3.10.7.1, and silence towards addresses that are not ours. */
static void closed_arrives(struct lull_tcp *t, const struct lull_seg *seg)
{
	enum lull_drop why = LULL_DROP_CLOSED;

	if (seg->flags & LULL_RST)
		why = LULL_DROP_CLOSED_RST;
	else if (!seg->ours)
		why = LULL_DROP_CLOSED_STRANGER;
	lull_refuse(t, seg, why);
	if (why == LULL_DROP_CLOSED)
		lull_reply_rst(t, seg);
}

static void new_flow(struct lull_tcp *t, struct lull_seg *seg)
{
	struct lull_spot spot = {
		.addr = seg->tuple.local,
		.port = seg->tuple.lport,
		.ours = seg->ours,
		.hash = seg->hash,
	};
	uint32_t listener = lull_listener_find(t, &spot);

	if (listener && lull_cookie_arrives(t, listener, 0, seg))
		return;
	if (listener)
		(void)lull_listen_arrives(t, listener, seg, NULL);
	else
		closed_arrives(t, seg);
}

void lull_tcp_input(struct lull_tcp *t, struct lull_seg *seg)
{
	uint32_t name = lull_tcp_find(t, seg->hash, &seg->tuple);
	struct lull_tcb *tcb;

	switch (lull_name_kind(name)) {
	case LULL_KIND_NONE:
		new_flow(t, seg);
		return;
	case LULL_KIND_HALF:
		lull_half_arrives(t, lull_name_index(name), seg);
		return;
	case LULL_KIND_CLOSING4:
	case LULL_KIND_CLOSING6:
		lull_timewait_arrives(t, name, seg);
		return;
	case LULL_KIND_TCB:
		tcb = lull_tcb_at(t, lull_name_index(name));
		if (tcb->state == LULL_TCP_SYN_SENT)
			lull_syn_sent_arrives(t, tcb, seg);
		else
			lull_segment_arrives(t, tcb, seg);
		return;
	case LULL_KIND_LISTENER:
	case LULL_KINDS:
		break;
	}
	LULL_ASSERT(!"a flow is a connection of some size");
}
