/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_info.c: TCP_INFO (LULL_OPT_INFO) field by field, counted as Linux's
 * tcp_get_info() does.
 */
#include "rig.h"

enum {
	MSS = 1460
};

static const struct rig_config plain = {.rtt_ms = 10};
static const struct rig_config full = {
	.rtt_ms = 10, .ts = true, .wscale = true};

static void established(struct rig *r, const struct rig_config *config)
{
	rig_open(r, config);
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_align(r);
}

static struct lull_tcp_info info_of(const struct rig *r)
{
	struct lull_tcp_info info;

	assert_int_equal(lull_sock_get(r->s, r->sock, LULL_OPT_INFO, &info,
				       sizeof info),
			 0);
	return info;
}

static void end(struct rig *r)
{
	rig_pass_ms(r, 100);
	rig_discard(r);
	rig_close(r);
}

static void at_the_start(void **unused)
{
	struct lull_tcp_info i;
	struct rig r;

	established(&r, &full);
	i = info_of(&r);
	assert_int_equal(i.state, LULL_TCP_ESTABLISHED);
	assert_int_equal(i.options, 1 | 4);
	assert_int_equal(i.snd_wscale, 7);
	assert_int_equal(i.rcv_wscale, 7);
	assert_int_equal(i.snd_mss, 1448);
	assert_int_equal(i.advmss, 1448);
	assert_int_equal(i.rcv_mss, 536);
	assert_int_equal(i.pmtu, 1500);
	assert_int_equal(i.snd_cwnd, 10);
	assert_int_equal(i.snd_ssthresh, 0x7fffffff);
	assert_int_equal(i.reordering, 3);
	assert_int_equal(i.rtt, 10000);
	assert_int_equal(i.rttvar, 5000);
	assert_int_equal(i.min_rtt, 10000);
	assert_int_equal(i.rto, 210000);
	assert_int_equal(i.ato, 40000);
	assert_int_equal(i.segs_in, 1); /* a passive one: the ACK alone */
	assert_int_equal(i.segs_out, 0);
	assert_int_equal(i.delivered, 1); /* its SYN-ACK */
	assert_int_equal(i.bytes_acked, 0);
	assert_int_equal(i.bytes_sent, 0);
	assert_int_equal(i.bytes_received, 0);
	assert_int_equal(i.busy_time, 0);
	assert_int_equal(i.max_pacing_rate, UINT64_MAX);
	/* 10 * 1448 bytes in 10 ms, twice (slow start). */
	assert_int_equal(i.pacing_rate, 2 * 10 * 1448 * 100);
	end(&r);
}

static void sizes_of_the_option(void **unused)
{
	struct lull_tcp_info i;
	struct rig r;

	established(&r, &plain);
	memset(&i, 0xee, sizeof i);
	assert_int_equal(lull_sock_get(r.s, r.sock, LULL_OPT_INFO, &i, 1), 0);
	assert_int_equal(i.state, LULL_TCP_ESTABLISHED);
	assert_int_equal(i.ca_state, 0xee);
	assert_int_equal(lull_sock_get(r.s, r.sock, LULL_OPT_INFO, &i, 0),
			 -EINVAL);
	assert_int_equal(lull_sock_get(r.s, r.sock, LULL_OPT_INFO, &i,
				       sizeof i + 1),
			 -EINVAL);
	assert_int_equal(lull_sock_set(r.s, r.sock, LULL_OPT_INFO, &i,
				       sizeof i),
			 -ENOPROTOOPT);
	assert_int_equal(lull_sock_get(r.s, r.listener, LULL_OPT_INFO, &i,
				       sizeof i),
			 -ENOTCONN);
	end(&r);
}

static void what_went(void **unused)
{
	struct lull_tcp_info i;
	struct rig r;

	established(&r, &plain);
	rig_write(&r, 2 * MSS + 100);
	rig_discard(&r);
	i = info_of(&r);
	assert_int_equal(i.data_segs_out, 3);
	assert_int_equal(i.segs_out, 3);
	assert_int_equal(i.bytes_sent, 2 * MSS + 100);
	assert_int_equal(i.unacked, 3);
	assert_int_equal(i.delivered, 1);
	assert_int_equal(i.last_data_sent, 0);
	rig_pass_ms(&r, 7);
	r.ack = lull_seq(RIG_ISS + 1 + MSS);
	rig_ack(&r);
	i = info_of(&r);
	assert_int_equal(i.bytes_acked, MSS);
	assert_int_equal(i.unacked, 2);
	assert_int_equal(i.delivered, 2);
	assert_int_equal(i.last_data_sent, 7);
	assert_int_equal(i.last_ack_recv, 0);
	assert_int_equal(i.min_rtt, 7000);
	/* With bytes that wait: SND.NXT to the end. */
	rig_write(&r, 50);
	i = info_of(&r);
	assert_int_equal(i.notsent_bytes, 50);
	r.ack = lull_seq(RIG_ISS + 1 + 2 * MSS + 100);
	rig_ack(&r);
	i = info_of(&r);
	assert_int_equal(i.notsent_bytes, 0);
	assert_int_equal(i.delivered, 4);
	assert_int_equal(i.unacked, 1);
	rig_discard(&r);
	end(&r);
}

/* A large frame is as many segments as the link makes of it. */
static void large_frames(void **unused)
{
	struct rig_config c = plain;
	struct lull_tcp_info i;
	struct rig r;

	c.link_cap = LULL_LINK_TX_GSO;
	established(&r, &c);
	rig_write(&r, 4 * MSS + 1);
	rig_discard(&r);
	i = info_of(&r);
	assert_int_equal(i.data_segs_out, 5);
	assert_int_equal(i.unacked, 5);
	end(&r);
}

static void what_came(void **unused)
{
	struct lull_tcp_info i;
	struct rig r;

	established(&r, &plain);
	rig_feed(&r, 1000);
	rig_feed(&r, 500);
	rig_discard(&r);
	rig_pass_ms(&r, 9);
	i = info_of(&r);
	assert_int_equal(i.bytes_received, 1500);
	assert_int_equal(i.data_segs_in, 2);
	assert_int_equal(i.segs_in, 3);
	assert_int_equal(i.segs_out, 1); /* an ACK of both */
	assert_int_equal(i.rcv_mss, 1000);
	assert_int_equal(i.last_data_recv, 9);
	assert_int_equal(i.rcv_ooopack, 0);
	rig_put(&r, LULL_ACK, lull_seq_add(r.seq, 10), r.ack, NULL, 10);
	assert_int_equal(info_of(&r).rcv_ooopack, 1);
	assert_int_equal(info_of(&r).bytes_received, 1500);
	end(&r);
}

/* Past 2^32, both ways: the sum goes on. */
static void bytes_are_64_bits(void **unused)
{
	struct lull_tcp_info i;
	struct rig r;

	established(&r, &plain);
	rig_tcb(&r)->snd.wnd = rig_tcb(&r)->snd.wnd_max = UINT32_MAX / 4;
	rig_write(&r, 1000); /* from 0xfffffff1 on */
	rig_discard(&r);
	r.ack = lull_seq(RIG_ISS + 1 + 1000);
	rig_ack(&r);
	i = info_of(&r);
	assert_int_equal(i.bytes_acked, 1000);
	assert_int_equal(i.bytes_sent, 1000);
	rig_feed(&r, 1000); /* 0xffffffe1 */
	assert_int_equal(info_of(&r).bytes_received, 1000);
	end(&r);
}

static void losses(void **unused)
{
	struct lull_tcp_info i;
	struct rig r;

	established(&r, &plain);
	rig_write(&r, 3 * MSS);
	rig_discard(&r);
	rig_pass_ms(&r, 211); /* 10 ms and 200, and the rounding */
	i = info_of(&r);
	assert_int_equal(i.retransmits, 1);
	assert_int_equal(i.backoff, 1);
	assert_int_equal(i.ca_state, 4);
	assert_int_equal(i.total_retrans, 1);
	assert_int_equal(i.bytes_retrans, MSS);
	assert_int_equal(i.bytes_sent, 4 * MSS);
	assert_int_equal(i.data_segs_out, 4);
	assert_int_equal(i.retrans, 1);
	assert_int_equal(i.lost, 3); /* with what was sent again, as Linux */
	assert_int_equal(i.snd_cwnd, 1);
	assert_int_equal(i.snd_ssthresh, 7); /* CUBIC: 0.7 of ten */
	assert_int_equal(i.rto, 420000);
	assert_int_equal(i.total_rto, 1);
	assert_int_equal(i.total_rto_recoveries, 1);
	assert_int_equal(i.total_rto_time, 0);
	assert_int_equal(i.delivered, 1);
	rig_pass_ms(&r, 5);
	rig_discard(&r);
	r.ack = lull_seq(RIG_ISS + 1 + 3 * MSS);
	rig_ack(&r);
	i = info_of(&r);
	assert_int_equal(i.ca_state, 0);
	assert_int_equal(i.delivered, 4);
	assert_in_range(i.total_rto_time, 215, 217);
	end(&r);
}

/* Open, Disorder, Recovery, Open: ss prints the two in the middle. */
static void states_of_a_recovery(void **unused)
{
	static const uint8_t states[] = {0, 1, 1, 3};
	struct rig r;

	established(&r, &plain);
	rig_write(&r, 5 * MSS);
	rig_discard(&r);
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		assert_int_equal(info_of(&r).ca_state, states[i]);
		rig_ack(&r);
	}
	rig_discard(&r);
	r.ack = lull_seq(RIG_ISS + 1 + 5 * MSS);
	rig_ack(&r);
	assert_int_equal(info_of(&r).ca_state, 0);
	end(&r);
}

static void syns(void **unused)
{
	struct lull_tcp_info i;
	struct rig r;

	rig_open(&r, &plain);
	rig_reach(&r, LULL_TCP_SYN_SENT, true);
	rig_pass_ms(&r, 1001);
	rig_discard(&r);
	i = info_of(&r);
	assert_int_equal(i.state, LULL_TCP_SYN_SENT);
	assert_int_equal(i.unacked, 1);
	assert_int_equal(i.total_retrans, 1);
	assert_int_equal(i.segs_out, 2);
	assert_int_equal(i.bytes_sent, 0);
	rig_syn(&r, LULL_SYN | LULL_ACK);
	rig_discard(&r);
	i = info_of(&r);
	assert_int_equal(i.bytes_acked, 1); /* SYN, as in Linux */
	assert_int_equal(i.bytes_sent, 0);
	assert_int_equal(i.segs_in, 1);
	assert_int_equal(i.segs_out, 3);
	assert_int_equal(i.delivered, 1);
	end(&r);
}

static void fins(void **unused)
{
	struct lull_tcp_info i;
	struct rig r;

	established(&r, &plain);
	rig_write(&r, 10);
	assert_int_equal(lull_sock_shutdown(r.s, r.sock, LULL_SHUT_WR), 0);
	rig_run(&r);
	rig_discard(&r);
	i = info_of(&r);
	assert_int_equal(i.bytes_sent, 10);
	assert_int_equal(i.unacked, 2);
	r.ack = lull_seq(RIG_ISS + 1 + 11);
	rig_ack(&r);
	i = info_of(&r);
	assert_int_equal(i.state, LULL_TCP_FIN_WAIT_2);
	assert_int_equal(i.bytes_acked, 11); /* FIN, as in Linux */
	assert_int_equal(i.delivered, 2);
	end(&r);
}

/* Linux's chronographs. */
static void what_it_waits_for(void **unused)
{
	struct lull_tcp_info i;
	struct rig r;

	established(&r, &plain);
	rig_pass_ms(&r, 50);
	r.wnd = 2 * MSS;
	rig_ack(&r);
	rig_write(&r, 100); /* the network */
	rig_discard(&r);
	rig_pass_ms(&r, 20);
	i = info_of(&r);
	assert_int_equal(i.busy_time, 20000);
	assert_int_equal(i.rwnd_limited, 0);
	r.ack = lull_seq(RIG_ISS + 1 + 100);
	rig_ack(&r);
	rig_pass_ms(&r, 30); /* nothing */
	assert_int_equal(info_of(&r).busy_time, 20000);
	rig_write(&r, 4 * MSS); /* the window */
	rig_discard(&r);
	rig_pass_ms(&r, 40);
	i = info_of(&r);
	assert_int_equal(i.busy_time, 60000);
	assert_int_equal(i.rwnd_limited, 40000);
	r.wnd = RIG_WND;
	r.ack = lull_seq(RIG_ISS + 1 + 100 + 2 * MSS);
	rig_ack(&r);
	rig_discard(&r);
	r.ack = lull_seq(RIG_ISS + 1 + 100 + 4 * MSS);
	rig_ack(&r);
	/* Room: all went, and the program waits to write more. */
	rig_set(&r, LULL_OPT_SNDBUF, 4096);
	assert_true(rig_queue(&r, 8000) < 8000);
	rig_run(&r);
	rig_discard(&r);
	rig_pass_ms(&r, 60);
	i = info_of(&r);
	assert_int_equal(i.sndbuf_limited, 60000);
	assert_int_equal(i.busy_time, 120000);
	r.ack = lull_seq(RIG_ISS + 1 + 100 + 4 * MSS + r.written);
	end(&r);
}

/* One sample a flight: what was delivered, in the time that it took. */
static void delivery_rate(void **unused)
{
	struct lull_tcp_info i;
	struct rig r;

	established(&r, &plain);
	rig_write(&r, MSS);
	rig_discard(&r);
	rig_pass_ms(&r, 10);
	assert_int_equal(info_of(&r).delivery_rate, 0);
	r.ack = lull_seq(RIG_ISS + 1 + MSS);
	rig_ack(&r);
	i = info_of(&r);
	assert_in_range(i.delivery_rate, MSS * 100 - 64, MSS * 100);
	assert_int_equal(i.delivery_rate_app_limited, 1);
	/* More than the window takes: the network's rate. */
	rig_write(&r, 16 * MSS);
	rig_discard(&r);
	rig_pass_ms(&r, 10);
	r.ack = lull_seq(RIG_ISS + 1 + MSS + 10 * MSS);
	rig_ack(&r);
	i = info_of(&r);
	assert_in_range(i.delivery_rate, 10 * MSS * 100 - 64, 10 * MSS * 100);
	assert_int_equal(i.delivery_rate_app_limited, 0);
	rig_discard(&r);
	r.ack = lull_seq(RIG_ISS + 1 + 17 * MSS);
	rig_ack(&r);
	end(&r);
}

static void of_a_listener(void **unused)
{
	struct lull_detail d = {.size = sizeof d};
	struct lull_row row;
	uint64_t cursor = 0;
	struct rig r;

	established(&r, &plain);
	assert_int_equal(lull_diag_rows(r.s, &cursor, &row, 1), 1);
	assert_int_equal(row.state, LULL_TCP_LISTEN);
	assert_int_equal(lull_diag_detail(r.s, row.id, &d), 0);
	assert_int_equal(d.info.snd_cwnd, 10);
	assert_int_equal(d.info.sacked, 8); /* the backlog */
	assert_string_equal(d.cc, "cubic");
	assert_int_equal(lull_diag_rows(r.s, &cursor, &row, 1), 1);
	assert_int_equal(lull_diag_detail(r.s, row.id, &d), 0);
	assert_int_equal(d.info.state, LULL_TCP_ESTABLISHED);
	assert_int_equal(row.shut, 0);
	assert_int_equal(d.rcv_buf, 131072);
	rig_feed(&r, 100);
	rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
	assert_int_equal(lull_diag_detail(r.s, row.id, &d), 0);
	cursor--;
	assert_int_equal(lull_diag_rows(r.s, &cursor, &row, 1), 1);
	assert_int_equal(row.shut, LULL_ROW_SHUT_RD);
	assert_true(d.rcv_alloc >= 100);
	assert_int_equal(lull_diag_detail(r.s, row.id + 1, &d), -ENOENT);
	assert_int_equal(lull_diag_detail(r.s, 0, &d), -ENOENT);
	d.size--;
	assert_int_equal(lull_diag_detail(r.s, row.id, &d), -EINVAL);
	end(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_the_start),
		cmocka_unit_test(sizes_of_the_option),
		cmocka_unit_test(what_went),
		cmocka_unit_test(large_frames),
		cmocka_unit_test(what_came),
		cmocka_unit_test(bytes_are_64_bits),
		cmocka_unit_test(losses),
		cmocka_unit_test(states_of_a_recovery),
		cmocka_unit_test(syns),
		cmocka_unit_test(fins),
		cmocka_unit_test(what_it_waits_for),
		cmocka_unit_test(delivery_rate),
		cmocka_unit_test(of_a_listener),
	};

	return RUN("info", tests);
}
