/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_input.c: segments that do not fit: timestamps and PAWS (RFC 7323),
 * challenge ACKs (RFC 5961), and how often they are answered. What fits in
 * which state is test_arrives.c's. W is what Linux was seen to do.
 */
#include "rig.h"

static const struct rig_config plain = {0};
static const struct rig_config stamps = {.ts = true};
static const struct rig_config linux_stamps = {.ts = true,
					       .profile = LULL_PROFILE_LINUX};

static void established(struct rig *r, const struct rig_config *config)
{
	rig_open(r, config);
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_align(r);
}

static uint32_t readable(const struct rig *r)
{
	struct lull_sock_info info = {.size = sizeof info};

	assert_int_equal(lull_sock_info(r->s, r->sock, &info), 0);
	return info.rcv_queued;
}

/* ---- PAWS (RFC 7323 5) ---- */

/* R1, W2: an old timestamp is no part of this connection. */
static void paws(void **unused)
{
	static const struct {
		int32_t ts;
		bool passes;
	} t[] = {{0, true},   {1, true},	 {1000000, true},
		 {-1, false}, {-1000000, false}, {INT32_MAX, true}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		established(&r, &stamps);
		r.tsval += (uint32_t)t[i].ts;
		rig_put(&r, LULL_ACK, r.seq, r.ack, "abc", 3);
		rig_pass_ms(&r, 50);
		assert_int_equal(rig_expect(&r, LULL_ACK).seg.ack.v,
				 r.seq.v + (t[i].passes ? 3 : 0));
		assert_int_equal(readable(&r), t[i].passes ? 3 : 0);
		assert_int_equal(rig_count(&r, LULL_COUNT_PAWS_ESTAB),
				 !t[i].passes);
		rig_close(&r);
	}
}

/* R1: not for RST, which often has another clock. */
static void no_paws_for_rst(void **unused)
{
	struct rig r;

	established(&r, &stamps);
	r.tsval -= 1000;
	rig_say(&r, LULL_RST, NULL, 0);
	assert_int_equal(r.error, -ECONNRESET);
	rig_close(&r);
}

/* 5.5: what was seen more than 24 days ago is worth nothing. */
static void paws_forgets(void **unused)
{
	for (int late = 0; late < 2; late++) {
		struct rig r;

		established(&r, &stamps);
		rig_pass_ms(&r, (uint64_t)(late ? 25 : 23) * 86400000);
		r.tsval -= 1000;
		rig_put(&r, LULL_ACK, r.seq, r.ack, "abc", 3);
		assert_int_equal(readable(&r), late ? 3 : 0);
		rig_pass_ms(&r, 50);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* 5.3 R3, after the fifth step: an ACK of what was not sent, one that is too
 * old (RFC 5961 5.2), and one that is only old, leave no stamp behind. */
static void no_stamp_of_an_old_ack(void **unused)
{
	static const int32_t acks[] = {0, 1, -1, -RIG_WND, -RIG_WND - 1};

	for (uint32_t i = 0; i < ARRAY_LEN(acks); i++) {
		uint32_t before;
		struct rig r;

		established(&r, &stamps);
		before = r.tsval;
		r.tsval += 1000000;
		rig_put(&r, LULL_ACK, r.seq,
			lull_seq_add(r.ack, (uint32_t)acks[i]), NULL, 0);
		rig_discard(&r);
		r.tsval = before;
		rig_put(&r, LULL_ACK, r.seq, r.ack, "abc", 3);
		assert_int_equal(readable(&r), acks[i] ? 3 : 0);
		rig_pass_ms(&r, 50);
		assert_int_equal(rig_expect(&r, LULL_ACK).seg.tsecr,
				 before + (acks[i] ? 0 : 1000000));
		rig_close(&r);
	}
}

/* 3.2: without the option it is dropped; Linux lets it pass. RST may lack it.
 */
static void timestamp_is_missing(void **unused)
{
	for (int is_linux = 0; is_linux < 2; is_linux++) {
		struct rig r;

		established(&r, is_linux ? &linux_stamps : &stamps);
		r.config.ts = false;
		rig_put(&r, LULL_ACK, r.seq, r.ack, "abc", 3);
		assert_int_equal(readable(&r), is_linux ? 3 : 0);
		assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
		assert_int_equal(rig_drops(&r, LULL_DROP_NO_TIMESTAMP),
				 !is_linux);
		rig_pass_ms(&r, 50);
		rig_discard(&r);
		rig_put(&r, LULL_RST, rig_tcb(&r)->rcv.nxt, r.ack, NULL, 0);
		assert_int_equal(r.error, -ECONNRESET);
		rig_close(&r);
	}
}

/* 3.2: one that was not agreed on is ignored, whatever it says. */
static void timestamp_is_unasked(void **unused)
{
	struct rig r;

	established(&r, &plain);
	r.config.ts = true;
	for (int i = 0; i < 2; i++) {
		r.tsval -= 5000;
		rig_say(&r, LULL_ACK, "abc", 3);
	}
	assert_int_equal(readable(&r), 6);
	assert_false(rig_expect(&r, LULL_ACK).seg.has_ts);
	rig_close(&r);
}

/* 4.3: the echo is of the segment that last advanced what was acknowledged. */
static void echo_of_a_delayed_ack(void **unused)
{
	uint32_t first;
	struct rig r;

	established(&r, &stamps);
	first = r.tsval + 10;
	r.tsval = first;
	rig_feed(&r, 100);
	r.tsval = first + 5; /* the second of two: not this one's */
	rig_feed(&r, 100);
	assert_int_equal(rig_expect(&r, LULL_ACK).seg.tsecr, first);
	/* Behind a gap: not this one's either. */
	r.tsval = first + 20;
	rig_put(&r, LULL_ACK, lull_seq_add(r.seq, 100), r.ack, NULL, 100);
	assert_int_equal(rig_expect(&r, LULL_ACK).seg.tsecr, first);
	/* What fills it: this one's. */
	r.tsval = first + 30;
	rig_feed(&r, 100);
	assert_int_equal(rig_expect(&r, LULL_ACK).seg.tsecr, first + 30);
	/* An old one again does not take it back. */
	r.tsval = first + 29;
	rig_put(&r, LULL_ACK, lull_seq(r.seq.v - 100), r.ack, NULL, 100);
	assert_int_equal(rig_expect(&r, LULL_ACK).seg.tsecr, first + 30);
	rig_close(&r);
}

/* 5.4: milliseconds; with an offset for each pair, or with 2 without. */
static void clock_of_timestamps(void **unused)
{
	static const char *const knob[] = {"net.ipv4.tcp_timestamps=1",
					   "net.ipv4.tcp_timestamps=2"};

	for (int i = 0; i < 2; i++) {
		struct rig_config c = {.ts = true, .sysctl = {knob[i]}};
		uint32_t now_ms, before, offset[2];
		struct rig r;

		established(&r, &c);
		rig_write(&r, 1);
		before = rig_expect(&r, LULL_ACK).seg.tsval;
		now_ms = (uint32_t)(r.now_ns / 1000000);
		if (i)
			assert_int_equal(before, now_ms);
		else
			assert_int_not_equal(before, now_ms);
		rig_ack(&r);
		rig_pass_ms(&r, 777);
		rig_write(&r, 1);
		assert_int_equal(rig_expect(&r, LULL_ACK).seg.tsval - before,
				 777);
		offset[0] = lull_secret_of(&r.s->tcp, &r.tuple).ts_offset;
		r.tuple.rport++;
		offset[1] = lull_secret_of(&r.s->tcp, &r.tuple).ts_offset;
		r.tuple.rport--;
		assert_int_equal(offset[0] == offset[1], i);
		rig_close(&r);
	}
}

/* 5.2: a RST echoes, and has no time of its own. Linux's have none. */
static void timestamp_of_a_rst(void **unused)
{
	for (int is_linux = 0; is_linux < 2; is_linux++) {
		struct rig_seg out;
		struct rig r;

		rig_open(&r, is_linux ? &linux_stamps : &stamps);
		rig_put(&r, LULL_ACK, lull_seq(5), lull_seq(6), NULL, 0);
		out = rig_expect(&r, LULL_RST);
		assert_int_equal(out.seg.has_ts, !is_linux);
		if (!is_linux) {
			assert_int_equal(out.seg.tsval, 0);
			assert_int_equal(out.seg.tsecr, r.tsval);
		}
		rig_close(&r);
	}
}

/* 5.2: a RST that the program asked for has the option as every other. */
static void timestamp_of_our_rst(void **unused)
{
	struct rig_seg out;
	struct rig r;

	established(&r, &stamps);
	lull_sock_abort(r.s, r.sock);
	rig_run(&r);
	out = rig_expect(&r, LULL_RST | LULL_ACK);
	assert_true(out.seg.has_ts);
	assert_int_equal(out.seg.tsecr, r.tsval);
	rig_close(&r);
}

/* ---- how often it is answered (RFC 5961 7, tcp_invalid_ratelimit) ---- */

static const struct answer_case {
	const char *what;
	uint8_t flags;
	int32_t seq, ack;
	uint32_t len;
	bool limited;
} answer_cases[] = {
	{"RST ahead", LULL_RST, 1, 0, 0, true},
	{"SYN", LULL_SYN, 0, 0, 0, true},
	{"SYN before", LULL_SYN, -1000, 0, 0, true},
	{"SYN beyond", LULL_SYN, 100000, 0, 0, true},
	{"SYN and ACK", LULL_SYN | LULL_ACK, -1, 0, 0, true},
	{"old ACK", LULL_ACK, -1, 0, 0, true},
	{"ACK beyond", LULL_ACK, 70000, 0, 0, true},
	{"ACK of what was not sent", LULL_ACK, 0, 1, 0, true},
	{"ACK of long ago", LULL_ACK, 0, -RIG_WND - 2, 0, true},
	/* Whoever waits for an answer gets one. */
	{"old text", LULL_ACK, -10, 0, 10, false},
	{"text beyond", LULL_ACK, 70000, 0, 10, false},
	{"old FIN", LULL_ACK | LULL_FIN, -1, 0, 0, false},
};

/* One at once, the next after half a second; 0: all of them. */
static void answers_are_limited(void **unused)
{
	for (uint32_t i = 0; i < 2 * ARRAY_LEN(answer_cases); i++) {
		const struct answer_case *c = &answer_cases[i / 2];
		static const uint32_t wait_ms[] = {0, 0, 499, 1};
		bool limited = c->limited && i % 2 == 0;
		struct rig_config config = {
			.sysctl = {i % 2 ? "net.ipv4.tcp_invalid_ratelimit=0"
					 : NULL}};
		struct rig r;

		established(&r, &config);
		for (uint32_t k = 0; k < ARRAY_LEN(wait_ms); k++) {
			bool answered = !limited || k == 0 || k == 3;

			rig_pass_ms(&r, wait_ms[k]);
			rig_put(&r, c->flags,
				lull_seq_add(r.seq, (uint32_t)c->seq),
				lull_seq_add(r.ack, (uint32_t)c->ack), NULL,
				c->len);
			if (rig_discard(&r) != answered)
				fail_msg("%s, %u: %sanswered", c->what, k,
					 answered ? "not " : "");
		}
		assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
		assert_int_equal(rig_drops(&r, LULL_DROP_ACK_LIMIT),
				 limited ? 2 : 0);
		assert_int_equal(readable(&r), 0);
		rig_close(&r);
	}
}

/* RFC 5961's side channel: one connection's limit is not another's. */
static void limit_is_of_one_connection(void **unused)
{
	struct lull_sock first;
	struct rig r;

	established(&r, &plain);
	first = r.sock;
	rig_put(&r, LULL_RST, lull_seq_add(r.seq, 1), r.ack, NULL, 0);
	rig_expect(&r, LULL_ACK);
	rig_peer(&r, 4001);
	rig_shake(&r);
	rig_put(&r, LULL_RST, lull_seq_add(r.seq, 1), r.ack, NULL, 0);
	rig_expect(&r, LULL_ACK);
	lull_sock_abort(r.s, first);
	rig_run(&r);
	rig_discard(&r);
	rig_close(&r);
}

/* What is counted, by Linux's names. */
static void challenges_are_counted(void **unused)
{
	static const struct {
		uint8_t flags;
		int32_t seq, ack;
		uint64_t challenge, syn;
	} t[] = {
		{LULL_RST, 1, 0, 1, 0},
		{LULL_SYN, 7, 0, 1, 1},
		{LULL_SYN, 99999, 0, 1, 1},
		{LULL_RST, -1, 0, 0, 0},
		{LULL_ACK, 0, -RIG_WND - 2, 1, 0},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		established(&r, &plain);
		rig_put(&r, t[i].flags, lull_seq_add(r.seq, (uint32_t)t[i].seq),
			lull_seq_add(r.ack, (uint32_t)t[i].ack), NULL, 0);
		assert_int_equal(rig_count(&r, LULL_COUNT_CHALLENGE_ACK),
				 t[i].challenge);
		assert_int_equal(rig_count(&r, LULL_COUNT_SYN_CHALLENGE),
				 t[i].syn);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* MAX.SND.WND is the largest window ever, and scaled (RFC 5961 5.2). */
static void oldest_ack_that_counts(void **unused)
{
	static const struct {
		uint32_t back;
		bool fits;
	} t[] = {{RIG_WND << 7, true}, {(RIG_WND << 7) + 1, false}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		established(&r, &(struct rig_config){.wscale = true});
		rig_ack(&r);
		r.wnd = 10; /* it is smaller now */
		rig_ack(&r);
		rig_put(&r, LULL_ACK, r.seq, lull_seq(r.ack.v - t[i].back),
			"abc", 3);
		assert_int_equal(readable(&r), t[i].fits ? 3 : 0);
		rig_pass_ms(&r, 50);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* SHLD-2: a RST may have text, and nobody reads it. */
static void rst_with_text(void **unused)
{
	struct rig r;

	established(&r, &plain);
	rig_put(&r, LULL_RST | LULL_ACK, r.seq, r.ack, "why", 3);
	assert_int_equal(r.error, -ECONNRESET);
	assert_int_equal(readable(&r), 0);
	rig_expect_none(&r);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paws),
		cmocka_unit_test(no_paws_for_rst),
		cmocka_unit_test(paws_forgets),
		cmocka_unit_test(no_stamp_of_an_old_ack),
		cmocka_unit_test(timestamp_is_missing),
		cmocka_unit_test(timestamp_is_unasked),
		cmocka_unit_test(echo_of_a_delayed_ack),
		cmocka_unit_test(clock_of_timestamps),
		cmocka_unit_test(timestamp_of_a_rst),
		cmocka_unit_test(timestamp_of_our_rst),
		cmocka_unit_test(answers_are_limited),
		cmocka_unit_test(limit_is_of_one_connection),
		cmocka_unit_test(challenges_are_counted),
		cmocka_unit_test(oldest_ack_that_counts),
		cmocka_unit_test(rst_with_text),
	};

	return RUN("input", tests);
}
