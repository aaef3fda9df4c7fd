/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reopen.h: what tests of closing records that outlive their process share:
 * another shard that opens a copy of the region, and what it finds there.
 */
#ifndef LULL_REOPEN_H
#define LULL_REOPEN_H

#include "rig.h"

enum {
	LEN_MS = 60000,
	ROWS = 256,
};

/* ---- another process ---- */

/* A shard as a rig's, that takes the region over. */
struct other {
	struct lull_memory memory;
	struct lull_shard *s;
	struct lull_restore restore;
	enum lull_profile profile;
};

static inline void other_make(struct other *o, const struct lull_limits *limits)
{
	memset(o, 0, sizeof *o);
	assert_int_equal(lull_memory_map(limits, &o->memory), 0);
}

static inline int other_open(struct other *o, const struct lull_limits *limits,
			     const void *image, uint64_t now_ns)
{
	struct lull_config c;

	if (o->s)
		memset(o->memory.mem, 0,
		       (size_t)(o->s->g.bufs.data[LULL_BUF_256] -
				(uint8_t *)o->memory.mem));
	lull_config_init(&c, 64, 64);
	c.limits = *limits;
	c.profile = o->profile;
	memset(c.key, 0x5a, sizeof c.key);
	memcpy(o->memory.closing, image, o->memory.closing_len);
	memset(&o->restore, 0xa5, sizeof o->restore);
	o->restore.size = sizeof o->restore;
	/* Also when it is refused: for what is to be cleared. */
	o->s = o->memory.mem;
	return lull_shard_init(&o->s, &c, o->memory, now_ns, &o->restore);
}

static inline void other_free(struct other *o)
{
	lull_memory_unmap(&o->memory);
}

/* ---- what is in a region ---- */

struct row {
	struct lull_tuple tuple;
	struct lull_closing c;
};

struct rows {
	struct row at[ROWS];
	uint32_t len;
};

/* As the shard that has them knows them: by name, from its FIFOs. */
static inline void rows_of(const struct lull_shard *s, struct rows *rows)
{
	memset(rows, 0, sizeof *rows);
	for (int v6 = 0; v6 < 2; v6++)
		for (int k = 0; k < LULL_LENGTHS; k++) {
			const struct lull_list *l = &s->tcp.closing[v6].fifo[k];
			uint32_t i = l->head;

			for (; i; i = lull_list_at(l, i)->next) {
				uint32_t name =
					lull_name(v6 ? LULL_KIND_CLOSING6
						     : LULL_KIND_CLOSING4,
						  i);
				struct row *row = &rows->at[rows->len++];

				assert_true(rows->len < ROWS);
				lull_closing_tuple(&s->tcp, name, &row->tuple);
				row->c = *lull_closing_at(&s->tcp, name);
				/* A restart makes it a plain one again. */
				row->c.head.flags &=
					(uint8_t)~LULL_CLOSING_SHADOW;
			}
		}
}

static inline const struct row *row_of(const struct rows *rows,
				       const struct lull_tuple *tuple)
{
	for (uint32_t i = 0; i < rows->len; i++)
		if (lull_tuple_eq(&rows->at[i].tuple, tuple))
			return &rows->at[i];
	return NULL;
}

static inline bool same_head(const struct row *a, const struct row *b)
{
	return a->c.head.commit == b->c.head.commit &&
	       a->c.head.flags == b->c.head.flags &&
	       a->c.head.tos == b->c.head.tos &&
	       a->c.head.rcv_nxt.v == b->c.head.rcv_nxt.v &&
	       a->c.snd_nxt.v == b->c.snd_nxt.v && a->c.wnd == b->c.wnd;
}

static inline bool same_row(const struct row *a, const struct row *b)
{
	return same_head(a, b) && a->c.life.expiry_ms == b->c.life.expiry_ms &&
	       a->c.life.ts_recent == b->c.life.ts_recent;
}

static inline void assert_same_rows(const struct rows *a, const struct rows *b)
{
	assert_int_equal(a->len, b->len);
	for (uint32_t i = 0; i < a->len; i++) {
		const struct row *row = row_of(b, &a->at[i].tuple);

		assert_non_null(row);
		assert_true(same_row(&a->at[i], row));
	}
}

/* ---- to a state ---- */

static inline void to_fin_wait_2(struct rig *r, uint16_t port)
{
	rig_peer(r, port);
	rig_shake(r);
	lull_sock_close(r->s, r->sock);
	rig_run(r);
	rig_expect(r, LULL_FIN | LULL_ACK);
	rig_ack(r);
	assert_int_equal(rig_state(r), LULL_TCP_FIN_WAIT_2);
}

static inline void to_time_wait(struct rig *r, uint16_t port)
{
	to_fin_wait_2(r, port);
	rig_say(r, LULL_FIN | LULL_ACK, NULL, 0);
	rig_expect(r, LULL_ACK);
	assert_int_equal(rig_state(r), LULL_TCP_TIME_WAIT);
}

static inline uint64_t closing_now(const struct lull_shard *s)
{
	return s->tcp.closing[0].links.used + s->tcp.closing[1].links.used;
}

#endif
