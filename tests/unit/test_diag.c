/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_diag.c: seeing inside: rows, states, counters, pools, knobs, the trace
 * ring; and what creation says to limits that can't be.
 */
#include "rig.h"

#include <sys/mman.h>

enum {
	PAGE = 4096,
	ROWS = 256,
	CONNECTIONS = 2, /* the phase of a cursor */
};

/* All rows, `n` at a time. */
static uint32_t all_rows(struct rig *r, struct lull_row *rows, int n)
{
	uint64_t cursor = 0;
	uint32_t len = 0;
	int got;

	do {
		assert_true(len + (uint32_t)n <= ROWS);
		got = lull_diag_rows(r->s, &cursor, rows + len, n);
		assert_true(got == -EAGAIN || (got >= 0 && got <= n));
		len += got > 0 ? (uint32_t)got : 0;
	} while (got);
	assert_int_equal(lull_diag_rows(r->s, &cursor, rows + len, n), 0);
	return len;
}

static const struct lull_row *find(const struct lull_row *rows, uint32_t len,
				   uint16_t rport)
{
	const struct lull_row *found = NULL;

	for (uint32_t i = 0; i < len; i++)
		if (rows[i].remote.port == rport) {
			assert_null(found); /* once */
			found = &rows[i];
		}
	return found;
}

/* ---- rows ---- */

/* As ss shows it: queues (E13: FIN counts), the timer, who holds it. */
static void row_of_each_state(void **unused)
{
	static const struct {
		enum lull_tcp_state state;
		bool held, row_held;
		uint32_t rqueue, wqueue;
		enum lull_row_timer timer;
	} t[] = {
#define T(state, held, row_held, rqueue, wqueue, timer) \
	{LULL_TCP_##state, held,   row_held,            \
	 rqueue,	   wqueue, LULL_ROW_TIMER_##timer},
		T(SYN_SENT, true, true, 0, 1,
		  ON) T(SYN_RECEIVED, false, false, 0, 0,
			ON) T(ESTABLISHED, true, true, 0, 0,
			      NONE) T(FIN_WAIT_1, true, true, 0, 1,
				      ON) T(FIN_WAIT_1, false, false, 0, 1, ON)
			T(FIN_WAIT_2, true, true, 0, 0,
			  NONE) T(FIN_WAIT_2, false, false, 0, 0, TIMEWAIT)
				T(CLOSE_WAIT, true, true, 0, 0,
				  NONE) T(CLOSING, true, true, 0, 1,
					  ON) T(CLOSING, false, false, 0, 1, ON)
					T(LAST_ACK, true, true, 0, 1, ON)
						T(LAST_ACK, false, false, 0, 1,
						  ON) T(TIME_WAIT, false, false,
							0, 0, TIMEWAIT)
	};

	for (uint32_t i = 0; i < 2 * ARRAY_LEN(t); i++) {
		struct rig_config c = {.v6 = i % 2, .rtt_ms = 1};
		uint64_t count[LULL_TCP_STATES];
		const struct lull_row *row;
		struct lull_row rows[ROWS];
		struct rig r;

		rig_open(&r, &c);
		rig_reach(&r, t[i / 2].state, t[i / 2].held);
		assert_int_equal(all_rows(&r, rows, 10), 2);
		row = find(rows, 2, RIG_PEER_PORT);
		assert_non_null(row);
		assert_int_equal(row->state, t[i / 2].state);
		assert_int_equal(row->held, t[i / 2].row_held);
		assert_int_equal(row->sock.index != 0, t[i / 2].row_held);
		assert_int_equal(row->rqueue, t[i / 2].rqueue);
		if (row->wqueue != t[i / 2].wqueue ||
		    row->timer != t[i / 2].timer)
			fail_msg("%s: Send-Q %u, timer %u",
				 lull_state_name(t[i / 2].state), row->wqueue,
				 row->timer);
		assert_int_equal(row->timer_ms > 0, row->timer != 0);
		assert_int_equal(row->local.port, RIG_PORT);
		assert_int_equal(row->local_port_hi, RIG_PORT);
		assert_int_equal(row->local_bits, 128);
		assert_true(lull_addr_eq(&row->local.addr, &r.tuple.local));
		assert_true(lull_addr_eq(&row->remote.addr, &r.tuple.remote));
		lull_diag_states(r.s, count);
		assert_int_equal(count[t[i / 2].state], 1);
		assert_int_equal(count[LULL_TCP_LISTEN], 1);
		rig_close(&r);
	}
}

static void row_of_a_listener(void **unused)
{
	struct lull_listen l = {.size = sizeof l,
				.port_lo = 1000,
				.port_hi = 2000,
				.backlog = 5};
	struct lull_row rows[ROWS];
	struct lull_sock sock;
	struct rig r;

	rig_open(&r, &(struct rig_config){.no_listener = true});
	l.local = (struct lull_prefix){r.tuple.local, 120};
	assert_int_equal(lull_sock_listen(r.s, &l, &sock), 0);
	assert_int_equal(all_rows(&r, rows, 10), 1);
	assert_int_equal(rows[0].state, LULL_TCP_LISTEN);
	assert_int_equal(rows[0].local.port, 1000);
	assert_int_equal(rows[0].local_port_hi, 2000);
	assert_int_equal(rows[0].local_bits, 120);
	assert_int_equal(rows[0].sock.index, sock.index);
	assert_int_equal(rows[0].wqueue, 5);
	assert_true(rows[0].held);
	assert_false(rows[0].v6only);
	lull_sock_close(r.s, sock);
	assert_int_equal(all_rows(&r, rows, 10), 0);
	l.local = (struct lull_prefix){.bits = 0};
	l.flags = LULL_LISTEN_V6ONLY;
	assert_int_equal(lull_sock_listen(r.s, &l, &sock), 0);
	assert_int_equal(all_rows(&r, rows, 10), 1);
	assert_true(rows[0].v6only);
	lull_sock_close(r.s, sock);
	rig_close(&r);
}

static void row_of_traffic(void **unused)
{
	struct lull_row rows[ROWS];
	const struct lull_row *row;
	struct rig r;

	rig_open(&r, &(struct rig_config){.rtt_ms = 1});
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	rig_align(&r);
	rig_feed(&r, 100);
	rig_write(&r, 1460);
	rig_write(&r, 50);
	rig_pass_ms(&r, 100);
	all_rows(&r, rows, 10);
	row = find(rows, 2, RIG_PEER_PORT);
	assert_int_equal(row->rqueue, 100);
	assert_int_equal(row->wqueue, 1510);
	assert_int_equal(row->timer, LULL_ROW_TIMER_ON);
	assert_int_equal(row->timer_ms, RIG_RTO_MS - 100);
	assert_int_equal(row->rtt_us, 1000);
	assert_int_equal(row->rttvar_us, 500);
	assert_int_equal(row->rto_us, RIG_RTO_MS * 1000);
	assert_int_equal(row->mss_bytes, 1460);
	assert_int_equal(row->cwnd_bytes, 14600);
	assert_int_equal(row->snd_wnd_bytes, RIG_WND);
	assert_int_equal(row->retries, 0);
	rig_discard(&r);
	rig_pass_ms(&r, RIG_RTO_MS - 100);
	all_rows(&r, rows, 10);
	row = find(rows, 2, RIG_PEER_PORT);
	assert_int_equal(row->retries, 1);
	assert_int_equal(row->timer_ms, 2 * RIG_RTO_MS);
	rig_discard(&r);
	rig_close(&r);
}

static void many(struct lull_limits *l)
{
	l->closing = l->closing6 = 8192;
}

/* A connection in one of several states, from another port. */
static void add(struct rig *r, uint16_t port)
{
	rig_peer(r, port);
	rig_syn(r, LULL_SYN);
	rig_expect(r, LULL_SYN | LULL_ACK);
	if (port % 4 == 0)
		return; /* SYN_RECEIVED */
	rig_say(r, LULL_ACK, NULL, 0);
	assert_int_equal(lull_sock_accept(r->s, r->listener, port, &r->sock),
			 0);
	if (port % 4 == 1)
		return;
	lull_sock_close(r->s, r->sock);
	rig_run(r);
	rig_expect(r, LULL_FIN | LULL_ACK);
	if (port % 4 == 2)
		return;
	rig_say(r, LULL_FIN | LULL_ACK, NULL, 0);
	rig_expect(r, LULL_ACK);
}

static void end(struct rig *r)
{
	while (lull_shard_abort(r->s, 100))
		;
	rig_run(r);
	rig_discard(r);
	rig_close(r);
}

/* However few are read at a time, each is told once. */
static void rows_in_pieces(void **unused)
{
	static const int pieces[] = {1, 2, 3, 7, 40, 100};

	for (uint32_t i = 0; i < ARRAY_LEN(pieces); i++) {
		struct lull_row rows[ROWS];
		uint32_t len;
		struct rig r;

		rig_open(&r, &(struct rig_config){.backlog = 60});
		for (uint16_t p = 5000; p < 5040; p++)
			add(&r, p);
		len = all_rows(&r, rows, pieces[i]);
		assert_int_equal(len, 41);
		for (uint16_t p = 5000; p < 5040; p++) {
			static const uint8_t state[] = {LULL_TCP_SYN_RECEIVED,
							LULL_TCP_ESTABLISHED,
							LULL_TCP_FIN_WAIT_1,
							LULL_TCP_TIME_WAIT};
			const struct lull_row *row = find(rows, len, p);

			assert_non_null(row);
			assert_int_equal(row->state, state[p % 4]);
		}
		for (uint32_t a = 0; a < len; a++)
			for (uint32_t b = 0; b < a; b++)
				assert_true(rows[a].id != rows[b].id);
		for (uint32_t a = 0; a < len; a++)
			if (rows[a].state == LULL_TCP_ESTABLISHED)
				lull_sock_abort(r.s, rows[a].sock);
		end(&r);
	}
}

/* Some go while it is read: the others are still told, each once. */
static void rows_deleted_in_between(void **unused)
{
	struct lull_sock s[40];
	struct lull_row rows[ROWS];
	uint64_t cursor = 0;
	uint32_t len = 0;
	int got;
	struct rig r;

	rig_open(&r, &(struct rig_config){.backlog = 60});
	for (uint16_t p = 0; p < 40; p++) {
		add(&r, (uint16_t)(5001 + 4 * p));
		s[p] = r.sock;
	}
	while ((got = lull_diag_rows(r.s, &cursor, rows + len, 3)) > 0) {
		len += (uint32_t)got;
		if (len != 21)
			continue;
		for (uint16_t p = 0; p < 40; p += 2) {
			lull_sock_abort(r.s, s[p]);
			rig_run(&r);
		}
		rig_discard(&r);
		add(&r, 9001); /* and one comes */
		lull_sock_abort(r.s, r.sock);
		rig_run(&r);
		rig_discard(&r);
	}
	assert_int_equal(got, 0);
	for (uint16_t p = 1; p < 40; p += 2)
		assert_non_null(find(rows, len, (uint16_t)(5001 + 4 * p)));
	(void)find(rows, len, 9001);
	for (uint16_t p = 1; p < 40; p += 2)
		lull_sock_abort(r.s, s[p]);
	end(&r);
}

/* Bounded also when there is nothing to tell for long: call again. */
static void rows_skip_in_steps(void **unused)
{
	uint64_t cursor = 0;
	int got, again = 0, rows = 0;
	struct lull_row row;
	struct rig r;

	rig_open(&r, &(struct rig_config){
			     .limits = many,
			     .sysctl = {"net.lull.tcp_timewait_len=5"}});
	for (uint16_t i = 0; i < 5000; i++)
		add(&r, (uint16_t)(5003 + 4 * i));
	rig_knob(&r, "net.lull.tcp_timewait_len", "60");
	add(&r, 3);
	rig_pass_ms(&r, 6000);
	do {
		got = lull_diag_rows(r.s, &cursor, &row, 1);
		again += got == -EAGAIN;
		rows += got > 0;
	} while (got);
	assert_int_equal(rows, 2);
	assert_int_equal(again, 1);
	end(&r);
}

static void state_names(void **unused)
{
	static const char *const name[] = {
		"?",	      "ESTAB",	    "SYN-SENT",	 "SYN-RECV",
		"FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "UNCONN",
		"CLOSE-WAIT", "LAST-ACK",   "LISTEN",	 "CLOSING",
	};

	for (uint32_t i = 0; i < ARRAY_LEN(name); i++)
		assert_string_equal(lull_state_name((enum lull_tcp_state)i),
				    name[i]);
	assert_string_equal(lull_state_name((enum lull_tcp_state)12), "?");
	assert_string_equal(lull_state_name((enum lull_tcp_state) - 1), "?");
}

/* ---- counters ---- */

static bool counter_of(struct rig *r, const char *group, const char *name,
		       uint64_t *value)
{
	struct lull_counter c;

	for (uint32_t i = 0; lull_diag_counter(r->s, i, &c); i++)
		if (!strcmp(c.group, group) && !strcmp(c.name, name)) {
			*value = c.value;
			return true;
		}
	return false;
}

/* DESIGN 2: Linux's names for what Linux counts; each name once. */
static void counter_names(void **unused)
{
	static const char *const linux_names[][2] = {
		{"TcpExt", "TW"},
		{"TcpExt", "TWRecycled"},
		{"TcpExt", "TWKilled"},
		{"TcpExt", "TCPTimeWaitOverflow"},
		{"TcpExt", "PAWSActive"},
		{"TcpExt", "PAWSEstab"},
		{"TcpExt", "TCPAbortOnData"},
		{"TcpExt", "TCPAbortOnClose"},
		{"TcpExt", "TCPAbortOnLinger"},
		{"TcpExt", "ListenOverflows"},
		{"Tcp", "EstabResets"},
		{"Tcp", "RetransSegs"},
	};
	struct lull_counter a, b;
	uint64_t value;
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	for (uint32_t i = 0; i < ARRAY_LEN(linux_names); i++)
		if (!counter_of(&r, linux_names[i][0], linux_names[i][1],
				&value))
			fail_msg("there is no %s", linux_names[i][1]);
	for (uint32_t i = 0; lull_diag_counter(r.s, i, &a); i++) {
		assert_true(a.group[0] && a.name[0] && a.help[0]);
		for (uint32_t k = 0; k < i; k++) {
			assert_true(lull_diag_counter(r.s, k, &b));
			if (!strcmp(a.group, b.group) &&
			    !strcmp(a.name, b.name))
				fail_msg("%s is there twice", a.name);
		}
	}
	assert_false(lull_diag_counter(r.s, UINT32_MAX, &a));
	rig_close(&r);
}

/* As /proc/net/snmp counts them. */
static void counters_of_segments(void **unused)
{
	static const struct {
		const char *group, *name;
		uint64_t value;
	} t[] = {
		{"Tcp", "InSegs", 2},	    {"TcpExt", "TCPSynRetrans", 0},
		{"Tcp", "RetransSegs", 2},  {"Tcp", "PassiveOpens", 1},
		{"Tcp", "InErrs", 0},	    {"TcpExt", "TCPTimeouts", 2},
		{"Ip", "InReceives", 2},    {"Ip", "OutRequests", 5},
		{"Drop", "TcpChecksum", 0}, {"Tcp", "OutRsts", 0},
	};
	struct rig r;

	rig_open(&r, &(struct rig_config){.rtt_ms = 1});
	rig_reach(&r, LULL_TCP_ESTABLISHED, true); /* 2 in, 1 out */
	rig_write(&r, 2920);			   /* 2 out */
	rig_pass_ms(&r, 4 * RIG_RTO_MS);	   /* 2 again */
	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		uint64_t value;

		assert_true(counter_of(&r, t[i].group, t[i].name, &value));
		if (value != t[i].value)
			fail_msg("%s is %u, not %u", t[i].name, (uint32_t)value,
				 (uint32_t)t[i].value);
	}
	rig_discard(&r);
	rig_close(&r);
}

/* RFC 4022: those that hold only old text are no segments out. */
static void old_segments_are_not_out(void **unused)
{
	struct rig r;

	rig_open(&r, &(struct rig_config){.rtt_ms = 1});
	rig_reach(&r, LULL_TCP_ESTABLISHED, true); /* SYN-ACK */
	rig_write(&r, 2920);
	rig_pass_ms(&r, 4 * RIG_RTO_MS);
	assert_int_equal(rig_count(&r, LULL_COUNT_RETRANS_SEGS), 2);
	assert_int_equal(rig_count(&r, LULL_COUNT_OUT_SEGS), 3);
	rig_discard(&r);
	rig_close(&r);
}

/* A segment with a broken sum: both of Linux's counters, and a name. */
static void counters_of_a_bad_sum(void **unused)
{
	uint8_t packet[256];
	uint32_t n;
	uint64_t value;
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	n = rig_build(&r, LULL_SYN, r.seq, lull_seq(0), "abc", 3, packet);
	packet[n - 1] ^= 1;
	rig_packet(&r, packet, n);
	rig_expect_none(&r); /* MUST-3 */
	assert_int_equal(rig_state(&r), LULL_TCP_CLOSED);
	assert_true(counter_of(&r, "Tcp", "InCsumErrors", &value));
	assert_int_equal(value, 1);
	assert_true(counter_of(&r, "Tcp", "InErrs", &value));
	assert_int_equal(value, 1);
	assert_true(counter_of(&r, "Drop", "TcpChecksum", &value));
	assert_int_equal(value, 1);
	rig_close(&r);
}

/* ---- pools, knobs ---- */

static void pools(void **unused)
{
	struct lull_pool p, q;
	uint32_t i;
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	rig_reach(&r, LULL_TCP_ESTABLISHED, true);
	for (i = 0; lull_diag_pool(r.s, i, &p); i++) {
		assert_true(p.name[0] && p.limit > 0);
		assert_true(p.used <= p.peak && p.peak <= p.limit);
		for (uint32_t k = 0; k < i; k++) {
			assert_true(lull_diag_pool(r.s, k, &q));
			assert_string_not_equal(p.name, q.name);
		}
		if (!strcmp(p.name, "connections")) {
			assert_int_equal(p.used, 1);
			assert_int_equal(p.limit, 64);
		}
		if (!strcmp(p.name, "half-open")) {
			assert_int_equal(p.used, 0);
			assert_int_equal(p.peak, 1);
		}
		if (!strcmp(p.name, "handles"))
			assert_int_equal(p.used, 2);
	}
	assert_true(i >= 10);
	assert_false(lull_diag_pool(r.s, UINT32_MAX, &p));
	rig_close(&r);
}

static void knob_list(void **unused)
{
	struct lull_knob_info k;
	char text[64];
	uint32_t i;
	struct rig r;

	rig_open(&r, &(struct rig_config){
			     .sysctl = {"net.ipv4.tcp_fin_timeout=7"}});
	for (i = 0; lull_diag_knob(r.s, i, &k); i++) {
		assert_true(k.help[0] && k.values >= 0 && k.values <= 3);
		assert_true(lull_sysctl_get(r.s, k.name, text, 64) >= 0);
		for (int32_t v = 0; v < k.values; v++)
			assert_true(k.value[v] >= k.min && k.value[v] <= k.max);
		if (!strcmp(k.name, "net.ipv4.tcp_fin_timeout")) {
			assert_int_equal(k.value[0], 7);
			assert_int_equal(k.defaults[0], 60);
			assert_string_equal(k.unit, "seconds");
		}
		/* the rig's limits */
		if (strstr(k.name, "tcp_max_") &&
		    !strstr(k.name, "tcp_max_reordering"))
			assert_int_equal(k.defaults[0], 64);
	}
	assert_true(i > 20);
	for (i = 0; lull_diag_knob(NULL, i, &k); i++)
		assert_int_equal(k.value[0], k.defaults[0]);
	rig_close(&r);
}

/* ---- the trace ring ---- */

/* 3.3.2, figure 5: every change of a connection's life, in order. */
static void trace_of_a_life(void **unused)
{
	static const uint8_t life[] = {
		LULL_TCP_CLOSED,      LULL_TCP_SYN_RECEIVED,
		LULL_TCP_ESTABLISHED, LULL_TCP_FIN_WAIT_1,
		LULL_TCP_FIN_WAIT_2,  LULL_TCP_TIME_WAIT,
		LULL_TCP_CLOSED,
	};
	struct lull_trace_record t[16];
	uint64_t cursor = 0;
	struct rig r;

	rig_open(&r, &(struct rig_config){0});
	cursor = r.s->g.trace.next;
	rig_reach(&r, LULL_TCP_TIME_WAIT, false);
	rig_pass_ms(&r, 60001);
	assert_int_equal(lull_diag_trace(r.s, &cursor, t, 16), sizeof life - 1);
	for (uint32_t i = 0; i < sizeof life - 1; i++) {
		assert_int_equal(t[i].kind, LULL_TRACE_STATE);
		assert_int_equal(t[i].from, life[i]);
		assert_int_equal(t[i].to, life[i + 1]);
		assert_int_equal(t[i].remote.port, RIG_PEER_PORT);
		assert_int_equal(t[i].local.port, RIG_PORT);
		assert_int_equal(t[i].what, life[i + 1] == LULL_TCP_CLOSED
						    ? LULL_END_TIME
						    : 0);
		assert_true(i == 0 || t[i].now_ns >= t[i - 1].now_ns);
	}
	/* A refusal has its name, and the segment's numbers. */
	rig_put(&r, LULL_ACK, lull_seq(123), lull_seq(456), NULL, 0);
	assert_int_equal(lull_diag_trace(r.s, &cursor, t, 16), 1);
	assert_int_equal(t[0].kind, LULL_TRACE_DROP);
	assert_string_equal(lull_drop_name(t[0].what), "ListenAck");
	assert_int_equal(t[0].seq, 123);
	assert_int_equal(t[0].ack, 456);
	assert_int_equal(lull_diag_trace(r.s, &cursor, t, 16), 0);
	assert_string_equal(lull_drop_name(0), "?");
	assert_string_equal(lull_drop_name(9999), "?");
	rig_discard(&r);
	rig_close(&r);
}

static void no_traces(struct lull_limits *l)
{
	l->traces = 0;
}

/* The ring has run over the reader: it goes on with the oldest there is. */
static void trace_overrun(void **unused)
{
	struct lull_trace_record t[100];
	uint64_t cursor = 0;
	uint32_t n = 0;
	struct rig r;

	rig_open(&r, &(struct rig_config){0}); /* 64 records */
	for (uint32_t i = 0; i < 1000; i++)
		rig_put(&r, LULL_RST, lull_seq(i), lull_seq(0), NULL, 0);
	while (lull_diag_trace(r.s, &cursor, t + n, 7) > 0)
		n = lull_min(n + 7, 93);
	assert_int_equal(cursor, r.s->g.trace.next);
	cursor = 5;
	assert_int_equal(lull_diag_trace(r.s, &cursor, t, 100), 64);
	assert_int_equal(t[0].seq, 1000 - 64);
	assert_int_equal(t[63].seq, 999);
	rig_close(&r);

	rig_open(&r, &(struct rig_config){.limits = no_traces});
	cursor = 0;
	assert_int_equal(lull_diag_trace(r.s, &cursor, t, 100), 0);
	rig_close(&r);
}

/* ---- creation ---- */

static void limits_are_checked(void **unused)
{
	static const struct {
		size_t field;
		uint32_t most;
		bool ring;
	} t[] = {
#define F(name, most, ring) {offsetof(struct lull_limits, name), most, ring},
		F(conns, 1 << 26, false) F(half_open, 1 << 26, false) F(
			closing, 1 << 26, false) F(closing6, 1 << 26, false)
			F(socks, 1 << 27, false) F(rx_frames, 1 << 20, true)
				F(tx_frames, 1 << 20, true)
					F(listeners, 65535, false)
						F(datagrams, 65536, false)};
	size_t mem, closing, mem0, closing0;
	struct lull_config c;

	for (uint32_t i = 0; i < ARRAY_LEN(t); i++) {
		uint32_t *field;

		lull_config_init(&c, 64, 64);
		field = (uint32_t *)(void *)((char *)&c.limits + t[i].field);
		assert_int_equal(lull_limits_size(&c.limits, &mem0, &closing0),
				 0);
		*field = 0;
		assert_int_equal(lull_limits_size(&c.limits, &mem, &closing),
				 -EINVAL);
		*field = t[i].most + 1;
		assert_int_equal(lull_limits_size(&c.limits, &mem, &closing),
				 -EINVAL);
		*field = 3;
		assert_int_equal(lull_limits_size(&c.limits, &mem, &closing),
				 t[i].ring ? -EINVAL : 0);
		*field = t[i].most;
		assert_int_equal(lull_limits_size(&c.limits, &mem, &closing),
				 0);
		assert_true(mem > mem0 && closing >= closing0);
		assert_int_equal(mem % PAGE + closing % PAGE, 0);
	}
	lull_config_init(&c, 64, 64);
	c.limits.size--;
	assert_int_equal(lull_limits_size(&c.limits, &mem, &closing), -EINVAL);
	lull_config_init(&c, 64, 64);
	c.limits.traces = 3;
	assert_int_equal(lull_limits_size(&c.limits, &mem, &closing), -EINVAL);
	c.limits.traces = 0;
	assert_int_equal(lull_limits_size(&c.limits, &mem, &closing), 0);
}

static void init_is_checked(void **unused)
{
	struct lull_config good, c;
	struct lull_memory m, bad;
	struct lull_shard *s;

	lull_config_init(&good, 4, 4);
	assert_int_equal(lull_memory_map(&good.limits, &m), 0);
#define TRY(change, result)           \
	(c = good, bad = m, (change), \
	 assert_int_equal(lull_shard_init(&s, &c, bad, 0, NULL), (result)))
	TRY(c.size--, -EINVAL);
	TRY(c.mtu = 1279, -EINVAL);
	TRY(c.mtu = 65536, -EINVAL);
	TRY(c.profile = (enum lull_profile)2, -EINVAL);
	TRY(c.limits.conns = 0, -EINVAL);
	TRY(bad.mem = NULL, -EFAULT);
	TRY(bad.closing = NULL, -EFAULT);
	TRY(bad.mem = (char *)m.mem + 64, -EFAULT);
	TRY(bad.closing = (char *)m.closing + 64, -EFAULT);
	TRY(bad.mem_len--, -ENOMEM);
	TRY(bad.closing_len--, -ENOMEM);
	TRY(c.mtu = 1280, 0);
#undef TRY
	memset(m.mem, 0, m.mem_len);
	assert_int_equal(lull_shard_init(&s, &good, m, 0,
					 (struct lull_restore *)(void *)&m),
			 -EINVAL);
	lull_memory_unmap(&m);
}

/* What lull_config_init() makes is good, for as many as may be asked for. */
static void defaults_hold(void **unused)
{
	static const uint32_t n[] = {1,	      2,	1000,	 1000000,
				     8000000, 10000000, 1U << 26};

	for (uint32_t i = 0; i < ARRAY_LEN(n); i++) {
		struct lull_config c;
		size_t mem, closing;

		lull_config_init(&c, n[i], n[i]);
		assert_int_equal(c.limits.conns, n[i]);
		if (lull_limits_size(&c.limits, &mem, &closing))
			fail_msg("the defaults for %u do not hold", n[i]);
	}
}

static size_t resident(void *at, size_t len)
{
	static unsigned char page[1 << 16];
	size_t pages = 0;

	for (size_t off = 0; off < len; off += sizeof page * PAGE) {
		size_t n = len - off < sizeof page * PAGE ? len - off
							  : sizeof page * PAGE;

		assert_int_equal(mincore((char *)at + off, n, page), 0);
		for (size_t i = 0; i < (n + PAGE - 1) / PAGE; i++)
			pages += page[i] & 1;
	}
	return pages * PAGE;
}

/* DESIGN 2: a limit of ten million costs under 4 MiB until they come. */
static void ten_million_cost_nothing(void **unused)
{
	struct lull_config c;
	struct lull_memory m;
	struct lull_shard *s;

	lull_config_init(&c, 10000000, 10000000);
	c.limits.bufs_2k = c.limits.bufs_256 = c.limits.ranges = 100000;
	assert_int_equal(lull_memory_map(&c.limits, &m), 0);
	assert_int_equal(lull_shard_init(&s, &c, m, 0, NULL), 0);
	assert_true(resident(m.mem, m.mem_len) +
			    resident(m.closing, m.closing_len) <
		    4 << 20);
	lull_memory_unmap(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_of_each_state),
		cmocka_unit_test(row_of_a_listener),
		cmocka_unit_test(row_of_traffic),
		cmocka_unit_test(rows_in_pieces),
		cmocka_unit_test(rows_deleted_in_between),
		cmocka_unit_test(rows_skip_in_steps),
		cmocka_unit_test(state_names),
		cmocka_unit_test(counter_names),
		cmocka_unit_test(counters_of_segments),
		cmocka_unit_test(old_segments_are_not_out),
		cmocka_unit_test(counters_of_a_bad_sum),
		cmocka_unit_test(pools),
		cmocka_unit_test(knob_list),
		cmocka_unit_test(trace_of_a_life),
		cmocka_unit_test(trace_overrun),
		cmocka_unit_test(limits_are_checked),
		cmocka_unit_test(init_is_checked),
		cmocka_unit_test(defaults_hold),
		cmocka_unit_test(ten_million_cost_nothing),
	};

	return RUN("diag", tests);
}
