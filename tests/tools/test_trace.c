/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_trace.c: what `lull trace` makes of records (tools/lull/trace_line.c,
 * trace_pairs.c): who closed first, why it ended, filters, and text from the
 * other side.
 */
#include <string.h>

#include <lull/host.h>

#include "../unit/test.h"
#include "../../tools/lull/trace.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof(a)[0])

enum {
	CLOSED = LULL_TCP_CLOSED,
	ESTAB = LULL_TCP_ESTABLISHED,
	FW1 = LULL_TCP_FIN_WAIT_1,
	FW2 = LULL_TCP_FIN_WAIT_2,
	TW = LULL_TCP_TIME_WAIT,
	CW = LULL_TCP_CLOSE_WAIT,
	LAST = LULL_TCP_LAST_ACK,
	SYN_IN = LULL_TCP_SYN_RECEIVED,
	SYN_OUT = LULL_TCP_SYN_SENT,
	CROSS = LULL_TCP_CLOSING,
};

static void set_addr(uint8_t *into, const char *text)
{
	struct lull_addr addr;

	assert_int_equal(lull_addr_parse(text, &addr), 0);
	memcpy(into, addr.b, sizeof addr.b);
}

static struct lull_ctl_trace record(uint8_t from, uint8_t to, uint8_t what)
{
	static uint64_t last;
	const uint64_t index = ++last;
	struct lull_ctl_trace r = {
		.index = index,
		.now_ns = 1000000000 + index * 1000,
		.kind = LULL_TRACE_STATE,
		.from = from,
		.to = to,
		.what = what,
		.lport = 80,
		.rport = 40000,
		.seq = 1,
		.ack = 2,
	};

	set_addr(r.local, "10.9.3.2");
	set_addr(r.remote, "10.9.3.1");
	return r;
}

/* The path to the end, and what is said then. */
static const struct life {
	uint8_t state[8]; /* the last one is followed by CLOSED */
	uint8_t what;
	const char *want; /* as far as "; lived" */
	bool begun;
} lives[] = {
	{{CLOSED, SYN_IN, ESTAB, FW1, FW2, TW},
	 LULL_END_TIME,
	 "its time is over; we closed first",
	 true},
	{{CLOSED, SYN_IN, ESTAB, FW1, CROSS, TW},
	 LULL_END_TIME,
	 "its time is over; both closed at once",
	 true},
	{{CLOSED, SYN_OUT, ESTAB, CW, LAST},
	 LULL_END_FIN,
	 "FIN both ways; the peer closed first",
	 true},
	{{CLOSED, SYN_OUT, ESTAB, CW},
	 LULL_END_RST_OUT,
	 "RST sent; the peer closed first",
	 true},
	{{CLOSED, SYN_IN, ESTAB},
	 LULL_END_RST_IN,
	 "RST received; the peer closed first",
	 true},
	{{CLOSED, SYN_IN, ESTAB},
	 LULL_END_TIMEOUT,
	 "time-out; nobody closed",
	 true},
	{{CLOSED, SYN_OUT}, LULL_END_ICMP, "ICMP error; nobody closed", true},
	{{CLOSED, SYN_OUT},
	 LULL_END_RETRIED,
	 "again from another port; nobody closed",
	 true},
	/* The beginning was not seen. */
	{{TW},
	 LULL_END_TIME,
	 "its time is over; who closed first is unknown",
	 false},
	{{FW2, TW}, LULL_END_EVICTED, "evicted; we closed first", false},
	{{LAST}, LULL_END_FIN, "FIN both ways; the peer closed first", false},
	{{CROSS, TW},
	 LULL_END_REUSED,
	 "reused by a new connection; both closed at once",
	 false},
	{{ESTAB}, LULL_END_RST_OUT, "RST sent; we closed first", false},
	/* Taken over: what was before is another stack's. */
	{{CLOSED, TW},
	 LULL_END_TIME,
	 "its time is over; who closed first is unknown",
	 false},
	/* An older lull does not say why, a newer one may know more. */
	{{ESTAB},
	 LULL_END_UNKNOWN,
	 "unknown; who closed first is unknown",
	 false},
	{{ESTAB, CW, LAST}, 200, "unknown; the peer closed first", false},
};

static void lines_say_who_and_why(void **unused)
{
	struct trace_pairs *pairs = trace_pairs_new();
	struct trace_width width = {0};
	char text[TRACE_LINE];

	for (size_t i = 0; i < ARRAY_LEN(lives); i++) {
		const struct life *life = &lives[i];
		struct lull_ctl_trace r;
		struct trace_seen seen = {0};
		const char *at, *lived;

		for (int k = 0; life->state[k]; k++) {
			bool last = !life->state[k + 1];

			r = record(life->state[k],
				   last ? CLOSED : life->state[k + 1],
				   last ? life->what : 0);
			seen = trace_note(pairs, &r);
		}
		trace_line(&width, 0, &r, &seen, text);
		at = strstr(text, "-> UNCONN");
		assert_non_null(at);
		at += 9 + strspn(at + 9, " ");
		lived = strstr(text, "; lived 0.0000");
		if (strncmp(at, life->want, strlen(life->want)) != 0 ||
		    (bool)lived != life->begun ||
		    (!lived && strlen(at) != strlen(life->want)))
			fail_msg("life %zu: %s, not %s", i, at, life->want);
	}
	free(pairs);
}

static void lines_are_aligned(void **unused)
{
	static const char *const want[] = {
		"00:00:01.500000  10.9.3.2:80     10.9.3.1:40000  ESTAB -> "
		"CLOSE-WAIT  the peer closed first",
		"00:00:01.500000  *:*             [fd00::1]:*     UNCONN -> "
		"LISTEN",
		"00:00:01.500000  10.9.3.2:80     10.9.3.1:40000  "
		"refused Bad?[1mName  seq 1 ack 2",
		"00:00:01.500000  10.9.3.2:80     10.9.3.1:40000  77 -> 99",
		"00:00:01.500000  10.9.3.2:80     10.9.3.1:40000  kind 9",
	};
	struct trace_width width = {14, 14, 19};
	struct trace_seen seen = {0};
	struct lull_ctl_trace r[ARRAY_LEN(want)];
	char text[TRACE_LINE];

	r[0] = record(ESTAB, CW, 0);
	r[1] = record(CLOSED, LULL_TCP_LISTEN, 0);
	r[1].lport = r[1].rport = 0;
	set_addr(r[1].local, "::");
	set_addr(r[1].remote, "fd00::1");
	r[2] = record(0, 0, 1);
	r[2].kind = LULL_TRACE_DROP;
	memcpy(r[2].name, "Bad\033[1mName", 11);
	r[3] = record(77, 99, 0);
	r[4] = record(0, 0, 0);
	r[4].kind = 9;
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		r[i].now_ns = 1000000000;
		trace_line(&width, 500000000, &r[i], &seen, text);
		if (strcmp(text, want[i]) != 0)
			fail_msg("%zu: \"%s\", not \"%s\"", i, text, want[i]);
	}
	/* A name without its 0. */
	memset(r[2].name, 'x', sizeof r[2].name);
	trace_line(&width, 0, &r[2], &seen, text);
	assert_non_null(
		strstr(text, " refused xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "));
}

/* Whoever speaks last is kept; a table that is full forgets, and says so. */
static void memory_is_bounded(void **unused)
{
	struct trace_pairs *pairs = trace_pairs_new();
	uint32_t n = 4 * TRACE_PAIRS, known = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct lull_ctl_trace r = record(FW2, TW, 0);

		memcpy(r.remote + 12, &i, sizeof i);
		(void)trace_note(pairs, &r);
	}
	for (uint32_t i = 0; i < n; i++) {
		struct lull_ctl_trace r = record(TW, CLOSED, LULL_END_TIME);
		struct trace_seen seen;

		memcpy(r.remote + 12, &i, sizeof i);
		seen = trace_note(pairs, &r);
		known += seen.first == TRACE_WE;
		if (seen.first != TRACE_WE)
			assert_int_equal(seen.first, TRACE_UNKNOWN);
	}
	assert_in_range(known, 1, TRACE_PAIRS);
	free(pairs);
}

static void filters_fit(void **unused)
{
	static const struct {
		const char *text;
		bool fits;
	} t[] = {
		{"10.9.3.1", true},
		{"10.9.3.2", true},
		{"10.9.3.3", false},
		{"10.9.0.0/16", true},
		{"10.8.0.0/15", true},
		{"10.10.0.0/15", false},
		{":80", true},
		{":40000", true},
		{":81", false},
		{"10.9.3.1:40000", true},
		{"10.9.3.1:80", false},
		{"10.9.3.0/24:80", true},
		{"*:80", true},
		{"fd00::1", false},
		{"[fd00::1]:80", false},
		{"::/0", true},
		{"[::ffff:10.9.3.1]", true},
		{"0.0.0.0/0", true},
	};
	static const char *const bad[] = {
		"",	  "80",	     "10.9.3.1:",   "10.9.3.1:0",
		":65536", ":-1",     "10.9.3.1/33", "web:80",
		"[::1",	  "[::1]:x", ":80x",	    "10.9.3.1:00000080",
	};
	const struct lull_ctl_trace r = record(ESTAB, CW, 0);
	struct trace_filter f;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_int_equal(trace_filter(t[i].text, &f), 0);
		if (trace_passes(&f, &r) != t[i].fits)
			fail_msg("%s", t[i].text);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (trace_filter(bad[i], &f) == 0)
			fail_msg("%s is taken", bad[i]);
}

static void expect_json(json_t *json, const char *want)
{
	char *text = json_dumps(json, JSON_COMPACT);

	assert_string_equal(text, want);
	free(text);
	json_decref(json);
}

static void json_has_it_all(void **unused)
{
	struct trace_seen seen = {.first = TRACE_WE, .since_ns = 1};
	struct lull_ctl_trace r = record(TW, CLOSED, LULL_END_EVICTED);

	r.index = 7;
	r.now_ns = 1001;
	expect_json(trace_json(999000, &r, &seen),
		    "{\"schema\":1,\"kind\":\"state\",\"index\":7,"
		    "\"now_ns\":1001,\"time\":\"1970-01-01T00:00:00.001000Z\","
		    "\"local\":{\"address\":\"10.9.3.2\",\"port\":80},"
		    "\"peer\":{\"address\":\"10.9.3.1\",\"port\":40000},"
		    "\"from\":\"TIME-WAIT\",\"to\":\"UNCONN\",\"snd_nxt\":1,"
		    "\"rcv_nxt\":2,\"why\":\"evicted\","
		    "\"closed_first\":\"local\",\"lived_ns\":1000}");
	r.kind = LULL_TRACE_DROP;
	memcpy(r.name, "\xff\xfeX", 4); /* no UTF-8 */
	expect_json(trace_json(999000, &r, &seen),
		    "{\"schema\":1,\"kind\":\"refusal\",\"index\":7,"
		    "\"now_ns\":1001,\"time\":\"1970-01-01T00:00:00.001000Z\","
		    "\"local\":{\"address\":\"10.9.3.2\",\"port\":80},"
		    "\"peer\":{\"address\":\"10.9.3.1\",\"port\":40000},"
		    "\"name\":\"??X\",\"seq\":1,\"ack\":2}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_say_who_and_why),
		cmocka_unit_test(lines_are_aligned),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(filters_fit),
		cmocka_unit_test(json_has_it_all),
	};

	setenv("TZ", "UTC", 1);
	return RUN("trace", tests);
}
