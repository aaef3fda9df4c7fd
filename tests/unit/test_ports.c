/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ports.c: the local end of an active open, and why there may be none:
 * RFC 9293 3.9.1.1, 6056; initial sequence numbers: RFC 6528.
 */
#include "rig.h"

static const struct rig_config lull = {0};

static struct lull_connect connect_to(const struct rig *r)
{
	return (struct lull_connect){
		.size = sizeof(struct lull_connect),
		.remote = {r->tuple.remote, r->tuple.rport},
		.cookie = 2,
	};
}

static struct lull_addr addr4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct lull_addr){.b = {[10] = 0xff, [11] = 0xff, a, b, c, d}};
}

/* ---- ports and addresses ---- */

/* Connect to the peer; which port is ours? */
static uint16_t port_of(struct rig *r, const struct lull_connect *c,
			struct lull_sock *sock)
{
	struct lull_sock_info info = {.size = sizeof info};

	assert_int_equal(lull_sock_connect(r->s, c, sock, NULL), 0);
	assert_int_equal(lull_sock_info(r->s, *sock, &info), 0);
	assert_true(lull_addr_eq(&info.local.addr, &r->tuple.local));
	return info.local.port;
}

/* RFC 6056: in the range, each once towards one peer; any for another. */
static void ephemeral_ports(void **unused)
{
	bool used[3][8] = {{0}};
	struct lull_connect c;
	struct lull_sock s[24];
	uint32_t n = 0;
	struct rig r;

	rig_open(&r, &(struct rig_config){
			     .sysctl = {"net.ipv4.ip_local_port_range=5000 "
					"5007"}});
	c = connect_to(&r);
	for (uint32_t peer = 0; peer < 3; peer++)
		for (uint32_t i = 0; i < 8; i++) {
			uint16_t port;

			c.remote.port = (uint16_t)(80 + peer);
			port = port_of(&r, &c, &s[n++]);
			assert_in_range(port, 5000, 5007);
			assert_false(used[peer][port - 5000]);
			used[peer][port - 5000] = true;
		}
	while (n > 0)
		lull_sock_close(r.s, s[--n]);
	rig_run(&r);
	rig_discard(&r);
	rig_close(&r);
}

/* RFC 6056 3.3.4: a port that was just used is the last to come again. */
static void ports_go_round(void **unused)
{
	uint16_t last = 0, port;
	struct lull_connect c;
	struct lull_sock sock;
	struct rig r;

	rig_open(&r, &lull);
	c = connect_to(&r);
	for (int i = 0; i < 100; i++) {
		port = port_of(&r, &c, &sock);
		lull_sock_close(r.s, sock);
		assert_in_range(port, 32768, 60999);
		assert_int_not_equal(port, last);
		last = port;
	}
	rig_run(&r);
	rig_discard(&r);
	rig_close(&r);
}

/* RFC 6056 3.2, 3.3.3: where they begin depends on a secret, and on the other
 * end's address and port. */
static void where_ports_begin_is_hidden(void **unused)
{
	uint16_t first[6];

	for (uint32_t i = 0; i < ARRAY_LEN(first); i++) {
		struct lull_connect c;
		struct rig r;

		rig_open(&r, &lull);
		c = connect_to(&r);
		if (i < 4)
			r.s->g.keys.port[15] ^= (uint8_t)i;
		else if (i == 4)
			c.remote.port++;
		else
			c.remote.addr.b[15] = 77;
		first[i] = port_of(&r, &c, &r.sock);
		for (uint32_t k = 0; k < i; k++)
			assert_int_not_equal(first[i], first[k]);
		lull_sock_abort(r.s, r.sock);
		rig_close(&r);
	}
}

/* Never a port that somebody listens on. */
static void listeners_keep_their_ports(void **unused)
{
	struct lull_listen l = {.size = sizeof l,
				.local = {addr4(0, 0, 0, 0), 96},
				.port_lo = 5001,
				.port_hi = 5006,
				.backlog = 1};
	struct lull_sock listener, s[2];
	struct lull_why why = {.size = sizeof why};
	struct lull_connect c;
	uint32_t sum = 0;
	struct rig r;

	rig_open(&r, &(struct rig_config){
			     .sysctl = {"net.ipv4.ip_local_port_range=5000 "
					"5007"}});
	assert_int_equal(lull_sock_listen(r.s, &l, &listener), 0);
	c = connect_to(&r);
	for (int i = 0; i < 2; i++)
		sum += port_of(&r, &c, &s[i]);
	assert_int_equal(sum, 5000 + 5007);
	assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, &why),
			 -EADDRNOTAVAIL);
	assert_int_equal(why.reason, LULL_WHY_PORTS_IN_USE);
	assert_int_equal(why.ports, 8);
	assert_int_equal(why.ports_live, 2);
	assert_int_equal(why.ports_closing, 0);
	assert_int_equal(why.free_in_ns, UINT64_MAX);
	lull_sock_close(r.s, listener);
	assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, &why), 0);
	assert_int_equal(why.reason, LULL_WHY_NONE);
	lull_sock_close(r.s, s[0]);
	lull_sock_close(r.s, s[1]);
	rig_run(&r);
	rig_discard(&r);
	rig_close(&r);
}

/* Our own close towards the peer's port 4000, from this port of ours. */
static void leave_time_wait(struct rig *r, uint16_t lport)
{
	rig_peer(r, RIG_PEER_PORT);
	r->tuple.lport = lport;
	rig_reach(r, LULL_TCP_SYN_SENT, true);
	rig_syn(r, LULL_SYN | LULL_ACK);
	rig_expect(r, LULL_ACK);
	lull_sock_close(r->s, r->sock);
	rig_run(r);
	rig_expect(r, LULL_FIN | LULL_ACK);
	rig_say(r, LULL_FIN | LULL_ACK, NULL, 0);
	rig_expect(r, LULL_ACK);
	assert_int_equal(rig_state(r), LULL_TCP_TIME_WAIT);
}

/* DESIGN 3: whoever can't connect learns why, and when it will be better. */
static void no_port_left(void **unused)
{
	struct lull_why why = {.size = sizeof why};
	struct lull_connect c;
	struct lull_sock live[2];
	struct rig r;

	rig_open(&r, &(struct rig_config){
			     .sysctl = {"net.ipv4.ip_local_port_range=80 82"}});
	lull_sock_close(r.s, r.listener);
	leave_time_wait(&r, 80);
	c = connect_to(&r);
	c.local = (struct lull_endpoint){r.tuple.local, 81};
	assert_int_equal(lull_sock_connect(r.s, &c, &live[0], NULL), 0);
	c.local = (struct lull_endpoint){{{0}}, 0};
	assert_int_equal(port_of(&r, &c, &live[1]), 82);
	rig_pass_ms(&r, 20000);
	rig_discard(&r);
	assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, &why),
			 -EADDRNOTAVAIL);
	assert_int_equal(why.reason, LULL_WHY_PORTS_IN_USE);
	assert_int_equal(why.ports, 3);
	assert_int_equal(why.ports_live, 2);
	assert_int_equal(why.ports_closing, 1);
	assert_in_range(why.free_in_ns, 39999000000, 40001000000);
	rig_pass_ms(&r, 40001);
	rig_discard(&r);
	assert_int_equal(port_of(&r, &c, &r.sock), 80);
	lull_sock_close(r.s, live[0]);
	lull_sock_close(r.s, live[1]);
	rig_close(&r);
}

/* C8: that very pair is live, or in TIME_WAIT. */
static void explicit_port_in_use(void **unused)
{
	struct lull_why why = {.size = sizeof why};
	struct lull_connect c;
	struct lull_sock sock;
	struct rig r;

	rig_open(&r, &lull);
	lull_sock_close(r.s, r.listener);
	rig_reach(&r, LULL_TCP_SYN_SENT, true);
	c = connect_to(&r);
	c.local = (struct lull_endpoint){{{0}}, RIG_PORT};
	assert_int_equal(lull_sock_connect(r.s, &c, &sock, &why),
			 -EADDRNOTAVAIL);
	assert_int_equal(why.reason, LULL_WHY_PAIR_IN_USE);
	c.remote.port++; /* another pair is another matter */
	assert_int_equal(lull_sock_connect(r.s, &c, &sock, &why), 0);
	lull_sock_close(r.s, sock);
	lull_sock_close(r.s, r.sock);
	rig_run(&r);
	rig_close(&r);
}

static void connect_is_checked(void **unused)
{
	const struct lull_addr own = addr4(10, 9, 3, 2);
	const struct lull_addr peer = addr4(10, 9, 3, 1);
	const struct lull_addr own6 = {.b = {0xfd, 0, 0, 9, 0, 3, [15] = 2}};
	const struct {
		struct lull_endpoint remote, local;
		int result;
		enum lull_why_reason reason;
	} t[] = {
		/* MUST-46 */
		{{peer, 0}, {{{0}}, 0}, -EINVAL, LULL_WHY_BAD_REMOTE},
		{{addr4(0, 0, 0, 0), 80},
		 {{{0}}, 0},
		 -EINVAL,
		 LULL_WHY_BAD_REMOTE},
		{{{{0}}, 80}, {{{0}}, 0}, -EINVAL, LULL_WHY_BAD_REMOTE},
		{{addr4(224, 0, 0, 1), 80},
		 {{{0}}, 0},
		 -EINVAL,
		 LULL_WHY_BAD_REMOTE},
		{{addr4(255, 255, 255, 255), 80},
		 {{{0}}, 0},
		 -EINVAL,
		 LULL_WHY_BAD_REMOTE},
		{{{{0xff, 2}}, 80}, {{{0}}, 0}, -EINVAL, LULL_WHY_BAD_REMOTE},
		{{addr4(10, 9, 3, 255), 80},
		 {{{0}}, 0},
		 -EINVAL,
		 LULL_WHY_BAD_REMOTE},
		{{addr4(127, 0, 0, 1), 80},
		 {{{0}}, 0},
		 -EINVAL,
		 LULL_WHY_BAD_REMOTE},
		{{own, 80}, {{{0}}, 0}, -EINVAL, LULL_WHY_BAD_REMOTE},
		{{own6, 80}, {{{0}}, 0}, -ENETUNREACH, LULL_WHY_NO_ROUTE},
		{{peer, 80}, {peer, 0}, -EADDRNOTAVAIL, LULL_WHY_NOT_LOCAL},
		{{peer, 80}, {own6, 0}, -EADDRNOTAVAIL, LULL_WHY_NOT_LOCAL},
		{{own6, 80}, {own, 0}, -EADDRNOTAVAIL, LULL_WHY_NOT_LOCAL},
		{{peer, 80}, {addr4(0, 0, 0, 0), 0}, 0, LULL_WHY_NONE},
		{{peer, 80}, {own, 7}, 0, LULL_WHY_NONE},
	};
	struct lull_connect c = {.size = sizeof c, .remote = {peer, 80}};
	struct lull_why why = {.size = sizeof why};
	struct lull_sock sock;
	struct rig r;

	rig_open(&r, &lull);
	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		c.remote = t[i].remote;
		c.local = t[i].local;
		if (lull_sock_connect(r.s, &c, &sock, &why) != t[i].result)
			fail_msg("connect %u", i);
		assert_int_equal(why.reason, t[i].reason);
		if (t[i].result == 0)
			lull_sock_close(r.s, sock);
	}
	c.flags = 2;
	assert_int_equal(lull_sock_connect(r.s, &c, &sock, &why), -EINVAL);
	c.flags = 0;
	c.size++;
	assert_int_equal(lull_sock_connect(r.s, &c, &sock, &why), -EINVAL);
	c.size--;
	why.size--;
	assert_int_equal(lull_sock_connect(r.s, &c, &sock, &why), -EINVAL);
	rig_run(&r);
	rig_close(&r);
}

static void one_conn(struct lull_limits *l)
{
	l->conns = 1;
}

static void two_socks(struct lull_limits *l)
{
	l->socks = 2;
}

static void limits_are_named(void **unused)
{
	static const struct {
		void (*limits)(struct lull_limits *);
		enum lull_why_reason reason;
	} t[] = {{one_conn, LULL_WHY_LIMIT_CONNS},
		 {two_socks, LULL_WHY_LIMIT_SOCKS}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct lull_why why = {.size = sizeof why};
		struct lull_connect c;
		struct lull_sock sock;
		struct rig r;

		rig_open(&r, &(struct rig_config){.limits = t[i].limits});
		rig_reach(&r, LULL_TCP_SYN_SENT, true);
		c = connect_to(&r);
		assert_int_equal(lull_sock_connect(r.s, &c, &sock, &why),
				 -ENFILE);
		assert_int_equal(why.reason, t[i].reason);
		rig_close(&r);
	}
}

/* ---- initial sequence numbers (RFC 6528, MUST-8) ---- */

/* A clock of 4 us for one pair; nothing in common between two pairs. */
static void isn_follows_the_clock(void **unused)
{
	struct lull_secret a, b;
	uint32_t hashes[3];
	struct rig r;

	for (uint16_t i = 0; i < 3; i++) {
		rig_open(&r, &lull);
		r.tuple.rport = (uint16_t)(4000 + i);
		a = lull_secret_of(&r.s->tcp, &r.tuple);
		hashes[i] = a.isn - (uint32_t)(r.now_ns / 4000);
		rig_pass_ms(&r, 1000);
		b = lull_secret_of(&r.s->tcp, &r.tuple);
		assert_int_equal(b.isn - a.isn, 250000);
		assert_int_equal(b.ts_offset, a.ts_offset);
		rig_close(&r);
	}
	assert_true(hashes[0] - hashes[1] + 65536 > 131072);
	assert_true(hashes[1] - hashes[2] + 65536 > 131072);
}

/* RFC 6528 3: both addresses and both ports count, over IPv4 and IPv6. */
static void isn_is_of_both_ends(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t isn[5];
		struct rig r;

		rig_open(&r, &(struct rig_config){.v6 = v6});
		for (uint32_t i = 0; i < ARRAY_LEN(isn); i++) {
			struct lull_tuple tuple = r.tuple;

			tuple.local.b[15] ^= i == 1;
			tuple.remote.b[15] ^= i == 2;
			tuple.lport ^= i == 3;
			tuple.rport ^= i == 4;
			isn[i] = lull_secret_of(&r.s->tcp, &tuple).isn;
			for (uint32_t k = 0; k < i; k++)
				assert_int_not_equal(isn[i], isn[k]);
		}
		rig_close(&r);
	}
}

/* The pair again, after TIME_WAIT: above all that it has used. */
static void isn_of_a_reopened_pair(void **unused)
{
	struct lull_connect c;
	struct lull_seq used;
	struct rig r;

	rig_open(&r, &(struct rig_config){.ts = true});
	lull_sock_close(r.s, r.listener);
	leave_time_wait(&r, RIG_PORT);
	used = r.ack;
	rig_pass_ms(&r, 60001);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	c = connect_to(&r);
	c.local.port = RIG_PORT;
	assert_int_equal(lull_sock_connect(r.s, &c, &r.sock, NULL), 0);
	rig_run(&r);
	assert_true(lull_seq_gt(rig_expect(&r, LULL_SYN).seg.seq, used));
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ephemeral_ports),
		cmocka_unit_test(ports_go_round),
		cmocka_unit_test(where_ports_begin_is_hidden),
		cmocka_unit_test(listeners_keep_their_ports),
		cmocka_unit_test(no_port_left),
		cmocka_unit_test(explicit_port_in_use),
		cmocka_unit_test(connect_is_checked),
		cmocka_unit_test(limits_are_named),
		cmocka_unit_test(isn_follows_the_clock),
		cmocka_unit_test(isn_is_of_both_ends),
		cmocka_unit_test(isn_of_a_reopened_pair),
	};

	return RUN("ports", tests);
}
