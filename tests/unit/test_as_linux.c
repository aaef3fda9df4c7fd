/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_as_linux.c: what profile linux does as Linux 6.18 and profile lull does
 * not: quick ACKs, PSH, what a send buffer takes, slow start of a program that
 * sends little. docs/packetdrill.md says how it was seen.
 */
#include "rig.h"

enum {
	MSS = 1460,
	RTT_MS = 10
};

static void open_as(struct rig *r, enum lull_profile profile)
{
	rig_open(r, &(struct rig_config){.profile = profile,
					 .rtt_ms = RTT_MS,
					 .sack = true});
	rig_shake(r);
	rig_discard(r);
}

/* How many ACKs leave at once for `n` single segments. */
static int quick_acks(struct rig *r, int n)
{
	char buf[MSS];
	int acks = 0;

	for (int i = 0; i < n; i++) {
		rig_feed(r, MSS);
		acks += rig_discard(r);
		assert_int_equal(rig_read(r, buf, sizeof buf), MSS);
		acks += rig_discard(r);
	}
	return acks;
}

static void first_acks_don_t_wait(void **unused)
{
	struct rig r;

	(void)unused;
	open_as(&r, LULL_PROFILE_LINUX);
	/* Half a window of segments, 16 at most; then every second one. */
	assert_int_equal(quick_acks(&r, 16), 16);
	assert_int_equal(quick_acks(&r, 4), 2);
	rig_drop(&r);
	open_as(&r, LULL_PROFILE_LULL);
	assert_int_equal(quick_acks(&r, 4), 2);
	rig_drop(&r);
}

static void an_answer_ends_quick_acks(void **unused)
{
	struct rig r;

	(void)unused;
	open_as(&r, LULL_PROFILE_LINUX);
	assert_int_equal(quick_acks(&r, 1), 1);
	rig_write(&r, 10);
	rig_expect(&r, LULL_ACK);
	rig_ack(&r);
	assert_int_equal(quick_acks(&r, 1), 0);
	/* A gap brings them back. */
	rig_put(&r, LULL_ACK, lull_seq_add(r.seq, 100), r.ack, NULL, 10);
	assert_int_equal(rig_discard(&r), 1);
	rig_feed(&r, 100);
	r.seq = lull_seq_add(r.seq, 10);
	assert_int_equal(rig_discard(&r), 1);
	rig_put(&r, LULL_ACK, r.seq, r.ack, NULL, 10);
	r.seq = lull_seq_add(r.seq, 10);
	assert_int_equal(rig_discard(&r), 1);
	rig_drop(&r);
}

/* An answer that comes late is none. */
static void a_late_answer_leaves_them(void **unused)
{
	struct rig r;

	(void)unused;
	open_as(&r, LULL_PROFILE_LINUX);
	assert_int_equal(quick_acks(&r, 1), 1);
	rig_pass_ms(&r, 41);
	rig_write(&r, 10);
	rig_expect(&r, LULL_ACK);
	rig_ack(&r);
	assert_int_equal(quick_acks(&r, 1), 1);
	rig_drop(&r);
}

static bool pushed(enum lull_profile profile)
{
	struct rig_seg out;
	bool psh = false;
	struct rig r;

	/* As it leaves: a link that cuts packets itself. */
	rig_open(&r, &(struct rig_config){.profile = profile,
					  .rtt_ms = RTT_MS,
					  .link_cap = LULL_LINK_TX_CSUM |
						      LULL_LINK_TX_GSO});
	rig_shake(&r);
	rig_discard(&r);
	rig_queue(&r, 20 * MSS);
	rig_run(&r);
	assert_true(rig_get(&r, &out));
	assert_int_equal(out.gso_size, MSS);
	psh = out.seg.flags & LULL_PSH;
	rig_drop(&r);
	return psh;
}

static void large_packets_are_pushed(void **unused)
{
	(void)unused;
	assert_true(pushed(LULL_PROFILE_LINUX));
	assert_false(pushed(LULL_PROFILE_LULL));
}

/* ACKs that only tell of a window, while a program reads 20 segments. */
static int updates(enum lull_profile profile)
{
	char buf[2 * MSS];
	int acks = 0;
	struct rig r;

	rig_open(&r, &(struct rig_config){.profile = profile,
					  .rtt_ms = RTT_MS,
					  .wscale = true});
	rig_shake(&r);
	rig_discard(&r);
	for (int i = 0; i < 20; i++)
		rig_feed(&r, MSS);
	rig_pass_ms(&r, 300);
	rig_discard(&r);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(rig_read(&r, buf, sizeof buf), sizeof buf);
		acks += rig_discard(&r);
	}
	rig_drop(&r);
	return acks;
}

static void reading_tells_little(void **unused)
{
	(void)unused;
	assert_int_equal(updates(LULL_PROFILE_LINUX), 0);
	assert_int_equal(updates(LULL_PROFILE_LULL), 5);
}

/* A whole segment that MSG_MORE said more of. */
static bool more_is_pushed(enum lull_profile profile)
{
	static uint8_t text[MSS];
	struct lull_span span = {text, MSS};
	struct rig_seg out;
	struct rig r;

	open_as(&r, profile);
	assert_int_equal(lull_sock_send(r.s, r.sock, &span, 1, LULL_MSG_MORE),
			 MSS);
	rig_run(&r);
	assert_true(rig_get(&r, &out));
	assert_int_equal(out.seg.text_len, MSS);
	/* What is sent without it is pushed again. */
	if (!(out.seg.flags & LULL_PSH)) {
		struct rig_seg next;

		rig_write(&r, 10);
		assert_true(rig_get(&r, &next));
		assert_true(next.seg.flags & LULL_PSH);
	}
	rig_drop(&r);
	return out.seg.flags & LULL_PSH;
}

static void more_is_not_pushed(void **unused)
{
	(void)unused;
	assert_false(more_is_pushed(LULL_PROFILE_LINUX));
	assert_true(more_is_pushed(LULL_PROFILE_LULL));
}

/* ... until the timer lets it go. */
static void what_waited_is_pushed(void **unused)
{
	uint8_t text[10] = {0};
	struct lull_span span = {text, sizeof text};
	struct rig_seg out;
	struct rig r;

	(void)unused;
	open_as(&r, LULL_PROFILE_LINUX);
	assert_int_equal(lull_sock_send(r.s, r.sock, &span, 1, LULL_MSG_MORE),
			 10);
	rig_run(&r);
	rig_expect_none(&r);
	rig_pass_ms(&r, 400);
	assert_true(rig_get(&r, &out));
	assert_true(out.seg.flags & LULL_PSH);
	rig_drop(&r);
}

/* Two large packets for a window, not one. */
static void half_of_the_window_at_once(void **unused)
{
	uint32_t all = 0;
	struct rig_seg out;
	struct rig r;

	(void)unused;
	rig_open(&r, &(struct rig_config){.profile = LULL_PROFILE_LINUX,
					  .link_cap = LULL_LINK_TX_CSUM |
						      LULL_LINK_TX_GSO});
	rig_shake(&r);
	rig_discard(&r);
	rig_queue(&r, 20 * MSS);
	rig_run(&r);
	while (rig_get(&r, &out)) {
		assert_int_equal(out.seg.text_len, 5 * MSS);
		all += out.seg.text_len;
	}
	assert_int_equal(all, 10 * MSS);
	rig_drop(&r);
}

static void text_after_shut_rd_is_read(void **unused)
{
	char buf[100];
	struct rig r;

	(void)unused;
	open_as(&r, LULL_PROFILE_LINUX);
	assert_int_equal(lull_sock_shutdown(r.s, r.sock, LULL_SHUT_RD), 0);
	assert_int_equal(rig_read(&r, buf, sizeof buf), 0);
	rig_feed(&r, 100);
	assert_int_equal(rig_read(&r, buf, sizeof buf), 100);
	assert_int_equal(rig_read(&r, buf, sizeof buf), 0);
	rig_drop(&r);
}

/* Segments of the window after each two of nine were acknowledged. */
static uint32_t cwnd_after_nine(enum lull_profile profile)
{
	uint32_t cwnd;
	struct rig r;

	open_as(&r, profile);
	rig_write(&r, 9 * MSS);
	rig_discard(&r);
	for (int i = 0; i < 4; i++) {
		rig_pass_ms(&r, i ? 1 : RTT_MS);
		r.ack = lull_seq(RIG_ISS + 1 + 2 * MSS * ((uint32_t)i + 1));
		rig_ack(&r);
	}
	cwnd = rig_tcb(&r)->cc.cwnd / MSS;
	r.ack = lull_seq(RIG_ISS + 1 + 9 * MSS);
	rig_ack(&r);
	/* Twice what was out, and no more. */
	if (profile == LULL_PROFILE_LINUX)
		assert_int_equal(rig_tcb(&r)->cc.cwnd / MSS, cwnd);
	rig_drop(&r);
	return cwnd;
}

static void slow_start_counts_a_flight(void **unused)
{
	(void)unused;
	assert_int_equal(cwnd_after_nine(LULL_PROFILE_LINUX), 18);
	assert_true(cwnd_after_nine(LULL_PROFILE_LULL) < 18);
}

/* TCP_NOTSENT_LOWAT is asked only where a large packet begins. */
static void a_large_packet_is_filled_up(void **unused)
{
	const uint32_t packet = RIG_WND / 2 / MSS * MSS;
	struct rig r;

	(void)unused;
	open_as(&r, LULL_PROFILE_LINUX);
	rig_set(&r, LULL_OPT_NOTSENT_LOWAT, 4000);
	assert_int_equal(rig_queue(&r, 100000), packet);
	assert_int_equal(rig_queue(&r, 100000), -EAGAIN);
	rig_drop(&r);
	open_as(&r, LULL_PROFILE_LULL);
	rig_set(&r, LULL_OPT_NOTSENT_LOWAT, 4000);
	assert_int_equal(rig_queue(&r, 100000), 4000);
	rig_drop(&r);
}

/* And so is the send buffer; more than one packet never goes beyond it. */
static void a_full_buffer_ends_with_a_packet(void **unused)
{
	const uint32_t packet = RIG_WND / 2 / MSS * MSS;
	struct rig r;
	long n;

	(void)unused;
	open_as(&r, LULL_PROFILE_LINUX);
	rig_set(&r, LULL_OPT_SNDBUF, 30000);
	n = rig_queue(&r, 200000);
	assert_true(n > 0);
	assert_int_equal((uint32_t)n % packet, 0);
	assert_true(rig_tcb(&r)->snd.charge < 30000 + 2 * packet);
	assert_int_equal(rig_queue(&r, 200000), -EAGAIN);
	rig_drop(&r);
}

static struct lull_tcp_info info_of(struct rig *r)
{
	struct lull_tcp_info i;

	assert_int_equal(
		lull_sock_get(r->s, r->sock, LULL_OPT_INFO, &i, sizeof i), 0);
	return i;
}

static void info_after_the_handshake(void **unused)
{
	const int32_t mss = 1000;
	struct rig r;

	(void)unused;
	rig_open(&r, &(struct rig_config){.profile = LULL_PROFILE_LINUX,
					  .rtt_ms = 50,
					  .sack = true});
	assert_int_equal(lull_sock_set(r.s, r.listener, LULL_OPT_MAXSEG, &mss,
				       sizeof mss),
			 0);
	rig_shake(&r);
	assert_int_equal(info_of(&r).advmss, 1000);
	rig_drop(&r);
	/* Who opened has heard nothing before it is established. */
	rig_open(&r, &(struct rig_config){.profile = LULL_PROFILE_LINUX});
	rig_reach(&r, LULL_TCP_SYN_SENT, true);
	rig_pass_ms(&r, 50);
	rig_syn(&r, LULL_SYN | LULL_ACK);
	rig_discard(&r);
	rig_pass_ms(&r, 100);
	assert_int_equal(info_of(&r).last_data_recv, 100);
	rig_drop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_acks_don_t_wait),
		cmocka_unit_test(an_answer_ends_quick_acks),
		cmocka_unit_test(a_late_answer_leaves_them),
		cmocka_unit_test(large_packets_are_pushed),
		cmocka_unit_test(reading_tells_little),
		cmocka_unit_test(more_is_not_pushed),
		cmocka_unit_test(what_waited_is_pushed),
		cmocka_unit_test(half_of_the_window_at_once),
		cmocka_unit_test(text_after_shut_rd_is_read),
		cmocka_unit_test(slow_start_counts_a_flight),
		cmocka_unit_test(a_large_packet_is_filled_up),
		cmocka_unit_test(a_full_buffer_ends_with_a_packet),
		cmocka_unit_test(info_after_the_handshake),
	};

	return RUN("as_linux", tests);
}
