/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_knobs_wire.c: each knob of options, buffers, timeouts, ports and ICMP
 * does what it says: one test named after each, that sees it on the wire or in
 * time. test_knobs_act.c has those of opening and closing.
 */
#include "rig.h"

#define NAME(s) "net.ipv4." s

static void with(struct rig *r, const char *name, const char *value)
{
	rig_open(r,
		 &(struct rig_config){.rtt_ms = 1, .ts = true, .wscale = true});
	rig_knob(r, name, value);
}

static struct rig_seg syn_ack(struct rig *r)
{
	rig_syn(r, LULL_SYN);
	return rig_expect(r, LULL_SYN | LULL_ACK);
}

static void forget(struct rig *r)
{
	rig_pass_ms(r, 70000);
	rig_discard(r);
	rig_close(r);
}

/* ---- the profile ---- */

/* Where both differ, on the first packet: RFC 7323 5.2's timestamp of a RST. */
static void profile(void **unused)
{
	for (int is_linux = 0; is_linux < 2; is_linux++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){
				     .profile = is_linux ? LULL_PROFILE_LINUX
							 : LULL_PROFILE_LULL,
				     .ts = true,
				     .no_listener = true});
		rig_syn(&r, LULL_SYN);
		assert_int_equal(rig_expect(&r, LULL_RST | LULL_ACK).seg.has_ts,
				 !is_linux);
		rig_close(&r);
	}
}

/* ---- options ---- */

/* 0: none; 1: each pair its own offset; 2: all the same clock. */
static void tcp_timestamps(void **unused)
{
	for (uint32_t v = 0; v < 3; v++) {
		const char value[2] = {(char)('0' + v), 0};
		struct rig_seg a, b;
		struct rig r;

		with(&r, NAME("tcp_timestamps"), value);
		a = syn_ack(&r);
		rig_peer(&r, 5000);
		b = syn_ack(&r);
		assert_int_equal(a.seg.has_ts, v > 0);
		assert_int_equal(b.seg.tsval == a.seg.tsval, v != 1);
		rig_peer(&r, 4000);
		forget(&r);
	}
}

static void tcp_window_scaling(void **unused)
{
	for (int on = 0; on < 2; on++) {
		struct rig r;

		with(&r, NAME("tcp_window_scaling"), on ? "1" : "0");
		assert_int_equal(syn_ack(&r).seg.wscale != LULL_NO_WSCALE, on);
		forget(&r);
	}
}

static void ip_default_ttl(void **unused)
{
	struct rig r;

	with(&r, NAME("ip_default_ttl"), "17");
	assert_int_equal(syn_ack(&r).ttl, 17);
	forget(&r);
}

/* ---- buffers ---- */

/* The window offered first is half of the second, the scale of the third. */
static void tcp_rmem(void **unused)
{
	struct rig_seg out;
	struct rig r;

	with(&r, NAME("tcp_rmem"), "4096 20000 500000");
	out = syn_ack(&r);
	assert_int_equal(out.seg.wnd, 10000);
	assert_int_equal(out.seg.wscale, 3); /* 500000 >> 3 is 62500 */
	forget(&r);
}

/* How much a program may queue: the second, two windows of congestion, or the
 * third. */
static void tcp_wmem(void **unused)
{
	static const struct {
		const char *value;
		uint32_t least, most;
	} t[] = {{"4096 131072 4194304", 129000, 133000},
		 {"4096 8192 4194304", 28000, 31000},
		 {"4096 8192 20000", 18000, 22000}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		with(&r, NAME("tcp_wmem"), t[i].value);
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		assert_in_range(rig_queue(&r, 1 << 20), t[i].least, t[i].most);
		rig_run(&r);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* Pages in use: easy, pressure, above the limit, as a send buffer has it. */
static void tcp_mem(void **unused)
{
	static const struct {
		const char *value;
		uint32_t least, most;
	} t[] = {{"100 200 400", 65536, 69632},
		 {"1 2 400", 65536, 69632}, /* a part is more than is asked */
		 {"1 2 10", 10 * 4096, 11 * 4096},
		 {"0 0 0", 4096, 4096}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;
		uint32_t n = 0;
		long k;

		with(&r, NAME("tcp_mem"), t[i].value);
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		rig_set(&r, LULL_OPT_SNDBUF, 65536);
		while ((k = rig_queue(&r, 2048)) > 0)
			n += (uint32_t)k;
		assert_in_range(n, t[i].least, t[i].most);
		rig_run(&r);
		rig_discard(&r);
		rig_close(&r);
	}
}

/* The program reads whole windows: does the next one grow? */
static void tcp_moderate_rcvbuf(void **unused)
{
	for (int on = 0; on < 2; on++) {
		uint8_t text[65536];
		uint32_t wnd = 0;
		struct rig_seg out;
		struct rig r;

		with(&r, NAME("tcp_moderate_rcvbuf"), on ? "1" : "0");
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		for (int k = 0; k < 3; k++) {
			for (int i = 0; i < 45; i++)
				rig_feed(&r, 1448);
			rig_pass_ms(&r, 50);
			assert_int_equal(rig_read(&r, text, sizeof text),
					 45 * 1448);
			while (rig_get(&r, &out)) {
				wnd = (uint32_t)out.seg.wnd << 7;
				r.tsecr = out.seg.tsval;
			}
		}
		assert_int_equal(wnd > 65536, on);
		rig_close(&r);
	}
}

/* What is queued and can't be sent yet; half of it is when WRITE comes. */
static void tcp_notsent_lowat(void **unused)
{
	struct rig r;

	with(&r, NAME("tcp_notsent_lowat"), "5000");
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_set(&r, LULL_OPT_NODELAY, 1);
	assert_int_equal(rig_queue(&r, 10000), 5000);
	assert_int_equal(rig_queue(&r, 1), -EAGAIN);
	rig_news(&r);
	rig_run(&r); /* all of it leaves */
	assert_int_equal(rig_news(&r), LULL_EVENT_WRITE);
	assert_int_equal(rig_queue(&r, 10000), 5000);
	rig_run(&r);
	rig_discard(&r);
	rig_close(&r);
}

/* ---- timeouts ---- */

/* One RTT of 1 ms: the timeout is it and the least one. */
static void tcp_rto_min_us(void **unused)
{
	static const struct {
		const char *value;
		uint32_t ms;
	} t[] = {{"200000", 201}, {"50000", 51}, {"3000000", 3001}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		with(&r, NAME("tcp_rto_min_us"), t[i].value);
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		rig_align(&r);
		rig_write(&r, 1);
		rig_expect(&r, LULL_ACK);
		rig_expect_after(&r, t[i].ms, LULL_ACK);
		rig_close(&r);
	}
}

static void tcp_rto_max_ms(void **unused)
{
	struct rig r;

	with(&r, NAME("tcp_rto_max_ms"), "1000");
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_align(&r);
	rig_write(&r, 1);
	rig_expect(&r, LULL_ACK);
	rig_expect_after(&r, 201, LULL_ACK);
	rig_expect_after(&r, 402, LULL_ACK);
	rig_expect_after(&r, 804, LULL_ACK);
	for (int i = 0; i < 5; i++)
		rig_expect_after(&r, 1000, LULL_ACK);
	rig_close(&r);
}

/* Acknowledge all that comes; how many segments it was. */
static uint32_t drain(struct rig *r)
{
	struct rig_seg out;
	uint32_t n = 0;

	while (rig_get(r, &out)) {
		r->ack = lull_seq_add(out.seg.seq, out.seg.text_len);
		n++;
	}
	rig_ack(r);
	return n;
}

/* After a pause ten segments go at once, or as many as before it. */
static void tcp_slow_start_after_idle(void **unused)
{
	for (int on = 0; on < 2; on++) {
		uint32_t first;
		struct rig r;

		with(&r, NAME("tcp_slow_start_after_idle"), on ? "1" : "0");
		r.wnd = 5000; /* times 2^7 */
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		rig_set(&r, LULL_OPT_SNDBUF, 1 << 20);
		rig_write(&r, 100 * 1448);
		while (drain(&r) > 0)
			;
		rig_pass_ms(&r, 5000);
		rig_write(&r, 100 * 1448);
		first = drain(&r);
		if (on)
			assert_int_equal(first, 10);
		else
			assert_true(first > 20);
		while (drain(&r) > 0)
			;
		rig_close(&r);
	}
}

/* ---- answers to what doesn't fit ---- */

/* An old ACK, again and again, for two seconds. */
static void tcp_invalid_ratelimit(void **unused)
{
	static const struct {
		const char *value;
		int answers;
	} t[] = {{"500", 4}, {"0", 200}, {"1000", 2}, {"60000", 1}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		int n = 0;
		struct rig r;

		with(&r, NAME("tcp_invalid_ratelimit"), t[i].value);
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		for (int k = 0; k < 200; k++) {
			rig_put(&r, LULL_ACK, lull_seq(r.seq.v - 9), r.ack,
				NULL, 0);
			n += rig_discard(&r);
			rig_pass_ms(&r, 10);
		}
		assert_int_equal(n, t[i].answers);
		rig_close(&r);
	}
}

/* Challenges of a second, all connections together: from half to three halves
 * of the limit, drawn anew each second. */
static void tcp_challenge_ack_limit(void **unused)
{
	int seen[2] = {0, 0};
	struct rig r;

	with(&r, NAME("tcp_challenge_ack_limit"), "10");
	rig_knob(&r, NAME("tcp_invalid_ratelimit"), "0");
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_pass_ms(&r, 1000 - r.now_ns / 1000000 % 1000);
	for (int s = 0; s < 20; s++) {
		int n = 0;

		for (int k = 0; k < 40; k++) { /* RST in the window */
			rig_put(&r, LULL_RST, lull_seq_add(r.seq, 5),
				lull_seq(0), NULL, 0);
			n += rig_discard(&r);
			rig_pass_ms(&r, 25);
		}
		assert_in_range(n, 5, 14);
		seen[n > 9]++;
	}
	assert_true(seen[0] && seen[1]);
	rig_knob(&r, NAME("tcp_challenge_ack_limit"), "0");
	rig_pass_ms(&r, 1000);
	rig_put(&r, LULL_RST, lull_seq_add(r.seq, 5), lull_seq(0), NULL, 0);
	rig_expect_none(&r);
	rig_knob(&r, NAME("tcp_challenge_ack_limit"), "2147483647");
	for (int k = 0; k < 40; k++)
		rig_put(&r, LULL_RST, lull_seq_add(r.seq, 5), lull_seq(0), NULL,
			0);
	assert_int_equal(rig_discard(&r), 40);
	rig_close(&r);
}

/* ---- ports ---- */

static void ip_local_port_range(void **unused)
{
	struct lull_sock sock[3];
	uint32_t sum = 0;
	struct rig r;

	with(&r, NAME("ip_local_port_range"), "1024 1026");
	for (int i = 0; i < 3; i++) {
		struct lull_connect c = {
			.size = sizeof c,
			.remote = {r.tuple.remote, 81},
		};

		assert_int_equal(lull_sock_connect(r.s, &c, &sock[i], NULL), 0);
		rig_run(&r);
		sum += rig_expect(&r, LULL_SYN).seg.tuple.rport;
	}
	assert_int_equal(sum, 1024 + 1025 + 1026);
	for (int i = 0; i < 3; i++)
		lull_sock_close(r.s, sock[i]);
	rig_close(&r);
}

/* A connection to the peer's port 81, from any port; its SYN's port, or 0. */
static uint16_t connect_81(struct rig *r)
{
	struct lull_connect c = {
		.size = sizeof c,
		.remote = {r->tuple.remote, 81},
	};
	int e = lull_sock_connect(r->s, &c, &r->sock, NULL);

	rig_run(r);
	if (e == 0)
		return rig_expect(r, LULL_SYN).seg.tuple.rport;
	assert_int_equal(e, -EADDRNOTAVAIL);
	return 0;
}

/* Of four ports two are reserved: a third connection finds none. */
static void ip_local_reserved_ports(void **unused)
{
	struct lull_sock first;
	uint32_t port;
	struct rig r;

	with(&r, NAME("ip_local_reserved_ports"), "1000,1025-1026");
	rig_knob(&r, NAME("ip_local_port_range"), "1024 1027");
	port = connect_81(&r);
	first = r.sock;
	assert_true(port == 1024 || port == 1027);
	assert_int_equal(connect_81(&r), 1024 + 1027 - port);
	assert_int_equal(connect_81(&r), 0);
	lull_sock_abort(r.s, first);
	rig_close(&r);
}

/* There is one port, and it is in TIME_WAIT towards the peer's port 81. */
static void one_port_waits(struct rig *r, const char *name, const char *value)
{
	rig_open(r, &(struct rig_config){.ts = true, .no_listener = true});
	rig_knob(r, NAME("ip_local_port_range"), "5000 5000");
	rig_knob(r, "net.lull.tcp_tw_reuse_safe", "0");
	rig_knob(r, name, value);
	assert_int_equal(connect_81(r), 5000);
	r->tuple.lport = 5000;
	r->tuple.rport = 81;
	rig_syn(r, LULL_SYN | LULL_ACK);
	rig_expect(r, LULL_ACK);
	lull_sock_close(r->s, r->sock);
	rig_run(r);
	rig_expect(r, LULL_FIN | LULL_ACK);
	rig_say(r, LULL_FIN | LULL_ACK, NULL, 0);
	rig_expect(r, LULL_ACK);
	rig_align(r);
}

/* 0: never; 1: a second later; 2: over loopback, which there is not. */
static void tcp_tw_reuse(void **unused)
{
	static const char *const values[] = {"0", "1", "2"};

	for (int i = 0; i < 3; i++) {
		struct rig r;

		one_port_waits(&r, NAME("tcp_tw_reuse"), values[i]);
		rig_pass_ms(&r, 2000);
		assert_int_equal(connect_81(&r), i == 1 ? 5000 : 0);
		rig_close(&r);
	}
}

static void tcp_tw_reuse_delay(void **unused)
{
	static const struct {
		const char *value;
		uint32_t ms;
	} t[] = {{"1", 1}, {"1000", 1000}, {"30000", 30000}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		one_port_waits(&r, NAME("tcp_tw_reuse_delay"), t[i].value);
		rig_knob(&r, NAME("tcp_tw_reuse"), "1");
		rig_pass_ms(&r, t[i].ms - 1);
		assert_int_equal(connect_81(&r), 0);
		rig_pass_ms(&r, 2);
		assert_int_equal(connect_81(&r), 5000);
		rig_close(&r);
	}
}

static void tcp_tw_reuse_safe(void **unused)
{
	for (int on = 0; on < 2; on++) {
		struct rig r;

		one_port_waits(&r, "net.lull.tcp_tw_reuse_safe",
			       on ? "1" : "0");
		rig_pass_ms(&r, 2000);
		assert_int_equal(connect_81(&r), on ? 5000 : 0);
		rig_close(&r);
	}
}

/* ---- ICMP ---- */

static int pings(struct rig *r, int n)
{
	uint8_t echo[16] = {8}, packet[64];
	int answers = 0;

	rig_icmp_sum(r, echo, sizeof echo);
	for (int i = 0; i < n; i++) {
		rig_packet(r, packet,
			   rig_ip(r, LULL_PROTO_ICMP, echo, sizeof echo,
				  packet));
		while (rig_get_raw(r))
			answers++;
	}
	return answers;
}

static void icmp_echo_ignore_all(void **unused)
{
	struct rig r;

	with(&r, NAME("icmp_echo_ignore_all"), "0");
	assert_int_equal(pings(&r, 3), 3);
	rig_knob(&r, NAME("icmp_echo_ignore_all"), "1");
	assert_int_equal(pings(&r, 3), 0);
	rig_close(&r);
}

/* Packets of a protocol that nobody has: each deserves an error. */
static int errors(struct rig *r, int n)
{
	uint8_t packet[64];
	int answers = 0;

	for (int i = 0; i < n; i++) {
		rig_packet(r, packet, rig_ip(r, 200, "12345678", 8, packet));
		while (rig_get_raw(r))
			answers++;
	}
	return answers;
}

static void icmp_msgs_per_sec(void **unused)
{
	struct rig r;

	with(&r, NAME("icmp_msgs_per_sec"), "3");
	rig_knob(&r, NAME("icmp_msgs_burst"), "50");
	errors(&r, 200); /* the burst */
	for (int s = 0; s < 5; s++) {
		rig_pass_ms(&r, 1000);
		assert_int_equal(errors(&r, 200), 3);
	}
	rig_close(&r);
}

static void icmp_msgs_burst(void **unused)
{
	struct rig r;

	with(&r, NAME("icmp_msgs_burst"), "7");
	rig_pass_ms(&r, 10000);
	assert_int_equal(errors(&r, 200), 7);
	rig_close(&r);
}

/* 0: the pointer names the octet behind the urgent ones; 1: the last one. */
static void tcp_stdurg(void **unused)
{
	for (uint32_t v = 0; v < 2; v++) {
		const char value[2] = {(char)('0' + v), 0};
		struct lull_sock_info info = {.size = sizeof info};
		struct rig r;

		with(&r, NAME("tcp_stdurg"), value);
		rig_reach(&r, LULL_TCP_ESTABLISHED, true);
		/* Its pointer is 0, which names the first octet, or none. */
		rig_say(&r, LULL_ACK | LULL_URG, "ab", 2);
		assert_int_equal(lull_sock_info(r.s, r.sock, &info), 0);
		assert_int_equal(info.rcv_urgent, v);
		forget(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profile),
		cmocka_unit_test(tcp_timestamps),
		cmocka_unit_test(tcp_window_scaling),
		cmocka_unit_test(ip_default_ttl),
		cmocka_unit_test(tcp_rmem),
		cmocka_unit_test(tcp_wmem),
		cmocka_unit_test(tcp_mem),
		cmocka_unit_test(tcp_moderate_rcvbuf),
		cmocka_unit_test(tcp_notsent_lowat),
		cmocka_unit_test(tcp_rto_min_us),
		cmocka_unit_test(tcp_rto_max_ms),
		cmocka_unit_test(tcp_slow_start_after_idle),
		cmocka_unit_test(tcp_invalid_ratelimit),
		cmocka_unit_test(tcp_challenge_ack_limit),
		cmocka_unit_test(tcp_stdurg),
		cmocka_unit_test(ip_local_port_range),
		cmocka_unit_test(ip_local_reserved_ports),
		cmocka_unit_test(tcp_tw_reuse),
		cmocka_unit_test(tcp_tw_reuse_delay),
		cmocka_unit_test(tcp_tw_reuse_safe),
		cmocka_unit_test(icmp_echo_ignore_all),
		cmocka_unit_test(icmp_msgs_per_sec),
		cmocka_unit_test(icmp_msgs_burst),
	};

	return RUN("knobs_wire", tests);
}
