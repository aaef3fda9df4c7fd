/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_mem.c: tcp_mem: what happens under pressure and above the limit, to
 * whom, and what everybody still gets.
 */
#include "stream.h"

enum {
	FILLER = 7000, /* the peer's port of a connection that fills memory */
	OTHER = 8000,
};

#define MEM "net.ipv4.tcp_mem"

static const struct rig_config plain = {.rtt_ms = 1};

/* Of several connections of one rig: what is the one's own. */
struct side {
	struct lull_tuple tuple;
	struct lull_sock sock;
	struct lull_seq seq, ack;
	uint32_t written, fed;
};

static struct side put_aside(struct rig *r)
{
	return (struct side){r->tuple, r->sock,	   r->seq,
			     r->ack,   r->written, r->fed};
}

static void turn_to(struct rig *r, const struct side *s)
{
	r->tuple = s->tuple;
	r->sock = s->sock;
	r->seq = s->seq;
	r->ack = s->ack;
	r->written = s->written;
	r->fed = s->fed;
	r->events = 0;
	r->error = 0;
}

static struct side another(struct rig *r, uint16_t port)
{
	rig_peer(r, port);
	rig_shake(r);
	return put_aside(r);
}

static uint64_t pages(const struct rig *r)
{
	return r->s->tcp.mem.bytes / 4096;
}

static enum lull_mem_level level(struct rig *r)
{
	lull_mem_look(&r->s->tcp);
	return (enum lull_mem_level)r->s->tcp.mem.level;
}

/* A connection that has queued `bytes`, of which none is acknowledged. */
static struct side filler(struct rig *r, uint16_t port, uint32_t bytes)
{
	another(r, port);
	rig_set(r, LULL_OPT_SNDBUF, 1 << 23);
	for (uint32_t done = 0; done < bytes; done += 2048) {
		uint32_t n = lull_min(bytes - done, 2048);

		assert_int_equal(rig_queue(r, n), n); /* a buffer of 2,048 */
	}
	rig_run(r);
	rig_discard(r);
	return put_aside(r);
}

/* Acknowledge all that a connection has sent, until nothing comes. */
static void ack_all(struct rig *r)
{
	struct rig_seg out;

	for (bool any = true; any;) {
		any = false;
		while (rig_get(r, &out)) {
			any = true;
			r->ack = lull_seq_add(out.seg.seq, out.seg.text_len);
		}
		rig_ack(r);
	}
}

/* ---- the level ---- */

/* In above the second, out below the first; counted, with the time. */
static void pressure_has_two_ends(void **unused)
{
	struct side a, b;
	struct rig r;

	rig_open(&r, &plain);
	rig_knob(&r, MEM, "10 20 200");
	a = filler(&r, FILLER, 17 * 4096);
	assert_int_equal(level(&r), LULL_MEM_EASY);
	b = filler(&r, FILLER + 1, 5 * 4096);
	assert_int_equal(level(&r), LULL_MEM_PRESSURE);
	assert_int_equal(rig_count(&r, LULL_COUNT_MEMORY_PRESSURES), 1);
	rig_pass_ms(&r, 100);
	rig_discard(&r);
	turn_to(&r, &b);
	r.ack = rig_tcb(&r)->snd.nxt;
	rig_ack(&r);
	assert_in_range(pages(&r), 11, 20);
	assert_int_equal(level(&r), LULL_MEM_PRESSURE);
	turn_to(&r, &a);
	r.ack = rig_tcb(&r)->snd.nxt;
	rig_ack(&r);
	ack_all(&r);
	assert_int_equal(level(&r), LULL_MEM_EASY);
	assert_int_equal(rig_count(&r, LULL_COUNT_MEMORY_PRESSURES), 1);
	assert_in_range(rig_count(&r, LULL_COUNT_MEMORY_PRESSURES_CHRONO), 100,
			110);
	rig_drop(&r);
}

static void few_2k(struct lull_limits *l)
{
	l->bufs_2k = 64;
	l->bufs_64k = 64;
}

/* Buffers of 2,048 bytes are what most text is in: 56 may be kept. */
static void a_class_that_is_short_counts(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.rtt_ms = 1, .limits = few_2k});
	filler(&r, FILLER, 40 * 2048);
	assert_int_equal(level(&r), LULL_MEM_EASY);
	filler(&r, FILLER + 1, 4 * 2048);
	assert_int_equal(level(&r), LULL_MEM_PRESSURE);
	filler(&r, FILLER + 2, 4096);
	filler(&r, FILLER + 3, 4096);
	filler(&r, FILLER + 4, 4096);
	assert_int_equal(level(&r), LULL_MEM_FULL);
	rig_drop(&r);
}

/* ---- to send ---- */

/* Under pressure: tcp_wmem's least, or an equal part if that is more. */
static void pressure_limits_send_buffers(void **unused)
{
	static const struct {
		const char *mem;
		uint32_t least, most;
	} t[] = {
		{"5 5 50", 24 * 4096, 26 * 4096}, /* half of 50 pages */
		{"5 5 20", 10 * 4096, 11 * 4096}, /* half of 20 */
		{"5 5 7", 4096, 2 * 4096},	  /* and all at their limit */
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		long n;
		struct rig r;

		rig_open(&r, &plain);
		filler(&r, FILLER, 6 * 4096);
		rig_knob(&r, MEM, t[i].mem);
		another(&r, OTHER);
		rig_set(&r, LULL_OPT_SNDBUF, 1 << 20);
		n = rig_queue(&r, 1 << 19);
		assert_in_range(n, t[i].least, t[i].most);
		assert_int_equal(rig_queue(&r, 1), -EAGAIN);
		rig_drop(&r);
	}
}

/*
 * Above the limit: who can't send it gets nothing more, whose peer takes it at
 * once gets tcp_wmem's least, again and again.
 */
static void above_the_limit_only_who_gets_on(void **unused)
{
	struct side stuck, honest;
	struct rig r;

	rig_open(&r, &plain);
	r.wnd = 0;
	stuck = filler(&r, FILLER, 10 * 4096);
	rig_knob(&r, MEM, "2 4 8");
	assert_int_equal(level(&r), LULL_MEM_FULL);
	assert_int_equal(rig_queue(&r, 1000), -EAGAIN);
	r.wnd = RIG_WND;
	honest = another(&r, OTHER);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(rig_queue(&r, 10000), 4096);
		assert_int_equal(rig_queue(&r, 1), -EAGAIN);
		rig_run(&r);
		rig_news(&r);
		ack_all(&r);
		assert_int_equal(rig_news(&r), LULL_EVENT_WRITE);
	}
	/* A window that is shut is no reason to give it any. */
	r.wnd = 0;
	rig_ack(&r);
	assert_int_equal(rig_queue(&r, 1), -EAGAIN);
	turn_to(&r, &stuck);
	assert_int_equal(rig_queue(&r, 1000), -EAGAIN);
	turn_to(&r, &honest);
	rig_drop(&r);
}

/* Nothing of its own is under way, so no ACK can tell it: it is told. */
static void who_waits_for_memory_is_told(void **unused)
{
	struct side full, waits;
	struct rig r;

	rig_open(&r, &plain);
	full = filler(&r, FILLER, 10 * 4096);
	waits = another(&r, OTHER);
	rig_knob(&r, MEM, "2 4 8");
	rig_run(&r);		      /* a knob counts from the next turn on */
	rig_tcb(&r)->rtt.backoff = 1; /* its peer was silent just now */
	assert_int_equal(rig_queue(&r, 1000), -EAGAIN);
	waits = put_aside(&r);
	turn_to(&r, &full);
	r.ack = rig_tcb(&r)->snd.nxt;
	rig_ack(&r);
	ack_all(&r);
	assert_int_equal(level(&r), LULL_MEM_EASY);
	assert_int_equal(rig_events_of(&r, waits.sock) & LULL_EVENT_WRITE,
			 LULL_EVENT_WRITE);
	turn_to(&r, &waits);
	assert_int_equal(rig_queue(&r, 1000), 1000);
	rig_drop(&r);
}

/* ---- to receive ---- */

/* Four segments and no more; what was offered before is still taken. */
static void pressure_narrows_windows(void **unused)
{
	struct offer o = {.edge = 65535};
	struct side fill;
	struct rig r;

	rig_open(&r, &plain);
	another(&r, OTHER);
	fill = put_aside(&r);
	filler(&r, FILLER, 10 * 4096);
	rig_knob(&r, MEM, "5 5 100");
	turn_to(&r, &fill);
	for (uint32_t at = 0; at < 65535; at += 1000) {
		put_text(&r, at, lull_min(1000, 65535 - at), 0);
		take_acks(&r, &o);
		read_all(&r, at);
		take_acks(&r, &o);
	}
	assert_int_equal(o.acked, 65535);
	assert_in_range(o.edge - o.acked, 2 * 1460, 4 * 1460);
	rig_drop(&r);
}

/* A connection with `n` segments ahead of a gap. */
static struct side gap(struct rig *r, uint16_t port, uint32_t n)
{
	struct side s = another(r, port);

	for (uint32_t i = 1; i <= n; i++)
		put_text(r, i * 1400, 1400, 0);
	rig_discard(r);
	return s;
}

static uint32_t ahead(struct rig *r, const struct side *s)
{
	turn_to(r, s);
	return rig_tcb(r)->rcv.later_len;
}

/* Text ahead of a gap: whoever has most of it, loses it first. */
static void pressure_prunes_the_greediest(void **unused)
{
	struct side modest, greedy, middling;
	uint64_t kept;
	struct rig r;

	rig_open(&r, &plain);
	modest = gap(&r, OTHER, 1);
	greedy = gap(&r, OTHER + 1, 26);
	middling = gap(&r, OTHER + 2, 20);
	filler(&r, FILLER, 10 * 4096);
	rig_knob(&r, MEM, "22 30 36"); /* 33 of them; a part is 9 */
	rig_pass_ms(&r, 1);
	assert_int_equal(ahead(&r, &greedy), 0);
	assert_int_equal(ahead(&r, &middling), 20);
	assert_int_equal(ahead(&r, &modest), 1);
	assert_int_equal(rig_count(&r, LULL_COUNT_PRUNE_CALLED), 1);
	assert_int_equal(rig_count(&r, LULL_COUNT_OFO_PRUNED), 1);
	/* Still above the second: the next that has more than its part. */
	rig_knob(&r, MEM, "12 14 36");
	rig_pass_ms(&r, 1);
	assert_int_equal(ahead(&r, &middling), 0);
	assert_int_equal(ahead(&r, &modest), 1);
	/* Above the limit there is no part: all of it goes. */
	rig_knob(&r, MEM, "1 2 3");
	rig_pass_ms(&r, 1);
	assert_int_equal(ahead(&r, &modest), 0);
	/* And no more is kept. */
	kept = rig_count(&r, LULL_COUNT_OFO_QUEUE);
	put_text(&r, 5000, 1400, 0);
	assert_int_equal(rig_count(&r, LULL_COUNT_OFO_QUEUE), kept);
	rig_discard(&r);
	rig_drop(&r);
}

/* In order, tcp_rmem's least is kept; what is dropped comes again. */
static void above_the_limit_text_is_dropped(void **unused)
{
	struct offer o = {.edge = 65535};
	struct side s;
	struct rig r;

	rig_open(&r, &plain);
	s = another(&r, OTHER);
	filler(&r, FILLER, 10 * 4096);
	rig_knob(&r, MEM, "2 4 8");
	turn_to(&r, &s);
	for (uint32_t i = 0; i < 10; i++)
		put_text(&r, i * 1400, 1400, 0);
	take_acks(&r, &o);
	assert_int_equal(o.acked, 2 * 1400);
	assert_true(rig_count(&r, LULL_COUNT_RCV_PRUNED) > 0);
	assert_true(rig_drops(&r, LULL_DROP_TEXT_NO_MEMORY) > 0);
	/* A program that reads gets on all the same. */
	for (uint32_t at = 0; at < 28000;) {
		at += read_all(&r, at);
		put_text(&r, at, 1400, 0);
		put_text(&r, at + 1400, 1400, 0);
		take_acks(&r, &o);
		assert_int_equal(o.acked, at + 2800);
	}
	rig_drop(&r);
}

/* ---- who ends ---- */

/* An orphan with more than tcp_wmem's least is reset, at close or later. */
static void above_the_limit_orphans_are_reset(void **unused)
{
	for (int later = 0; later < 2; later++) {
		struct side a;
		struct rig r;

		rig_open(&r, &plain);
		a = filler(&r, FILLER, 10 * 4096);
		if (!later)
			rig_knob(&r, MEM, "2 4 8");
		rig_run(&r);
		lull_sock_close(r.s, r.sock);
		rig_run(&r);
		rig_discard(&r);
		assert_int_equal(rig_state(&r),
				 later ? LULL_TCP_FIN_WAIT_1 : LULL_TCP_CLOSED);
		rig_knob(&r, MEM, "2 4 8");
		rig_pass_ms(&r, 300); /* its timeout */
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
		assert_int_equal(rig_count(&r, LULL_COUNT_ABORT_ON_MEMORY), 1);
		rig_discard(&r);
		turn_to(&r, &a);
		rig_close(&r);
	}
}

/* A small orphan is not worth a reset. */
static void a_small_orphan_lives(void **unused)
{
	struct rig r;

	rig_open(&r, &plain);
	filler(&r, FILLER, 10 * 4096);
	filler(&r, OTHER, 100);
	rig_knob(&r, MEM, "2 4 8");
	rig_run(&r);
	lull_sock_close(r.s, r.sock);
	rig_pass_ms(&r, 1000);
	assert_int_equal(rig_state(&r), LULL_TCP_FIN_WAIT_1);
	rig_drop(&r);
}

/*
 * A peer that never reads, or is silent, and holds more than the least, for
 * seven timeouts: it is reset while memory is above the limit, and at no other
 * time. Linux would let it be.
 */
static void above_the_limit_who_is_stuck_is_reset(void **unused)
{
	static const struct {
		const char *mem;
		enum lull_profile profile;
		uint32_t bytes, resets; /* the silent one is one of them */
	} t[] = {
		{"1 1 1", LULL_PROFILE_LULL, 16000, 2},
		{"1 1 1", LULL_PROFILE_LULL, 4000, 1},
		{"1 1 1", LULL_PROFILE_LINUX, 16000, 0},
		{"50 50 50", LULL_PROFILE_LULL, 16000, 0},
	};

	for (uint32_t k = 0; k < ARRAY_LEN(t); k++) {
		struct rig_config c = {.rtt_ms = 1, .profile = t[k].profile};
		struct side silent, shut;
		struct rig r;

		rig_open(&r, &c);
		silent = filler(&r, FILLER, 30 * 4096);
		r.wnd = 0;
		another(&r, OTHER);
		assert_int_equal(rig_queue(&r, t[k].bytes), t[k].bytes);
		shut = put_aside(&r);
		rig_knob(&r, MEM, t[k].mem);
		for (int i = 0; i < 100; i++) { /* it answers each probe */
			rig_pass_ms(&r, 1000);
			turn_to(&r, &shut);
			rig_discard(&r);
			if (rig_state(&r) == LULL_TCP_ESTABLISHED)
				rig_ack(&r);
			if (i == 20)
				assert_int_equal(rig_state(&r),
						 LULL_TCP_ESTABLISHED);
		}
		assert_int_equal(rig_state(&r), t[k].resets == 2
							? LULL_TCP_CLOSED
							: LULL_TCP_ESTABLISHED);
		turn_to(&r, &silent);
		assert_int_equal(rig_state(&r), t[k].resets
							? LULL_TCP_CLOSED
							: LULL_TCP_ESTABLISHED);
		assert_int_equal(rig_count(&r, LULL_COUNT_ABORT_ON_MEMORY),
				 t[k].resets);
		rig_discard(&r);
		rig_drop(&r);
	}
}

static void many(struct lull_limits *l)
{
	l->bufs_2k = 8192;
}

/* A part of what is left above the limit, for whose peer takes it at once. */
static void the_reserve_is_for_who_gets_on(void **unused)
{
	static const struct {
		const char *mem;
		uint32_t least, most;
	} t[] = {
		{"500 600 960", 9000, 12288},	/* 79 pages, in 32 parts */
		{"500 600 930", 5000, 8192},	/* 45 */
		{"500 600 1100", 28000, 30720}, /* an equal part is more */
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){.rtt_ms = 1, .limits = many});
		filler(&r, FILLER, 1001 * 4096);
		rig_knob(&r, MEM, t[i].mem);
		another(&r, OTHER);
		assert_in_range(rig_queue(&r, 60000), t[i].least, t[i].most);
		rig_run(&r);
		rig_discard(&r);
		another(&r, OTHER + 1);
		rig_tcb(&r)->rtt.backoff = 1; /* silent just now */
		if (i < 2)
			assert_int_equal(rig_queue(&r, 60000), -EAGAIN);
		rig_drop(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pressure_has_two_ends),
		cmocka_unit_test(a_class_that_is_short_counts),
		cmocka_unit_test(pressure_limits_send_buffers),
		cmocka_unit_test(above_the_limit_only_who_gets_on),
		cmocka_unit_test(the_reserve_is_for_who_gets_on),
		cmocka_unit_test(who_waits_for_memory_is_told),
		cmocka_unit_test(pressure_narrows_windows),
		cmocka_unit_test(pressure_prunes_the_greediest),
		cmocka_unit_test(above_the_limit_text_is_dropped),
		cmocka_unit_test(above_the_limit_orphans_are_reset),
		cmocka_unit_test(a_small_orphan_lives),
		cmocka_unit_test(above_the_limit_who_is_stuck_is_reset),
	};

	return RUN("mem", tests);
}
