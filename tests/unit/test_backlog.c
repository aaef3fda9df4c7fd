/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_backlog.c: a listener's two queues, full and being closed, as Linux
 * has them; and SYNs that the program answers itself.
 */
#include "rig.h"

#define NO_COOKIES "net.ipv4.tcp_syncookies=0" /* test_cookie.c has them */

enum {
	COOKIE = 1, /* of the rig's listener */
	GIVE_UP_MS = 63000,
};

/* A SYN from another port of the peer's; what is answered, 0: nothing. */
static uint8_t knock(struct rig *r, uint16_t port)
{
	struct rig_seg out;

	rig_peer(r, port);
	rig_syn(r, LULL_SYN);
	if (!rig_get(r, &out))
		return 0;
	r->ack = lull_seq_add(out.seg.seq, 1);
	return out.seg.flags;
}

/* The last ACK of a handshake that knock() began. */
static void enter(struct rig *r, uint16_t port, struct lull_seq ack)
{
	rig_peer(r, port);
	r->seq = lull_seq_add(r->seq, 1);
	r->ack = ack;
	rig_ack(r);
}

static void all_the_way(struct rig *r, uint16_t port)
{
	assert_int_equal(knock(r, port), LULL_SYN | LULL_ACK);
	rig_say(r, LULL_ACK, NULL, 0);
	assert_int_equal(rig_state(r), LULL_TCP_ESTABLISHED);
}

static void accept_one(struct rig *r, struct lull_sock *sock)
{
	assert_int_equal(lull_sock_accept(r->s, r->listener, 7, sock), 0);
}

/* All that wait, so that the rig can be closed. */
static void take_all(struct rig *r)
{
	struct lull_sock sock;

	while (lull_sock_accept(r->s, r->listener, 7, &sock) == 0)
		lull_sock_abort(r->s, sock);
	rig_run(r);
	rig_discard(r);
}

static struct lull_row listener_row(struct rig *r)
{
	struct lull_row row;
	uint64_t cursor = 0;

	assert_int_equal(lull_diag_rows(r->s, &cursor, &row, 1), 1);
	assert_int_equal(row.state, LULL_TCP_LISTEN);
	return row;
}

/* ---- full ---- */

/* P11: a backlog of 1 holds two; each SYN more counts twice. */
static void backlog_of_n_holds_one_more(void **unused)
{
	static const uint32_t backlogs[] = {1, 2, 5};

	for (uint32_t i = 0; i < ARRAY_LEN(backlogs); i++) {
		uint32_t n = backlogs[i];
		struct lull_row row;
		struct rig r;

		rig_open(&r, &(struct rig_config){.backlog = n});
		for (uint32_t k = 0; k < n + 1; k++)
			all_the_way(&r, (uint16_t)(5000 + k));
		for (uint32_t k = 1; k <= 3; k++) {
			assert_int_equal(knock(&r, (uint16_t)(6000 + k)), 0);
			assert_int_equal(
				rig_count(&r, LULL_COUNT_LISTEN_OVERFLOWS), k);
			assert_int_equal(rig_count(&r, LULL_COUNT_LISTEN_DROPS),
					 k);
		}
		row = listener_row(&r);
		assert_int_equal(row.rqueue, n + 1);
		assert_int_equal(row.wqueue, n);
		/* One is taken: one may come. */
		accept_one(&r, &r.sock);
		lull_sock_abort(r.s, r.sock);
		rig_run(&r);
		rig_discard(&r);
		all_the_way(&r, 7000);
		assert_int_equal(knock(&r, 7001), 0);
		take_all(&r);
		rig_close(&r);
	}
}

/* net.core.somaxconn bounds what is asked for. */
static void somaxconn_bounds_the_backlog(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.backlog = 100,
					  .sysctl = {"net.core.somaxconn=2"}});
	assert_int_equal(listener_row(&r).wqueue, 2);
	for (uint16_t k = 0; k < 3; k++)
		all_the_way(&r, (uint16_t)(5000 + k));
	assert_int_equal(knock(&r, 6000), 0);
	take_all(&r);
	rig_close(&r);
}

static void few_halves(struct lull_limits *l)
{
	l->half_open = 2;
}

/* As many SYNs as the backlog and one, or tcp_max_syn_backlog, or the pool. */
static void syn_queue_is_full(void **unused)
{
	static const struct {
		struct rig_config config;
		uint32_t halves;
		enum lull_drop why;
	} t[] = {
		{{.backlog = 1, .sysctl = {NO_COOKIES}},
		 2,
		 LULL_DROP_LISTEN_SYN_FULL},
		{{.backlog = 3, .sysctl = {NO_COOKIES}},
		 4,
		 LULL_DROP_LISTEN_SYN_FULL},
		{{.sysctl = {NO_COOKIES, "net.ipv4.tcp_max_syn_backlog=3"}},
		 3,
		 LULL_DROP_LISTEN_SYN_FULL},
		/* Linux: of its 8 three quarters, and the one that is asked */
		{{.profile = LULL_PROFILE_LINUX,
		  .sysctl = {NO_COOKIES, "net.ipv4.tcp_max_syn_backlog=8"}},
		 7,
		 LULL_DROP_LISTEN_SYN_FULL},
		{{.limits = few_halves, .sysctl = {NO_COOKIES}},
		 2,
		 LULL_DROP_LISTEN_SYN_FULL},
		{{.limits = few_halves,
		  .sysctl = {NO_COOKIES, "net.ipv4.tcp_max_syn_backlog=9"}},
		 2,
		 LULL_DROP_LISTEN_NO_HALF},
	};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		rig_open(&r, &t[i].config);
		for (uint32_t k = 0; k < t[i].halves; k++)
			assert_int_equal(knock(&r, (uint16_t)(5000 + k)),
					 LULL_SYN | LULL_ACK);
		assert_int_equal(knock(&r, 6000), 0);
		assert_int_equal(rig_drops(&r, t[i].why), 1);
		assert_int_equal(rig_count(&r, LULL_COUNT_REQ_Q_FULL_DROP), 1);
		assert_int_equal(rig_count(&r, LULL_COUNT_LISTEN_DROPS), 1);
		assert_int_equal(rig_count(&r, LULL_COUNT_LISTEN_OVERFLOWS), 0);
		/* One goes, one may come. */
		rig_peer(&r, 5000);
		r.seq = lull_seq_add(r.seq, 1);
		rig_say(&r, LULL_RST, NULL, 0);
		assert_int_equal(knock(&r, 6000), LULL_SYN | LULL_ACK);
		rig_pass_ms(&r, GIVE_UP_MS);
		rig_close(&r);
	}
}

/* Two wait, two more shake hands: the ACK of the third is one too many. */
static struct lull_seq overfill(struct rig *r)
{
	struct lull_seq ack;

	all_the_way(r, 5000);
	assert_int_equal(knock(r, 5001), LULL_SYN | LULL_ACK);
	ack = r->ack;
	assert_int_equal(knock(r, 5002), LULL_SYN | LULL_ACK);
	rig_say(r, LULL_ACK, NULL, 0);
	enter(r, 5001, ack);
	assert_int_equal(rig_count(r, LULL_COUNT_LISTEN_OVERFLOWS), 1);
	assert_int_equal(rig_count(r, LULL_COUNT_LISTEN_DROPS), 1);
	assert_int_equal(rig_drops(r, LULL_DROP_LISTEN_ACCEPT_FULL), 1);
	return ack;
}

/* tcp_abort_on_overflow 0: the peer tries again, and succeeds. */
static void last_ack_overflow_is_dropped(void **unused)
{
	struct lull_sock sock;
	struct rig_seg out;
	struct rig r;

	rig_open(&r, &(struct rig_config){.backlog = 1});
	overfill(&r);
	rig_expect_none(&r);
	assert_int_equal(rig_state(&r), LULL_TCP_SYN_RECEIVED);
	rig_pass_ms(&r, 1001);
	out = rig_expect(&r, LULL_SYN | LULL_ACK);
	assert_int_equal(out.seg.tuple.lport, 5001);
	rig_ack(&r);
	rig_expect_none(&r);
	assert_int_equal(rig_state(&r), LULL_TCP_SYN_RECEIVED);
	accept_one(&r, &sock);
	lull_sock_abort(r.s, sock);
	rig_ack(&r);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	take_all(&r);
	rig_close(&r);
}

static void last_ack_overflow_is_reset(void **unused)
{
	struct lull_seq ack;
	struct rig r;

	rig_open(&r, &(struct rig_config){
			     .backlog = 1,
			     .sysctl = {"net.ipv4.tcp_abort_on_overflow=1"}});
	ack = overfill(&r);
	assert_int_equal(rig_expect(&r, LULL_RST).seg.seq.v, ack.v);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	take_all(&r);
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

/* No connection or no handle left: it stays half-open, and comes in later. */
static void last_ack_without_memory_waits(void **unused)
{
	static const struct {
		void (*limits)(struct lull_limits *);
	} t[] = {{one_conn}, {two_socks}};

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		struct rig r;

		rig_open(&r, &(struct rig_config){.limits = t[i].limits});
		all_the_way(&r, 5000);
		assert_int_equal(knock(&r, 5001), LULL_SYN | LULL_ACK);
		rig_ack(&r); /* the seq was moved on by the SYN */
		rig_expect_none(&r);
		assert_int_equal(rig_state(&r), LULL_TCP_SYN_RECEIVED);
		assert_int_equal(rig_drops(&r, LULL_DROP_LISTEN_NO_CONN), 1);
		assert_int_equal(rig_count(&r, LULL_COUNT_LISTEN_DROPS), 1);
		take_all(&r);
		rig_ack(&r);
		assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
		take_all(&r);
		rig_close(&r);
	}
}

/* ---- the program's side ---- */

/* MUST-41: and one event for all that came since the last. */
static void accept_in_order(void **unused)
{
	struct lull_sock sock;
	struct lull_sock_info info = {.size = sizeof info};
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	assert_int_equal(lull_sock_accept(r.s, r.listener, 7, &sock), -EAGAIN);
	for (uint16_t k = 0; k < 4; k++)
		all_the_way(&r, (uint16_t)(5000 + k));
	assert_int_equal(r.logged, 4); /* each was fetched at once */
	assert_int_equal(r.log[0].bits, LULL_EVENT_ACCEPT);
	assert_int_equal(r.log[0].cookie, COOKIE);
	assert_int_equal(lull_sock_info(r.s, r.listener, &info), 0);
	assert_int_equal(info.state, LULL_TCP_LISTEN);
	assert_int_equal(info.rcv_queued, 4);
	for (uint16_t k = 0; k < 4; k++) {
		accept_one(&r, &sock);
		assert_int_equal(lull_sock_info(r.s, sock, &info), 0);
		assert_int_equal(info.remote.port, 5000 + k);
		assert_int_equal(info.local.port, RIG_PORT);
		lull_sock_abort(r.s, sock);
	}
	assert_int_equal(lull_sock_accept(r.s, r.listener, 7, &sock), -EAGAIN);
	rig_close(&r);
}

/* No event before accept(), and all of them after it. */
static void nothing_is_told_before_accept(void **unused)
{
	uint32_t before;
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	all_the_way(&r, 5000);
	before = r.logged;
	rig_feed(&r, 100);
	rig_say(&r, LULL_FIN | LULL_ACK, NULL, 0);
	assert_int_equal(r.logged, before);
	accept_one(&r, &r.sock);
	rig_run(&r);
	assert_int_equal(r.events, LULL_EVENT_READ | LULL_EVENT_EOF);
	assert_int_equal(r.log[before].cookie, 7);
	rig_discard(&r);
	rig_close(&r);
}

/* The peer was reset before accept(): the program still learns of it. */
static void reset_before_accept(void **unused)
{
	char byte;
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	all_the_way(&r, 5000);
	rig_say(&r, LULL_RST, NULL, 0);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	accept_one(&r, &r.sock);
	rig_run(&r);
	assert_int_equal(r.error, -ECONNRESET);
	assert_int_equal(rig_read(&r, &byte, 1), -ECONNRESET);
	rig_close(&r);
}

/* Those that wait are reset; half-open ones hear it when their ACK comes. */
static void closing_a_listener(void **unused)
{
	struct lull_seq ack[2];
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	all_the_way(&r, 5000);
	ack[0] = r.ack;
	all_the_way(&r, 5001);
	rig_feed(&r, 10);
	assert_int_equal(knock(&r, 5002), LULL_SYN | LULL_ACK);
	ack[1] = r.ack;
	lull_sock_close(r.s, r.listener);
	rig_run(&r);
	assert_int_equal(rig_expect(&r, LULL_RST | LULL_ACK).seg.seq.v,
			 ack[0].v);
	rig_expect(&r, LULL_RST | LULL_ACK);
	rig_expect_none(&r);
	rig_peer(&r, 5000);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	enter(&r, 5002, ack[1]);
	assert_int_equal(rig_expect(&r, LULL_RST).seg.seq.v, ack[1].v);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	assert_int_equal(knock(&r, 5003), LULL_RST | LULL_ACK);
	rig_close(&r);
}

/* Nor is a SYN-ACK sent again for a listener that has gone. */
static void half_of_a_closed_listener_ends(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	assert_int_equal(knock(&r, 5000), LULL_SYN | LULL_ACK);
	lull_sock_close(r.s, r.listener);
	rig_pass_ms(&r, GIVE_UP_MS);
	rig_expect_none(&r);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	rig_close(&r);
}

/* A new listener in the old one's place doesn't get its connections. */
static void listeners_are_not_confused(void **unused)
{
	struct lull_listen l = {.size = sizeof l,
				.port_lo = RIG_PORT,
				.backlog = 8,
				.cookie = 5};
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	l.local = (struct lull_prefix){r.tuple.local, 128};
	assert_int_equal(knock(&r, 5000), LULL_SYN | LULL_ACK);
	lull_sock_close(r.s, r.listener);
	assert_int_equal(lull_sock_listen(r.s, &l, &r.listener), 0);
	rig_ack(&r);
	rig_expect(&r, LULL_RST);
	assert_int_equal(lull_sock_accept(r.s, r.listener, 7, &r.sock),
			 -EAGAIN);
	all_the_way(&r, 5001);
	accept_one(&r, &r.sock);
	rig_close(&r);
}

/* ---- deferred ---- */

static const struct rig_config deferred = {.listen_flags = LULL_LISTEN_DEFER};

/* A SYN that waits for its answer; r->sock is it. */
static void defer(struct rig *r, const struct rig_config *config)
{
	struct lull_sock_info info = {.size = sizeof info};

	rig_open(r, config);
	rig_align(r);
	rig_syn(r, LULL_SYN);
	rig_expect_none(r);
	assert_int_equal(rig_state(r), LULL_TCP_SYN_RECEIVED);
	assert_int_equal(r->logged, 1);
	assert_int_equal(r->log[0].bits, LULL_EVENT_SYN);
	assert_int_equal(r->log[0].cookie, COOKIE);
	r->sock = r->log[0].sock;
	/* Who it is, so that the program can decide. */
	assert_int_equal(lull_sock_info(r->s, r->sock, &info), 0);
	assert_int_equal(info.state, LULL_TCP_SYN_RECEIVED);
	assert_int_equal(info.remote.port, RIG_PEER_PORT);
	assert_int_equal(info.local.port, RIG_PORT);
	assert_true(lull_addr_eq(&info.remote.addr, &r->tuple.remote));
	assert_true(lull_addr_eq(&info.local.addr, &r->tuple.local));
}

static void answer(struct rig *r, enum lull_answer answer)
{
	assert_int_equal(lull_sock_answer(r->s, r->sock, answer), 0);
	rig_pass_ms(r, 1); /* only a run sends, and perhaps with a timer */
}

static void deferred_accept(void **unused)
{
	struct lull_span span = {(void *)"x", 1};
	struct lull_sock sock;
	struct rig r;
	char byte;

	defer(&r, &deferred);
	assert_int_equal(lull_sock_send(r.s, r.sock, &span, 1, 0), -EAGAIN);
	assert_int_equal(lull_sock_recv(r.s, r.sock, &byte, 1), -EAGAIN);
	answer(&r, LULL_ANSWER_ACCEPT);
	assert_int_equal(lull_sock_answer(r.s, r.sock, LULL_ANSWER_RESET),
			 -EINVAL);
	rig_expect(&r, LULL_SYN | LULL_ACK);
	assert_int_equal(rig_news(&r), 0);
	rig_say(&r, LULL_ACK, NULL, 0);
	assert_int_equal(rig_news(&r), LULL_EVENT_WRITE);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	assert_int_equal(lull_sock_answer(r.s, r.sock, LULL_ANSWER_RESET),
			 -EINVAL);
	/* It is nobody else's. */
	assert_int_equal(lull_sock_accept(r.s, r.listener, 7, &sock), -EAGAIN);
	rig_write(&r, 5);
	assert_int_equal(rig_expect(&r, LULL_ACK).seg.text_len, 5);
	rig_close(&r);
}

/* The time to answer is not the round-trip time. */
static void deferred_rtt(void **unused)
{
	struct rig r;

	defer(&r, &deferred);
	rig_pass_ms(&r, 5000);
	rig_expect_none(&r);
	answer(&r, LULL_ANSWER_ACCEPT);
	rig_expect(&r, LULL_SYN | LULL_ACK);
	rig_pass_ms(&r, 20);
	rig_say(&r, LULL_ACK, NULL, 0);
	assert_in_range(rig_tcb(&r)->rtt.srtt_us, 20000, 22000);
	rig_close(&r);
}

/* Once accepted, its SYN-ACK is sent again as any other; then ETIMEDOUT. */
static void deferred_accept_in_vain(void **unused)
{
	struct rig r;

	defer(&r, &deferred);
	assert_int_equal(lull_sock_answer(r.s, r.sock, LULL_ANSWER_ACCEPT), 0);
	rig_run(&r);
	rig_expect(&r, LULL_SYN | LULL_ACK);
	for (uint32_t s = 1; s <= 16; s *= 2)
		rig_expect_after(&r, s * 1000, LULL_SYN | LULL_ACK);
	rig_pass_ms(&r, 32000 - 1);
	assert_int_equal(rig_news(&r), 0);
	rig_pass_ms(&r, 1);
	rig_expect_none(&r);
	assert_int_equal(rig_news(&r), LULL_EVENT_ERROR);
	assert_int_equal(r.error, -ETIMEDOUT);
	rig_close(&r);
}

static void deferred_reset_and_drop(void **unused)
{
	for (int drop = 0; drop < 2; drop++) {
		struct rig_seg out;
		struct rig r;

		defer(&r, &deferred);
		answer(&r, drop ? LULL_ANSWER_DROP : LULL_ANSWER_RESET);
		if (!drop) {
			out = rig_expect(&r, LULL_RST | LULL_ACK);
			assert_int_equal(out.seg.seq.v, 0);
			assert_int_equal(out.seg.ack.v, RIG_PEER_ISS + 1);
		}
		rig_expect_none(&r);
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
		assert_int_equal(lull_sock_answer(r.s, r.sock,
						  LULL_ANSWER_ACCEPT),
				 -EBADF);
		/* The next SYN is a new one. */
		r.seq = lull_seq(RIG_PEER_ISS);
		rig_syn(&r, LULL_SYN);
		rig_expect_none(&r);
		assert_int_equal(r.logged, 2);
		assert_int_equal(r.log[1].bits, LULL_EVENT_SYN);
		lull_sock_close(r.s, r.log[1].sock);
		rig_pass_ms(&r, 1);
		rig_close(&r);
	}
}

/* As long as five SYN-ACKs would have been tried. */
static void deferred_times_out(void **unused)
{
	struct rig r;

	defer(&r, &deferred);
	rig_pass_ms(&r, GIVE_UP_MS - 1);
	assert_int_equal(rig_state(&r), LULL_TCP_SYN_RECEIVED);
	rig_pass_ms(&r, 1);
	rig_expect_none(&r);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	assert_int_equal(rig_news(&r), LULL_EVENT_ERROR);
	assert_int_equal(r.error, -ETIMEDOUT);
	assert_int_equal(lull_sock_answer(r.s, r.sock, LULL_ANSWER_ACCEPT),
			 -EINVAL);
	rig_close(&r);
}

/* The program lets go of it without an answer: refused. */
static void deferred_handle_closed(void **unused)
{
	for (int abort = 0; abort < 2; abort++) {
		struct rig_seg out;
		struct rig r;

		defer(&r, &deferred);
		if (abort)
			lull_sock_abort(r.s, r.sock);
		else
			lull_sock_close(r.s, r.sock);
		rig_pass_ms(&r, 1);
		out = rig_expect(&r, LULL_RST | LULL_ACK);
		assert_int_equal(out.seg.seq.v, 0);
		assert_int_equal(out.seg.ack.v, RIG_PEER_ISS + 1);
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
		rig_close(&r);
	}
}

/* 3.10.5 once the SYN-ACK is out: <SEQ=SND.NXT><CTL=RST>, or none hears it. */
static void accepted_handle_closed(void **unused)
{
	for (int abort = 0; abort < 2; abort++) {
		struct rig r;

		defer(&r, &deferred);
		answer(&r, LULL_ANSWER_ACCEPT);
		rig_expect(&r, LULL_SYN | LULL_ACK);
		if (abort)
			lull_sock_abort(r.s, r.sock);
		else
			lull_sock_close(r.s, r.sock);
		rig_pass_ms(&r, 1);
		assert_int_equal(rig_expect(&r, LULL_RST | LULL_ACK).seg.seq.v,
				 r.ack.v);
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
		rig_close(&r);
	}
}

/* What comes before the answer: once is enough for the program. */
static void deferred_peer_goes_on(void **unused)
{
	struct rig r;

	defer(&r, &deferred);
	r.seq = lull_seq(RIG_PEER_ISS);
	rig_syn(&r, LULL_SYN);
	rig_put(&r, LULL_ACK, r.seq, lull_seq(99), NULL, 0);
	rig_expect_none(&r);
	assert_int_equal(r.logged, 1);
	/* It gives up. */
	rig_say(&r, LULL_RST, NULL, 0);
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	assert_int_equal(rig_news(&r), LULL_EVENT_ERROR);
	assert_int_equal(r.error, -ECONNRESET);
	assert_int_equal(lull_sock_answer(r.s, r.sock, LULL_ANSWER_ACCEPT),
			 -EINVAL);
	rig_close(&r);
}

/* Whose SYN it is doesn't depend on the listener any more. */
static void deferred_listener_closed(void **unused)
{
	struct rig r;

	defer(&r, &deferred);
	lull_sock_close(r.s, r.listener);
	rig_expect_none(&r);
	answer(&r, LULL_ANSWER_ACCEPT);
	rig_expect(&r, LULL_SYN | LULL_ACK);
	rig_expect_after(&r, 999, LULL_SYN | LULL_ACK);
	rig_say(&r, LULL_ACK, NULL, 0);
	assert_int_equal(rig_news(&r), LULL_EVENT_WRITE);
	assert_int_equal(rig_state(&r), LULL_TCP_ESTABLISHED);
	rig_close(&r);
}

static void answers_are_checked(void **unused)
{
	struct rig r;

	defer(&r, &deferred);
	assert_int_equal(lull_sock_answer(r.s, r.sock, (enum lull_answer)3),
			 -EINVAL);
	assert_int_equal(lull_sock_answer(r.s, r.listener, LULL_ANSWER_RESET),
			 -EINVAL);
	assert_int_equal(lull_sock_accept(r.s, r.sock, 7, &r.sock), -EINVAL);
	answer(&r, LULL_ANSWER_DROP);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backlog_of_n_holds_one_more),
		cmocka_unit_test(somaxconn_bounds_the_backlog),
		cmocka_unit_test(syn_queue_is_full),
		cmocka_unit_test(last_ack_overflow_is_dropped),
		cmocka_unit_test(last_ack_overflow_is_reset),
		cmocka_unit_test(last_ack_without_memory_waits),
		cmocka_unit_test(accept_in_order),
		cmocka_unit_test(nothing_is_told_before_accept),
		cmocka_unit_test(reset_before_accept),
		cmocka_unit_test(closing_a_listener),
		cmocka_unit_test(half_of_a_closed_listener_ends),
		cmocka_unit_test(listeners_are_not_confused),
		cmocka_unit_test(deferred_accept),
		cmocka_unit_test(deferred_rtt),
		cmocka_unit_test(deferred_accept_in_vain),
		cmocka_unit_test(deferred_reset_and_drop),
		cmocka_unit_test(deferred_times_out),
		cmocka_unit_test(deferred_handle_closed),
		cmocka_unit_test(accepted_handle_closed),
		cmocka_unit_test(deferred_peer_goes_on),
		cmocka_unit_test(deferred_listener_closed),
		cmocka_unit_test(answers_are_checked),
	};

	return RUN("backlog", tests);
}
