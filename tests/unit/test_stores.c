/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_stores.c: the process may die between any two stores into the region of
 * closing records (docs/state.md).
 *
 * A copy of the region is taken after each store, and opened by another
 * shard. What is asked of every such image: no record lost that was committed,
 * none invented, none resurrected.
 */
#include <stdlib.h>

#include "reopen.h"

enum {
	IMAGES = 512,
};

static void few_records(struct lull_limits *l)
{
	l->closing = l->closing6 = 3;
}

/* ---- each store ---- */

struct image {
	uint8_t *bytes;
	size_t at, len; /* what was stored */
};

struct watch {
	const uint8_t *region;
	size_t region_len;
	struct image image[IMAGES];
	uint32_t images;
};

static void keep_image(struct watch *w, size_t at, size_t len)
{
	struct image *i = &w->image[w->images++];

	assert_true(w->images < IMAGES);
	i->bytes = malloc(w->region_len);
	memcpy(i->bytes, w->region, w->region_len);
	i->at = at;
	i->len = len;
}

static void on_store(void *arg, const void *at, size_t len)
{
	struct watch *w = arg;

	keep_image(w, (size_t)((const uint8_t *)at - w->region), len);
}

static void watch_begin(struct watch *w, struct lull_shard *s,
			const struct lull_memory *m)
{
	w->region = m->closing;
	w->region_len = m->closing_len;
	w->images = 0;
	keep_image(w, 0, 0);
	s->tcp.stored = on_store;
	s->tcp.stored_arg = w;
}

/* Each image differs from the one before in what was said to be stored. */
static void check_stores(const struct watch *w)
{
	for (uint32_t i = 1; i < w->images; i++) {
		const struct image *now = &w->image[i];
		const uint8_t *was = w->image[i - 1].bytes;
		size_t end = now->at + now->len;

		assert_memory_equal(now->bytes, was, now->at);
		assert_memory_equal(now->bytes + end, was + end,
				    w->region_len - end);
		/* One store: aligned, and of a word at most; but a free
		 * record's addresses, which nobody reads. */
		if (now->len != 16)
			assert_true(now->len <= 8 && now->at % now->len == 0);
	}
	/* And nothing was stored in silence. */
	assert_memory_equal(w->image[w->images - 1].bytes, w->region,
			    w->region_len);
}

/* What one pair's record may be while one becomes the other; NULL: none. */
static bool is_between(const struct row *now, const struct row *before,
		       const struct row *after)
{
	bool b = before && same_head(now, before);
	bool a = after && same_head(now, after);
	uint32_t ms = now->c.life.expiry_ms, ts = now->c.life.ts_recent;

	return (a || b) &&
	       ((before && ms == before->c.life.expiry_ms) ||
		(after && ms == after->c.life.expiry_ms)) &&
	       ((before && ts == before->c.life.ts_recent) ||
		(after && ts == after->c.life.ts_recent));
}

/* How far a pair has come: it never goes back. 0: as before, 1: as after. */
static int stage_of(const struct row *now, const struct row *before,
		    const struct row *after)
{
	if (!now)
		return before ? 1 : 0;
	if (!before)
		return 1;
	return after && same_head(now, after) && !same_head(now, before);
}

static void check_pair(const struct lull_tuple *tuple, const struct rows *now,
		       const struct rows *before, const struct rows *after,
		       int *stage)
{
	const struct row *n = row_of(now, tuple), *b = row_of(before, tuple);
	const struct row *a = row_of(after, tuple);
	int s = stage_of(n, b, a);

	assert_true(a || b);	    /* else: invented */
	assert_true(n || !a || !b); /* else: lost */
	assert_true(s >= *stage);   /* else: lost again, or resurrected */
	*stage = s;
	if (n)
		assert_true(is_between(n, b, a));
}

/* Every image of a change is a region that the next process can take over. */
static void check_images(struct watch *w, const struct lull_limits *limits,
			 uint64_t now_ns, const struct rows *before,
			 const struct rows *after)
{
	int stage_b[ROWS] = {0}, stage_a[ROWS] = {0};
	struct other o;
	struct rows now;

	check_stores(w);
	other_make(&o, limits);
	for (uint32_t i = 0; i < w->images; i++) {
		assert_int_equal(
			other_open(&o, limits, w->image[i].bytes, now_ns), 0);
		assert_int_equal(o.restore.refused, 0);
		rows_of(o.s, &now);
		assert_int_equal(now.len,
				 o.restore.time_wait + o.restore.fin_wait_2);
		for (uint32_t k = 0; k < now.len; k++)
			assert_true(row_of(before, &now.at[k].tuple) ||
				    row_of(after, &now.at[k].tuple));
		for (uint32_t k = 0; k < before->len; k++)
			check_pair(&before->at[k].tuple, &now, before, after,
				   &stage_b[k]);
		for (uint32_t k = 0; k < after->len; k++)
			check_pair(&after->at[k].tuple, &now, before, after,
				   &stage_a[k]);
		free(w->image[i].bytes);
	}
	assert_same_rows(&now, after);
	other_free(&o);
}

/* ---- the changes ---- */

static void create_time_wait(struct rig *r)
{
	rig_say(r, LULL_FIN | LULL_ACK, NULL, 0);
	rig_expect(r, LULL_ACK);
}

static void to_fin_wait_1(struct rig *r)
{
	rig_peer(r, 5001);
	rig_shake(r);
	lull_sock_close(r->s, r->sock);
	rig_run(r);
	rig_expect(r, LULL_FIN | LULL_ACK);
}

static void before_create(struct rig *r)
{
	to_time_wait(r, 5000);
	to_fin_wait_1(r);
}

static void before_fin_wait_2(struct rig *r)
{
	to_time_wait(r, 5000);
	to_fin_wait_2(r, 5001);
	rig_pass_ms(r, 3000);
	r->tsval += 100;
}

static void before_time_wait(struct rig *r)
{
	to_fin_wait_2(r, 5000);
	to_time_wait(r, 5001);
	rig_pass_ms(r, 3000);
	r->tsval += 100;
}

static void before_evict(struct rig *r)
{
	to_time_wait(r, 5000);
	rig_pass_ms(r, 5);
	to_fin_wait_2(r, 5002);
	to_time_wait(r, 5003);
	to_fin_wait_1(r);
	/* Another three, so that one must go. */
	assert_int_equal(closing_now(r->s), 3);
}

static void fin_again(struct rig *r)
{
	rig_put(r, LULL_FIN | LULL_ACK, lull_seq(r->seq.v - 1), r->ack, NULL,
		0);
	rig_expect(r, LULL_ACK);
}

static void bare_ack(struct rig *r)
{
	rig_put(r, LULL_ACK, r->seq, r->ack, NULL, 0);
	rig_expect_none(r);
}

static void old_ack(struct rig *r)
{
	rig_put(r, LULL_ACK, lull_seq(r->seq.v - 9), r->ack, NULL, 0);
	rig_expect(r, LULL_ACK);
}

static void text(struct rig *r)
{
	rig_put(r, LULL_ACK, r->seq, r->ack, "x", 1);
	rig_expect(r, LULL_RST);
}

static void syn(struct rig *r)
{
	rig_syn(r, LULL_SYN);
	rig_expect(r, LULL_SYN | LULL_ACK);
}

/* The new connection is established: the shadow goes. */
static void before_shadow(struct rig *r)
{
	before_time_wait(r);
	syn(r);
}

static void rst(struct rig *r)
{
	rig_put(r, LULL_RST, r->seq, r->ack, NULL, 0);
}

/* Just the older one's time is over. */
static void expire(struct rig *r)
{
	rig_pass_ms(r, LEN_MS - 3000);
}

static void expire_both(struct rig *r)
{
	rig_pass_ms(r, LEN_MS);
}

static const struct change {
	const char *name;
	void (*before)(struct rig *r);
	void (*change)(struct rig *r);
	uint32_t pairs; /* afterwards */
	bool few;
} changes[] = {
	{"create", before_create, create_time_wait, 2, false},
	{"create FIN_WAIT_2", before_create, rig_ack, 2, false},
	{"restart", before_time_wait, fin_again, 2, false},
	{"FIN in FIN_WAIT_2", before_fin_wait_2, create_time_wait, 2, false},
	{"TS.Recent in FIN_WAIT_2", before_fin_wait_2, bare_ack, 2, false},
	{"TS.Recent in TIME_WAIT", before_time_wait, bare_ack, 2, false},
	{"rate limit", before_time_wait, old_ack, 2, false},
	{"evict", before_evict, create_time_wait, 3, true},
	{"evict FIN_WAIT_2", before_evict, rig_ack, 3, true},
	{"reuse", before_time_wait, syn, 2, false},
	{"reuse, established", before_shadow, rig_ack, 1, false},
	{"reuse, in vain", before_shadow, rst, 2, false},
	{"RST in TIME_WAIT", before_time_wait, rst, 1, false},
	{"RST in FIN_WAIT_2", before_fin_wait_2, rst, 1, false},
	{"text in FIN_WAIT_2", before_fin_wait_2, text, 1, false},
	{"expire", before_time_wait, expire, 0, false},
	{"expire both", before_fin_wait_2, expire_both, 0, false},
};

static void each_store(void **unused)
{
	static struct watch w;
	uint32_t images = 0;

	for (uint32_t i = 0; i < ARRAY_LEN(changes); i++)
		for (int v6 = 0; v6 < 2; v6++) {
			struct rig_config config = {
				.v6 = v6,
				.ts = true,
				.sysctl = {"net.ipv4.tcp_rfc1337=0"},
			};
			struct rows before, after;
			uint64_t began_ns;
			struct rig r;

			if (changes[i].few)
				config.limits = few_records;
			rig_open(&r, &config);
			rig_align(&r);
			changes[i].before(&r);
			began_ns = r.now_ns;
			rows_of(r.s, &before);
			watch_begin(&w, r.s, &r.memory);
			changes[i].change(&r);
			r.s->tcp.stored = NULL;
			rows_of(r.s, &after);
			if (after.len != changes[i].pairs)
				fail_msg("%s: %u records", changes[i].name,
					 after.len);
			assert_true(w.images > 1);
			images += w.images;
			/* Of what ends: before that, or all would be over. */
			check_images(&w, &r.s->limits,
				     changes[i].pairs ? r.now_ns : began_ns,
				     &before, &after);
			rig_close(&r);
		}
	print_message("# %u images\n", images);
	assert_true(images > 150);
}

/* The process that takes over may be killed, too. */
static void each_store_of_a_restore(void **unused)
{
	static struct watch w;
	struct lull_restore restore;
	struct rows before, after;
	struct other o;
	struct rig r;

	rig_open(&r, &(struct rig_config){.ts = true});
	rig_align(&r);
	to_time_wait(&r, 5000);
	rig_knob(&r, "net.lull.tcp_timewait_len", "100");
	to_time_wait(&r, 5001);
	r.tsval += 1;
	syn(&r); /* a shadow, whose connection dies */
	to_fin_wait_2(&r, 5002);
	r.now_ns += 70000000000; /* two of three are over */
	other_make(&o, &r.s->limits);
	memset(o.memory.closing, 0, o.memory.closing_len);
	assert_int_equal(
		other_open(&o, &r.s->limits, o.memory.closing, r.now_ns), 0);
	memcpy(o.memory.closing, r.memory.closing, o.memory.closing_len);
	watch_begin(&w, o.s, &o.memory);
	assert_true(lull_closing_restore(&o.s->tcp, &restore));
	assert_int_equal(restore.ended, 2);
	assert_int_equal(restore.time_wait, 1);
	assert_true(w.images > 3);
	rows_of(o.s, &after);
	before = after;
	check_images(&w, &r.s->limits, r.now_ns, &before, &after);
	other_free(&o);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_store),
		cmocka_unit_test(each_store_of_a_restore),
	};

	return RUN("stores", tests);
}
