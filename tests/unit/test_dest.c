/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_dest.c: ports towards one destination, up to the last one, and many
 * destinations: what is counted, what is found, what is told.
 */
#include "rig.h"

enum {
	LO = 20000,
	MANY = 8192
};

static void roomy(struct lull_limits *l)
{
	l->closing = 3 * MANY;
	l->destinations = 16;
	l->conns = l->socks = 256;
}

static struct lull_connect connect_to(const struct rig *r, uint16_t port)
{
	return (struct lull_connect){
		.size = sizeof(struct lull_connect),
		.remote = {r->tuple.remote, port},
		.cookie = 2,
	};
}

static struct lull_tuple pair(const struct rig *r, uint16_t lport,
			      uint16_t rport)
{
	struct lull_tuple tuple = r->tuple;

	tuple.lport = lport;
	tuple.rport = rport;
	return tuple;
}

/* A TIME_WAIT of a connection that we opened. */
static void put_record(struct rig *r, uint16_t lport, uint32_t len_ms)
{
	struct lull_tcp *t = &r->s->tcp;
	struct lull_closing_new from = {
		.tuple = pair(r, lport, RIG_PEER_PORT),
		.flags = LULL_CLOSING_ACTIVE | LULL_CLOSING_TS,
	};
	uint32_t hash = (uint32_t)lull_hash_tuple(t->g->keys.flow, &from.tuple);

	assert_int_not_equal(lull_closing_make(t, &from, hash, 0,
					       LULL_TCP_TIME_WAIT, len_ms),
			     0);
	lull_tcp_moved(t, &from.tuple, LULL_TCP_CLOSED, LULL_TCP_TIME_WAIT,
		       from.snd_nxt, from.rcv_nxt);
}

static void end_record(struct rig *r, uint16_t lport)
{
	struct lull_tuple tuple = pair(r, lport, RIG_PEER_PORT);
	struct lull_tcp *t = &r->s->tcp;
	uint32_t hash = (uint32_t)lull_hash_tuple(t->g->keys.flow, &tuple);

	uint32_t name = lull_tcp_find(t, hash, &tuple);

	assert_true(name != 0);
	lull_closing_del(t, name, false);
}

static const struct rig_config many = {
	.limits = roomy,
	.sysctl = {"net.ipv4.ip_local_port_range=20000 28191",
		   "net.ipv4.tcp_tw_reuse=0", "net.lull.tcp_tw_reuse_safe=0"},
};

static uint16_t local_port(struct rig *r, struct lull_sock sock)
{
	struct lull_sock_info info = {.size = sizeof info};

	assert_int_equal(lull_sock_info(r->s, sock, &info), 0);
	return info.local.port;
}

/* Each free port is found, wherever it is, and then there is none. */
static void the_last_port(void **unused)
{
	struct lull_why why = {.size = sizeof why};
	uint64_t seed = 7;
	struct lull_connect c;
	struct rig r;

	rig_open(&r, &many);
	c = connect_to(&r, RIG_PEER_PORT);
	for (uint32_t i = 0; i < MANY; i++)
		put_record(&r, (uint16_t)(LO + i), 600000);
	assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, &why),
			 -EADDRNOTAVAIL);
	assert_int_equal(why.reason, LULL_WHY_PORTS_IN_USE);
	assert_int_equal(why.ports, MANY);
	assert_int_equal(why.ports_closing, MANY);
	assert_int_equal(why.ports_live, 0);
	for (uint32_t i = 0; i < 2000; i++) {
		uint16_t port = (uint16_t)(LO + rig_random(&seed, MANY));

		end_record(&r, port);
		assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, NULL), 0);
		assert_int_equal(local_port(&r, r.sock), port);
		assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, &why),
				 -EADDRNOTAVAIL);
		lull_sock_close(r.s, r.sock);
		put_record(&r, port, 600000);
	}
	lull_tcp_recount(&r.s->tcp);
	/* Another destination has all of them. */
	c.remote.port++;
	assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, NULL), 0);
	rig_drop(&r);
}

/* Accepted ones and those of before the map stand in nobody's way twice. */
static void the_map_learns(void **unused)
{
	struct lull_connect c;
	struct rig r;

	rig_open(&r, &many);
	for (uint32_t i = 0; i < MANY; i++)
		if (i != 5000)
			put_record(&r, (uint16_t)(LO + i), 600000);
	c = connect_to(&r, RIG_PEER_PORT);
	assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, NULL), 0);
	assert_int_equal(local_port(&r, r.sock), LO + 5000);
	for (uint32_t i = 0; i < 100; i++) /* ports from before the map, too */
		end_record(&r, (uint16_t)(LO + i));
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, NULL), 0);
	assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, NULL),
			 -EADDRNOTAVAIL);
	lull_tcp_recount(&r.s->tcp);
	rig_drop(&r);
}

/* limits.destinations: a scan is served, not counted, and costs no more. */
static void a_scan_of_destinations(void **unused)
{
	struct lull_sock sock[40];
	bool shown = false;
	struct lull_connect c;
	struct lull_pool pool;
	struct rig r;

	rig_open(&r, &many);
	for (uint16_t i = 0; i < 40; i++) {
		c = connect_to(&r, (uint16_t)(1000 + i));
		assert_int_equal(lull_sock_connect(r.s, &c, &sock[i], NULL), 0);
	}
	assert_int_equal(rig_count(&r, LULL_COUNT_DEST_UNCOUNTED), 24);
	for (uint32_t i = 0; lull_diag_pool(r.s, i, &pool); i++)
		if (strcmp(pool.name, "destinations") == 0) {
			assert_int_equal(pool.used, 16);
			assert_int_equal(pool.limit, 16);
			shown = true;
		}
	assert_true(shown);
	lull_tcp_recount(&r.s->tcp);
	for (uint16_t i = 0; i < 40; i++)
		lull_sock_close(r.s, sock[i]);
	lull_tcp_recount(&r.s->tcp);
	rig_run(&r);
	rig_discard(&r);
	rig_close(&r);
}

/* As if it had been established, and closed by us first. */
static void connect_and_leave_record(struct rig *r,
				     const struct lull_connect *c)
{
	struct lull_tuple tuple = pair(r, 0, c->remote.port);
	struct lull_tcp *t = &r->s->tcp;
	uint16_t port;

	assert_int_equal(lull_sock_connect(r->s, c, &r->sock, NULL), 0);
	port = local_port(r, r->sock);
	lull_sock_close(r->s, r->sock);
	put_record(r, port, 60000);
	lull_dest_at(t, lull_dest_find(t, &tuple, lull_dest_hash(t, &tuple)))
		->gone[0] = 0;
}

/* The rate of opens, and when it will have used all ports up. */
static void the_forecast(void **unused)
{
	struct lull_why why = {.size = sizeof why};
	struct lull_connect c;
	struct rig r;

	rig_open(&r, &many);
	rig_pass_ms(&r, 1000 - r.now_ns / 1000000 % 1000);
	c = connect_to(&r, RIG_PEER_PORT);
	for (uint32_t i = 0; i < 400; i++) {
		connect_and_leave_record(&r, &c);
		rig_pass_ms(&r, 5);
	}
	assert_int_equal(lull_diag_why(r.s, &c, &why), 0);
	assert_int_equal(why.reason, LULL_WHY_NONE);
	assert_in_range(why.opens_per_s, 195, 200);
	assert_int_equal(why.ports_closing, 400);
	/* 200/s for 60 s are 12,000: more than there are. */
	assert_in_range(why.full_in_ns, (8192 - 400) / 200 * 999000000UL,
			(8192 - 400) / 195 * 1010000000UL);
	assert_in_range(why.free_in_ns, 57900000000, 60000000000);
	rig_knob(&r, "net.lull.tcp_timewait_len", "10");
	assert_int_equal(lull_diag_why(r.s, &c, &why), 0);
	assert_int_equal(why.full_in_ns, UINT64_MAX);
	rig_drop(&r);
}

/* Those whose peer closes first leave nothing: any rate can last. */
static void ends_without_a_record_use_nothing_up(void **unused)
{
	struct lull_why why = {.size = sizeof why};
	struct lull_sock first;
	struct lull_connect c;
	struct rig r;

	rig_open(&r, &many);
	rig_pass_ms(&r, 1000 - r.now_ns / 1000000 % 1000);
	c = connect_to(&r, RIG_PEER_PORT);
	assert_int_equal(lull_sock_connect(r.s, &c, &first, NULL), 0);
	for (uint32_t i = 0; i < 400; i++) {
		assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, NULL), 0);
		if (i < 398) /* the others are still open */
			lull_sock_close(r.s, r.sock);
		rig_pass_ms(&r, 5);
	}
	assert_int_equal(lull_diag_why(r.s, &c, &why), 0);
	assert_in_range(why.opens_per_s, 195, 200);
	assert_int_equal(why.ports_live, 3);
	assert_true(why.full_in_ns == UINT64_MAX);
	rig_drop(&r);
}

/* Nor do those that were open over the end of a second. */
static void open_for_a_while_is_no_growth(void **unused)
{
	struct lull_why why = {.size = sizeof why};
	struct lull_sock sock[201];
	struct lull_connect c;
	struct rig r;

	rig_open(&r, &many);
	rig_pass_ms(&r, 1500 - r.now_ns / 1000000 % 1000);
	c = connect_to(&r, RIG_PEER_PORT);
	for (uint32_t i = 0; i < 201; i++)
		assert_int_equal(lull_sock_connect(r.s, &c, &sock[i], NULL), 0);
	assert_int_equal(lull_diag_why(r.s, &c, &why), 0);
	assert_int_equal(why.full_in_ns, (8192 - 201) * 1000000000UL / 201);
	rig_pass_ms(&r, 600);
	for (uint32_t i = 0; i < 200; i++)
		lull_sock_close(r.s, sock[i]);
	assert_int_equal(lull_diag_why(r.s, &c, &why), 0);
	assert_int_equal(why.opens_per_s, 201);
	assert_true(why.full_in_ns == UINT64_MAX);
	r.sock = sock[200];
	rig_drop(&r);
}

/* Also one from before the map: it is still the first to be free. */
static void the_oldest_is_free_first(void **unused)
{
	struct lull_why why = {.size = sizeof why};
	struct lull_connect c;
	struct rig r;

	rig_open(&r, &many);
	c = connect_to(&r, RIG_PEER_PORT);
	for (uint32_t i = 0; i < 3000; i++) {
		connect_and_leave_record(&r, &c);
		rig_pass_ms(&r, 5);
		if (i == 2)
			assert_int_equal(lull_diag_why(r.s, &c, &why), 0);
	}
	assert_in_range(why.free_in_ns, 59980000000, 60000000000);
	assert_int_equal(lull_diag_why(r.s, &c, &why), 0);
	assert_in_range(why.free_in_ns, 44990000000, 45010000000);
	rig_drop(&r);
}

/* Who stands in for everybody holds no port of ours. */
static void transparent_listeners_hold_no_port(void **unused)
{
	struct lull_listen l = {.size = sizeof l,
				.flags = LULL_LISTEN_TRANSPARENT,
				.port_lo = 1,
				.port_hi = 65535,
				.backlog = 1};
	struct lull_connect c;
	struct lull_sock all;
	struct rig r;

	rig_open(&r, &many);
	assert_int_equal(lull_sock_listen(r.s, &l, &all), 0);
	c = connect_to(&r, RIG_PEER_PORT);
	assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, NULL), 0);
	lull_sock_close(r.s, r.sock);
	lull_sock_close(r.s, all);
	rig_close(&r);
}

/* Each destination with its counts, in as many calls as it takes. */
static void destinations_are_shown(void **unused)
{
	struct lull_dest_row row[2];
	uint32_t live = 0, closing = 0, rows = 0;
	uint64_t cursor = 0;
	struct lull_connect c;
	struct rig r;
	int n;

	rig_open(&r, &many);
	for (uint16_t i = 0; i < 5; i++) {
		c = connect_to(&r, (uint16_t)(RIG_PEER_PORT + i / 2));
		assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, NULL), 0);
	}
	put_record(&r, LO + 1, 60000);
	while ((n = lull_diag_dests(r.s, &cursor, row, 2)) > 0)
		for (int i = 0; i < n; i++, rows++) {
			assert_in_range(row[i].remote.port, RIG_PEER_PORT,
					RIG_PEER_PORT + 2);
			assert_int_equal(row[i].closing,
					 row[i].remote.port == RIG_PEER_PORT);
			assert_int_equal(row[i].opens_per_s, row[i].live);
			live += row[i].live;
			closing += row[i].closing;
		}
	assert_int_equal(n, 0);
	assert_int_equal(rows, 3);
	assert_int_equal(live, 5);
	assert_int_equal(closing, 1);
	rig_drop(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_port),
		cmocka_unit_test(the_map_learns),
		cmocka_unit_test(a_scan_of_destinations),
		cmocka_unit_test(the_forecast),
		cmocka_unit_test(ends_without_a_record_use_nothing_up),
		cmocka_unit_test(open_for_a_while_is_no_growth),
		cmocka_unit_test(the_oldest_is_free_first),
		cmocka_unit_test(transparent_listeners_hold_no_port),
		cmocka_unit_test(destinations_are_shown),
	};

	return RUN("dest", tests);
}
