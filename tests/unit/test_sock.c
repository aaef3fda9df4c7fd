/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sock.c: the programs' door: handles, options, knobs, events, and what
 * every call says to what it can't do.
 */
#include "rig.h"

static const struct rig_config plain = {.rtt_ms = 1};

static void established(struct rig *r, const struct rig_config *config)
{
	rig_open(r, config);
	rig_reach(r, LULL_TCP_ESTABLISHED, true);
	rig_news(r);
	rig_align(r);
}

/* ---- every call ---- */

/* What each call says to a handle; in the order of lull.h. */
enum call {
	ACCEPT,
	ANSWER,
	SEND,
	RECV,
	PEEK,
	CONSUME,
	SHUTDOWN,
	SET,
	GET,
	SET_COOKIE,
	GET_COOKIE,
	GET_ERROR,
	INFO,
	CALLS,
};

static const char *const call_text[CALLS] = {
	"accept",     "answer",	   "send", "recv", "peek",
	"consume",    "shutdown",  "set",  "get",  "set cookie",
	"get cookie", "get error", "info",
};

static long call(struct rig *r, struct lull_sock sock, enum call c)
{
	struct lull_sock_info info = {.size = sizeof info};
	struct lull_span span = {(void *)"x", 1};
	uint64_t cookie = 7;
	struct lull_sock other;
	int32_t v = 1;
	char byte;

	switch (c) {
	case ACCEPT:
		return lull_sock_accept(r->s, sock, 1, &other);
	case ANSWER:
		return lull_sock_answer(r->s, sock, LULL_ANSWER_ACCEPT);
	case SEND:
		return lull_sock_send(r->s, sock, &span, 1, 0);
	case RECV:
		return lull_sock_recv(r->s, sock, &byte, 1);
	case PEEK:
		return lull_sock_peek(r->s, sock, &span, 1);
	case CONSUME:
		return lull_sock_consume(r->s, sock, 1);
	case SHUTDOWN:
		return lull_sock_shutdown(r->s, sock, LULL_SHUT_RD);
	case SET:
		return lull_sock_set(r->s, sock, LULL_OPT_NODELAY, &v, 4);
	case GET:
		return lull_sock_get(r->s, sock, LULL_OPT_NODELAY, &v, 4);
	case SET_COOKIE:
		return lull_sock_set(r->s, sock, LULL_OPT_COOKIE, &cookie, 8);
	case GET_COOKIE:
		return lull_sock_get(r->s, sock, LULL_OPT_COOKIE, &cookie, 8);
	case GET_ERROR:
		return lull_sock_get(r->s, sock, LULL_OPT_ERROR, &v, 4);
	case INFO:
		return lull_sock_info(r->s, sock, &info);
	case CALLS:
		break;
	}
	return 1;
}

static void check_calls(struct rig *r, struct lull_sock sock, const long *want,
			const char *what)
{
	for (uint32_t c = 0; c < CALLS; c++) {
		long got = call(r, sock, (enum call)c);

		if (got != want[c])
			fail_msg("%s of %s said %ld, not %ld", call_text[c],
				 what, got, want[c]);
	}
	rig_run(r);
	rig_discard(r);
}

static void stale_handles(void **unused)
{
	static const long want[CALLS] = {-EBADF, -EBADF, -EBADF, -EBADF, -EBADF,
					 -EBADF, -EBADF, -EBADF, -EBADF, -EBADF,
					 -EBADF, -EBADF, -EBADF};
	struct rig r;

	established(&r, &plain);
	lull_sock_abort(r.s, r.sock);
	check_calls(&r, r.sock, want, "a closed one");
	check_calls(&r, (struct lull_sock){0, 0}, want, "none");
	check_calls(&r, (struct lull_sock){0, 1}, want, "none");
	check_calls(&r, (struct lull_sock){1, 99}, want, "another generation");
	check_calls(&r, (struct lull_sock){9999, 1}, want, "no index");
	check_calls(&r, (struct lull_sock){UINT32_MAX, UINT32_MAX}, want,
		    "no index at all");
	rig_close(&r);
}

static void wrong_kinds(void **unused)
{
	static const long listener[CALLS] = {-EAGAIN,	-EINVAL,   -ENOTCONN,
					     -ENOTCONN, -ENOTCONN, -EINVAL,
					     -ENOTCONN, -ENOTCONN, -ENOTCONN,
					     0,		0,	   0,
					     0};
	static const long conn[CALLS] = {-EINVAL, -EINVAL, 1, -EAGAIN, -EAGAIN,
					 -EINVAL, 0,	   0, 0,       0,
					 0,	  0,	   0};
	static const long gone[CALLS] = {
		-EINVAL,   -EINVAL,   -EPIPE, 0, 0, -EINVAL, -ENOTCONN,
		-ENOTCONN, -ENOTCONN, 0,      0, 0, 0};
	struct rig r;

	established(&r, &plain);
	check_calls(&r, r.listener, listener, "a listener");
	check_calls(&r, r.sock, conn, "a connection");
	rig_close(&r);
	established(&r, &plain);
	rig_say(&r, LULL_RST, NULL, 0);
	(void)call(&r, r.sock, GET_ERROR);
	check_calls(&r, r.sock, gone, "a dead one");
	rig_close(&r);
}

static void calls_are_checked(void **unused)
{
	struct lull_sock_info info = {.size = sizeof info - 1};
	struct lull_span span = {(void *)"x", 1};
	struct rig r;

	established(&r, &plain);
	assert_int_equal(lull_sock_send(r.s, r.sock, &span, -1, 0), -EINVAL);
	assert_int_equal(lull_sock_send(r.s, r.sock, &span, 1, 4), -EINVAL);
	assert_int_equal(lull_sock_send(r.s, r.sock, NULL, 0, 0), 0);
	assert_int_equal(lull_sock_shutdown(r.s, r.sock, (enum lull_how)3),
			 -EINVAL);
	assert_int_equal(lull_sock_shutdown(r.s, r.sock, (enum lull_how) - 1),
			 -EINVAL);
	assert_int_equal(lull_sock_info(r.s, r.sock, &info), -EINVAL);
	rig_run(&r);
	rig_expect_none(&r);
	rig_close(&r);
}

/* Several pieces are one stream; empty ones are nothing. */
static void spans(void **unused)
{
	struct lull_span span[] = {
		{(void *)"ab", 2}, {(void *)"", 0}, {(void *)"cde", 3}};
	struct rig_seg out;
	struct rig r;

	established(&r, &plain);
	assert_int_equal(lull_sock_send(r.s, r.sock, span, 3, 0), 5);
	rig_run(&r);
	out = rig_expect(&r, LULL_ACK);
	assert_int_equal(out.seg.text_len, 5);
	assert_memory_equal(out.text, "abcde", 5);
	rig_close(&r);
}

/* ---- options ---- */

/* Each option's range, and one value beyond each end. */
static void option_ranges(void **unused)
{
	static const struct {
		enum lull_option option;
		int32_t least, most;
	} t[] = {
		{LULL_OPT_KEEPALIVE, 0, 1},
		{LULL_OPT_KEEPIDLE, 1, 32767},
		{LULL_OPT_KEEPINTVL, 1, 32767},
		{LULL_OPT_KEEPCNT, 1, 127},
		{LULL_OPT_LINGER2, -1, 3600},
		{LULL_OPT_NODELAY, 0, 1},
		{LULL_OPT_CORK, 0, 1},
		{LULL_OPT_QUICKACK, 0, 1},
		{LULL_OPT_SYNCNT, 1, 127},
		{LULL_OPT_USER_TIMEOUT, 0, INT32_MAX},
		{LULL_OPT_RCVBUF, 4096, 1 << 30},
		{LULL_OPT_SNDBUF, 4096, 1 << 30},
		{LULL_OPT_NOTSENT_LOWAT, 0, INT32_MAX},
		{LULL_OPT_TOS, 0, 255},
		{LULL_OPT_TTL, 1, 255},
	};
	struct rig r;

	established(&r, &plain);
	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		const int32_t values[] = {t[i].least, t[i].most};
		int32_t v;

		for (int k = 0; k < 2; k++) {
			int32_t want = values[k];

			rig_set(&r, t[i].option, want);
			assert_int_equal(lull_sock_get(r.s, r.sock, t[i].option,
						       &v, 4),
					 0);
			if (t[i].option == LULL_OPT_TOS)
				want &= 0xfc; /* ECN's bits are ours */
			assert_int_equal(v, want);
		}
		v = t[i].least - 1;
		assert_int_equal(lull_sock_set(r.s, r.sock, t[i].option, &v, 4),
				 -EINVAL);
		v = (int32_t)((uint32_t)t[i].most + 1);
		assert_int_equal(lull_sock_set(r.s, r.sock, t[i].option, &v, 4),
				 -EINVAL);
		assert_int_equal(lull_sock_set(r.s, r.sock, t[i].option, &v, 3),
				 -EINVAL);
		assert_int_equal(lull_sock_get(r.s, r.sock, t[i].option, &v, 8),
				 -EINVAL);
	}
	rig_close(&r);
}

/* Where nothing was set, what holds is told. */
static void option_defaults(void **unused)
{
	static const struct {
		enum lull_option option;
		int32_t value;
	} t[] = {
		{LULL_OPT_KEEPALIVE, 0},     {LULL_OPT_KEEPIDLE, 7200},
		{LULL_OPT_KEEPINTVL, 75},    {LULL_OPT_KEEPCNT, 9},
		{LULL_OPT_LINGER2, 60},	     {LULL_OPT_NODELAY, 0},
		{LULL_OPT_USER_TIMEOUT, 0},  {LULL_OPT_RCVBUF, 131072},
		{LULL_OPT_SNDBUF, 29200},    {LULL_OPT_TOS, 0},
		{LULL_OPT_TTL, 64},	     {LULL_OPT_ERROR, 0},
		{LULL_OPT_TIMEWAIT_LEN, 60}, {LULL_OPT_CORK, 0},
		{LULL_OPT_QUICKACK, 0},	     {LULL_OPT_SYNCNT, 6},
		{LULL_OPT_NOTSENT_LOWAT, 0}, {LULL_OPT_WINDOW_CLAMP, 0},
	};
	struct lull_linger linger = {9, 9};
	struct rig r;
	int32_t v;

	established(&r, &plain);
	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_int_equal(lull_sock_get(r.s, r.sock, t[i].option, &v, 4),
				 0);
		assert_int_equal(v, t[i].value);
	}
	assert_int_equal(lull_sock_get(r.s, r.sock, LULL_OPT_LINGER, &linger,
				       sizeof linger),
			 0);
	assert_int_equal(linger.on, 0);
	assert_int_equal(linger.seconds, 0);
	rig_close(&r);
}

static void odd_options(void **unused)
{
	static const struct {
		struct lull_linger linger;
		int result;
	} t[] = {
		{{0, 0}, 0},	       {{1, 0}, 0},	   {{1, 86400}, 0},
		{{2, 1}, -EINVAL},     {{-1, 1}, -EINVAL}, {{1, -1}, -EINVAL},
		{{1, 86401}, -EINVAL}, {{0, 0}, 0},
	};
	uint64_t cookie = 77;
	struct rig r;
	int32_t v = 0;

	established(&r, &plain);
	for (uint32_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(lull_sock_set(r.s, r.sock, LULL_OPT_LINGER,
					       &t[i].linger,
					       sizeof t[i].linger),
				 t[i].result);
	assert_int_equal(lull_sock_set(r.s, r.sock, LULL_OPT_LINGER,
				       &t[0].linger, 4),
			 -EINVAL);
	assert_int_equal(lull_sock_get(r.s, r.sock, LULL_OPT_LINGER, &v, 4),
			 -EINVAL);
	assert_int_equal(lull_sock_set(r.s, r.sock, LULL_OPT_ERROR, &v, 4),
			 -ENOPROTOOPT);
	assert_int_equal(lull_sock_set(r.s, r.sock, (enum lull_option)99, &v,
				       4),
			 -ENOPROTOOPT);
	assert_int_equal(lull_sock_get(r.s, r.sock, (enum lull_option)99, &v,
				       4),
			 -ENOPROTOOPT);
	assert_int_equal(lull_sock_set(r.s, r.sock, LULL_OPT_COOKIE, &cookie,
				       4),
			 -EINVAL);
	assert_int_equal(lull_sock_get(r.s, r.sock, LULL_OPT_COOKIE, &cookie,
				       4),
			 -EINVAL);
	/* The cookie comes with what is told next. */
	assert_int_equal(
		lull_sock_set(r.s, r.sock, LULL_OPT_COOKIE, &cookie, 8), 0);
	rig_feed(&r, 1);
	assert_int_equal(r.log[r.logged - 1].cookie, 77);
	rig_discard(&r);
	rig_close(&r);
}

/* ---- knobs ---- */

static void knobs(void **unused)
{
	static const struct {
		const char *name, *value;
		int result;
		const char *then; /* NULL: as before */
	} t[] = {
		{"net.ipv4.tcp_fin_timeout", "5", 0, "5"},
		{"net.ipv4.tcp_fin_timeout", " 7\n", 0, "7"},
		{"net.ipv4.tcp_fin_timeout", "0", -ERANGE, "7"},
		{"net.ipv4.tcp_fin_timeout", "3601", -ERANGE, "7"},
		{"net.ipv4.tcp_fin_timeout", "", -EINVAL, "7"},
		{"net.ipv4.tcp_fin_timeout", "x", -EINVAL, "7"},
		{"net.ipv4.tcp_fin_timeout", "5x", -EINVAL, "7"},
		{"net.ipv4.tcp_fin_timeout", "5 6", -EINVAL, "7"},
		{"net.ipv4.tcp_rmem", "4096 8192 16384", 0,
		 "4096\t8192\t16384"},
		{"net.ipv4.tcp_rmem", "4096 8192", -EINVAL,
		 "4096\t8192\t16384"},
		{"net.ipv4.tcp_rmem", "8192 4096 16384", -ERANGE,
		 "4096\t8192\t16384"},
		{"net.ipv4.ip_local_port_range", "100\t200", 0, "100\t200"},
		{"net.ipv4.ip_local_port_range", "200 100", -ERANGE,
		 "100\t200"},
		{"net.ipv4.ip_local_port_range", "0 100", -ERANGE, "100\t200"},
		{"net.ipv4.tcp_nobody", "1", -ENOENT, NULL},
		{"net.lull.profile", "linux", -EPERM, "lull"},
	};
	struct lull_sysctl_why why = {.size = sizeof why};
	char text[64];
	struct rig r;

	rig_open(&r, &plain);
	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_int_equal(lull_sysctl_set(r.s, t[i].name, t[i].value,
						 &why),
				 t[i].result);
		assert_int_equal(why.error, t[i].result);
		if (!t[i].then) {
			assert_int_equal(lull_sysctl_get(r.s, t[i].name, text,
							 sizeof text),
					 -ENOENT);
			continue;
		}
		assert_true(lull_sysctl_get(r.s, t[i].name, text, sizeof text) >
			    0);
		assert_string_equal(text, t[i].then);
	}
	assert_int_equal(lull_sysctl_set(r.s, "net.ipv4.tcp_fin_timeout", "0",
					 &why),
			 -ERANGE);
	assert_int_equal(why.min, 1);
	assert_int_equal(why.max, 3600);
	assert_int_equal(lull_sysctl_get(r.s, "net.ipv4.tcp_fin_timeout", text,
					 1),
			 -ENOSPC);
	rig_close(&r);
}

/* ---- events ---- */

static void put_quietly(struct rig *r, uint32_t len)
{
	struct lull_frame f;
	uint8_t packet[2048];

	assert_int_equal(lull_rx_get(r->s, &f, 1), 1);
	f.len = rig_build(r, LULL_ACK, r->seq, r->ack, NULL, len, packet);
	memcpy(f.span[0].ptr, packet, f.len);
	assert_int_equal(lull_rx_put(r->s, &f, 1), 1);
	r->seq = lull_seq_add(r->seq, len);
	while (lull_shard_run(r->s, r->now_ns).more)
		;
}

/* However much happens: one event a socket until it is fetched. */
static void events_are_coalesced(void **unused)
{
	struct lull_event e[4];
	struct rig r;

	established(&r, &plain);
	for (int i = 0; i < 5; i++)
		put_quietly(&r, 10);
	rig_put(&r, LULL_ACK, r.seq, r.ack, NULL, 0);
	assert_int_equal(rig_news(&r), LULL_EVENT_READ);
	assert_int_equal(lull_events_get(r.s, e, 4), 0);
	/* Edge-triggered: text that is there already is no news. */
	rig_run(&r);
	assert_int_equal(rig_news(&r), 0);
	put_quietly(&r, 10);
	assert_int_equal(lull_events_get(r.s, e, 0), 0);
	assert_int_equal(lull_events_get(r.s, e, 4), 1);
	assert_int_equal(e[0].sock.index, r.sock.index);
	assert_int_equal(e[0].sock.gen, r.sock.gen);
	assert_int_equal(e[0].cookie, 2);
	assert_int_equal(e[0].error, 0);
	rig_discard(&r);
	rig_close(&r);
}

/* Several sockets, fetched a few at a time, each once, oldest first. */
static void events_of_many(void **unused)
{
	struct lull_sock s[5];
	struct lull_event e[2];
	struct lull_seq seq = {0}, ack[5];
	uint32_t seen = 0;
	int n;
	struct rig r;

	rig_open(&r, &plain);
	for (uint16_t i = 0; i < 5; i++) {
		rig_peer(&r, (uint16_t)(5000 + i));
		rig_shake(&r);
		s[i] = r.sock;
		seq = r.seq;
		ack[i] = r.ack;
	}
	for (uint16_t i = 0; i < 5; i++) {
		r.tuple.rport = (uint16_t)(5000 + i);
		r.seq = seq;
		r.ack = ack[i];
		put_quietly(&r, 10);
	}
	while ((n = lull_events_get(r.s, e, 2)) > 0) {
		assert_true(n <= 2);
		for (int k = 0; k < n; k++, seen++)
			assert_int_equal(e[k].sock.index, s[seen].index);
	}
	assert_int_equal(seen, 5);
	for (uint32_t i = 0; i < 5; i++)
		lull_sock_abort(r.s, s[i]);
	rig_run(&r);
	rig_discard(&r);
	rig_close(&r);
}

/* A handle that was closed has no news. */
static void no_event_after_close(void **unused)
{
	struct lull_event e;
	struct rig r;

	established(&r, &plain);
	put_quietly(&r, 10);
	lull_sock_close(r.s, r.sock);
	assert_int_equal(lull_events_get(r.s, &e, 1), 0);
	rig_run(&r);
	rig_discard(&r);
	rig_close(&r);
}

/* ---- the end of a drain ---- */

/* Connections of every size, a few at a time; -ECONNABORTED. */
static void shard_abort(void **unused)
{
	static const enum lull_tcp_state states[] = {
		LULL_TCP_ESTABLISHED, LULL_TCP_CLOSE_WAIT, LULL_TCP_FIN_WAIT_1,
		LULL_TCP_FIN_WAIT_2,  LULL_TCP_LAST_ACK,   LULL_TCP_SYN_SENT,
		LULL_TCP_SYN_RECEIVED};

	for (uint32_t i = 0; i < ARRAY_LEN(states); i++) {
		bool half = states[i] == LULL_TCP_SYN_RECEIVED;
		bool syn_sent = states[i] == LULL_TCP_SYN_SENT;
		struct rig r;

		rig_open(&r, &plain);
		rig_reach(&r, states[i], true);
		rig_news(&r);
		assert_int_equal(lull_diag_conns(r.s), 1);
		assert_int_equal(lull_shard_abort(r.s, 0), 0);
		assert_int_equal(lull_shard_abort(r.s, 5), 1);
		assert_int_equal(lull_shard_abort(r.s, 5), 0);
		rig_run(&r);
		if (!half && !syn_sent && states[i] != LULL_TCP_LAST_ACK)
			assert_int_equal(
				rig_expect(&r, LULL_RST | LULL_ACK).seg.seq.v,
				r.ack.v);
		assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
		assert_int_equal(lull_diag_conns(r.s), 0);
		if (!half)
			assert_int_equal(r.error, -ECONNABORTED);
		rig_discard(&r);
		rig_close(&r);
	}
}

static void shard_abort_a_few(void **unused)
{
	uint32_t total = 0, n;
	struct rig r;

	rig_open(&r, &plain);
	for (uint16_t i = 0; i < 7; i++) { /* they wait for accept() */
		rig_peer(&r, (uint16_t)(5000 + i));
		rig_syn(&r, LULL_SYN);
		rig_expect(&r, LULL_SYN | LULL_ACK);
		if (i < 5)
			rig_say(&r, LULL_ACK, NULL, 0);
	}
	while ((n = lull_shard_abort(r.s, 2)) > 0) {
		assert_true(n <= 2);
		total += n;
		rig_run(&r);
	}
	assert_int_equal(total, 7);
	assert_int_equal(lull_diag_conns(r.s), 0);
	rig_discard(&r);
	/* They can still be accepted, and say why they are dead. */
	for (int i = 0; i < 5; i++) {
		char byte;

		assert_int_equal(lull_sock_accept(r.s, r.listener, 1, &r.sock),
				 0);
		assert_int_equal(rig_read(&r, &byte, 1), -ECONNABORTED);
		lull_sock_close(r.s, r.sock);
	}
	rig_close(&r);
}

/* 3.10.5 and the counter's name hold for half-open ones, too. */
static void shard_abort_of_a_half(void **unused)
{
	struct rig r;

	rig_open(&r, &plain);
	rig_reach(&r, LULL_TCP_SYN_RECEIVED, false);
	assert_int_equal(lull_shard_abort(r.s, 1), 1);
	rig_run(&r);
	assert_int_equal(rig_count(&r, LULL_COUNT_DRAINED), 1);
	assert_int_equal(rig_expect(&r, LULL_RST | LULL_ACK).seg.seq.v,
			 RIG_ISS + 1);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stale_handles),
		cmocka_unit_test(wrong_kinds),
		cmocka_unit_test(calls_are_checked),
		cmocka_unit_test(spans),
		cmocka_unit_test(option_ranges),
		cmocka_unit_test(option_defaults),
		cmocka_unit_test(odd_options),
		cmocka_unit_test(knobs),
		cmocka_unit_test(events_are_coalesced),
		cmocka_unit_test(events_of_many),
		cmocka_unit_test(no_event_after_close),
		cmocka_unit_test(shard_abort),
		cmocka_unit_test(shard_abort_a_few),
		cmocka_unit_test(shard_abort_of_a_half),
	};

	return RUN("sock", tests);
}
