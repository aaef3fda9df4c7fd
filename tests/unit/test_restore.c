/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_restore.c: closing records that outlive their process (docs/state.md):
 * what peers see of it, when records end, and which regions are refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "reopen.h"

#define DAY_MS 86400000ULL

/* The rig's process is killed; the next one goes on with the same region. */
static void restart(struct rig *r)
{
	struct lull_listen l = {.size = sizeof l,
				.flags = r->config.listen_flags,
				.local = {r->tuple.local, 128},
				.port_lo = RIG_PORT,
				.backlog = 8,
				.cookie = 1};
	struct lull_prefix own = {r->tuple.local, r->config.v6 ? 64 : 120};
	struct other o;

	other_make(&o, &r->s->limits);
	o.profile = r->config.profile;
	assert_int_equal(
		other_open(&o, &r->s->limits, r->memory.closing, r->now_ns), 0);
	rig_drop(r);
	r->s = o.s;
	r->memory = o.memory;
	assert_int_equal(lull_addr_add(r->s, own, false), 0);
	assert_int_equal(lull_sock_listen(r->s, &l, &r->listener), 0);
	rig_run(r);
	rig_expect_none(r);
}

/* ---- peers see nothing ---- */

static const struct rig_config both[] = {{.ts = true},
					 {.v6 = true, .ts = true},
					 {.wscale = true},
					 {.v6 = true, .mss = 1000}};

/* A late FIN gets its ACK, the same as without the restart, and 2MSL anew. */
static void late_fin_is_answered(void **unused)
{
	for (uint32_t i = 0; i < ARRAY_LEN(both); i++) {
		struct rig_seg first, again;
		struct rig r;

		rig_open(&r, &both[i]);
		rig_align(&r);
		to_time_wait(&r, 5000);
		rig_put(&r, LULL_FIN | LULL_ACK, lull_seq(r.seq.v - 1), r.ack,
			NULL, 0);
		first = rig_expect(&r, LULL_ACK);
		rig_pass_ms(&r, 20000);
		assert_int_equal(rig_left_ms(&r), LEN_MS - 20000);
		restart(&r);
		assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
		assert_int_equal(rig_left_ms(&r), LEN_MS - 20000);
		assert_int_equal(rig_count(&r, LULL_COUNT_TW_RESTORED), 1);
		rig_pass_ms(&r, 10);
		rig_put(&r, LULL_FIN | LULL_ACK, lull_seq(r.seq.v - 1), r.ack,
			NULL, 0);
		again = rig_expect(&r, LULL_ACK);
		assert_int_equal(again.seg.seq.v, first.seg.seq.v);
		assert_int_equal(again.seg.ack.v, first.seg.ack.v);
		assert_int_equal(again.seg.wnd, first.seg.wnd);
		assert_int_equal(again.seg.has_ts, both[i].ts);
		assert_int_equal(again.seg.tsecr, first.seg.tsecr);
		if (both[i].ts) /* the same clock, the same secret offset */
			assert_int_equal(again.seg.tsval,
					 first.seg.tsval + 20010);
		assert_int_equal(rig_left_ms(&r), LEN_MS);
		rig_close(&r);
	}
}

/* An old duplicate gets nothing, or an ACK: never RST, never a connection. */
static void old_duplicates_are_answered_as_before(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.ts = true});
	to_time_wait(&r, 5000);
	restart(&r);
	rig_put(&r, LULL_ACK, r.seq, r.ack, NULL, 0);
	rig_expect_none(&r);
	rig_put(&r, LULL_ACK, lull_seq(r.seq.v - 10), r.ack, "old", 3);
	rig_expect(&r, LULL_ACK);
	r.tsval -= 1000;
	rig_put(&r, LULL_SYN, lull_seq(r.seq.v - 3), lull_seq(0), NULL, 0);
	rig_expect(&r, LULL_ACK);
	assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
	rig_close(&r);
}

/* A FIN_WAIT_2 that nobody owned: its FIN makes a whole TIME_WAIT. */
static void fin_wait_2_goes_on(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = v6, .ts = true});
		rig_align(&r);
		to_fin_wait_2(&r, 5000);
		rig_pass_ms(&r, 1000);
		restart(&r);
		assert_int_equal(rig_state(&r), LULL_TCP_FIN_WAIT_2);
		assert_int_equal(rig_left_ms(&r), LEN_MS - 1000);
		r.tsval += 7;
		rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
		assert_int_equal(rig_expect(&r, LULL_ACK).seg.tsecr, r.tsval);
		restart(&r);
		assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
		assert_int_equal(rig_left_ms(&r), LEN_MS);
		assert_int_equal(rig_record(&r)->life.ts_recent, r.tsval);
		rig_close(&r);
	}
}

/*
 * RFC 6191: the new connection's ISN is above all that the old one sent. When
 * it dies with its process before it is established, its pair is in TIME_WAIT.
 */
static void a_new_syn_reopens(void **unused)
{
	uint32_t snd_nxt;
	struct rig r;

	rig_open(&r, &(struct rig_config){.ts = true});
	to_time_wait(&r, 5000);
	snd_nxt = rig_record(&r)->snd_nxt.v;
	for (int i = 0; i < 2; i++) {
		restart(&r);
		assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
		assert_int_equal(rig_record(&r)->snd_nxt.v, snd_nxt);
		r.tsval += 1;
		rig_syn(&r, LULL_SYN);
		assert_true(
			lull_seq_gt(rig_expect(&r, LULL_SYN | LULL_ACK).seg.seq,
				    lull_seq(snd_nxt)));
		assert_int_equal(rig_state(&r), LULL_TCP_SYN_RECEIVED);
	}
	rig_ack(&r); /* established: the old one is given up for it */
	restart(&r);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	rig_close(&r);
}

/* Connections that were not closed are lost: a stranger's segment gets RST. */
static void open_connections_are_lost(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	to_time_wait(&r, 5000);
	rig_peer(&r, 5001);
	rig_shake(&r);
	restart(&r);
	rig_feed(&r, 10);
	rig_expect(&r, LULL_RST);
	r.tuple.rport = 5000;
	assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
	r.sock = (struct lull_sock){0, 0};
	rig_close(&r);
}

/* ---- time ---- */

/* Of many lengths, restarted and not: each ends in its own millisecond. */
static void each_ends_in_its_time(void **unused)
{
	enum {
		N = 50
	};
	uint64_t seed = 7;

	for (int round = 0; round < 8; round++) {
		struct rows rows;
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = round & 1});
		rig_align(&r);
		for (uint32_t i = 0; i < N; i++) {
			char text[12] = {0};
			uint32_t s = 1 + rig_random(&seed, 900);

			(void)snprintf(text, sizeof text, "%u", s);
			rig_knob(&r, "net.lull.tcp_timewait_len", text);
			to_time_wait(&r, (uint16_t)(5000 + i));
			rig_pass_ms(&r, rig_random(&seed, 20));
		}
		/* Some were over meanwhile, and left holes. */
		restart(&r);
		rows_of(r.s, &rows);
		assert_int_equal(closing_now(r.s), rows.len);
		/* How long they have rested nobody knows: they seem new. */
		for (uint32_t i = 0; i < rows.len; i++) {
			r.tuple = rows.at[i].tuple;
			assert_int_equal(lull_closing_age_ms(&r.s->tcp,
							     rig_record(&r)),
					 0);
		}
		while (closing_now(r.s)) {
			struct lull_work work = lull_shard_run(r.s, r.now_ns);
			uint32_t now_ms, due = 0;

			assert_true(work.deadline_ns > r.now_ns);
			r.now_ns = work.deadline_ns;
			rig_run(&r);
			now_ms = (uint32_t)(r.now_ns / 1000000);
			for (uint32_t i = 0; i < rows.len; i++)
				due += lull_due(rows.at[i].c.life.expiry_ms,
						now_ms);
			assert_int_equal(closing_now(r.s), rows.len - due);
		}
		rig_close(&r);
	}
}

/* Milliseconds wrap every 49.7 days; a file may lie about for longer. */
static void long_dead(void **unused)
{
	static const uint32_t days[] = {1,  13, 24, 25, 30,  49,
					50, 60, 74, 99, 100, 1000};
	static uint8_t image[12288];
	struct other o;
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	rig_align(&r);
	to_time_wait(&r, 5000);
	to_fin_wait_2(&r, 5001);
	other_make(&o, &r.s->limits);
	assert_int_equal(o.memory.closing_len, sizeof image);
	for (uint32_t i = 0; i < ARRAY_LEN(days); i++)
		for (int at_wrap = 0; at_wrap < 2; at_wrap++) {
			uint64_t ms = days[i] * DAY_MS;

			if (at_wrap)
				ms = (i + 1) * ((uint64_t)1 << 32) + 1000;
			assert_int_equal(other_open(&o, &r.s->limits,
						    r.memory.closing,
						    r.now_ns + ms * 1000000),
					 0);
			assert_int_equal(o.restore.ended, 2);
			assert_int_equal(closing_now(o.s), 0);
			/* And then they are free, for good. */
			memcpy(image, o.memory.closing, sizeof image);
			assert_int_equal(other_open(&o, &r.s->limits, image,
						    r.now_ns),
					 0);
			assert_int_equal(o.restore.ended, 0);
			assert_int_equal(closing_now(o.s), 0);
		}
	other_free(&o);
	rig_close(&r);
}

/* To the millisecond: what is over is not taken over. */
static void over_is_over(void **unused)
{
	struct other o;
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	rig_align(&r);
	to_time_wait(&r, 5000);
	other_make(&o, &r.s->limits);
	for (int over = 0; over < 2; over++) {
		assert_int_equal(
			other_open(&o, &r.s->limits, r.memory.closing,
				   r.now_ns + (uint64_t)(LEN_MS - 1 + over) *
						      1000000),
			0);
		assert_int_equal(o.restore.time_wait, !over);
		assert_int_equal(o.restore.ended, over);
	}
	other_free(&o);
	rig_close(&r);
}

/* ---- places ---- */

/* Free places are found again, and no more of them than there are. */
static void places_are_used_again(void **unused)
{
	struct rows before, after;
	struct rig r;

	rig_open(&r,
		 &(struct rig_config){.sysctl = {"net.ipv4.tcp_rfc1337=0"}});
	for (uint16_t i = 0; i < 30; i++)
		to_time_wait(&r, (uint16_t)(5000 + i));
	for (uint16_t i = 0; i < 30; i += 3) {
		r.tuple.rport = (uint16_t)(5000 + i);
		rig_put(&r, LULL_RST, r.seq, r.ack, NULL, 0);
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	}
	rows_of(r.s, &before);
	assert_int_equal(before.len, 20);
	restart(&r);
	rows_of(r.s, &after);
	assert_same_rows(&before, &after);
	for (uint16_t i = 0; i < 44; i++)
		to_time_wait(&r, (uint16_t)(6000 + i));
	assert_int_equal(closing_now(r.s), 64);
	assert_int_equal(rig_count(&r, LULL_COUNT_TW_EVICTED), 0);
	rows_of(r.s, &after);
	for (uint32_t i = 0; i < before.len; i++)
		assert_non_null(row_of(&after, &before.at[i].tuple));
	/* The next takes the place of the oldest, as ever. */
	to_time_wait(&r, 7000);
	assert_int_equal(closing_now(r.s), 64);
	assert_int_equal(rig_count(&r, LULL_COUNT_TW_EVICTED), 1);
	rig_close(&r);
}

/* A port that we opened a connection from stays taken, and is counted. */
static void ports_of_ours_stay_taken(void **unused)
{
	const struct lull_tcp *t;
	struct lull_place place;
	struct rig r;

	rig_open(&r, &(struct rig_config){.no_listener = true});
	rig_reach(&r, LULL_TCP_SYN_SENT, true);
	r.tsval += 1;
	rig_syn(&r, LULL_SYN | LULL_ACK);
	rig_expect(&r, LULL_ACK);
	lull_sock_close(r.s, r.sock);
	rig_run(&r);
	rig_expect(&r, LULL_FIN | LULL_ACK);
	rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
	rig_expect(&r, LULL_ACK);
	assert_true(rig_record(&r)->head.flags & LULL_CLOSING_ACTIVE);
	restart(&r);
	t = &r.s->tcp;
	place.tuple = r.tuple;
	place.dest_hash = lull_dest_hash(t, &place.tuple);
	assert_int_equal(lull_dest_at(t, lull_dest_find(t, &place.tuple,
							place.dest_hash))
				 ->closing,
			 1);
	r.sock = (struct lull_sock){0, 0};
	rig_close(&r);
}

/* Profile linux counts what has a port, for SO_REUSEADDR. */
static void ports_are_counted(void **unused)
{
	struct rig_config config = {.profile = LULL_PROFILE_LINUX,
				    .listen_flags = LULL_LISTEN_REUSEADDR};
	uint32_t flows;
	struct rig r;

	rig_open(&r, &config);
	to_time_wait(&r, 5000);
	to_fin_wait_2(&r, 5001);
	flows = r.s->tcp.port_use[RIG_PORT].flows;
	assert_int_equal(flows, 2);
	restart(&r);
	assert_int_equal(r.s->tcp.port_use[RIG_PORT].flows, flows);
	rig_pass_ms(&r, 2 * LEN_MS);
	assert_int_equal(r.s->tcp.port_use[RIG_PORT].flows, 0);
	rig_close(&r);
}

/* ---- shadows ---- */

/* Alone it is a TIME_WAIT again; beside another of its pair it gives way. */
static void shadows(void **unused)
{
	for (int twin = 0; twin < 4; twin++) {
		uint8_t *image;
		struct other o;
		struct rig r;

		rig_open(&r, &(struct rig_config){0});
		to_time_wait(&r, 5000);
		to_time_wait(&r, 5001);
		image = malloc(r.memory.closing_len);
		memcpy(image, r.memory.closing, r.memory.closing_len);
		{
			struct lull_closing4 *at = (void *)image;

			if (twin) /* one pair, twice */
				at[2] = at[1];
			if (twin != 3)
				at[1].c.head.flags |= LULL_CLOSING_SHADOW;
			if (twin == 2)
				at[2].c.head.flags |= LULL_CLOSING_SHADOW;
		}
		other_make(&o, &r.s->limits);
		assert_int_equal(other_open(&o, &r.s->limits, image, r.now_ns),
				 twin >= 2 ? -EBADMSG : 0);
		if (twin < 2) {
			struct rows rows;

			rows_of(o.s, &rows);
			assert_int_equal(rows.len, 2 - twin);
			assert_int_equal(o.restore.ended, twin);
			for (uint32_t i = 0; i < rows.len; i++)
				assert_int_equal(rows.at[i].c.head.flags, 0);
		} else {
			assert_int_equal(o.restore.refused, 1);
		}
		other_free(&o);
		free(image);
		rig_close(&r);
	}
}

/* ---- what makes no sense ---- */

static const struct {
	size_t at; /* in a record of IPv4 */
	uint8_t flip;
	bool good;
} damage[] = {
	{0, 1, false},	   /* an address */
	{4, 0xf0, false},  /* multicast */
	{7, 1, false},	   /* an address */
	{8, 1, false},	   /* lport */
	{10, 1, false},	   /* rport */
	{12, 1, false},	   /* SND.NXT */
	{15, 0x80, false}, /* SND.NXT */
	{16, 1, true},	   /* a millisecond: nobody can tell */
	{20, 1, true},	   /* TS.Recent: it changes */
	{24, 1, true},	   /* RCV.NXT: it changes */
	{28, 0x10, false}, /* length class 16 */
	{29, 1, false},	   /* TOS */
	{30, 1, false},	   /* timestamps */
	{30, 0x80, false}, /* the window's scale */
	{31, 6, false},	   /* free, and yet something */
	{31, 7, false},	   /* ESTABLISHED */
	{32, 1, false},	   /* window */
	{36, 1, false},	   /* 2MSL of the socket */
	{38, 1, false},	   /* check */
};

static void damaged_records(void **unused)
{
	uint8_t *image;
	struct other o;
	struct rig r;

	rig_open(&r, &(struct rig_config){.ts = true});
	rig_align(&r);
	to_time_wait(&r, 5000);
	to_time_wait(&r, 5001);
	other_make(&o, &r.s->limits);
	image = malloc(r.memory.closing_len);
	for (uint32_t i = 0; i < ARRAY_LEN(damage); i++) {
		int e;

		memcpy(image, r.memory.closing, r.memory.closing_len);
		image[40 + damage[i].at] ^= damage[i].flip;
		e = other_open(&o, &r.s->limits, image, r.now_ns);
		if (e != (damage[i].good ? 0 : -EBADMSG))
			fail_msg("byte %zu: %d", damage[i].at, e);
		if (damage[i].good)
			continue;
		assert_int_equal(o.restore.refused, 1);
		/* None is taken over, and it stays for the next one. */
		assert_memory_equal(o.memory.closing, image,
				    o.memory.closing_len);
	}
	/* No record lasts two hours. */
	memcpy(image, r.memory.closing, r.memory.closing_len);
	((struct lull_closing4 *)(void *)image)[1].c.life.expiry_ms += 7200000;
	assert_int_equal(other_open(&o, &r.s->limits, image, r.now_ns),
			 -EBADMSG);
	free(image);
	other_free(&o);
	rig_close(&r);
}

/* IPv4 in IPv6's clothes: nobody would find it there. */
static void family_of_a_record(void **unused)
{
	for (int mapped = 0; mapped < 2; mapped++) {
		struct lull_closing6 *at;
		struct lull_tuple tuple;
		uint8_t *image;
		struct other o;
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = true});
		to_time_wait(&r, 5000);
		image = malloc(r.memory.closing_len);
		memcpy(image, r.memory.closing, r.memory.closing_len);
		at = (void *)(image + (r.s->tcp.closing[1].records -
				       (uint8_t *)r.memory.closing));
		at++;
		tuple = r.tuple;
		if (mapped) {
			memset(tuple.local.b, 0, 12);
			memset(tuple.local.b + 10, 0xff, 2);
			memcpy(tuple.remote.b, tuple.local.b, 12);
			at->local = tuple.local;
			at->remote = tuple.remote;
			at->remote.b[15] = tuple.remote.b[15] = 77;
		}
		at->c.check = lull_closing_check(
			&at->c, at->c.head,
			(uint32_t)lull_hash_tuple(r.s->g.keys.flow, &tuple));
		other_make(&o, &r.s->limits);
		assert_int_equal(other_open(&o, &r.s->limits, image, r.now_ns),
				 mapped ? -EBADMSG : 0);
		other_free(&o);
		free(image);
		rig_close(&r);
	}
}

/* Another key, and all is foreign; another clock, and nothing is. */
static void foreign_regions(void **unused)
{
	struct lull_config c;
	struct other o;
	struct rig r;

	rig_open(&r, &(struct rig_config){.v6 = true});
	for (uint16_t i = 0; i < 20; i++)
		to_time_wait(&r, (uint16_t)(5000 + i));
	other_make(&o, &r.s->limits);
	assert_int_equal(other_open(&o, &r.s->limits, r.memory.closing, 5000),
			 -EBADMSG);
	assert_int_equal(o.restore.refused, 1);
	other_free(&o);
	other_make(&o, &r.s->limits);
	lull_config_init(&c, 64, 64);
	c.key[0] = 1;
	c.limits = r.s->limits;
	memcpy(o.memory.closing, r.memory.closing, r.memory.closing_len);
	o.restore.size = sizeof o.restore;
	assert_int_equal(lull_shard_init(&o.s, &c, o.memory, r.now_ns,
					 &o.restore),
			 -EBADMSG);
	assert_int_equal(o.restore.refused, 20);
	other_free(&o);
	rig_close(&r);
}

/* Whatever was done to a region: refused as it is, or good to its end. */
static void hostile_regions(void **unused)
{
	enum {
		ROUNDS = 4000
	};
	uint64_t seed = 1;
	uint32_t refused = 0;
	uint8_t *image;
	struct other o;
	struct rig r;

	rig_open(&r, &(struct rig_config){.ts = true});
	for (uint16_t i = 0; i < 20; i++)
		to_time_wait(&r, (uint16_t)(5000 + i));
	other_make(&o, &r.s->limits);
	image = malloc(r.memory.closing_len);
	for (uint32_t n = 0; n < ROUNDS; n++) {
		uint32_t bytes = 1 + rig_random(&seed, n % 16 ? 4 : 2000);
		uint64_t now_ns = r.now_ns;

		memcpy(image, r.memory.closing, r.memory.closing_len);
		while (bytes--) {
			uint32_t limit = n % 3 ? 22 * 40 : 8192;
			uint32_t at = rig_random(&seed, limit);

			/* Bodies change nothing where there is none. */
			if (n % 2)
				at = at / 40 * 40 + 16 + at % 16;
			image[at] ^= (uint8_t)(1 << rig_random(&seed, 8));
		}
		if (n % 5 == 0)
			now_ns += (uint64_t)rig_random(&seed, LEN_MS) * 1000000;
		if (other_open(&o, &r.s->limits, image, now_ns) < 0) {
			assert_true(o.restore.refused > 0);
			assert_memory_equal(o.memory.closing, image,
					    o.memory.closing_len);
			refused++;
			continue;
		}
		for (int i = 0; i < 4; i++)
			(void)lull_shard_run(o.s, now_ns += 1000000000000);
		lull_table_check(&o.s->tcp.flows);
		assert_int_equal(closing_now(o.s), 0);
		assert_int_equal(o.s->tcp.flows.used, 0);
	}
	print_message("# %u of %u refused\n", refused, ROUNDS);
	assert_in_range(refused, ROUNDS / 10, ROUNDS * 9 / 10);
	free(image);
	other_free(&o);
	rig_close(&r);
}

/* ---- a million ---- */

static double seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fill_million(struct lull_tcp *t, uint32_t n)
{
	struct lull_closing_new from = {
		.tuple.local.b = {[10] = 0xff, [11] = 0xff, 10, 9, 3, 2},
		.tuple.remote.b = {[10] = 0xff, [11] = 0xff, 10, 9, 4, 1},
		.tuple.lport = RIG_PORT,
	};
	uint64_t seed = 3;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t hash;

		from.tuple.rport = (uint16_t)(1000 + i % 50000);
		from.tuple.remote.b[15] = (uint8_t)(1 + i / 50000);
		from.snd_nxt.v = i * 77;
		hash = (uint32_t)lull_hash_tuple(t->g->keys.flow, &from.tuple);
		assert_true(lull_closing_make(t, &from, hash, 0,
					      LULL_TCP_TIME_WAIT,
					      1000 * (30 + i % 7)) != 0);
		/* As states count them; the connections are not here. */
		t->states[LULL_TCP_TIME_WAIT]++;
		if (rig_random(&seed, 50) == 0)
			lull_ground_time(t->g, t->g->now_ns + 1000000);
	}
}

static void a_million_records(void **unused)
{
	enum {
		N = 1000000
	};
	struct lull_config c;
	struct lull_memory m;
	struct lull_shard *s;
	struct other o;
	uint64_t last_ms = 0, now_ns;
	double began, took, cpu;

	lull_config_init(&c, 64, N);
	memset(c.key, 0x5a, sizeof c.key);
	assert_int_equal(lull_memory_map(&c.limits, &m), 0);
	assert_int_equal(lull_shard_init(&s, &c, m, 1000000000, NULL), 0);
	fill_million(&s->tcp, N);
	now_ns = s->g.now_ns;
	other_make(&o, &c.limits);
	memcpy(o.memory.closing, m.closing, m.closing_len);
	o.restore.size = sizeof o.restore;
	began = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	assert_int_equal(
		lull_shard_init(&o.s, &c, o.memory, now_ns, &o.restore), 0);
	took = seconds(CLOCK_MONOTONIC) - began;
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	print_message("# a million records: %.3f s, of CPU %.3f s\n", took,
		      cpu);
	assert_int_equal(o.restore.time_wait, N);
	for (uint32_t i = o.s->tcp.closing[0].fifo[0].head; i;) {
		const struct lull_links *at =
			lull_list_at(&o.s->tcp.closing[0].fifo[0], i);
		uint32_t ms = lull_closing_left_ms(
			&o.s->tcp,
			lull_closing_at(&o.s->tcp,
					lull_name(LULL_KIND_CLOSING4, i)));

		assert_true(ms >= last_ms);
		last_ms = ms;
		i = at->next;
	}
	lull_memory_unmap(&m);
	other_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_fin_is_answered),
		cmocka_unit_test(old_duplicates_are_answered_as_before),
		cmocka_unit_test(fin_wait_2_goes_on),
		cmocka_unit_test(a_new_syn_reopens),
		cmocka_unit_test(open_connections_are_lost),
		cmocka_unit_test(each_ends_in_its_time),
		cmocka_unit_test(long_dead),
		cmocka_unit_test(over_is_over),
		cmocka_unit_test(places_are_used_again),
		cmocka_unit_test(ports_of_ours_stay_taken),
		cmocka_unit_test(ports_are_counted),
		cmocka_unit_test(shadows),
		cmocka_unit_test(damaged_records),
		cmocka_unit_test(family_of_a_record),
		cmocka_unit_test(foreign_regions),
		cmocka_unit_test(hostile_regions),
		cmocka_unit_test(a_million_records),
	};

	return RUN("restore", tests);
}
