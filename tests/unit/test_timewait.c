/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_timewait.c: what TIME_WAIT does with what still comes: 3.6.1, 3.10.7.4,
 * RFC 1122 4.2.2.13, 1337, 6191, 7323 5; and as Linux does it. E is what
 * Linux was seen to do. How records are kept is test_closing.c's.
 */
#include "rig.h"

enum {
	LEN_MS = 60000,
};

#define IS_LINUX LULL_PROFILE_LINUX

static void begin(struct rig *r, const struct rig_config *config)
{
	rig_open(r, config);
	rig_reach(r, LULL_TCP_TIME_WAIT, false);
	rig_align(r);
}

static struct rig_config variant(uint32_t i)
{
	return (struct rig_config){
		.profile = i & 1 ? LULL_PROFILE_LINUX : LULL_PROFILE_LULL,
		.v6 = i & 2,
		.ts = i & 4,
	};
}

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, with timestamps if they were agreed. */
static struct rig_seg expect_last_ack(struct rig *r)
{
	struct rig_seg out = rig_expect(r, LULL_ACK);

	assert_int_equal(out.seg.seq.v, RIG_ISS + 2);
	assert_int_equal(out.seg.ack.v, r->seq.v);
	assert_int_equal(out.seg.text_len, 0);
	assert_int_equal(out.seg.has_ts, r->config.ts);
	return out;
}

/* Still there, with so much of its time. */
static void expect_left(struct rig *r, uint32_t ms)
{
	assert_int_equal(rig_state(r), LULL_TCP_TIME_WAIT);
	assert_in_range(rig_left_ms(r), ms, ms + 1);
}

/* ---- what comes again ---- */

/* 3.10.7.4, eighth: the last ACK was lost; 2MSL begins anew, each time. */
static void fin_again(void **unused)
{
	for (uint32_t i = 0; i < 8; i++) {
		struct rig_config c = variant(i);
		struct rig r;

		begin(&r, &c);
		for (int k = 0; k < 5; k++) {
			rig_pass_ms(&r, 59000);
			r.tsval += 59000;
			rig_put(&r, LULL_FIN | LULL_ACK, lull_seq(r.seq.v - 1),
				r.ack, NULL, 0);
			rig_expect(&r, LULL_ACK);
			rig_put(&r, LULL_FIN | LULL_ACK, lull_seq(r.seq.v - 1),
				r.ack, NULL, 0);
			expect_last_ack(&r); /* never limited */
			rig_expect_none(&r);
			expect_left(&r, LEN_MS);
		}
		assert_int_equal(rig_count(&r, LULL_COUNT_TW_FIN_AGAIN), 10);
		rig_pass_ms(&r, LEN_MS - 1);
		assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
		rig_pass_ms(&r, 1);
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
		rig_expect_none(&r);
		rig_close(&r);
	}
}

/* With the text that it came with the first time. */
static void fin_with_text_again(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	rig_reach(&r, LULL_TCP_FIN_WAIT_2, true);
	rig_align(&r);
	rig_say(&r, LULL_FIN | LULL_ACK, "abc", 3);
	rig_expect(&r, LULL_ACK);
	rig_pass_ms(&r, 30000);
	rig_put(&r, LULL_FIN | LULL_ACK, lull_seq(r.seq.v - 4), r.ack, "abc",
		3);
	expect_last_ack(&r);
	expect_left(&r, LEN_MS);
	rig_close(&r);
}

/* RFC 7323 5.3: the newest timestamp is echoed; the clock is the pair's. */
static void last_ack_has_timestamps(void **unused)
{
	struct rig_seg out;
	uint32_t sent;
	struct rig r;

	begin(&r, &(struct rig_config){.ts = true});
	sent = r.tsecr;
	rig_pass_ms(&r, 1234);
	r.tsval += 77;
	rig_put(&r, LULL_FIN | LULL_ACK, lull_seq(r.seq.v - 1), r.ack, NULL, 0);
	out = expect_last_ack(&r);
	assert_int_equal(out.seg.tsecr, r.tsval);
	assert_in_range(out.seg.tsval - sent, 1234, 1235);
	rig_close(&r);
}

/* RFC 7323 5.3: R2 comes before R3. Text below the window has a newer timestamp
 * where a box draws them; what comes in order counts. */
static void old_text_brings_no_timestamp(void **unused)
{
	struct rig r;

	begin(&r, &(struct rig_config){.ts = true});
	rig_pass_ms(&r, 1234);
	r.tsval += 500;
	rig_put(&r, LULL_ACK, lull_seq(r.seq.v - 20), r.ack, NULL, 10);
	assert_int_equal(expect_last_ack(&r).seg.tsecr, r.tsval - 500);
	rig_put(&r, LULL_ACK, r.seq, r.ack, NULL, 0); /* no answer */
	rig_put(&r, LULL_ACK, lull_seq(r.seq.v - 20), r.ack, NULL, 10);
	assert_int_equal(expect_last_ack(&r).seg.tsecr, r.tsval);
	rig_close(&r);
}

/* SHLD-22: the program's type of service, also when it has gone. */
static void last_ack_has_the_tos(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	rig_reach(&r, LULL_TCP_FIN_WAIT_2, true);
	rig_set(&r, LULL_OPT_TOS, 0xb8);
	lull_sock_close(r.s, r.sock);
	rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
	assert_int_equal(rig_expect(&r, LULL_ACK).tos, 0xb8);
	rig_put(&r, LULL_FIN | LULL_ACK, lull_seq(r.seq.v - 1), r.ack, NULL, 0);
	assert_int_equal(rig_expect(&r, LULL_ACK).tos, 0xb8);
	rig_close(&r);
}

/* What comes, what it is answered with, and what becomes of the time. */
static const struct late_case {
	const char *what;
	uint8_t flags;
	int32_t seq; /* from RCV.NXT */
	int32_t ack; /* from SND.NXT */
	uint32_t len;
	bool answered;
	bool linux_restarts;
} late_cases[] = {
	/* E2 */
	{"old text", LULL_ACK, -11, 0, 10, true, true},
	{"older text", LULL_ACK, -70000, 0, 100, true, true},
	{"new text", LULL_ACK, 0, 0, 10, true, true},
	{"text ahead", LULL_ACK, 100, 0, 10, true, true},
	{"text beyond", LULL_ACK, 70000, 0, 10, true, true},
	{"another FIN", LULL_ACK | LULL_FIN, 5, 0, 0, true, true},
	{"the last ACK", LULL_ACK, 0, 0, 0, false, true},
	{"an old ACK", LULL_ACK, -1, 0, 0, true, true},
	{"an ACK ahead", LULL_ACK, 1, 0, 0, true, true},
	{"its ACK", LULL_ACK, 0, -1, 0, false, true},
	{"SYN and ACK", LULL_SYN | LULL_ACK, 50, 0, 0, true, true},
	{"RST ahead", LULL_RST, 1, 0, 0, false, false},
	{"RST behind", LULL_RST, -1, 0, 0, false, false},
};

/* 3.10.7.4, first: it is answered, and the time goes on (D3). */
static void late_segments(void **unused)
{
	for (uint32_t i = 0; i < 8 * ARRAY_LEN(late_cases); i++) {
		const struct late_case *l = &late_cases[i / 8];
		struct rig_config c = variant(i % 8);
		bool restarts = c.profile == IS_LINUX && l->linux_restarts;
		struct rig r;

		begin(&r, &c);
		rig_pass_ms(&r, 20000);
		rig_put(&r, l->flags, lull_seq_add(r.seq, (uint32_t)l->seq),
			lull_seq_add(r.ack, (uint32_t)l->ack), NULL, l->len);
		if (l->answered)
			expect_last_ack(&r);
		rig_expect_none(&r);
		if (rig_left_ms(&r) / 1000 != (restarts ? 60 : 40) &&
		    rig_left_ms(&r) / 1000 != (restarts ? 60 : 39))
			fail_msg("%s (%u): %u ms are left", l->what, i % 8,
				 rig_left_ms(&r));
		rig_close(&r);
	}
}

/* tcp_invalid_ratelimit: bare segments and SYNs; never text (E2). */
static void answers_are_limited(void **unused)
{
	static const struct {
		uint8_t flags;
		uint32_t len;
		bool limited;
	} t[] = {
		{LULL_ACK, 0, true},
		{LULL_SYN, 0, true},
		{LULL_SYN | LULL_ACK, 0, true},
		{LULL_ACK, 5, false},
		{LULL_ACK | LULL_FIN, 0, false},
	};

	for (uint32_t i = 0; i < 2 * ARRAY_LEN(t); i++) {
		bool limited = t[i / 2].limited && i % 2 == 0;
		struct rig r;

		begin(&r, &(struct rig_config){
				  .sysctl = {i % 2 ? "net.ipv4.tcp_invalid_"
						     "ratelimit=0"
						   : NULL}});
		for (uint32_t k = 0; k < 4; k++) {
			rig_put(&r, t[i / 2].flags, lull_seq(r.seq.v - 100),
				r.ack, NULL, t[i / 2].len);
			assert_int_equal(rig_discard(&r), !limited || k == 0);
			rig_pass_ms(&r, 100);
		}
		rig_pass_ms(&r, 99);
		rig_put(&r, t[i / 2].flags, lull_seq(r.seq.v - 100), r.ack,
			NULL, t[i / 2].len);
		assert_int_equal(rig_discard(&r), !limited);
		rig_pass_ms(&r, 1);
		rig_put(&r, t[i / 2].flags, lull_seq(r.seq.v - 100), r.ack,
			NULL, t[i / 2].len);
		assert_int_equal(rig_discard(&r), 1);
		assert_int_equal(rig_count(&r,
					   LULL_COUNT_ACK_SKIPPED_TIME_WAIT),
				 limited ? 4 : 0);
		rig_close(&r);
	}
}

/* RFC 1337, E7: tcp_rfc1337 1, our default, keeps it; in Linux that even
 * restarts it. */
static void assassination(void **unused)
{
	static const char *const how[] = {NULL, "net.ipv4.tcp_rfc1337=0",
					  "net.ipv4.tcp_rfc1337=1"};

	for (uint32_t i = 0; i < 24; i++) {
		struct rig_config c = variant(i % 8);
		bool f1 = i / 8 == 2 || (i < 8 && c.profile != IS_LINUX);
		struct rig r;

		c.sysctl[0] = how[i / 8];
		begin(&r, &c);
		rig_pass_ms(&r, 20000);
		rig_say(&r, LULL_RST, NULL, 0);
		rig_expect_none(&r);
		if (f1)
			expect_left(&r, c.profile == IS_LINUX ? 60000 : 39999);
		else
			assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
		rig_close(&r);
	}
}

/* ---- PAWS (RFC 7323 5.3 R1, E3) ---- */

static void paws(void **unused)
{
	static const struct {
		uint8_t flags;
		uint32_t len;
	} t[] = {{LULL_ACK, 10}, {LULL_ACK, 0}, {LULL_FIN | LULL_ACK, 0}};

	for (uint32_t i = 0; i < 4 * ARRAY_LEN(t); i++) {
		struct rig_config c = variant(4 + i % 4);
		struct rig r;

		begin(&r, &c);
		rig_pass_ms(&r, 20000);
		r.tsval--;
		rig_put(&r, t[i / 4].flags,
			lull_seq(r.seq.v - !!(t[i / 4].flags & LULL_FIN)),
			r.ack, NULL, t[i / 4].len);
		assert_int_equal(expect_last_ack(&r).seg.tsecr, r.tsval + 1);
		assert_int_equal(rig_count(&r, LULL_COUNT_PAWS_TIMEWAIT), 1);
		expect_left(&r, c.profile == IS_LINUX ? 60000 : 39999);
		rig_close(&r);
	}
}

/* R1: a RST is never too old. */
static void no_paws_for_rst(void **unused)
{
	struct rig r;

	begin(&r, &(struct rig_config){.ts = true,
				       .sysctl = {"net.ipv4.tcp_rfc1337=0"}});
	r.tsval -= 1000;
	rig_say(&r, LULL_RST, NULL, 0);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	rig_close(&r);
}

/* ---- a new SYN (RFC 6191) ---- */

struct syn_case {
	bool old_ts, new_ts;
	int32_t ts;  /* SEG.TSval - TS.Recent */
	int32_t seq; /* SEG.SEQ - RCV.NXT; lastSEQ is -1 */
	enum lull_profile profile;
};

/* The table of RFC 6191 3, and tcp_timewait_state_process(). */
static bool is_accepted(const struct syn_case *s)
{
	if (s->profile == LULL_PROFILE_LINUX) {
		if (s->old_ts && s->new_ts)
			return s->ts > 0 || (s->ts == 0 && s->seq > 0);
		return s->seq > 0;
	}
	if (s->old_ts && s->new_ts)
		return s->ts > 0 || (s->ts == 0 && s->seq > -1);
	if (!s->old_ts && s->new_ts)
		return true;
	return s->seq > -1;
}

/* A SYN of that kind; was it accepted? */
static bool knock(struct rig *r, const struct syn_case *s)
{
	struct lull_seq seq = lull_seq_add(r->seq, (uint32_t)s->seq);
	struct rig_seg out;

	r->config.ts = s->new_ts;
	r->tsval += (uint32_t)s->ts;
	rig_put(r, LULL_SYN, seq, lull_seq(0), NULL, 0);
	if (!rig_get(r, &out))
		return false;
	if (out.seg.flags == LULL_ACK) {
		assert_int_equal(out.seg.ack.v, r->seq.v);
		assert_int_equal(out.seg.seq.v, RIG_ISS + 2);
		return false;
	}
	assert_int_equal(out.seg.flags, LULL_SYN | LULL_ACK);
	assert_int_equal(out.seg.ack.v, seq.v + 1);
	assert_int_equal(out.seg.has_ts, s->new_ts);
	r->seq = lull_seq_add(seq, 1);
	r->ack = lull_seq_add(out.seg.seq, 1);
	return true;
}

static void try_syn(const struct syn_case *s, bool v6)
{
	bool accepted = is_accepted(s);
	struct rig r;

	begin(&r, &(struct rig_config){
			  .profile = s->profile, .ts = s->old_ts, .v6 = v6});
	rig_pass_ms(&r, 10000);
	if (knock(&r, s) != accepted)
		fail_msg("old TS %d, new TS %d, TSval %+d, SEQ %+d, %s: "
			 "wrongly %s",
			 s->old_ts, s->new_ts, s->ts, s->seq,
			 s->profile == IS_LINUX ? "linux" : "lull",
			 accepted ? "refused" : "accepted");
	assert_int_equal(rig_state(&r),
			 accepted ? LULL_TCP_SYN_RECEIVED : LULL_TCP_TIME_WAIT);
	assert_int_equal(rig_count(&r, LULL_COUNT_SYN_REOPENED), accepted);
	if (accepted) { /* and it is a whole connection */
		rig_ack(&r);
		assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
		assert_int_equal(lull_sock_accept(r.s, r.listener, 2, &r.sock),
				 0);
		rig_write(&r, 10);
		rig_same(rig_expect(&r, LULL_ACK).text, 10, 0);
	}
	rig_close(&r);
}

static void rfc6191_table(void **unused)
{
	static const int32_t ts[] = {-1000, -1, 0, 1, 1000};
	static const int32_t seq[] = {-(1 << 30), -2, -1, 0, 1, 1 << 30};

	for (uint32_t i = 0; i < 16 * ARRAY_LEN(ts) * ARRAY_LEN(seq); i++) {
		uint32_t k = i / 16;
		struct syn_case s = {
			.old_ts = i & 1,
			.new_ts = i & 2,
			.ts = ts[k % ARRAY_LEN(ts)],
			.seq = seq[k / ARRAY_LEN(ts)],
			.profile = i & 8 ? IS_LINUX : LULL_PROFILE_LULL,
		};

		try_syn(&s, i & 4);
	}
}

/* The new connection begins, and is in TIME_WAIT again at once. */
static void come_and_go(struct rig *r)
{
	rig_ack(r);
	assert_int_equal(lull_sock_accept(r->s, r->listener, 2, &r->sock), 0);
	lull_sock_close(r->s, r->sock);
	rig_run(r);
	rig_expect(r, LULL_FIN | LULL_ACK);
	rig_say(r, LULL_FIN | LULL_ACK, NULL, 0);
	rig_expect(r, LULL_ACK);
	assert_int_equal(rig_state(r), LULL_TCP_TIME_WAIT);
}

/*
 * A connection with timestamps may take the pair with lower numbers, since PAWS
 * protects it. The next one has none: what wanders above the last one's numbers
 * is older than that, and in its window. (lull sim --scenario strip-some)
 */
static void numbers_that_went_back(void **unused)
{
	for (uint32_t i = 0; i < 16; i++) {
		struct syn_case first = {.old_ts = i & 1,
					 .new_ts = true,
					 .ts = 1000,
					 .seq = i & 2 ? -100000 : 100000};
		bool is_linux = i & 4, again = i & 8;
		bool taken = !(i & 2) || is_linux;
		struct rig_seg out;
		struct rig r;

		if (is_linux && !(i & 1))
			continue; /* takes no lower number there */
		begin(&r, &(struct rig_config){
				  .ts = i & 1,
				  .profile = is_linux ? IS_LINUX
						      : LULL_PROFILE_LULL});
		assert_true(knock(&r, &first));
		come_and_go(&r);
		if (again) { /* higher ones in between don't change it */
			first.seq = 10;
			assert_true(knock(&r, &first));
			come_and_go(&r);
		}
		r.config.ts = false;
		rig_put(&r, LULL_SYN, lull_seq_add(r.seq, 10), lull_seq(0),
			NULL, 0);
		assert_true(rig_get(&r, &out));
		assert_int_equal(out.seg.flags,
				 taken ? LULL_SYN | LULL_ACK : LULL_ACK);
		rig_drop(&r);
	}
}

/* Timestamps that our SYN-ACK would not have are none. */
static void rfc6191_with_our_timestamps_off(void **unused)
{
	struct syn_case old = {false, true, 0, -1, LULL_PROFILE_LULL};
	struct syn_case next = {false, true, 0, 0, LULL_PROFILE_LULL};
	struct rig_seg out;
	struct rig r;

	begin(&r,
	      &(struct rig_config){.sysctl = {"net.ipv4.tcp_timestamps=0"}});
	assert_false(knock(&r, &old));
	rig_put(&r, LULL_SYN, lull_seq_add(r.seq, (uint32_t)next.seq),
		lull_seq(0), NULL, 0);
	out = rig_expect(&r, LULL_SYN | LULL_ACK);
	assert_false(out.seg.has_ts);
	rig_pass_ms(&r, 63000);
	rig_discard(&r);
	rig_close(&r);
}

/* A SYN that is refused: what of the time is left then. */
static void refuse_syn(const struct syn_case *s, uint32_t left_ms)
{
	struct rig r;

	begin(&r, &(struct rig_config){.profile = s->profile, .ts = s->old_ts});
	rig_pass_ms(&r, 20000);
	assert_false(knock(&r, s));
	assert_int_equal(rig_count(&r, LULL_COUNT_PAWS_TIMEWAIT), s->old_ts);
	expect_left(&r, left_ms);
	rig_close(&r);
}

/* D3: it is no FIN: the time goes on. */
static void refused_syn_and_the_time(void **unused)
{
	refuse_syn(&(struct syn_case){true, true, -1, 1000, LULL_PROFILE_LULL},
		   39999);
	refuse_syn(&(struct syn_case){false, false, 0, -1000,
				      LULL_PROFILE_LULL},
		   39999);
	refuse_syn(&(struct syn_case){false, false, 0, -1000, IS_LINUX}, 39999);
}

/* E4: refused for its timestamp, Linux begins the time anew. */
static void refused_syn_restarts_linux(void **unused)
{
	refuse_syn(&(struct syn_case){true, true, -1, 1000, IS_LINUX}, 60000);
}

/* 3.6.1 MAY-2 (1): above all that was used; E6: by 65537 in Linux. */
static void isn_above(void **unused)
{
	static const uint32_t used[] = {0, 1000, 1000000, 100000000,
					1000000000};

	for (uint32_t i = 0; i < 2 * ARRAY_LEN(used); i++) {
		struct syn_case s = {true, true, 1, 0,
				     i % 2 ? IS_LINUX : LULL_PROFILE_LULL};
		struct lull_seq snd_nxt;
		uint32_t step, clock;
		struct rig r;

		begin(&r,
		      &(struct rig_config){.profile = s.profile, .ts = true});
		rig_pass_ms(&r, 1000);
		/* As if so much had been sent. */
		snd_nxt = lull_seq_add(rig_record(&r)->snd_nxt, used[i / 2]);
		rig_record(&r)->snd_nxt = snd_nxt;
		clock = lull_secret_of(&r.s->tcp, &r.tuple).isn;
		assert_true(knock(&r, &s));
		step = lull_seq_sub(r.ack, snd_nxt) - 1;
		if (i % 2)
			assert_int_equal(step, 65537);
		else if (lull_seq_gt(lull_seq(clock), snd_nxt))
			assert_int_equal(r.ack.v - 1, clock); /* RFC 6528 */
		else
			assert_in_range(step, 65536, 131072);
		rig_ack(&r);
		assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
		assert_int_equal(lull_sock_accept(r.s, r.listener, 2, &r.sock),
				 0);
		rig_close(&r);
	}
}

/* The keyed step is another for another pair. */
static void isn_step_is_keyed(void **unused)
{
	uint32_t steps[4], equal = 0;

	for (uint16_t i = 0; i < 4; i++) {
		struct lull_secret secret;
		struct rig r;

		rig_open(&r, &(struct rig_config){0});
		r.tuple.rport = (uint16_t)(7000 + i);
		secret = lull_secret_of(&r.s->tcp, &r.tuple);
		steps[i] = lull_isn_above(&r.s->tcp, secret,
					  lull_seq(secret.isn + 1)) -
			   (secret.isn + 1);
		for (uint16_t k = 0; k < i; k++)
			equal += steps[k] == steps[i];
		rig_close(&r);
	}
	assert_int_equal(equal, 0);
}

/* No listener, or one that is full: nothing has changed. */
static void syn_finds_no_room(void **unused)
{
	struct syn_case s = {true, true, 1, 0, LULL_PROFILE_LULL};
	struct lull_tuple tuple;
	struct rig r;

	begin(&r, &(struct rig_config){.ts = true, .backlog = 1});
	tuple = r.tuple;
	for (uint16_t i = 0; i < 2; i++) { /* two wait: it is full */
		struct lull_seq seq = r.seq, ack = r.ack;

		rig_peer(&r, (uint16_t)(5000 + i));
		rig_syn(&r, LULL_SYN);
		rig_expect(&r, LULL_SYN | LULL_ACK);
		rig_say(&r, LULL_ACK, NULL, 0);
		r.seq = seq;
		r.ack = ack;
	}
	r.tuple = tuple;
	rig_pass_ms(&r, 20000);
	assert_false(knock(&r, &s));
	expect_left(&r, 39999);
	assert_int_equal(rig_count(&r, LULL_COUNT_LISTEN_OVERFLOWS), 1);
	lull_sock_close(r.s, r.listener);
	rig_run(&r);
	rig_discard(&r);
	rig_pass_ms(&r, 1000);
	assert_false(knock(&r, &s));
	expect_left(&r, 38999);
	rig_close(&r);
}

/* The very segment goes to the listener, also one that defers. */
static void syn_for_a_deferring_listener(void **unused)
{
	struct syn_case s = {true, true, 1, 0, LULL_PROFILE_LULL};
	struct lull_sock listener;
	struct lull_listen l = {.size = sizeof l,
				.flags = LULL_LISTEN_DEFER,
				.port_lo = RIG_PORT,
				.backlog = 8};
	struct rig r;

	begin(&r, &(struct rig_config){.ts = true});
	lull_sock_close(r.s, r.listener);
	l.local = (struct lull_prefix){r.tuple.local, 128};
	assert_int_equal(lull_sock_listen(r.s, &l, &listener), 0);
	r.logged = 0;
	assert_false(knock(&r, &s));
	assert_int_equal(rig_state(&r), LULL_TCP_SYN_RECEIVED);
	assert_int_equal(r.logged, 1);
	assert_int_equal(r.log[0].bits, LULL_EVENT_SYN);
	assert_int_equal(
		lull_sock_answer(r.s, r.log[0].sock, LULL_ANSWER_ACCEPT), 0);
	rig_pass_ms(&r, 1);
	rig_expect(&r, LULL_SYN | LULL_ACK);
	lull_sock_close(r.s, r.log[0].sock);
	rig_pass_ms(&r, 1);
	rig_discard(&r);
	lull_sock_close(r.s, listener);
	rig_close(&r);
}

/* ---- floods ---- */

enum {
	FLOOD = 10000,
	PAIRS = 40,
};

static uint32_t pools_used(const struct rig *r)
{
	struct lull_pool pool;
	uint32_t used = 0;

	for (uint32_t i = 0; lull_diag_pool(r->s, i, &pool); i++)
		used += pool.used;
	return used;
}

/* Ten thousand in a second: nothing is kept, at most what is due is said. */
static void flood_of_one_pair(void **unused)
{
	static const struct {
		const char *what;
		uint8_t flags;
		int32_t seq, ts;      /* from RCV.NXT, from TS.Recent */
		uint32_t least, most; /* answers */
	} t[] = {
		{"FIN again", LULL_FIN | LULL_ACK, -1, 0, FLOOD, FLOOD},
		{"old FIN", LULL_FIN | LULL_ACK, -1000, 0, FLOOD, FLOOD},
		{"exact RST", LULL_RST, 0, 0, 0, 0},
		{"RST ahead", LULL_RST | LULL_ACK, 1, 0, 0, 0},
		{"old RST", LULL_RST, -1000, -1000, 0, 0},
		{"old SYN", LULL_SYN, -1000, -1000, 2, 3},
		{"old ACK", LULL_ACK, -1000, 0, 2, 3},
		{"old timestamp", LULL_ACK, 0, -1, 2, 3},
		{"last ACK", LULL_ACK, 0, 0, 0, 0},
	};

	for (uint32_t i = 0; i < 2 * ARRAY_LEN(t); i++) {
		uint32_t used, said = 0;
		struct rig r;

		begin(&r,
		      &(struct rig_config){
			      .profile = i & 1 ? IS_LINUX : LULL_PROFILE_LULL,
			      .ts = true,
			      .sysctl = {"net.ipv4.tcp_rfc1337=1"}});
		used = pools_used(&r);
		r.tsval += (uint32_t)t[i / 2].ts;
		for (uint32_t k = 0; k < FLOOD; k++) {
			rig_put(&r, t[i / 2].flags,
				lull_seq_add(r.seq, (uint32_t)t[i / 2].seq),
				r.ack, NULL, 0);
			said += (uint32_t)rig_discard(&r);
			r.now_ns += 100000;
		}
		if (said < t[i / 2].least || said > t[i / 2].most)
			fail_msg("%s: %u answers", t[i / 2].what, said);
		assert_int_equal(pools_used(&r), used);
		assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
		rig_close(&r);
	}
}

static void few_halves(struct lull_limits *l)
{
	l->half_open = 8;
}

/* SYNs that RFC 6191 takes, one for each pair: no more than the backlog are
 * half-open, and not one TIME_WAIT is lost, whatever becomes of them. */
static void flood_of_new_syns(void **unused)
{
	uint64_t states[LULL_TCP_STATES];
	struct lull_seq irs[PAIRS];
	struct rig r;

	rig_open(&r, &(struct rig_config){
			     .ts = true, .backlog = 64, .limits = few_halves});
	for (uint16_t k = 0; k < PAIRS; k++) {
		rig_peer(&r, (uint16_t)(5000 + k));
		rig_shake(&r);
		irs[k] = lull_seq_add(r.seq, 1000);
		lull_sock_close(r.s, r.sock);
		rig_run(&r);
		rig_expect(&r, LULL_FIN | LULL_ACK);
		rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
		rig_expect(&r, LULL_ACK);
	}
	r.tsval++;
	for (uint16_t k = 0; k < PAIRS; k++) {
		r.tuple.rport = (uint16_t)(5000 + k);
		rig_put(&r, LULL_SYN, irs[k], lull_seq(0), NULL, 0);
	}
	assert_int_equal(rig_discard(&r), 8);
	lull_diag_states(r.s, states);
	assert_int_equal(states[LULL_TCP_SYN_RECEIVED], 8);
	assert_int_equal(states[LULL_TCP_TIME_WAIT], PAIRS - 8);
	assert_int_equal(rig_count(&r, LULL_COUNT_REQ_Q_FULL_DROP), PAIRS - 8);
	assert_int_equal(r.s->tcp.closing[0].links.used, PAIRS);
	for (uint16_t k = 0; k < 8; k++) { /* those were not meant */
		r.tuple.rport = (uint16_t)(5000 + k);
		rig_put(&r, LULL_RST, lull_seq_add(irs[k], 1), lull_seq(0),
			NULL, 0);
	}
	lull_diag_states(r.s, states);
	assert_int_equal(states[LULL_TCP_SYN_RECEIVED], 0);
	assert_int_equal(states[LULL_TCP_TIME_WAIT], PAIRS);
	rig_close(&r);
}

/* RFC 5927: no ICMP error hurts it. */
static void icmp_is_ignored(void **unused)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){0});
		rig_reach(&r, i ? LULL_TCP_FIN_WAIT_2 : LULL_TCP_TIME_WAIT,
			  false);
		rig_icmp(&r, (struct rig_icmp){3, 3, 0}, lull_seq(RIG_ISS + 1));
		assert_int_equal(rig_state(&r),
				 i ? LULL_TCP_FIN_WAIT_2 : LULL_TCP_TIME_WAIT);
		assert_int_equal(rig_drops(&r, LULL_DROP_ICMP_CLOSING), 1);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fin_again),
		cmocka_unit_test(fin_with_text_again),
		cmocka_unit_test(last_ack_has_timestamps),
		cmocka_unit_test(old_text_brings_no_timestamp),
		cmocka_unit_test(last_ack_has_the_tos),
		cmocka_unit_test(late_segments),
		cmocka_unit_test(answers_are_limited),
		cmocka_unit_test(assassination),
		cmocka_unit_test(paws),
		cmocka_unit_test(no_paws_for_rst),
		cmocka_unit_test(rfc6191_table),
		cmocka_unit_test(numbers_that_went_back),
		cmocka_unit_test(rfc6191_with_our_timestamps_off),
		cmocka_unit_test(refused_syn_and_the_time),
		cmocka_unit_test(refused_syn_restarts_linux),
		cmocka_unit_test(isn_above),
		cmocka_unit_test(isn_step_is_keyed),
		cmocka_unit_test(syn_finds_no_room),
		cmocka_unit_test(syn_for_a_deferring_listener),
		cmocka_unit_test(flood_of_one_pair),
		cmocka_unit_test(flood_of_new_syns),
		cmocka_unit_test(icmp_is_ignored),
	};

	return RUN("timewait", tests);
}
