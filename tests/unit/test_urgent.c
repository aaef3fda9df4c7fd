/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_urgent.c: the urgent mechanism: 3.8.5, RFC 6093, and 3.10.7.4's sixth
 * step; BSD's octet apart, as Linux has it.
 */
#include "rig.h"

enum {
	MSS = 1460
};

static const struct rig_config plain = {.rtt_ms = 1};
static const struct rig_config linux_one = {.rtt_ms = 1,
					    .profile = LULL_PROFILE_LINUX};
static const struct rig_config wide = {.rtt_ms = 1, .wscale = true};

static void established(struct rig *r, const struct rig_config *config)
{
	rig_open(r, config);
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_ack(r);
	rig_align(r);
	rig_news(r);
}

/* A segment with an urgent pointer: after the fact, in bytes and checksum. */
static void put_urgent(struct rig *r, struct lull_seq seq, uint16_t up,
		       const char *text)
{
	uint8_t ip[2048], *tcp = ip + 20;
	uint32_t n = rig_build(r, LULL_ACK | LULL_URG, seq, r->ack, text,
			       text ? (uint32_t)strlen(text) : 0, ip);
	uint32_t sum = (uint16_t) ~(tcp[16] << 8 | tcp[17]);

	sum += up;
	sum = ~((sum & 0xffff) + (sum >> 16));
	tcp[16] = (uint8_t)(sum >> 8);
	tcp[17] = (uint8_t)sum;
	tcp[18] = (uint8_t)(up >> 8);
	tcp[19] = (uint8_t)up;
	rig_packet(r, ip, n);
}

static void say_urgent(struct rig *r, uint16_t up, const char *text)
{
	put_urgent(r, r->seq, up, text);
	r->seq = lull_seq_add(r->seq, (uint32_t)strlen(text));
}

static uint32_t left(const struct rig *r)
{
	struct lull_sock_info info = {.size = sizeof info};

	assert_int_equal(lull_sock_info(r->s, r->sock, &info), 0);
	return info.rcv_urgent;
}

static void expect_read(struct rig *r, const char *text)
{
	char buf[64];
	long n = rig_read(r, buf, sizeof buf);

	assert_int_equal(n, strlen(text));
	assert_memory_equal(buf, text, (size_t)n);
}

static long recv_oob(struct rig *r, int flags)
{
	char byte = 0;
	long n = lull_sock_recv_flags(r->s, r->sock, &byte, 1,
				      LULL_MSG_OOB | flags);

	return n == 1 ? byte : n;
}

static void apart(struct rig *r)
{
	rig_set(r, LULL_OPT_OOBINLINE, 0);
}

static void end(struct rig *r)
{
	rig_pass_ms(r, 1000);
	rig_discard(r);
	rig_close(r);
}

/* ---- in the stream (RFC 6093) ---- */

/* MUST-32, MUST-33, MUST-62; it stays in the stream. */
static void urgent_is_told_and_stays_inline(void **unused)
{
	int32_t v;
	struct rig r;

	established(&r, &plain);
	assert_int_equal(lull_sock_get(r.s, r.sock, LULL_OPT_OOBINLINE, &v, 4),
			 0);
	assert_int_equal(v, 1);
	assert_int_equal(left(&r), 0);
	say_urgent(&r, 3, "abcde");
	assert_int_equal(rig_news(&r), LULL_EVENT_READ | LULL_EVENT_URGENT);
	assert_int_equal(left(&r), 3);
	assert_int_equal(rig_count(&r, LULL_COUNT_URGENT), 1);
	expect_read(&r, "ab"); /* it stops at the mark */
	assert_int_equal(left(&r), 1);
	assert_int_equal(recv_oob(&r, 0), -EINVAL);
	expect_read(&r, "cde");
	assert_int_equal(left(&r), 0);
	end(&r);
}

/* MUST-31: of any length, over segments; the pointer only moves on. */
static void pointer_moves_on(void **unused)
{
	struct rig r;

	established(&r, &plain);
	say_urgent(&r, 10, "abc");
	assert_int_equal(left(&r), 10);
	rig_news(&r);
	say_urgent(&r, 7, "de"); /* the same place */
	assert_int_equal(rig_news(&r), LULL_EVENT_READ);
	say_urgent(&r, 20, "f");
	assert_int_equal(rig_news(&r), LULL_EVENT_READ | LULL_EVENT_URGENT);
	assert_int_equal(left(&r), 25);
	say_urgent(&r, 1, "g"); /* back: no */
	assert_int_equal(rig_news(&r), LULL_EVENT_READ);
	assert_int_equal(left(&r), 25);
	expect_read(&r, "abcdefg");
	assert_int_equal(left(&r), 18);
	end(&r);
}

/* Of what has come already; and 0, which is behind nothing. */
static void old_pointers_say_nothing(void **unused)
{
	struct rig r;

	established(&r, &plain);
	rig_say(&r, LULL_ACK, "abcd", 4);
	rig_news(&r);
	put_urgent(&r, lull_seq(r.seq.v - 4), 4, "abcd");
	assert_int_equal(left(&r), 0);
	say_urgent(&r, 0, "e");
	assert_int_equal(left(&r), 0);
	assert_int_equal(rig_news(&r), LULL_EVENT_READ);
	end(&r);
	/* Not acceptable: the sixth step isn't reached. */
	established(&r, &plain);
	put_urgent(&r, lull_seq_add(r.seq, 200000), 5, "x");
	assert_int_equal(left(&r), 0);
	end(&r);
}

/* MUST-66: URG counts with no window left. */
static void urgent_with_zero_window(void **unused)
{
	struct rig r;

	established(&r, &plain);
	rig_set(&r, LULL_OPT_RCVBUF, 4096);
	for (int i = 0; i < 200 && rig_tcb(&r)->rcv.edge.v != r.seq.v; i++) {
		uint32_t room = rig_tcb(&r)->rcv.edge.v - r.seq.v;

		rig_feed(&r, lull_min(room, 1000));
		rig_discard(&r);
	}
	assert_int_equal(rig_tcb(&r)->rcv.edge.v, r.seq.v);
	rig_news(&r);
	put_urgent(&r, r.seq, 5, NULL);
	assert_true(rig_news(&r) & LULL_EVENT_URGENT);
	assert_int_equal(left(&r), r.fed + 5);
	end(&r);
}

/* What is ahead of a gap tells of the pointer, too. */
static void urgent_ahead_of_a_gap(void **unused)
{
	struct rig r;

	established(&r, &plain);
	put_urgent(&r, lull_seq_add(r.seq, 3), 2, "de");
	assert_int_equal(left(&r), 5);
	rig_say(&r, LULL_ACK, "abc", 3);
	expect_read(&r, "abcd");
	expect_read(&r, "e");
	end(&r);
}

/* A look without a copy stops at the mark, too. */
static void spans_stop_at_the_mark(void **unused)
{
	struct lull_span span[4];
	struct rig r;

	established(&r, &plain);
	say_urgent(&r, 3, "abcde");
	assert_int_equal(lull_sock_peek(r.s, r.sock, span, 4), 1);
	assert_int_equal(span[0].len, 2);
	assert_int_equal(lull_sock_consume(r.s, r.sock, 2), 0);
	assert_int_equal(lull_sock_peek(r.s, r.sock, span, 4), 1);
	assert_int_equal(span[0].len, 3);
	end(&r);
	established(&r, &linux_one);
	say_urgent(&r, 1, "abc");
	assert_int_equal(lull_sock_peek(r.s, r.sock, span, 4), 1);
	assert_int_equal(span[0].len, 2);
	assert_memory_equal(span[0].ptr, "bc", 2);
	end(&r);
}

/* After the program shut down for reading it hears of none. */
static void no_urgent_after_shutdown(void **unused)
{
	struct rig r;

	established(&r, &plain);
	assert_int_equal(lull_sock_shutdown(r.s, r.sock, LULL_SHUT_RD), 0);
	say_urgent(&r, 3, "abc");
	assert_int_equal(rig_news(&r) & LULL_EVENT_URGENT, 0);
	assert_int_equal(left(&r), 0);
	end(&r);
}

/* ---- apart, as BSD and Linux ---- */

static void octet_apart(void **unused)
{
	char buf[8];
	struct rig r;

	established(&r, &linux_one);
	assert_int_equal(recv_oob(&r, 0), -EINVAL); /* there is none */
	say_urgent(&r, 3, "ab");
	assert_int_equal(recv_oob(&r, 0), -EAGAIN); /* it has not come */
	rig_say(&r, LULL_ACK, "cde", 3);
	assert_int_equal(recv_oob(&r, LULL_MSG_PEEK), 'c');
	assert_int_equal(recv_oob(&r, 0), 'c');
	assert_int_equal(recv_oob(&r, 0), -EINVAL); /* once */
	expect_read(&r, "ab");
	assert_int_equal(left(&r), 1);
	assert_int_equal(
		lull_sock_recv_flags(r.s, r.sock, buf, 8, LULL_MSG_PEEK), 2);
	assert_memory_equal(buf, "de", 2);
	expect_read(&r, "de");
	end(&r);
}

/* Read past it and it is gone. */
static void octet_passed_by(void **unused)
{
	struct rig r;

	established(&r, &plain);
	apart(&r);
	say_urgent(&r, 3, "abcde");
	expect_read(&r, "ab");
	expect_read(&r, "de");
	assert_int_equal(recv_oob(&r, 0), -EINVAL);
	say_urgent(&r, 1, "x");
	assert_int_equal(rig_read(&r, NULL, 0), -EAGAIN); /* a hole alone */
	assert_int_equal(recv_oob(&r, 0), -EINVAL);
	end(&r);
}

/* Fetched at the mark it is no unread text: close() is no reset. */
static void octet_fetched_is_read(void **unused)
{
	struct rig r;

	established(&r, &plain);
	apart(&r);
	say_urgent(&r, 1, "x");
	rig_pass_ms(&r, 100);
	rig_discard(&r);
	assert_int_equal(recv_oob(&r, 0), 'x');
	lull_sock_close(r.s, r.sock);
	rig_run(&r);
	rig_expect(&r, LULL_FIN | LULL_ACK);
	rig_close(&r);
}

/* As Linux: of two, the older one is text. */
static void second_octet_replaces_the_first(void **unused)
{
	struct rig r;

	established(&r, &plain);
	apart(&r);
	say_urgent(&r, 2, "ab");
	say_urgent(&r, 2, "cd");
	expect_read(&r, "abc");
	assert_int_equal(recv_oob(&r, 0), 'd');
	end(&r);
}

/* The mark outlives the connection, as the text does. */
static void octet_after_a_fin(void **unused)
{
	struct rig r;

	established(&r, &plain);
	apart(&r);
	say_urgent(&r, 9, "ab");
	rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
	assert_int_equal(recv_oob(&r, 0), 0); /* it will not come */
	expect_read(&r, "ab");
	end(&r);
}

/* tcp_check_urg(): 0 is the octet at SEG.SEQ itself. */
static void pointer_zero_in_linux(void **unused)
{
	struct rig r;

	established(&r, &linux_one);
	say_urgent(&r, 0, "ab");
	assert_int_equal(left(&r), 1);
	assert_int_equal(recv_oob(&r, 0), 'a');
	end(&r);
}

/* ---- out ---- */

static long send_oob(struct rig *r, uint32_t len)
{
	static uint8_t text[70000];
	struct lull_span span = {text, len};
	long n = lull_sock_send(r->s, r->sock, &span, 1, LULL_MSG_OOB);

	rig_run(r);
	return n;
}

/* MUST-30, MUST-62; and Nagle doesn't hold it. */
static void urgent_goes_out(void **unused)
{
	struct rig_seg out;
	struct rig r;

	established(&r, &plain);
	rig_write(&r, 100);
	rig_expect(&r, LULL_ACK);
	assert_int_equal(send_oob(&r, 5), 5);
	out = rig_expect(&r, LULL_ACK | LULL_URG);
	assert_int_equal(out.seg.text_len, 5);
	assert_int_equal(out.seg.up, 5);
	rig_write(&r, 7); /* behind the urgent text: no URG */
	out = rig_expect(&r, LULL_ACK);
	assert_int_equal(out.seg.text_len, 7);
	rig_ack(&r);
	rig_write(&r, 7);
	rig_expect(&r, LULL_ACK);
	assert_false(rig_tcb(&r)->flags & LULL_TCB_URGENT);
	end(&r);
}

/* What was queued before is in front of the pointer. */
static void pointer_counts_from_seq(void **unused)
{
	struct rig_seg out;
	struct rig r;

	established(&r, &wide);
	assert_int_equal(rig_queue(&r, 2 * MSS), 2 * MSS);
	assert_int_equal(send_oob(&r, 10), 10);
	for (uint32_t i = 0; i < 3; i++) {
		out = rig_expect(&r, LULL_ACK | LULL_URG);
		assert_int_equal(out.seg.up, 2 * MSS + 10 - i * MSS);
	}
	/* Sent again, it is urgent still. */
	rig_pass_ms(&r, RIG_RTO_MS + 1);
	out = rig_expect(&r, LULL_ACK | LULL_URG);
	assert_int_equal(out.seg.up, 2 * MSS + 10);
	r.ack = lull_seq(RIG_ISS + 1 + 2 * MSS + 10);
	rig_ack(&r);
	end(&r);
}

/* One pointer would not be right for all segments of a large frame. */
static void no_large_frame_is_urgent(void **unused)
{
	struct rig_config c = wide;
	struct rig r;

	c.link_cap = LULL_LINK_TX_GSO;
	established(&r, &c);
	assert_int_equal(send_oob(&r, 3 * MSS), 3 * MSS);
	for (uint32_t i = 0; i < 3; i++) {
		struct rig_seg out = rig_expect(&r, LULL_ACK | LULL_URG);

		assert_int_equal(out.seg.text_len, MSS);
		assert_int_equal(out.seg.up, 3 * MSS - i * MSS);
	}
	end(&r);
}

/* 3.8.5: the peer hears of it though its window is closed. */
static void zero_window_probe_is_urgent(void **unused)
{
	struct rig_seg out;
	struct rig r;

	established(&r, &plain);
	r.wnd = 0;
	rig_ack(&r);
	assert_int_equal(send_oob(&r, 5), 5);
	rig_pass_ms(&r, RIG_RTO_MS + 1);
	out = rig_expect(&r, LULL_ACK | LULL_URG);
	assert_int_equal(out.seg.seq.v, RIG_ISS + 1);
	assert_int_equal(out.seg.up, 5);
	assert_true(rig_get(&r, &out)); /* and one that draws an ACK */
	assert_int_equal(out.seg.seq.v, RIG_ISS);
	r.ack = lull_seq(RIG_ISS + 1);
	r.wnd = RIG_WND;
	rig_ack(&r);
	out = rig_expect(&r, LULL_ACK | LULL_URG);
	assert_int_equal(out.seg.text_len, 5);
	rig_ack(&r);
	end(&r);
}

/* 16 bits: what is further off is told as far as they go, and then further. */
static void pointer_is_bounded(void **unused)
{
	uint32_t segs = 0;
	struct rig_seg out;
	struct rig r;

	established(&r, &wide);
	rig_knob(&r, "net.ipv4.tcp_slow_start_after_idle", "0");
	rig_set(&r, LULL_OPT_SNDBUF, 1 << 20);
	rig_tcb(&r)->cc.cwnd = 1 << 20;
	assert_int_equal(rig_queue(&r, 60000), 60000);
	assert_int_equal(send_oob(&r, 40000), 40000);
	for (; rig_get(&r, &out); segs++) {
		uint32_t at = out.seg.seq.v - (RIG_ISS + 1);

		assert_true(out.seg.flags & LULL_URG);
		assert_int_equal(out.seg.up, lull_min(100000 - at, UINT16_MAX));
	}
	assert_true(segs >= 69);
	/* Of one sent again, 16 bits reach less far than what is out: none. */
	rig_pass_ms(&r, RIG_RTO_MS + 1);
	rig_expect(&r, LULL_ACK);
	rig_discard(&r);
	r.ack = lull_seq(RIG_ISS + 1 + 100000);
	rig_ack(&r);
	end(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(urgent_is_told_and_stays_inline),
		cmocka_unit_test(pointer_moves_on),
		cmocka_unit_test(old_pointers_say_nothing),
		cmocka_unit_test(urgent_with_zero_window),
		cmocka_unit_test(urgent_ahead_of_a_gap),
		cmocka_unit_test(spans_stop_at_the_mark),
		cmocka_unit_test(no_urgent_after_shutdown),
		cmocka_unit_test(octet_apart),
		cmocka_unit_test(octet_passed_by),
		cmocka_unit_test(octet_fetched_is_read),
		cmocka_unit_test(second_octet_replaces_the_first),
		cmocka_unit_test(octet_after_a_fin),
		cmocka_unit_test(pointer_zero_in_linux),
		cmocka_unit_test(urgent_goes_out),
		cmocka_unit_test(pointer_counts_from_seq),
		cmocka_unit_test(no_large_frame_is_urgent),
		cmocka_unit_test(zero_window_probe_is_urgent),
		cmocka_unit_test(pointer_is_bounded),
	};

	return RUN("urgent", tests);
}
