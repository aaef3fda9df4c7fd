/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_knobs_loss.c: each knob of loss recovery does what it says: one test
 * named after each, that sees it on the wire or in time.
 */
#include "receiver.h"

enum {
	MSS = WAY_MSS,
	RTT_MS = 40
};

/* Ten segments are out since a round trip. */
static struct way *with(const char *name, const char *value)
{
	struct way *w = way_open(false, RTT_MS, 10);

	if (name)
		rig_knob(&w->r, name, value);
	return w;
}

static void send_ten(struct way *w)
{
	rig_write(&w->r, 10 * MSS);
	assert_int_equal(rig_discard(&w->r), 10);
	rig_pass_ms(&w->r, RTT_MS);
}

static void sack(struct way *w, uint32_t ack, uint32_t from, uint32_t to)
{
	const uint32_t block[1][2] = {{from * MSS, to * MSS}};

	way_sack(&w->r, ack * MSS, block, from < to);
}

static void tcp_sack(void **unused)
{
	for (int on = 0; on < 2; on++) {
		struct rig_config c = {.sack = true};
		struct rig r;

		rig_open(&r, &c);
		rig_knob(&r, "net.ipv4.tcp_sack", on ? "1" : "0");
		rig_syn(&r, LULL_SYN);
		assert_int_equal(
			rig_expect(&r, LULL_SYN | LULL_ACK).seg.sack_ok, on);
		rig_pass_ms(&r, 70000);
		rig_discard(&r);
		rig_close(&r);
		/* And what we ask for. */
		rig_open(&r, &c);
		rig_knob(&r, "net.ipv4.tcp_sack", on ? "1" : "0");
		rig_reach(&r, LULL_TCP_SYN_SENT, true);
		rig_pass_ms(&r, 1001);
		assert_int_equal(rig_expect(&r, LULL_SYN).seg.sack_ok, on);
		rig_close(&r);
	}
}

static void tcp_dsack(void **unused)
{
	for (int on = 0; on < 2; on++) {
		struct way *w = with("net.ipv4.tcp_dsack", on ? "1" : "0");
		struct rig *r = &w->r;

		rig_feed(r, 100);
		rig_discard(r);
		rig_put(r, LULL_ACK, lull_seq(r->seq.v - 100), r->ack, NULL,
			100);
		assert_int_equal(rig_expect(r, LULL_ACK).seg.sacks, on);
		way_close(w);
	}
}

/* 3 and 4: a probe after two round trips; others: a timeout, later. */
static void tcp_early_retrans(void **unused)
{
	static const struct {
		const char *value;
		uint32_t probes;
	} t[] = {{"3", 1}, {"4", 1}, {"0", 0}, {"1", 0}, {"2", 0}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct way *w = with("net.ipv4.tcp_early_retrans", t[i].value);

		send_ten(w);
		rig_pass_ms(&w->r, RTT_MS + 4);
		assert_int_equal(rig_discard(&w->r), t[i].probes);
		assert_int_equal(rig_count(&w->r, LULL_COUNT_LOSS_PROBES),
				 t[i].probes);
		way_close(w);
	}
}

/* After a timeout, and the ACK of what went again: new text, or old. */
static void tcp_frto(void **unused)
{
	for (int on = 0; on < 2; on++) {
		struct way *w = with("net.ipv4.tcp_frto", on ? "2" : "0");
		struct rig_seg out;

		rig_knob(&w->r, "net.ipv4.tcp_early_retrans", "0");
		send_ten(w);
		rig_queue(&w->r, 10 * MSS);
		rig_pass_ms(&w->r, 205);
		assert_int_equal(rig_discard(&w->r), 1);
		sack(w, 1, 0, 0);
		out = rig_expect(&w->r, LULL_ACK);
		assert_int_equal(out.seg.seq.v, way_seq(on ? 10 * MSS : MSS).v);
		rig_discard(&w->r);
		way_close(w);
	}
}

/* So many SACKed segments are a loss at once. */
static void tcp_reordering(void **unused)
{
	static const char *const value[] = {"2", "3", "5"};

	for (uint32_t i = 0; i < ARRAY_LEN(value); i++) {
		uint32_t least = (uint32_t)(value[i][0] - '0');
		struct rig_config c = {
			.sack = true, .wscale = true, .rtt_ms = RTT_MS};
		struct rig r;

		rig_open(&r, &c);
		rig_knob(&r, "net.ipv4.tcp_reordering", value[i]);
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		rig_ack(&r);
		rig_write(&r, 10 * MSS);
		rig_discard(&r);
		rig_pass_ms(&r, RTT_MS);
		for (uint32_t n = 1; n <= least; n++) {
			const uint32_t block[1][2] = {{MSS, (n + 1) * MSS}};

			assert_int_equal(rig_count(&r, LULL_COUNT_RETRANS_SEGS),
					 0);
			way_sack(&r, 0, block, 1);
		}
		assert_int_equal(rig_count(&r, LULL_COUNT_RETRANS_SEGS), 1);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* A segment that eight others overtook: what is believed of the path. */
static void tcp_max_reordering(void **unused)
{
	static const struct {
		const char *value;
		uint32_t degree;
	} t[] = {{"300", 9}, {"5", 5}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct way *w = with("net.ipv4.tcp_max_reordering", t[i].value);

		rig_knob(&w->r, "net.ipv4.tcp_recovery", "5");
		send_ten(w);
		sack(w, 0, 1, 9);
		sack(w, 9, 0, 0);
		assert_int_equal(way_rack(&w->r)->reordering, t[i].degree);
		rig_discard(&w->r);
		way_close(w);
	}
}

/* The least RTT is forgotten after so long: then it is what is seen now. */
static void tcp_min_rtt_wlen(void **unused)
{
	static const struct {
		const char *value;
		uint32_t min_us;
	} t[] = {{"300", 40000}, {"10", 60000}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct way *w = with("net.ipv4.tcp_min_rtt_wlen", t[i].value);

		rig_pass_ms(&w->r, 20000);
		rig_write(&w->r, MSS);
		rig_discard(&w->r);
		rig_pass_ms(&w->r, 60);
		sack(w, 1, 0, 0);
		assert_int_equal(way_rack(&w->r)->min_rtt_us, t[i].min_us);
		way_close(w);
	}
}

/* 1: by time, after a quarter of an RTT for one; 0: by count only; +4: by time
 * only, however many there are. */
static void by_time_or_count(const char *value, bool one, bool three)
{
	struct way *w = with("net.ipv4.tcp_recovery", value);

	send_ten(w);
	sack(w, 0, 1, 4);
	assert_int_equal(rig_discard(&w->r), three);
	way_close(w);
	w = with("net.ipv4.tcp_recovery", value);
	send_ten(w);
	sack(w, 0, 1, 2);
	rig_expect_none(&w->r);
	rig_pass_ms(&w->r, RTT_MS / 4 + 2);
	assert_int_equal(rig_discard(&w->r), one);
	way_close(w);
}

/* +2: DSACKs don't widen the window. */
static void adapts(const char *value, uint32_t mult)
{
	static const uint32_t dup[1][2] = {{10 * MSS, 11 * MSS}};
	struct way *w = with("net.ipv4.tcp_recovery", value);
	struct rig *r = &w->r;

	send_ten(w);
	sack(w, 0, 1, 2);
	sack(w, 2, 0, 0); /* the path reorders */
	sack(w, 10, 0, 0);
	rig_write(r, 10 * MSS);
	assert_int_equal(rig_discard(r), 10);
	rig_pass_ms(r, RTT_MS);
	sack(w, 10, 11, 16);
	rig_pass_ms(r, RTT_MS / 4 + 2);
	assert_int_equal(rig_discard(r), 1); /* 10, again */
	sack(w, 16, 0, 0);
	way_sack(r, 16 * MSS, dup, 1);
	assert_int_equal(way_rack(r)->reo_mult, mult);
	way_close(w);
}

static void tcp_recovery(void **unused)
{
	by_time_or_count("0", false, true);
	by_time_or_count("1", true, true);
	by_time_or_count("5", true, false);
	adapts("1", 2);
	adapts("3", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_sack),
		cmocka_unit_test(tcp_dsack),
		cmocka_unit_test(tcp_early_retrans),
		cmocka_unit_test(tcp_frto),
		cmocka_unit_test(tcp_reordering),
		cmocka_unit_test(tcp_max_reordering),
		cmocka_unit_test(tcp_min_rtt_wlen),
		cmocka_unit_test(tcp_recovery),
	};

	return RUN("knobs_loss", tests);
}
