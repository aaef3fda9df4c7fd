/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows.c: every connection, listener and closing record, a piece at a time.
 *
 * The cursor is a phase (which slab) and an index; at most LOOK objects are
 * looked at in one call, however few of them live.
 *
 * Entry points: lull_diag_rows, lull_diag_find, lull_diag_states,
 * lull_diag_conns, lull_state_name.
 */
#include "shard.h"

enum {
	LOOK = 4096,
	PHASES = 5,
	BATCH = 32, /* pairs whose cache misses overlap */
};

static const struct lull_addr any4 = {.b = {[10] = 0xff, [11] = 0xff}};

const char *lull_state_name(enum lull_tcp_state state)
{
	static const char name[LULL_TCP_STATES][12] = {
		"?",	      "ESTAB",	    "SYN-SENT",	 "SYN-RECV",
		"FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "UNCONN",
		"CLOSE-WAIT", "LAST-ACK",   "LISTEN",	 "CLOSING",
	};

	return name[(uint32_t)state < LULL_TCP_STATES ? state : 0];
}

void lull_diag_states(const struct lull_shard *s, uint64_t *count)
{
	memcpy(count, s->tcp.states, sizeof s->tcp.states);
}

uint32_t lull_diag_conns(const struct lull_shard *s)
{
	return s->tcp.tcbs.used + s->tcp.halves.used;
}

static void set_pair(struct lull_row *row, const struct lull_tuple *tuple)
{
	row->local.addr = tuple->local;
	row->local.port = tuple->lport;
	row->remote.addr = tuple->remote;
	row->remote.port = tuple->rport;
	row->local_port_hi = tuple->lport;
	row->local_bits = 128;
}

static void set_user(const struct lull_shard *s, struct lull_row *row,
		     uint32_t user)
{
	if (!user)
		return;
	row->held = true;
	row->sock.index = user;
	row->sock.gen = lull_user_at(&s->tcp, user)->gen;
	row->rqueue = lull_user_at(&s->tcp, user)->text.bytes;
}

static uint32_t left_ms(const struct lull_shard *s, uint32_t when_ms)
{
	int32_t left = (int32_t)(when_ms - (uint32_t)s->g.now_ms);

	return left > 0 ? (uint32_t)left : 0;
}

static bool listener_row(const struct lull_shard *s, uint32_t i,
			 struct lull_row *row)
{
	const struct lull_listener *l = lull_listener_at(&s->tcp, i);

	if (!l->live)
		return false;
	row->state = LULL_TCP_LISTEN;
	row->local.addr = l->local.addr;
	row->local.port = l->port_lo;
	row->local_port_hi = l->port_hi;
	row->local_bits = l->local.bits;
	row->v6only = l->flags & LULL_LISTEN_V6ONLY;
	row->remote.addr = l->local.bits >= 96 && lull_addr_is4(&l->local.addr)
				   ? any4
				   : (struct lull_addr){{0}};
	set_user(s, row, l->user);
	row->rqueue = l->accept.len;
	row->wqueue = l->backlog;
	return true;
}

static bool half_row(const struct lull_shard *s, uint32_t i,
		     struct lull_row *row)
{
	const struct lull_half *h = lull_half_at(&s->tcp, i);

	if (!h->live)
		return false;
	row->state = LULL_TCP_SYN_RECEIVED;
	set_pair(row, &h->tuple);
	set_user(s, row, h->user);
	row->timer = LULL_ROW_TIMER_ON;
	row->timer_ms = left_ms(s, h->timer.when_ms);
	row->retries = h->retries;
	return true;
}

/* As Linux shows it: one timer, the most urgent kind. */
static void set_timer(const struct lull_shard *s, struct lull_row *row,
		      const struct lull_tcb *tcb)
{
	if (lull_timer_is_set(tcb, LULL_TIMER_RTO)) {
		row->timer = tcb->flags & LULL_TCB_PERSIST
				     ? LULL_ROW_TIMER_PERSIST
				     : LULL_ROW_TIMER_ON;
		row->timer_ms = left_ms(s, tcb->tmr.at[LULL_TIMER_RTO]);
		row->retries = tcb->flags & LULL_TCB_PERSIST ? tcb->snd.probes
							     : tcb->rtt.backoff;
	} else if (tcb->flags & LULL_TCB_KEEPALIVE &&
		   lull_timer_is_set(tcb, LULL_TIMER_KEEP)) {
		row->timer = LULL_ROW_TIMER_KEEPALIVE;
		row->timer_ms = left_ms(s, tcb->tmr.at[LULL_TIMER_KEEP]);
		row->retries = lull_tcb_cold(&s->tcp, tcb)->keep_probes;
	}
}

/* As sk_shutdown: a FIN that came shuts reading, too. */
static uint8_t shut_of(const struct lull_user *u)
{
	uint8_t shut = 0;

	if (u->flags & (LULL_USER_SHUT_RD | LULL_USER_EOF))
		shut |= LULL_ROW_SHUT_RD;
	if (u->flags & LULL_USER_SHUT_WR)
		shut |= LULL_ROW_SHUT_WR;
	return shut;
}

static bool tcb_row(const struct lull_shard *s, uint32_t i,
		    struct lull_row *row)
{
	const struct lull_tcb *tcb = lull_tcb_at(&s->tcp, i);

	if (!tcb->state || tcb->flags & LULL_TCB_DEAD)
		return false;
	row->state = tcb->state;
	row->is_full = true;
	row->shut = tcb->user ? shut_of(lull_user_at(&s->tcp, tcb->user))
			      : LULL_ROW_SHUT_RD | LULL_ROW_SHUT_WR;
	set_pair(row, &tcb->tuple);
	set_user(s, row, tcb->user);
	set_timer(s, row, tcb);
	row->wqueue = lull_seq_sub(tcb->snd.end, tcb->snd.una);
	/* As Linux: SYN and FIN count until they are acknowledged. */
	if (tcb->flags & LULL_TCB_FIN)
		row->wqueue++;
	row->rtt_us = tcb->rtt.srtt_us;
	row->rttvar_us = tcb->rtt.rttvar_us;
	row->rto_us = tcb->rtt.rto_us;
	row->cwnd_bytes = tcb->cc.cwnd;
	row->ssthresh_bytes = tcb->cc.ssthresh;
	row->mss_bytes = tcb->opt.mss;
	row->snd_wnd_bytes = tcb->snd.wnd;
	row->rcv_wnd_bytes = lull_seq_sub(tcb->rcv.edge, tcb->rcv.nxt);
	return true;
}

static bool closing_row(const struct lull_shard *s, uint32_t name,
			struct lull_row *row)
{
	const struct lull_closing *c = lull_closing_at(&s->tcp, name);
	struct lull_tuple tuple;

	/* A shadow's pair is in the state of the new connection. */
	if (!c->head.commit || c->head.flags & LULL_CLOSING_SHADOW)
		return false;
	lull_closing_tuple(&s->tcp, name, &tuple);
	set_pair(row, &tuple);
	row->state = c->head.commit;
	row->timer = LULL_ROW_TIMER_TIMEWAIT;
	row->timer_ms = lull_closing_left_ms(&s->tcp, c);
	return true;
}

/* One object of a phase. false: nothing lives there. */
static bool row_at(const struct lull_shard *s, uint32_t phase, uint32_t i,
		   struct lull_row *row)
{
	static const uint8_t kind[PHASES] = {
		LULL_KIND_LISTENER, LULL_KIND_HALF,	LULL_KIND_TCB,
		LULL_KIND_CLOSING4, LULL_KIND_CLOSING6,
	};

	memset(row, 0, sizeof *row);
	row->id = lull_name((enum lull_kind)kind[phase], i);
	switch (phase) {
	case 0:
		return listener_row(s, i, row);
	case 1:
		return half_row(s, i, row);
	case 2:
		return tcb_row(s, i, row);
	default:
		return closing_row(s, (uint32_t)row->id, row);
	}
}

static const struct lull_slab *slab_of(const struct lull_shard *s,
				       uint32_t phase)
{
	const struct lull_slab *slab[PHASES] = {
		&s->tcp.listeners,
		&s->tcp.halves,
		&s->tcp.tcbs,
		&s->tcp.closing[0].links,
		&s->tcp.closing[1].links,
	};

	return slab[phase];
}

int lull_diag_rows(const struct lull_shard *s, uint64_t *cursor,
		   struct lull_row *rows, int n)
{
	uint32_t phase = (uint32_t)(*cursor >> 32), i = (uint32_t)*cursor;
	int filled = 0;

	for (int look = 0; look < LOOK && filled < n && phase < PHASES;) {
		const struct lull_slab *slab = slab_of(s, phase);

		if (i == 0)
			i = 1; /* 0 is the null object */
		if (!slab->used || i >= slab->fresh) {
			phase++;
			i = 0;
			continue;
		}
		filled += row_at(s, phase, i++, &rows[filled]);
		look++;
	}
	*cursor = (uint64_t)phase << 32 | i;
	return filled || phase == PHASES || n <= 0 ? filled : -EAGAIN;
}

/* ---- by their pairs ---- */

static bool row_of(const struct lull_shard *s, uint32_t name,
		   struct lull_row *row)
{
	uint32_t i = lull_name_index(name);

	memset(row, 0, sizeof *row);
	row->id = name;
	switch (lull_name_kind(name)) {
	case LULL_KIND_HALF:
		return half_row(s, i, row);
	case LULL_KIND_TCB:
		return tcb_row(s, i, row);
	case LULL_KIND_CLOSING4:
	case LULL_KIND_CLOSING6:
		return closing_row(s, name, row);
	case LULL_KIND_NONE:
	case LULL_KIND_LISTENER:
	case LULL_KINDS:
		break;
	}
	return false;
}

/* As a batch of segments finds its connections: see demux.c. */
static int find_batch(const struct lull_shard *s, const struct lull_pair *pairs,
		      struct lull_row *rows, int n)
{
	struct lull_tuple tuple[BATCH];
	uint32_t hash[BATCH];
	int found = 0;

	for (int i = 0; i < n; i++) {
		tuple[i] = (struct lull_tuple){
			pairs[i].local.addr,
			pairs[i].remote.addr,
			pairs[i].local.port,
			pairs[i].remote.port,
		};
		hash[i] = (uint32_t)lull_hash_tuple(s->g.keys.flow, &tuple[i]);
		lull_table_prefetch(&s->tcp.flows, hash[i]);
	}
	for (int i = 0; i < n; i++)
		(void)lull_tcp_prefetch(&s->tcp, hash[i], false);
	for (int i = 0; i < n; i++)
		found += row_of(s, lull_tcp_find(&s->tcp, hash[i], &tuple[i]),
				&rows[i]);
	return found;
}

int lull_diag_find(const struct lull_shard *s, const struct lull_pair *pairs,
		   struct lull_row *rows, int n)
{
	int found = 0;

	for (int i = 0; i < n; i += BATCH)
		found += find_batch(s, pairs + i, rows + i,
				    n - i < BATCH ? n - i : BATCH);
	return found;
}
