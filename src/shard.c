/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shard.c: the spine.
 *
 *	rx      link -> ip -> tcp       a batch at a time, in passes
 *	timers  neighbours, closing records, fragments, wheel
 *	tx      tcp -> ip -> link
 *	events  wait in tcp.ready for lull_events_get()
 *
 * Layers do not call upwards: each returns what is to be done. All of a batch
 * is processed before anything is sent (MUST-58, MUST-59). Everything is
 * bounded; `more` asks for another turn.
 *
 * Entry point: lull_shard_run.
 */
#include "shard.h"

enum {
	BATCH = 32, /* frames whose cache misses overlap */
	FRAMES_A_RUN = 256,
	TIMERS_A_RUN = 512,
	RECOUNTED = 64, /* flows, at every run of a checking build */
};

/* First pass: one frame through IP, up to a segment that is worth finding. */
static bool rx_prepare(struct lull_shard *s, uint32_t buf, struct lull_seg *seg)
{
	struct lull_ip_in in;

	if (unlikely(s->g.link_hdr) && !lull_ether_input(&s->ip, buf)) {
		lull_buf_put_all(&s->g.bufs, buf);
		return false;
	}
	switch (lull_ip_input(&s->ip, buf, &in)) {
	case LULL_IP_TO_TCP:
		if (lull_tcp_prepare(&s->tcp, in.buf, &in.hdr, in.ours, seg))
			return true;
		break;
	case LULL_IP_TO_ERRORS:
		lull_tcp_icmp(&s->tcp, &in.error);
		break;
	case LULL_IP_DONE:
		break;
	}
	if (in.buf)
		lull_buf_put_all(&s->g.bufs, in.buf);
	return false;
}

static void rx_batch(struct lull_shard *s, const uint32_t *buf, uint32_t n)
{
	struct lull_seg seg[BATCH];
	uint32_t again[BATCH], segs = 0, agains = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct lull_seg *before = segs ? &seg[segs - 1] : NULL;

		if (!rx_prepare(s, buf[i], &seg[segs]))
			continue;
		if (before && lull_tcp_merge(&s->tcp, before, &seg[segs]))
			continue;
		lull_tcp_hash(&s->tcp, &seg[segs++], before);
	}
	for (uint32_t i = 0; i < segs; i++) {
		again[agains] = lull_tcp_prefetch(&s->tcp, seg[i].hash,
						  seg[i].flags & LULL_FIN);
		agains += again[agains] != 0;
	}
	for (uint32_t i = 0; i < agains; i++)
		lull_closing_prefetch_beside(&s->tcp, again[i]);
	for (uint32_t i = 0; i < segs; i++) {
		lull_tcp_input(&s->tcp, &seg[i]);
		if (seg[i].buf) /* nobody keeps its text */
			lull_buf_put_all(&s->g.bufs, seg[i].buf);
	}
}

static bool rx(struct lull_shard *s)
{
	struct lull_rxq *q = &s->rxq;

	for (int done = 0; done < FRAMES_A_RUN && lull_rxq_len(q);
	     done += BATCH) {
		uint32_t buf[BATCH], n = 0;

		while (n < BATCH && lull_rxq_len(q))
			buf[n++] = q->ring[q->head++ & q->mask];
		rx_batch(s, buf, n);
	}
	return lull_rxq_len(q) > 0;
}

/* Who does not answer: his connections hear of it before they send again. */
static void neighbours(struct lull_shard *s, int *budget)
{
	struct lull_icmp_error error;

	lull_neigh_expire(&s->ip, budget);
	for (; *budget > 0 && lull_neigh_error(&s->ip, &error); --*budget)
		lull_tcp_icmp(&s->tcp, &error);
}

static bool timers(struct lull_shard *s)
{
	int budget = TIMERS_A_RUN;
	uint32_t name;

	if (s->g.link_hdr)
		neighbours(s, &budget);
	lull_closing_expire(&s->tcp, &budget);
	lull_reass_expire(&s->ip, &budget);
	while ((name = lull_wheel_due(&s->tcp.wheel, s->g.now_ms, &budget)))
		lull_timer_fire(&s->tcp, name);
	return budget <= 0;
}

static bool tx(struct lull_shard *s)
{
	bool more = lull_mem_turn(&s->tcp);
	bool done = lull_tcp_output(&s->tcp);

	lull_ip_output(&s->ip, s->ip_done);
	s->ip_done = s->g.txq.tail;
	return more || !done || s->tcp.held || s->ip.neigh.dead.len > 0;
}

static uint64_t deadline_ns(const struct lull_shard *s)
{
	uint64_t wheel = lull_wheel_deadline(&s->tcp.wheel);
	uint64_t closing = lull_closing_deadline_ms(&s->tcp);
	uint64_t reass = lull_reass_deadline_ms(&s->ip);
	uint64_t ms = wheel < closing ? wheel : closing;

	ms = ms < reass ? ms : reass;
	if (s->g.link_hdr) {
		uint64_t neigh = lull_wheel_deadline(&s->ip.neigh.wheel);

		ms = neigh < ms ? neigh : ms;
	}
	return ms == UINT64_MAX ? UINT64_MAX : ms * 1000000;
}

struct lull_work lull_shard_run(struct lull_shard *s, uint64_t now_ns)
{
	struct lull_work work = {0};

	work.more = lull_ground_time(&s->g, now_ns);
	work.more |= rx(s);
	s->g.behind = timers(s);
	work.more |= s->g.behind;
	work.more |= tx(s);
	if (LULL_CHECKS && s->tcp.flows.used <= RECOUNTED)
		lull_tcp_recount(&s->tcp);
	work.tx = lull_txq_len(&s->g.txq);
	work.events = s->tcp.ready.len;
	work.deadline_ns = work.more ? now_ns : deadline_ns(s);
	return work;
}
