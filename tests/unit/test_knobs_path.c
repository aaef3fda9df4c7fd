/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_knobs_path.c: each knob of fragments and of path MTUs does what it says:
 * one test named after each.
 */
#include "hole.h"
#include "pieces.h"

#define NAME4(s) "net.ipv4." s
#define NAME6(s) "net.ipv6." s

static struct payload p;
static struct hole h;

/* ---- fragments ---- */

/* Does a datagram of which a piece is missing last for so long, and no longer?
 */
static void lasts(bool v6, const char *name)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.v6 = v6});
	rig_knob(&r, name, "5");
	rig_align(&r);
	payload_echo(&r, 120, &p);
	piece_put(&r, &p, (struct piece){.off = 0, .len = 32, .more = true});
	rig_pass_ms(&r, 4999);
	assert_null(rig_get_raw(&r));
	rig_pass_ms(&r, 1);
	assert_non_null(rig_get_raw(&r));
	rig_close(&r);
}

static void ipfrag_time(void **unused)
{
	lasts(false, NAME4("ipfrag_time"));
}

static void ip6frag_time(void **unused)
{
	lasts(true, NAME6("ip6frag_time"));
}

/* Is so much kept, and no more? */
static void is_kept(bool v6, const char *name)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.v6 = v6});
	rig_knob(&r, name, "8192");
	payload_echo(&r, 1400, &p);
	for (uint32_t i = 0; i < 10; i++) {
		piece_put(&r, &p,
			  (struct piece){.len = 1400, .more = true, .id = i});
		assert_int_equal(r.s->ip.reass.charge[v6],
				 lull_min(i + 1, 4) * 2048);
	}
	assert_int_equal(rig_drops(&r, LULL_DROP_IP_FRAGMENT_EVICTED), 6);
	/* The oldest went first. */
	piece_put(&r, &p, (struct piece){.off = 1400, .len = 8, .id = 5});
	assert_null(rig_get_raw(&r));
	piece_put(&r, &p, (struct piece){.off = 1400, .len = 8, .id = 8});
	assert_non_null(rig_get_raw(&r));
	rig_knob(&r, name, "0");
	piece_put(&r, &p, (struct piece){.len = 1400, .more = true, .id = 99});
	assert_int_equal(rig_drops(&r, LULL_DROP_IP_FRAGMENT_MEMORY), 1);
	rig_pass_ms(&r, 61000);
	rig_discard(&r);
	rig_close(&r);
}

static void ipfrag_high_thresh(void **unused)
{
	is_kept(false, NAME4("ipfrag_high_thresh"));
}

static void ip6frag_high_thresh(void **unused)
{
	is_kept(true, NAME6("ip6frag_high_thresh"));
}

/* After so many others its id is another packet's (RFC 4963). */
static void ipfrag_max_dist(void **unused)
{
	static const struct {
		const char *value;
		uint32_t others;
		bool whole;
	} t[] = {{"10", 9, true}, {"10", 11, false}, {"0", 50, true}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){0});
		rig_knob(&r, NAME4("ipfrag_max_dist"), t[i].value);
		payload_echo(&r, 120, &p);
		piece_put(&r, &p,
			  (struct piece){
				  .off = 0, .len = 32, .more = true, .id = 7});
		for (uint32_t k = 0; k < t[i].others; k++)
			piece_put(&r, &p,
				  (struct piece){.off = 0,
						 .len = 32,
						 .more = true,
						 .id = 100 + k});
		piece_put(
			&r, &p,
			(struct piece){
				.off = 32, .len = 96, .more = false, .id = 7});
		assert_int_equal(!!rig_get_raw(&r), t[i].whole);
		rig_pass_ms(&r, 31000);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* ---- path MTU ---- */

static uint32_t mss_of(const struct rig *r)
{
	return rig_tcb(r)->opt.mss;
}

/* Connected on a path of `mtu`, with up to three settings. */
static void on_path(struct rig *r, uint32_t mtu, bool v6, const char *a,
		    const char *b)
{
	struct rig_config c = {.wscale = true, .v6 = v6, .sysctl = {a, b}};

	hole_open(r, &h, mtu, &c);
}

static void min_pmtu(void **unused)
{
	struct rig r;

	on_path(&r, 1500, false, NAME4("route.min_pmtu") "=1000", NULL);
	rig_write(&r, 1460);
	rig_discard(&r);
	rig_icmp(&r, (struct rig_icmp){3, 4, 999}, lull_seq(RIG_ISS + 1));
	assert_int_equal(mss_of(&r), 1460);
	rig_icmp(&r, (struct rig_icmp){3, 4, 1000}, lull_seq(RIG_ISS + 1));
	assert_int_equal(mss_of(&r), 960);
	rig_discard(&r);
	rig_close(&r);
}

/* Of both versions: each has its own. */
static void mtu_expires(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig r;

		on_path(&r, 1300, v6,
			v6 ? NAME6("route.mtu_expires") "=30"
			   : NAME4("route.mtu_expires") "=30",
			v6 ? NAME4("route.mtu_expires") "=9"
			   : NAME6("route.mtu_expires") "=9");
		h.tells = true;
		assert_true(hole_send(&r, &h, 20000, 2000));
		h.mtu = 1500;
		rig_pass_ms(&r, 25000);
		assert_true(hole_send(&r, &h, 40000, 2000));
		assert_int_equal(h.largest, 1300);
		rig_pass_ms(&r, 5000);
		assert_true(hole_send(&r, &h, 60000, 2000));
		assert_int_equal(h.largest, 1500);
		rig_close(&r);
	}
}

static void tcp_mtu_probing(void **unused)
{
	for (int v = 0; v < 3; v++) {
		const char *set[] = {NAME4("tcp_mtu_probing") "=0",
				     NAME4("tcp_mtu_probing") "=1",
				     NAME4("tcp_mtu_probing") "=2"};
		struct rig r;

		on_path(&r, 1200, false, set[v], NULL);
		assert_int_equal(mss_of(&r), v == 2 ? 1024 : 1460);
		assert_int_equal(hole_send(&r, &h, 20000, 2000), v == 2);
		assert_int_equal(hole_send(&r, &h, 20000, 20000), v > 0);
		rig_discard(&r);
		rig_close(&r);
	}
}

static void tcp_base_mss(void **unused)
{
	struct rig r;

	on_path(&r, 1500, false, NAME4("tcp_mtu_probing") "=2",
		NAME4("tcp_base_mss") "=600");
	assert_int_equal(mss_of(&r), 600);
	rig_close(&r);
}

/* Halved from 1,024 on, but not below. */
static void tcp_mtu_probe_floor(void **unused)
{
	struct rig r;

	on_path(&r, 0, false, NAME4("tcp_mtu_probing") "=1",
		NAME4("tcp_mtu_probe_floor") "=300");
	assert_false(hole_send(&r, &h, 20000, 100000));
	assert_int_equal(mss_of(&r), 300);
	rig_discard(&r);
	rig_close(&r);
}

/* What a peer asks for counts, but not below. */
static void tcp_min_snd_mss(void **unused)
{
	for (int open = 0; open < 2; open++) {
		struct rig_config c = {
			.mss = 50, .sysctl = {NAME4("tcp_min_snd_mss") "=400"}};
		struct rig r;

		c.no_listener = open;
		rig_open(&r, &c);
		rig_reach(&r, open ? LULL_TCP_SYN_SENT : LULL_TCP_ESTABLISHED,
			  true);
		if (open) {
			rig_syn(&r, LULL_SYN | LULL_ACK);
			rig_discard(&r);
		}
		assert_int_equal(mss_of(&r), 400);
		rig_close(&r);
		/* Never more than the link takes. */
		c.sysctl[0] = NAME4("tcp_min_snd_mss") "=9000";
		rig_open(&r, &c);
		rig_reach(&r, open ? LULL_TCP_SYN_SENT : LULL_TCP_ESTABLISHED,
			  true);
		assert_true(mss_of(&r) <= 1460);
		rig_discard(&r);
		rig_close(&r);
	}
}

static void tcp_probe_interval(void **unused)
{
	struct rig r;

	on_path(&r, 1200, false, NAME4("tcp_mtu_probing") "=2",
		NAME4("tcp_probe_interval") "=40");
	assert_true(hole_send(&r, &h, 600000, 10000));
	h.mtu = 1500;
	rig_pass_ms(&r, 30000);
	assert_true(hole_send(&r, &h, 800000, 5000));
	assert_true(h.largest <= 1200);
	rig_pass_ms(&r, 11000);
	assert_true(hole_send(&r, &h, 1200000, 5000));
	assert_true(h.largest > 1400);
	rig_close(&r);
}

static void tcp_probe_threshold(void **unused)
{
	struct rig r;

	on_path(&r, 1500, false, NAME4("tcp_mtu_probing") "=2",
		NAME4("tcp_probe_threshold") "=200");
	assert_true(hole_send(&r, &h, 1000000, 10000));
	/* 1064 to 1500, 1282 to 1500, 1391 to 1500: that is near enough. */
	assert_int_equal(h.largest, 1391);
	rig_close(&r);
}

/* Offered and sent, by both who listen and who connect. */
static void tcp_mss_clamp(void **unused)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rig_config c = {
			.v6 = v6, .sysctl = {"net.lull.tcp_mss_clamp=900"}};
		struct rig r;

		rig_open(&r, &c);
		rig_syn(&r, LULL_SYN);
		assert_int_equal(rig_expect(&r, LULL_SYN | LULL_ACK).seg.mss,
				 900);
		rig_say(&r, LULL_ACK, NULL, 0);
		assert_int_equal(mss_of(&r), 900);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipfrag_time),
		cmocka_unit_test(ip6frag_time),
		cmocka_unit_test(ipfrag_high_thresh),
		cmocka_unit_test(ip6frag_high_thresh),
		cmocka_unit_test(ipfrag_max_dist),
		cmocka_unit_test(min_pmtu),
		cmocka_unit_test(mtu_expires),
		cmocka_unit_test(tcp_mtu_probing),
		cmocka_unit_test(tcp_base_mss),
		cmocka_unit_test(tcp_mtu_probe_floor),
		cmocka_unit_test(tcp_min_snd_mss),
		cmocka_unit_test(tcp_probe_interval),
		cmocka_unit_test(tcp_probe_threshold),
		cmocka_unit_test(tcp_mss_clamp),
	};

	return RUN("knobs_path", tests);
}
