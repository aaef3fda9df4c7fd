/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_takeover.c: closing records that were another's (sock/timewait.c); rows
 * by their pairs (diag/rows.c); many records that end together.
 */
#include "rig.h"

#define SND_NXT 0xfffffffeU
#define RCV_NXT 0x00000003U

enum {
	LEN_MS = 60000,
	STEP_MS = LEN_MS / 8,
};

/* Of the rig's pair. */
static struct lull_timewait what_was(const struct rig *r)
{
	return (struct lull_timewait){
		.size = sizeof(struct lull_timewait),
		.flags = r->config.ts ? LULL_TIMEWAIT_TS : 0,
		.local = {r->tuple.local, r->tuple.lport},
		.remote = {r->tuple.remote, r->tuple.rport},
		.snd_nxt = SND_NXT,
		.rcv_nxt = RCV_NXT,
		.ts_recent = r->tsval,
		.left_ms = LEN_MS,
		.wnd = 300,
		.wscale = 7,
		.tos = 0x20,
		.state = LULL_TCP_TIME_WAIT,
	};
}

static void put(struct rig *r, const struct lull_timewait *w)
{
	assert_int_equal(lull_timewait_put(r->s, w, 1), 1);
}

static uint64_t in_state(const struct rig *r, enum lull_tcp_state state)
{
	uint64_t count[LULL_TCP_STATES];

	lull_diag_states(r->s, count);
	return count[state];
}

/* The peer's FIN again, and what it gets. */
static void expect_last_ack(struct rig *r)
{
	struct rig_seg out;

	rig_put(r, LULL_FIN | LULL_ACK, lull_seq(RCV_NXT - 1),
		lull_seq(SND_NXT), NULL, 0);
	r->ack = lull_seq(SND_NXT);
	out = rig_expect(r, LULL_ACK);
	assert_int_equal(out.seg.seq.v, SND_NXT);
	assert_int_equal(out.seg.ack.v, RCV_NXT);
	assert_int_equal(out.seg.wnd, 300);
	assert_int_equal(out.tos, 0x20);
	assert_int_equal(out.seg.has_ts, r->config.ts);
	if (r->config.ts)
		assert_int_equal(out.seg.tsecr, r->tsval);
	rig_expect_none(r);
}

static void time_wait_goes_on(void **unused)
{
	for (int i = 0; i < 4; i++) {
		struct rig_config c = {.v6 = i & 1, .ts = i & 2};
		struct lull_timewait w;
		struct rig r;

		rig_open(&r, &c);
		w = what_was(&r);
		w.left_ms = 2 * STEP_MS;
		put(&r, &w);
		rig_run(&r);
		rig_expect_none(&r); /* what was due has been sent */
		assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
		assert_int_equal(in_state(&r, LULL_TCP_TIME_WAIT), 1);
		assert_int_equal(rig_count(&r, LULL_COUNT_TW), 1);
		assert_in_range(rig_left_ms(&r), 2 * STEP_MS, 2 * STEP_MS + 1);
		rig_pass_ms(&r, 1000);
		expect_last_ack(&r);
		assert_in_range(rig_left_ms(&r), LEN_MS, LEN_MS + 1);
		rig_pass_ms(&r, LEN_MS + 1);
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
		assert_int_equal(in_state(&r, LULL_TCP_TIME_WAIT), 0);
		rig_close(&r);
	}
}

static void fin_wait_2_goes_on(void **unused)
{
	struct lull_timewait w;
	struct rig r;

	rig_open(&r, &(struct rig_config){.ts = true});
	w = what_was(&r);
	w.state = LULL_TCP_FIN_WAIT_2;
	w.rcv_nxt = RCV_NXT - 1;
	put(&r, &w);
	assert_int_equal(rig_state(&r), LULL_TCP_FIN_WAIT_2);
	assert_int_equal(in_state(&r, LULL_TCP_FIN_WAIT_2), 1);
	expect_last_ack(&r);
	assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
	rig_close(&r);
}

/* The window of a FIN_WAIT_2 is as large as was told: 300 << 7. */
static void window_is_scaled(void **unused)
{
	struct lull_timewait w;
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	w = what_was(&r);
	w.state = LULL_TCP_FIN_WAIT_2;
	put(&r, &w);
	rig_put(&r, LULL_RST, lull_seq(RCV_NXT + (300 << 7)), lull_seq(0), NULL,
		0);
	assert_int_equal(rig_drops(&r, LULL_DROP_RST_SEQ), 1);
	rig_put(&r, LULL_RST, lull_seq(RCV_NXT + (300 << 7) - 1), lull_seq(0),
		NULL, 0);
	assert_int_equal(rig_drops(&r, LULL_DROP_RST_CHALLENGE), 1);
	rig_discard(&r);
	rig_close(&r);
}

/* Never shorter, at most an eighth of 2MSL longer, and few lengths. */
static void time_is_rounded_up(void **unused)
{
	static const uint32_t t[][2] = {
		{1, STEP_MS},
		{STEP_MS, STEP_MS},
		{STEP_MS + 1, 2 * STEP_MS},
		{LEN_MS - 1, LEN_MS},
		{LEN_MS, LEN_MS},
		{LEN_MS + 1, LEN_MS + STEP_MS},
	};
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct lull_timewait w;

		rig_peer(&r, (uint16_t)(1000 + i));
		w = what_was(&r);
		w.left_ms = t[i][0];
		put(&r, &w);
		assert_in_range(rig_left_ms(&r), t[i][1], t[i][1] + 1);
	}
	rig_close(&r);
}

static void wrong_fields_are_refused(void **unused)
{
	static const struct lull_addr any = {{0}},
				      six = {.b = {0xfd, [15] = 9}};
	static const struct lull_addr group = {
		.b = {[10] = 0xff, [11] = 0xff, 224, 0, 0, 1}};
	struct lull_timewait w, wrong;
	struct rig r;

#define T(field, value)                                             \
	do {                                                        \
		wrong = w;                                          \
		wrong.field = value;                                \
		if (lull_timewait_put(r.s, &wrong, 1) != -EINVAL)   \
			fail_msg(#field " = " #value " was taken"); \
	} while (0)
	rig_open(&r, &(struct rig_config){0});
	w = what_was(&r);
	T(size, sizeof w - 1);
	T(flags, 8);
	T(local.port, 0);
	T(remote.port, 0);
	T(local.addr, any);
	T(remote.addr, any);
	T(local.addr, six);
	T(remote.addr, six);
	T(local.addr, group);
	T(remote.addr, group);
	T(left_ms, 0);
	T(left_ms, 3600001);
	T(wscale, 15);
	T(state, LULL_TCP_CLOSED);
	T(state, LULL_TCP_ESTABLISHED);
	T(unused, 1);
#undef T
	assert_int_equal(in_state(&r, LULL_TCP_TIME_WAIT), 0);
	rig_close(&r);
}

static void a_pair_is_there_once(void **unused)
{
	static const enum lull_tcp_state t[] = {
		LULL_TCP_SYN_RECEIVED,
		LULL_TCP_ESTABLISHED,
		LULL_TCP_FIN_WAIT_2,
		LULL_TCP_TIME_WAIT,
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct lull_timewait w;
		struct rig r;

		rig_open(&r, &(struct rig_config){0});
		rig_reach(&r, t[i], false);
		w = what_was(&r);
		assert_int_equal(lull_timewait_put(r.s, &w, 1), -EEXIST);
		assert_int_equal(rig_state(&r), t[i]);
		assert_int_equal(in_state(&r, LULL_TCP_TIME_WAIT),
				 t[i] == LULL_TCP_TIME_WAIT);
		rig_close(&r);
	}
}

static void at_the_limit(void **unused)
{
	for (int as_linux = 0; as_linux < 2; as_linux++) {
		struct rig_config c = {
			.profile = as_linux ? LULL_PROFILE_LINUX
					    : LULL_PROFILE_LULL,
			.sysctl = {"net.ipv4.tcp_max_tw_buckets=1"},
		};
		struct lull_timewait w;
		struct rig r;

		rig_open(&r, &c);
		w = what_was(&r);
		put(&r, &w);
		rig_peer(&r, RIG_PEER_PORT + 1);
		w = what_was(&r);
		assert_int_equal(lull_timewait_put(r.s, &w, 1),
				 as_linux ? -ENOSPC : 1);
		assert_int_equal(rig_state(&r), as_linux ? LULL_TCP_CLOSED
							 : LULL_TCP_TIME_WAIT);
		assert_int_equal(in_state(&r, LULL_TCP_TIME_WAIT), 1);
		rig_close(&r);
	}
}

/* As sendmmsg(2): what comes before the first that is refused is made. */
static void the_first_that_is_refused_ends_it(void **unused)
{
	enum {
		MANY = 60,
		WRONG = 40
	};
	struct lull_timewait w[MANY];
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	for (int i = 0; i < MANY; i++) {
		w[i] = what_was(&r);
		w[i].remote.port = (uint16_t)(1000 + i);
	}
	w[WRONG].wscale = 15;
	assert_int_equal(lull_timewait_put(r.s, w, 0), 0);
	assert_int_equal(lull_timewait_put(r.s, w, MANY), WRONG);
	assert_int_equal(in_state(&r, LULL_TCP_TIME_WAIT), WRONG);
	assert_int_equal(lull_timewait_put(r.s, &w[WRONG], MANY - WRONG),
			 -EINVAL);
	w[WRONG].wscale = 7;
	assert_int_equal(lull_timewait_put(r.s, &w[WRONG], MANY - WRONG),
			 MANY - WRONG);
	assert_int_equal(in_state(&r, LULL_TCP_TIME_WAIT), MANY);
	for (int i = 0; i < MANY; i++) {
		rig_peer(&r, (uint16_t)(1000 + i));
		assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
	}
	rig_close(&r);
}

/* It is counted where it was opened to, and its numbers are not trusted. */
static void a_port_of_ours_is_held(void **unused)
{
	struct rig_config c = {
		.ts = true,
		.no_listener = true,
		.sysctl = {"net.ipv4.ip_local_port_range=80 80",
			   "net.lull.tcp_tw_reuse_safe=1"},
	};
	struct lull_connect to = {.size = sizeof to};
	struct lull_why why = {.size = sizeof why};
	struct lull_dest_row row;
	struct lull_timewait w;
	struct lull_sock sock;
	uint64_t cursor = 0;
	struct rig r;

	rig_open(&r, &c);
	w = what_was(&r);
	w.flags |= LULL_TIMEWAIT_ACTIVE;
	put(&r, &w);
	assert_int_equal(lull_diag_dests(r.s, &cursor, &row, 1), 1);
	assert_int_equal(row.closing, 1);
	assert_int_equal(row.live, 0);
	rig_pass_ms(&r, 10000);
	to.remote = w.remote;
	assert_int_equal(lull_sock_connect(r.s, &to, &sock, &why),
			 -EADDRNOTAVAIL);
	assert_int_equal(why.reason, LULL_WHY_PORTS_IN_USE);
	assert_int_equal(why.ports_closing, 1);
	rig_pass_ms(&r, LEN_MS);
	cursor = 0;
	assert_int_equal(lull_diag_dests(r.s, &cursor, &row, 1), 0);
	rig_close(&r);
}

/* As close() leaves one: a listener with SO_REUSEADDR may come beside it only
 * if it had that, too, whatever its ECN bits were. */
static void reuseaddr_is_remembered(void **unused)
{
	for (int reuse = 0; reuse < 2; reuse++) {
		struct lull_listen l = {
			.size = sizeof l,
			.flags = LULL_LISTEN_REUSEADDR,
			.port_lo = RIG_PORT,
			.backlog = 1,
		};
		struct lull_timewait w;
		struct lull_sock sock;
		struct rig r;

		rig_open(&r, &(struct rig_config){
				     .no_listener = true,
				     .profile = LULL_PROFILE_LINUX,
			     });
		w = what_was(&r);
		w.tos = 0xff;
		w.flags |= reuse ? LULL_TIMEWAIT_REUSEADDR : 0;
		put(&r, &w);
		assert_int_equal(lull_sock_listen(r.s, &l, &sock),
				 reuse ? 0 : -EADDRINUSE);
		rig_put(&r, LULL_FIN | LULL_ACK, lull_seq(RCV_NXT - 1),
			lull_seq(SND_NXT), NULL, 0);
		r.ack = lull_seq(SND_NXT);
		assert_int_equal(rig_expect(&r, LULL_ACK).tos, 0xfc);
		if (reuse)
			lull_sock_close(r.s, sock);
		rig_close(&r);
	}
}

/* ---- rows by their pairs ---- */

static struct lull_pair pair_of(const struct rig *r)
{
	return (struct lull_pair){
		.local = {r->tuple.local, r->tuple.lport},
		.remote = {r->tuple.remote, r->tuple.rport},
	};
}

static void rows_are_found_by_their_pairs(void **unused)
{
	static const enum lull_tcp_state t[] = {
		LULL_TCP_SYN_RECEIVED, LULL_TCP_SYN_SENT,  LULL_TCP_ESTABLISHED,
		LULL_TCP_FIN_WAIT_2,   LULL_TCP_TIME_WAIT,
	};

	for (uint32_t i = 0; i < 2 * ARRAY_LEN(t); i++) {
		struct lull_row row, listed[2];
		uint64_t cursor = 0;
		struct lull_pair pair;
		struct rig r;
		int n;

		rig_open(&r, &(struct rig_config){.v6 = i % 2});
		rig_reach(&r, t[i / 2], false);
		pair = pair_of(&r);
		assert_int_equal(lull_diag_find(r.s, &pair, &row, 1), 1);
		/* The very row that the list has, behind the listener's. */
		n = lull_diag_rows(r.s, &cursor, listed, 2);
		assert_true(n >= 1 && n <= 2);
		assert_memory_equal(&row, &listed[n - 1], sizeof row);
		assert_int_equal(row.state, t[i / 2]);
		pair.remote.port++;
		assert_int_equal(lull_diag_find(r.s, &pair, &row, 1), 0);
		assert_int_equal(row.state, 0);
		rig_close(&r);
	}
}

/* More than a batch; every third is not there. */
static void many_pairs_at_once(void **unused)
{
	enum {
		N = 50
	};
	struct lull_pair pairs[N];
	struct lull_row rows[N];
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	for (uint32_t i = 0; i < N; i++) {
		struct lull_timewait w;

		rig_peer(&r, (uint16_t)(1000 + i));
		pairs[i] = pair_of(&r);
		w = what_was(&r);
		if (i % 3)
			put(&r, &w);
	}
	assert_int_equal(lull_diag_find(r.s, pairs, rows, N), N - (N + 2) / 3);
	for (uint32_t i = 0; i < N; i++) {
		assert_int_equal(rows[i].state, i % 3 ? LULL_TCP_TIME_WAIT : 0);
		assert_int_equal(rows[i].remote.port, i % 3 ? 1000 + i : 0);
	}
	rig_close(&r);
}

/* ---- the end of many ---- */

/* Three passes' worth are due, and those behind them keep their time. */
static void those_that_are_due_end_together(void **unused)
{
	enum {
		DUE = 40,
		LATER = 9
	};
	struct lull_pool pool;
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	rig_align(&r);
	for (uint32_t i = 0; i < DUE + LATER; i++) {
		struct lull_timewait w;

		if (i == DUE)
			rig_pass_ms(&r, 5);
		rig_peer(&r, (uint16_t)(1000 + i));
		w = what_was(&r);
		put(&r, &w);
	}
	rig_pass_ms(&r, LEN_MS - 6);
	assert_int_equal(in_state(&r, LULL_TCP_TIME_WAIT), DUE + LATER);
	rig_pass_ms(&r, 1);
	assert_int_equal(in_state(&r, LULL_TCP_TIME_WAIT), LATER);
	rig_peer(&r, 1000 + DUE - 1);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	rig_peer(&r, 1000 + DUE);
	assert_int_equal(rig_state(&r), LULL_TCP_TIME_WAIT);
	lull_table_check(&r.s->tcp.flows);
	assert_true(lull_diag_pool(r.s, 2, &pool));
	assert_string_equal(pool.name, "closing IPv4");
	assert_int_equal(pool.used, LATER);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_wait_goes_on),
		cmocka_unit_test(fin_wait_2_goes_on),
		cmocka_unit_test(window_is_scaled),
		cmocka_unit_test(time_is_rounded_up),
		cmocka_unit_test(wrong_fields_are_refused),
		cmocka_unit_test(a_pair_is_there_once),
		cmocka_unit_test(at_the_limit),
		cmocka_unit_test(the_first_that_is_refused_ends_it),
		cmocka_unit_test(a_port_of_ours_is_held),
		cmocka_unit_test(reuseaddr_is_remembered),
		cmocka_unit_test(rows_are_found_by_their_pairs),
		cmocka_unit_test(many_pairs_at_once),
		cmocka_unit_test(those_that_are_due_end_together),
	};

	return RUN("takeover", tests);
}
