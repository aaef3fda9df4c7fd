/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_eor.c: MSG_EOR: no segment has text of two records, when it goes for the
 * first time or again, and the last one of each is pushed.
 */
#include "hole.h"

enum {
	MSS = 1460,
	RECORD = 100,
};

static struct hole h;

static const struct rig_config plain = {.rtt_ms = 1, .wscale = true};
static const struct rig_config gso = {.rtt_ms = 1,
				      .wscale = true,
				      .link_cap = LULL_LINK_TX_CSUM |
						  LULL_LINK_TX_GSO};

static void established(struct rig *r, const struct rig_config *config)
{
	rig_open(r, config);
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_align(r);
}

static long queue(struct rig *r, uint32_t len, int flags)
{
	static uint8_t text[1 << 20];
	struct lull_span span = {text, len};

	assert_true(len <= sizeof text);
	for (uint32_t i = 0; i < len; i++)
		text[i] = rig_byte(r->written + i);
	r->written += len;
	return lull_sock_send(r->s, r->sock, &span, 1, flags);
}

static void put(struct rig *r, uint32_t len, int flags)
{
	assert_int_equal(queue(r, len, flags), len);
}

/* Bytes [from, from + len) of the stream, and PSH or not. */
static void expect(struct rig *r, uint32_t from, uint32_t len, bool push)
{
	struct rig_seg out = rig_expect(r, LULL_ACK);

	assert_int_equal(out.seg.seq.v, lull_seq(RIG_ISS + 1 + from).v);
	assert_int_equal(out.seg.text_len, len);
	assert_int_equal(!!(out.seg.flags & LULL_PSH), push);
	rig_same(out.text, len, from);
}

/* What stood in the queue first ends with the record, as in Linux; the rest is
 * one stream again. */
static void records_go_by_themselves(void **unused)
{
	for (int i = 0; i < 2; i++) {
		struct rig r;

		established(&r, i ? &gso : &plain);
		put(&r, 50, 0);
		put(&r, RECORD, LULL_MSG_EOR);
		put(&r, RECORD, LULL_MSG_EOR);
		put(&r, 20, 0);
		put(&r, 30, 0);
		rig_run(&r);
		expect(&r, 0, 50 + RECORD, true);
		expect(&r, 50 + RECORD, RECORD, true);
		rig_expect_none(&r); /* Nagle's rule is for the last one */
		rig_ack(&r);
		expect(&r, 50 + 2 * RECORD, 50, true);
		rig_close(&r);
	}
}

/* All of a record in one large frame, though a short segment is out. */
static void large_records(void **unused)
{
	struct rig r;

	established(&r, &gso);
	put(&r, RECORD, LULL_MSG_EOR);
	rig_run(&r);
	expect(&r, 0, RECORD, true);
	put(&r, 2 * MSS + 10, LULL_MSG_EOR);
	put(&r, 2 * MSS, LULL_MSG_EOR);
	put(&r, MSS, 0);
	rig_run(&r);
	expect(&r, RECORD, 2 * MSS + 10, true);
	expect(&r, RECORD + 2 * MSS + 10, 2 * MSS, true);
	expect(&r, RECORD + 4 * MSS + 10, MSS, true);
	rig_close(&r);
}

/* Each has a buffer of its own, and a small one a small one. */
static void small_records_are_cheap(void **unused)
{
	struct rig r;

	established(&r, &plain);
	for (int i = 0; i < 8; i++)
		put(&r, RECORD, LULL_MSG_EOR);
	assert_int_equal(rig_tcb(&r)->snd.charge, 8 * 256);
	put(&r, 300, LULL_MSG_EOR);
	assert_int_equal(rig_tcb(&r)->snd.charge, 8 * 256 + 2048);
	rig_drop(&r);
}

/* A record that was taken in part has no end yet. */
static void part_of_a_record(void **unused)
{
	uint32_t sent = 0;
	struct rig_seg out;
	struct rig r;
	long n;

	established(&r, &plain);
	rig_set(&r, LULL_OPT_SNDBUF, 4608);
	n = queue(&r, 1 << 18, LULL_MSG_EOR);
	assert_in_range(n, 1, (1 << 18) - 1);
	r.written = (uint32_t)n;
	rig_run(&r);
	while (rig_get(&r, &out)) {
		sent += out.seg.text_len;
		r.ack = lull_seq_add(out.seg.seq, out.seg.text_len);
		rig_ack(&r);
	}
	assert_int_equal(sent, n);
	assert_false(rig_tcb(&r)->flags & LULL_TCB_RECORDS);
	rig_close(&r);
}

/* A timeout: each goes again as it went. */
static void again(void **unused)
{
	struct rig r;

	established(&r, &plain);
	rig_set(&r, LULL_OPT_NODELAY, 1);
	for (uint32_t i = 0; i < 3; i++) {
		put(&r, RECORD, LULL_MSG_EOR);
		rig_run(&r);
		expect(&r, i * RECORD, RECORD, true);
	}
	rig_pass_ms(&r, 300);
	for (uint32_t i = 0; i < 3; i++)
		expect(&r, i * RECORD, RECORD, true);
	rig_close(&r);
}

/* Segments have become smaller, and there is no range for the rest of one: the
 * next one's serves, so one range has the ends of two. */
static void again_without_a_range(void **unused)
{
	enum {
		SMALL = 560,
		LONG = 1000,
	};
	struct lull_slab *ranges;
	struct rig_seg out;
	uint32_t have = 0;
	struct rig r;

	established(&r, &plain);
	rig_set(&r, LULL_OPT_NODELAY, 1);
	put(&r, LONG, LULL_MSG_EOR);
	put(&r, LONG, LULL_MSG_EOR);
	rig_run(&r);
	assert_int_equal(rig_discard(&r), 2);
	ranges = &r.s->tcp.ranges;
	ranges->limit = ranges->used;
	rig_pass_ms(&r, 300);
	rig_discard(&r);
	rig_icmp(&r, (struct rig_icmp){3, 4, 600}, lull_seq(RIG_ISS + 1));
	while (rig_get(&r, &out)) {
		uint32_t from =
			lull_seq_sub(out.seg.seq, lull_seq(RIG_ISS + 1));
		uint32_t end = from + out.seg.text_len;

		assert_true(out.seg.text_len <= SMALL);
		assert_true(from >= LONG || end <= LONG);
		assert_int_equal(!!(out.seg.flags & LULL_PSH), end % LONG == 0);
		if (from != have)
			continue;
		have = end;
		r.ack = lull_seq(RIG_ISS + 1 + have);
		rig_ack(&r);
	}
	assert_int_equal(have, 2 * LONG);
	rig_close(&r);
}

/* RFC 4821: a probe of the path is made of one record. */
static void no_probe_of_two(void **unused)
{
	for (int records = 0; records < 2; records++) {
		struct rig_config c = plain;
		const struct rig_raw *raw;
		uint32_t probes = 0;
		struct rig r;

		c.sysctl[0] = "net.ipv4.tcp_mtu_probing=2";
		c.sysctl[1] = "net.ipv4.tcp_base_mss=1024";
		hole_open(&r, &h, 1500, &c);
		assert_true(hole_send(&r, &h, 12000, 1000));
		assert_int_equal(rig_discard(&r), 0);
		for (int i = 0; i < 12; i++)
			put(&r, 900, records ? LULL_MSG_EOR : 0);
		rig_run(&r);
		while ((raw = rig_get_raw(&r)))
			probes += raw->len > 1064;
		assert_int_equal(probes, !records);
		rig_drop(&r);
	}
}

/* The peer's program is told nothing. */
static void recv_has_no_such_flag(void **unused)
{
	uint8_t byte;
	struct rig r;

	established(&r, &plain);
	rig_feed(&r, 1);
	assert_int_equal(lull_sock_recv_flags(r.s, r.sock, &byte, 1,
					      LULL_MSG_EOR),
			 -EINVAL);
	rig_drop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_go_by_themselves),
		cmocka_unit_test(large_records),
		cmocka_unit_test(small_records_are_cheap),
		cmocka_unit_test(part_of_a_record),
		cmocka_unit_test(again),
		cmocka_unit_test(again_without_a_range),
		cmocka_unit_test(no_probe_of_two),
		cmocka_unit_test(recv_has_no_such_flag),
	};

	return RUN("eor", tests);
}
