/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_neigh.c: neighbours, for ARP and Neighbor Discovery alike: the states
 * of RFC 4861 7.3.2 and their times (section 10), what waits, what is bounded,
 * and which way a packet takes.
 */
#include "lan.h"

static const struct rig_config lan[] = {
	{.ether = true, .rtt_ms = 1, .no_listener = true},
	{.ether = true, .rtt_ms = 1, .no_listener = true, .v6 = true},
};

static struct lull_sock connect_to(struct rig *r, const struct lull_addr *a,
				   int expected)
{
	struct lull_connect c = {
		.size = sizeof c, .remote = {*a, 80}, .cookie = 7};
	struct lull_why why = {.size = sizeof why};
	struct lull_sock sock = {0, 0};

	assert_int_equal(lull_sock_connect(r->s, &c, &sock, &why), expected);
	rig_run(r);
	return sock;
}

static int error_of(const struct rig *r, struct lull_sock sock)
{
	for (uint32_t i = 0; i < r->logged && i < RIG_EVENTS; i++)
		if (r->log[i].sock.index == sock.index &&
		    r->log[i].bits & LULL_EVENT_ERROR)
			return r->log[i].error;
	return 0;
}

static struct lull_neighs *neighs(struct rig *r)
{
	return &r->s->ip.neigh;
}

/* ---- states and times ---- */

/* 7.2.2: three times, a second apart; then TCP is told, as Linux does. */
static void asked_three_times_then_unreachable(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct lull_addr a;
		struct lull_sock sock;
		struct rig r;

		rig_open(&r, &lan[v6]);
		rig_align(&r);
		a = lan_addr(&r, 7);
		sock = connect_to(&r, &a, 0);
		for (int i = 0; i < 3; i++) {
			lan_expect_ask(&r, 7, NULL);
			lan_expect_none(&r);
			assert_int_equal(lan_state(&r, 7),
					 LULL_NEIGH_INCOMPLETE);
			rig_pass_ms(&r, LULL_ND_RETRANS_MS - 1);
			lan_expect_none(&r);
			assert_int_equal(error_of(&r, sock), 0);
			rig_pass_ms(&r, 1);
		}
		lan_expect_none(&r);
		assert_int_equal(error_of(&r, sock), -EHOSTUNREACH);
		assert_int_equal(lan_state(&r, 7), LULL_NEIGH_FAILED);
		assert_int_equal(rig_count(&r, LULL_COUNT_NEIGH_FAILED), 1);
		assert_true(rig_drops(&r, LULL_DROP_NEIGH_FAILED) > 0);
		assert_int_equal(rig_drops(&r, LULL_DROP_NEIGH_QUEUE), 0);
		assert_int_equal(neighs(&r)->waiting.used, 0);
		lull_sock_close(r.s, sock);
		rig_close(&r);
	}
}

/* RFC 1122 2.3.2.1: asked for at most once a second; refused meanwhile. */
static void failed_is_not_asked_for_at_once(void **unused)
{
	struct lull_addr a;
	struct lull_sock sock;
	struct rig r;

	rig_open(&r, &lan[0]);
	rig_align(&r);
	a = lan_addr(&r, 7);
	connect_to(&r, &a, 0);
	rig_pass_ms(&r, 3000);
	assert_int_equal(rig_discard(&r), 3);
	sock = connect_to(&r, &a, 0);
	rig_run(&r);
	lan_expect_none(&r);
	assert_int_equal(error_of(&r, sock), -EHOSTUNREACH);
	rig_pass_ms(&r, 1000);
	assert_int_equal(lan_state(&r, 7), -1);
	connect_to(&r, &a, 0);
	lan_expect_ask(&r, 7, NULL);
	rig_discard(&r);
	rig_drop(&r);
}

/* An established connection goes on when its neighbour is gone for a while. */
static void established_survives_a_failure(void **unused)
{
	struct rig_config c = lan[0];
	struct rig r;

	c.no_listener = false;
	rig_open(&r, &c);
	lan_meet(&r);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_discard(&r);
	rig_pass_ms(&r, LULL_NEIGH_FORGET_MS + 10 * LULL_ND_REACHABLE_MS);
	assert_int_equal(rig_discard(&r), 3); /* the probes of DELAY */
	assert_int_equal(lan_state(&r, 1), -1);
	rig_write(&r, 10);
	rig_pass_ms(&r, 3100);
	rig_discard(&r);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	assert_int_equal(r.error, 0);
	rig_drop(&r);
}

/*
 * REACHABLE for the drawn time, STALE; the next packet makes it DELAY; five
 * seconds later PROBE: three by unicast, a second apart, then forgotten.
 */
static void reachable_stale_delay_probe(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig r;

		rig_open(&r, &lan[v6]);
		rig_align(&r);
		lan_reach(&r, 7, &lan_other);
		rig_pass_ms(&r, neighs(&r)->reachable_ms - 1);
		assert_int_equal(lan_state(&r, 7), LULL_NEIGH_REACHABLE);
		rig_pass_ms(&r, 1);
		assert_int_equal(lan_state(&r, 7), LULL_NEIGH_STALE);
		lan_ping(&r, 7, &lan_other);
		lan_expect_pong(&r, 7, &lan_other);
		assert_int_equal(lan_state(&r, 7), LULL_NEIGH_DELAY);
		rig_pass_ms(&r, LULL_ND_DELAY_MS - 1);
		lan_expect_none(&r);
		rig_pass_ms(&r, 1);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(lan_state(&r, 7), LULL_NEIGH_PROBE);
			lan_expect_ask(&r, 7, &lan_other);
			/* Packets go meanwhile (7.3.3). */
			lan_ping(&r, 7, &lan_other);
			lan_expect_pong(&r, 7, &lan_other);
			rig_pass_ms(&r, LULL_ND_RETRANS_MS - 1);
			lan_expect_none(&r);
			rig_pass_ms(&r, 1);
		}
		lan_expect_none(&r);
		assert_int_equal(lan_state(&r, 7), -1);
		lan_ping(&r, 7, &lan_other); /* by multicast again */
		lan_expect_ask(&r, 7, NULL);
		rig_pass_ms(&r, 3000);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* An answer to a probe makes it REACHABLE again. */
static void probe_answered(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig r;

		rig_open(&r, &lan[v6]);
		lan_meet(&r);
		assert_int_equal(lan_state(&r, 1), LULL_NEIGH_STALE);
		lan_ping(&r, 1, &lan_peer);
		lan_expect_pong(&r, 1, &lan_peer);
		rig_pass_ms(&r, LULL_ND_DELAY_MS + 1);
		lan_expect_ask(&r, 1, &lan_peer);
		lan_answer(&r, 1, &lan_peer);
		assert_int_equal(lan_state(&r, 1), LULL_NEIGH_REACHABLE);
		rig_pass_ms(&r, 10000);
		lan_expect_none(&r);
		rig_close(&r);
	}
}

/* What nobody has used or heard of for twenty minutes is forgotten. */
static void stale_is_forgotten(void **unused)
{
	struct rig r;

	rig_open(&r, &lan[0]);
	rig_align(&r);
	lan_meet(&r);
	rig_pass_ms(&r, LULL_NEIGH_FORGET_MS - 1);
	assert_int_equal(lan_state(&r, 1), LULL_NEIGH_STALE);
	rig_pass_ms(&r, 1);
	assert_int_equal(lan_state(&r, 1), -1);
	lan_expect_none(&r);
	rig_close(&r);
}

/* 6.3.2, 6.3.4: from 0.5 to 1.5 times 30 s, by the key, and drawn anew. */
static void reachable_time_is_spread(void **unused)
{
	uint32_t least = UINT32_MAX, most = 0, anew = 0;
	struct rig r;

	rig_open(&r, &lan[0]);
	for (int i = 0; i < 200; i++) {
		uint32_t before = neighs(&r)->reachable_ms;

		lan_reach(&r, 7, &lan_other);
		least = lull_min(least, neighs(&r)->reachable_ms);
		most = lull_max(most, neighs(&r)->reachable_ms);
		anew += neighs(&r)->reachable_ms != before;
		rig_pass_ms(&r, LULL_NEIGH_DRAW_MS);
		rig_discard(&r);
	}
	assert_in_range(least, 15000, 16000);
	assert_in_range(most, 44000, 45000);
	assert_true(anew > 190);
	rig_close(&r);
}

/* 7.3.1: as long as TCP gets on nobody is asked. */
static void progress_of_tcp_confirms(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig_config c = lan[v6];
		struct rig r;

		c.no_listener = false;
		rig_open(&r, &c);
		lan_meet(&r);
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		for (int i = 0; i < 100; i++) {
			rig_write(&r, 10);
			(void)rig_expect(&r, LULL_ACK); /* and no question */
			rig_ack(&r);
			rig_pass_ms(&r, 2000);
			rig_expect_none(&r);
			if (i > 0)
				assert_int_equal(lan_state(&r, 1),
						 LULL_NEIGH_REACHABLE);
		}
		rig_drop(&r);
	}
}

/* What is sent again and never acknowledged says nothing. */
static void retransmissions_do_not_confirm(void **unused)
{
	struct rig_config c = lan[0];
	struct rig r;

	c.no_listener = false;
	rig_open(&r, &c);
	lan_meet(&r);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_write(&r, 10);
	(void)rig_expect(&r, LULL_ACK);
	rig_ack(&r);
	rig_write(&r, 10); /* this one tells of the ACK before */
	assert_int_equal(lan_state(&r, 1), LULL_NEIGH_REACHABLE);
	rig_pass_ms(&r, 75000);
	assert_int_equal(lan_state(&r, 1), -1);
	rig_drop(&r);
}

/* What only comes in is no sign that what we send arrives. */
static void arrivals_do_not_confirm(void **unused)
{
	struct rig r;

	rig_open(&r, &lan[0]);
	lan_meet(&r);
	for (int i = 0; i < 5; i++) {
		lan_ping(&r, 1, &lan_peer);
		lan_expect_pong(&r, 1, &lan_peer);
		rig_pass_ms(&r, 1000);
	}
	rig_pass_ms(&r, 1);
	assert_int_equal(lan_state(&r, 1), LULL_NEIGH_PROBE);
	rig_discard(&r);
	rig_drop(&r);
}

/* ---- what waits ---- */

/* 7.2.2: the newest few, in order; those before them are counted. */
static void few_packets_wait(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig r;

		rig_open(&r, &lan[v6]);
		for (int i = 0; i < 5; i++)
			lan_ping(&r, 7, &lan_other);
		lan_expect_ask(&r, 7, NULL);
		lan_expect_none(&r);
		assert_int_equal(neighs(&r)->waiting.used, LULL_NEIGH_WAITING);
		assert_int_equal(rig_drops(&r, LULL_DROP_NEIGH_QUEUE), 2);
		lan_answer(&r, 7, &lan_other);
		for (int i = 0; i < LULL_NEIGH_WAITING; i++) {
			const struct rig_raw *raw = rig_get_raw(&r);

			assert_non_null(raw);
			assert_int_equal(raw->bytes[14 + (v6 ? 47 : 27)],
					 2 + i);
		}
		lan_expect_none(&r);
		assert_int_equal(neighs(&r)->waiting.used, 0);
		rig_close(&r);
	}
}

/* All neighbours together have limits.unresolved. */
static void waiting_packets_are_bounded(void **unused)
{
	struct rig r;

	rig_open(&r, &lan[0]);
	for (uint16_t i = 0; i < 12; i++)
		lan_ping(&r, 100 + i, &lan_other);
	assert_int_equal(neighs(&r)->waiting.used, 8);
	assert_int_equal(rig_drops(&r, LULL_DROP_NEIGH_QUEUE), 4);
	rig_pass_ms(&r, 5000);
	assert_int_equal(neighs(&r)->waiting.used, 0);
	rig_discard(&r);
	rig_close(&r);
}

/* A packet that waits does not stand before those of others. */
static void others_do_not_wait(void **unused)
{
	struct rig_config c = lan[0];
	struct rig_seg out;
	struct rig r;

	c.no_listener = false;
	rig_open(&r, &c);
	lan_meet(&r);
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_align(&r);
	for (int i = 0; i < 3; i++) {
		uint16_t to = (uint16_t)(50 + i);
		struct lull_addr a = lan_addr(&r, to);
		struct lull_connect connect = {.size = sizeof connect,
					       .remote = {a, 80}};
		struct lull_sock sock;

		/* The SYN stands before the text in the queue. */
		assert_int_equal(lull_sock_connect(r.s, &connect, &sock, NULL),
				 0);
		assert_int_equal(rig_queue(&r, 10), 10);
		rig_run(&r);
		out = rig_expect(&r, LULL_ACK);
		assert_int_equal(out.seg.text_len, 10);
		lan_expect_ask(&r, to, NULL);
		lan_expect_none(&r);
		rig_ack(&r);
	}
	rig_drop(&r);
}

/* ---- bounds ---- */

/* A flood of strangers pushes out strangers; who is confirmed stays. */
static void flood_evicts_the_oldest_unconfirmed(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig r;

		rig_open(&r, &lan[v6]);
		lan_reach(&r, 7, &lan_other);
		for (uint16_t i = 0; i < 160; i++) {
			lan_ping(&r, 40 + i, &lan_peer);
			lan_expect_ask(&r, 40 + i, NULL);
			assert_true(neighs(&r)->slab.used <= 16);
		}
		assert_int_equal(neighs(&r)->slab.used, 16);
		assert_int_equal(lan_state(&r, 7), LULL_NEIGH_REACHABLE);
		assert_int_equal(lan_state(&r, 40), -1);
		assert_int_equal(lan_state(&r, 40 + 144), -1);
		assert_int_equal(lan_state(&r, 40 + 145),
				 LULL_NEIGH_INCOMPLETE);
		assert_int_equal(rig_count(&r, LULL_COUNT_NEIGH_EVICTED), 145);
		lan_ping(&r, 7, &lan_other);
		lan_expect_pong(&r, 7, &lan_other);
		rig_close(&r);
	}
}

/* When all are confirmed the one goes that was longest not. */
static void full_of_confirmed_evicts_the_oldest(void **unused)
{
	struct rig r;

	rig_open(&r, &lan[0]);
	for (uint16_t i = 0; i < 17; i++)
		lan_reach(&r, 40 + i, &lan_other);
	assert_int_equal(lan_state(&r, 40), -1);
	assert_int_equal(lan_state(&r, 41), LULL_NEIGH_REACHABLE);
	assert_int_equal(lan_state(&r, 56), LULL_NEIGH_REACHABLE);
	rig_close(&r);
}

/* ---- the way ---- */

static void off_link_goes_to_the_gateway(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct lull_addr gateway, far;
		const struct rig_raw *raw;
		struct rig r;

		rig_open(&r, &lan[v6]);
		gateway = lan_addr(&r, 7);
		far = lan_addr(&r, 1);
		far.b[v6 ? 0 : 12] = v6 ? 0x20 : 8; /* 8.9.3.1, 2000:... */
		connect_to(&r, &far, -ENETUNREACH);
		assert_int_equal(lull_gateway_set(r.s, &gateway), 0);
		connect_to(&r, &far, 0);
		lan_expect_ask(&r, 7, NULL);
		lan_answer(&r, 7, &lan_other);
		raw = rig_get_raw(&r);
		assert_non_null(raw);
		assert_memory_equal(raw->bytes, lan_other.b, 6);
		lan_expect_none(&r);
		rig_drop(&r);
	}
}

/* Answers for which there is no gateway are counted, and do not wait. */
static void no_gateway_no_way(void **unused)
{
	struct rig r;

	rig_open(&r, &lan[0]);
	r.tuple.remote.b[12] = 8;
	lan_ping(&r, 1, &lan_peer);
	lan_expect_none(&r);
	assert_int_equal(rig_drops(&r, LULL_DROP_NO_ROUTE), 1);
	assert_int_equal(rig_count(&r, LULL_COUNT_IP_OUT_NO_ROUTES), 1);
	assert_int_equal(neighs(&r)->waiting.used, 0);
	rig_close(&r);
}

static void gateways_that_cannot_be(void **unused)
{
	static const struct rig_config raw = {.rtt_ms = 1};
	struct lull_addr a;
	struct rig r;

	rig_open(&r, &lan[0]);
	a = lan_addr(&r, 1);
	a.b[12] = 8; /* not on the link */
	assert_int_equal(lull_gateway_set(r.s, &a), -EINVAL);
	a = lan_addr(&r, 2); /* ourselves */
	assert_int_equal(lull_gateway_set(r.s, &a), -EINVAL);
	a = lan_addr(&r, 255); /* broadcast */
	assert_int_equal(lull_gateway_set(r.s, &a), -EINVAL);
	rig_drop(&r);
	rig_open(&r, &raw);
	a = lan_addr(&r, 1); /* no neighbours */
	assert_int_equal(lull_gateway_set(r.s, &a), -EINVAL);
	rig_drop(&r);
}

/* ---- frames ---- */

static void frames_that_are_not_for_us(void **unused)
{
	static const struct {
		struct lull_mac dst, src;
		uint16_t type;
		enum lull_drop why;
	} t[] = {
		{{{2, 0, 0, 0, 0, 5}},
		 {{2, 1}},
		 0x800,
		 LULL_DROP_ETHER_NOT_OURS},
		{{{2, 0, 0, 0, 0, 2}}, {{3, 1}}, 0x800, LULL_DROP_ETHER_SOURCE},
		{{{2, 0, 0, 0, 0, 2}}, {{0}}, 0x800, LULL_DROP_ETHER_SOURCE},
		{{{255, 255, 255, 255, 255, 255}},
		 {{2, 0, 0, 0, 0, 2}},
		 0x806,
		 LULL_DROP_ETHER_SOURCE},
		{{{255, 255, 255, 255, 255, 255}},
		 {{2, 1}},
		 0x800,
		 LULL_DROP_ETHER_GROUP},
		{{{1, 0, 0x5e, 0, 0, 1}},
		 {{2, 1}},
		 0x800,
		 LULL_DROP_ETHER_GROUP},
		{{{2, 0, 0, 0, 0, 2}}, {{2, 1}}, 0x8100, LULL_DROP_ETHER_VLAN},
		{{{2, 0, 0, 0, 0, 2}}, {{2, 1}}, 0x88a8, LULL_DROP_ETHER_VLAN},
		{{{2, 0, 0, 0, 0, 2}}, {{2, 1}}, 0x88cc, LULL_DROP_ETHER_TYPE},
		{{{2, 0, 0, 0, 0, 2}}, {{2, 1}}, 46, LULL_DROP_ETHER_TYPE},
		{{{2, 0, 0, 0, 0, 2}}, {{2, 1}}, 0x86dd, LULL_DROP_IP_VERSION},
	};
	uint8_t packet[RIG_TEXT_MAX];
	struct rig_config c = lan[0];
	struct rig r;
	uint32_t len;

	c.no_listener = false;
	rig_open(&r, &c);
	len = rig_build(&r, LULL_SYN, r.seq, lull_seq(0), NULL, 0, packet);
	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		const struct lan_frame head = {t[i].dst, t[i].src, t[i].type};

		lan_put(&r, &head, packet, len);
		if (rig_drops(&r, t[i].why) == 0)
			fail_msg("row %u was not refused as it should be", i);
		r.s->g.drops[t[i].why] = 0;
		lan_expect_none(&r);
	}
	assert_int_equal(rig_count(&r, LULL_COUNT_IP_IN_RECEIVES), 0);
	for (uint32_t n = 1; n < 14; n++)
		rig_frame(&r, packet, n);
	assert_int_equal(rig_drops(&r, LULL_DROP_ETHER_SHORT), 13);
	rig_close(&r);
}

/* All of TCP's life over Ethernet; what cards are told counts its header. */
static void tcp_over_ethernet(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig_config c = lan[v6];
		const struct rig_raw *raw;
		struct rig_seg out;
		struct rig r;

		c.no_listener = false;
		c.link_cap = LULL_LINK_TX_CSUM | LULL_LINK_TX_GSO;
		rig_open(&r, &c);
		lan_meet(&r);
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		rig_write(&r, 4000);
		raw = rig_get_raw(&r);
		assert_int_equal(raw->frame.csum_start, 14 + (v6 ? 40 : 20));
		assert_int_equal(raw->frame.hdr_len, 14 + (v6 ? 60 : 40));
		assert_int_equal(raw->frame.hdr_len, raw->frame.span[0].len);
		assert_true(raw->frame.gso_size > 0);
		rig_pass_ms(&r, 1000);
		out = rig_expect(&r, LULL_ACK);
		assert_true(out.seg.text_len > 0);
		rig_drop(&r);
	}
}

/* Room for the largest frame: header and MTU. */
static void buffers_hold_a_whole_frame(void **unused)
{
	struct rig_config c = lan[0];
	struct lull_frame f;
	struct rig r;

	c.mtu = 2040; /* a packet would fit into 2,048 */
	rig_open(&r, &c);
	assert_int_equal(lull_rx_get(r.s, &f, 1), 1);
	assert_true(f.span[0].len >= 2040 + 14);
	f.len = 0;
	assert_int_equal(lull_rx_put(r.s, &f, 1), 1);
	rig_close(&r);
}

/* ---- creation ---- */

static int create(struct lull_config *c, uint8_t mac[6])
{
	struct lull_memory memory;
	struct lull_shard *s;
	int e;

	assert_int_equal(lull_memory_map(&c->limits, &memory), 0);
	e = lull_shard_init(&s, c, memory, 1, NULL);
	if (e == 0)
		assert_true(lull_mac_get(s, mac));
	lull_memory_unmap(&memory);
	return e;
}

/* One of local use, by the key: the same after a restart with a state file. */
static void mac_comes_from_the_key(void **unused)
{
	uint8_t a[6], again[6], other[6], given[6] = {0, 1, 2, 3, 4, 5};
	struct lull_config c;

	lull_config_init(&c, 64, 64);
	c.link_type = LULL_LINK_ETHER;
	assert_int_equal(create(&c, a), 0);
	assert_int_equal(a[0] & 3, 2);
	assert_int_equal(create(&c, again), 0);
	assert_memory_equal(a, again, 6);
	c.key[0] = 1;
	assert_int_equal(create(&c, other), 0);
	assert_memory_not_equal(a, other, 6);
	memcpy(c.mac, given, 6);
	assert_int_equal(create(&c, other), 0);
	assert_memory_equal(given, other, 6);
	c.mac[0] = 1; /* a group */
	assert_int_equal(create(&c, other), -EINVAL);
	c.mac[0] = 0;
	c.mtu = 65535; /* with its header it would not fit into a buffer */
	assert_int_equal(create(&c, other), -EINVAL);
	c.mtu = 65521;
	assert_int_equal(create(&c, other), 0);
	c.link_type = 2;
	assert_int_equal(create(&c, other), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked_three_times_then_unreachable),
		cmocka_unit_test(failed_is_not_asked_for_at_once),
		cmocka_unit_test(established_survives_a_failure),
		cmocka_unit_test(reachable_stale_delay_probe),
		cmocka_unit_test(probe_answered),
		cmocka_unit_test(stale_is_forgotten),
		cmocka_unit_test(reachable_time_is_spread),
		cmocka_unit_test(progress_of_tcp_confirms),
		cmocka_unit_test(retransmissions_do_not_confirm),
		cmocka_unit_test(arrivals_do_not_confirm),
		cmocka_unit_test(few_packets_wait),
		cmocka_unit_test(waiting_packets_are_bounded),
		cmocka_unit_test(others_do_not_wait),
		cmocka_unit_test(flood_evicts_the_oldest_unconfirmed),
		cmocka_unit_test(full_of_confirmed_evicts_the_oldest),
		cmocka_unit_test(off_link_goes_to_the_gateway),
		cmocka_unit_test(no_gateway_no_way),
		cmocka_unit_test(gateways_that_cannot_be),
		cmocka_unit_test(frames_that_are_not_for_us),
		cmocka_unit_test(tcp_over_ethernet),
		cmocka_unit_test(buffers_hold_a_whole_frame),
		cmocka_unit_test(mac_comes_from_the_key),
	};

	return RUN("neigh", tests);
}
