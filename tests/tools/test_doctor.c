/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_doctor.c: the doctor's rules (tools/doctor): each fires on its facts and
 * no other does, and all are silent on a healthy host, on an idle one, and
 * where nothing is known.
 */
#include <stdlib.h>
#include <string.h>

#include "../unit/test.h"
#include "../../tools/doctor/rules.h"
#include "doctor_hosts.h"

/* ---- troubles ---- */

static void add_group(enum kind kind, uint32_t n)
{
	struct group *g = &f.group[f.groups++];

	*g = (struct group){.kind = kind,
			    .pid = 42,
			    .fd = 9,
			    .n = n,
			    .old = n,
			    .fds = 100,
			    .fds_max = 1024};
	strcpy(g->name, "leaker");
	set_addr(g->example.src, 10, 1);
	set_addr(g->example.dst, 10, 2);
}

static void stay(int state, enum kind kind, int64_t n)
{
	states(state, n);
	f.sum[kind].n = f.sum[kind].old = n;
	add_group(kind, (uint32_t)n);
}

static void d1(void)
{
}

static void d2(void)
{
	f.tw_client = 9000;
	add_dest(8000, 7900);
}

static void d3(void)
{
	add_dest(20000, 0);
}

static void d3_full(void)
{
	add_dest(28232, 28232);
}

static void d3_soon(void)
{
	struct dest *d = add_dest(12000, 11000);

	d->used[0] = 10000;
	count(C_ACTIVE_OPENS, 0, 2000);
}

static void d4(void)
{
	f.sources = 1;
	set_addr(f.source[0].addr, 10, 1);
	f.source[0].rows = f.source[0].ports = 15000;
	f.source[0].dests = 40;
}

static void d5(void)
{
	struct dest *d = add_dest(3000, 3000);

	memcpy(d->dst, d->src, sizeof d->dst);
}

static void d6(void)
{
	f.range_lo = 1000;
}

static void d6_parity(void)
{
	f.range_hi = 61000;
}

static void d7(void)
{
	count(C_TW_OVERFLOW, 10, 400);
}

static void d7_nearly(void)
{
	f.tw_minisocks = 131000;
}

static void d7_low(void)
{
	f.knob[K_MAX_TW] = 100000;
}

static void d8(void)
{
	stay(CLOSE_WAIT, KIND_CLOSE_WAIT, 60);
}

static void d8_growing(void)
{
	stay(CLOSE_WAIT, KIND_CLOSE_WAIT, 20);
	f.state[1][CLOSE_WAIT] = 30;
}

static void d8_descriptors(void)
{
	d8();
	f.group[0].fds = 1000;
}

static void d8_few_but_old(void)
{
	stay(CLOSE_WAIT, KIND_CLOSE_WAIT, 3);
	f.sum[KIND_CLOSE_WAIT].oldest_ms = 3600000;
}

static void d9(void)
{
	stay(CLOSE_WAIT, KIND_CLOSE_WAIT_QUEUED, 40);
}

static void d10(void)
{
	stay(CLOSE_WAIT, KIND_CLOSE_WAIT, 60);
	f.sum[KIND_CLOSE_WAIT].stuck = 60;
}

static void d11(void)
{
	stay(FIN_WAIT_1, KIND_FIN_WAIT_1, 30);
}

static void d12_held(void)
{
	stay(FIN_WAIT_2, KIND_FIN_WAIT_2_HELD, 70);
}

static void d12_orphans(void)
{
	stay(FIN_WAIT_2, KIND_FIN_WAIT_2_ORPHAN, 3000);
}

static void d13(void)
{
	f.orphans[1] = 70000;
}

static void d13_full(void)
{
	f.orphans[1] = 131072;
}

static void d13_log(void)
{
	f.log_orphans = 3;
}

static void d14(void)
{
	stay(CLOSING, KIND_CLOSING, 12);
}

static void d15(void)
{
	states(ESTABLISHED, 70);
	stay(SYN_RECV, KIND_SYN_RECV, 348);
}

static void d15_cookies(void)
{
	count(C_REQQ_COOKIES, 5, 9);
}

static void d15_drops(void)
{
	count(C_REQQ_DROP, 5, 9);
	count(C_LISTEN_DROPS, 5, 9);
}

static void d16(void)
{
	count(C_LISTEN_OVERFLOWS, 5, 9);
	count(C_LISTEN_DROPS, 5, 9);
}

static void d16_full(void)
{
	d16();
	f.listeners = 0;
	add_listener(129, 128);
}

static void d17(void)
{
	count(C_LISTEN_DROPS, 5, 9);
}

static void d18(void)
{
	states(SYN_SENT, 40);
	f.syn_dest = *add_dest(40, 0);
	f.syn_dest.syn_sent = f.syn_dest.syn_old = 40;
}

static void d19(void)
{
	count(C_PAWS_TIMEWAIT, 0, 6);
}

static void d19_old_kernel(void)
{
	count(C_PAWS_TIMEWAIT, UNKNOWN, UNKNOWN);
	count(C_PAWS_ESTAB, 0, 6);
}

static void d20(void)
{
	f.knob[K_CT_COUNT] = 220000;
}

static void d20_full(void)
{
	f.knob[K_CT_COUNT] = 262144;
	count(C_CT_DROP, 0, 9);
}

static void d21(void)
{
	f.knob[K_TW_RECYCLE] = 1;
}

static void add_line(const char *name, bool recycle)
{
	struct file_line *l = &f.file[f.files++];

	strcpy(l->file, "/etc/sysctl.d/9.conf");
	strcpy(l->name, name);
	l->line = 4;
	l->unknown = true;
	l->recycle = recycle;
}

static void d21_line(void)
{
	add_line("net.ipv4.tcp_tw_recycle", true);
}

static void d22(void)
{
	add_line("net.ipv4.tcp_keepalive_intv1", false);
}

static void d23(void)
{
	f.knob[K_TIMESTAMPS] = 0;
}

static void d24(void)
{
	f.sum[KIND_IDLE] = (struct sum){.n = 9, .idle = {9, 7, 2}};
	add_group(KIND_IDLE, 9);
}

static void d25(void)
{
	f.sum[KIND_DEAD].n = 40;
	add_group(KIND_DEAD, 40);
}

static void d25_one(void)
{
	f.sum[KIND_DEAD].n = 1;
}

static void d26(void)
{
	count(C_ABORT_ON_DATA, 0, 200);
}

static void d26_unread(void)
{
	count(C_ABORT_ON_CLOSE, 0, 200);
}

static void d27(void)
{
	count(C_ABORT_ON_TIMEOUT, 0, 3);
}

static void d28(void)
{
	f.lone[f.lones++] = (struct lone){8080, 50123, 12};
}

static void d29(void)
{
	f.lone[f.lones++] = (struct lone){5060, 80, 1};
}

static void d30(void)
{
	struct space *s = &f.space[f.spaces++];

	strcpy(s->name, "namespace web");
	strcpy(s->knob, "net.core.somaxconn");
	s->theirs = 128;
	s->ours = 4096;
}

static void d31(void)
{
	add_dest(15000, 0);
}

static void d32(void)
{
	count(C_TW_RECYCLED, 0, 40);
}

static void l1(void)
{
	f.origin = FROM_LULL;
	count(C_LULL_TW_EVICTED, 0, 4);
}

static void l2(void)
{
	f.origin = FROM_LULL;
	add_dest(10, 5)->no_reuse = true;
}

static void l3(void)
{
	f.origin = FROM_LULL;
	f.pools_empty = 3;
	strcpy(f.pool, "conns");
}

static void l4(void)
{
	f.origin = FROM_LULL;
	count(C_LULL_BROKEN, 0, 1);
}

static const struct {
	const char *id;
	enum severity severity;
	void (*make)(void);
} troubles[] = {
	{"D1", INFO, d1},
	{"D2", INFO, d2},
	{"D3", WARN, d3},
	{"D3", CRITICAL, d3_full},
	{"D3", WARN, d3_soon},
	{"D4", WARN, d4},
	{"D5", INFO, d5},
	{"D6", WARN, d6},
	{"D6", INFO, d6_parity},
	{"D7", CRITICAL, d7},
	{"D7", WARN, d7_nearly},
	{"D7", INFO, d7_low},
	{"D8", WARN, d8},
	{"D8", WARN, d8_growing},
	{"D8", CRITICAL, d8_descriptors},
	{"D8", INFO, d8_few_but_old},
	{"D9", WARN, d9},
	{"D10", WARN, d10},
	{"D11", WARN, d11},
	{"D12", WARN, d12_held},
	{"D12", WARN, d12_orphans},
	{"D13", WARN, d13},
	{"D13", CRITICAL, d13_full},
	{"D13", INFO, d13_log},
	{"D14", WARN, d14},
	{"D15", WARN, d15},
	{"D15", WARN, d15_cookies},
	{"D15", CRITICAL, d15_drops},
	{"D16", WARN, d16},
	{"D16", CRITICAL, d16_full},
	{"D17", WARN, d17},
	{"D18", WARN, d18},
	{"D19", WARN, d19},
	{"D19", INFO, d19_old_kernel},
	{"D20", WARN, d20},
	{"D20", CRITICAL, d20_full},
	{"D21", CRITICAL, d21},
	{"D21", INFO, d21_line},
	{"D22", INFO, d22},
	{"D23", WARN, d23},
	{"D24", INFO, d24},
	{"D25", WARN, d25},
	{"D25", INFO, d25_one},
	{"D26", WARN, d26},
	{"D26", WARN, d26_unread},
	{"D27", INFO, d27},
	{"D28", INFO, d28},
	{"D29", INFO, d29},
	{"D30", INFO, d30},
	{"D31", INFO, d31},
	{"D32", INFO, d32},
	{"L1", WARN, l1},
	{"L2", INFO, l2},
	{"L3", WARN, l3},
	{"L4", CRITICAL, l4},
};

/* ---- tests ---- */

static const struct finding *find_id(const char *id)
{
	for (int i = 0; i < sheet.findings; i++)
		if (strcmp(sheet.finding[i].rule->id, id) == 0)
			return &sheet.finding[i];
	return NULL;
}

/* What it says is whole: numbers with sources, a cause, a way out. */
static void expect_whole(const struct finding *n)
{
	static const char *const harmful[] = {
		"tw_recycle=1",	       "kill -9",     "ss -K", "timestamps=0",
		"abort_on_overflow=1", "syncookies=2"};

	assert_true(n->evidences > 0);
	assert_in_range(strlen(n->cause), 20, sizeof n->cause - 2);
	assert_in_range(strlen(n->symptom), 10, LINE - 2);
	assert_true(n->safes > 0);
	for (int i = 0; i < n->evidences; i++) {
		assert_true(n->evidence[i].source[0] != 0);
		assert_in_range(strlen(n->evidence[i].what), 2, LINE - 2);
	}
	for (int i = 0; i < n->safes; i++) {
		assert_in_range(strlen(n->safe[i]), 7, LINE - 2);
		for (size_t h = 0; h < ARRAY_LEN(harmful); h++)
			assert_null(strstr(n->safe[i], harmful[h]));
	}
}

static void each_trouble_is_found_by_its_rule_and_no_other(void **unused)
{
	for (size_t i = 0; i < ARRAY_LEN(troubles); i++) {
		const struct finding *n;

		make_busy();
		troubles[i].make();
		rules_judge(&f, &sheet);
		n = find_id(troubles[i].id);
		if (!n)
			fail_msg("%zu: %s is silent", i, troubles[i].id);
		if (n->severity != troubles[i].severity)
			fail_msg("%zu: %s has severity %d", i, troubles[i].id,
				 (int)n->severity);
		expect_whole(n);
		for (int k = 0; k < sheet.findings; k++) {
			const struct finding *o = &sheet.finding[k];

			if (o->severity > INFO &&
			    strcmp(o->rule->id, troubles[i].id) != 0)
				fail_msg("%zu: %s, and %s too: %s", i,
					 troubles[i].id, o->rule->id,
					 o->symptom);
		}
	}
	(void)unused;
}

static void every_rule_has_a_trouble(void **unused)
{
	for (int r = 0; r < rules_count; r++) {
		bool has = false;

		for (size_t i = 0; i < ARRAY_LEN(troubles); i++)
			has |= strcmp(troubles[i].id, rules[r].id) == 0;
		if (!has)
			fail_msg("%s has none", rules[r].id);
	}
	(void)unused;
}

static void an_idle_host_has_no_finding(void **unused)
{
	make_idle();
	rules_judge(&f, &sheet);
	if (sheet.findings)
		fail_msg("%s", sheet.finding[0].symptom);
	for (int r = 0; r < rules_count; r++)
		assert_int_equal(sheet.rule[r].outcome, SILENT);
	assert_int_equal(rules_baseline(&f).verdict, BASE_NONE);
	(void)unused;
}

static void a_busy_host_is_normal(void **unused)
{
	struct baseline b;

	make_busy();
	rules_judge(&f, &sheet);
	assert_int_equal(sheet.findings, 1);
	assert_string_equal(sheet.finding[0].rule->id, "D1");
	b = rules_baseline(&f);
	assert_int_equal(b.verdict, BASE_NORMAL);
	assert_int_equal(b.expected, 18000);
	(void)unused;
}

static void what_is_not_known_is_no_finding(void **unused)
{
	facts_init(&f);
	rules_judge(&f, &sheet);
	assert_int_equal(sheet.findings, 0);
	for (int r = 0; r < rules_count; r++) {
		if (rules[r].id[0] == 'L' || !strcmp(rules[r].id, "D21"))
			continue; /* silent: there is no such thing here */
		if (sheet.rule[r].outcome != NOT_KNOWN)
			fail_msg("%s does not say so", rules[r].id);
		assert_true(sheet.rule[r].why[0] != 0);
	}
	assert_int_equal(rules_baseline(&f).verdict, BASE_UNKNOWN);
	(void)unused;
}

static void counters_that_run_backwards_have_no_rate(void **unused)
{
	make_busy();
	count(C_LISTEN_OVERFLOWS, 100, 4); /* another namespace's, or reset */
	assert_true(facts_rate(&f, C_LISTEN_OVERFLOWS) < 0);
	f.seconds = 0;
	assert_true(facts_rate(&f, C_TW) < 0);
	(void)unused;
}

static const char *safe_of(const char *id, const char *word)
{
	const struct finding *n = find_id(id);

	for (int i = 0; n && i < n->safes; i++)
		if (strstr(n->safe[i], word))
			return n->safe[i];
	return NULL;
}

/* A fast one that its clients close: CLOSE_WAITs come and go. */
static void a_number_that_wavers_is_no_leak(void **unused)
{
	make_busy();
	f.state[0][CLOSE_WAIT] = 30;
	f.state[1][CLOSE_WAIT] = 45;
	f.sum[KIND_CLOSE_WAIT] =
		(struct sum){.n = 45, .old = 6, .oldest_ms = 3000};
	rules_judge(&f, &sheet);
	assert_null(find_id("D8"));
	(void)unused;
}

/* Among 50,000 clients some have always just gone. */
static void a_few_dead_peers_of_many_are_normal(void **unused)
{
	make_busy();
	states(ESTABLISHED, 50000);
	f.sum[KIND_DEAD].n = 40;
	rules_judge(&f, &sheet);
	assert_int_equal(find_id("D25")->severity, INFO);
	states(ESTABLISHED, 400);
	rules_judge(&f, &sheet);
	assert_int_equal(find_id("D25")->severity, WARN);
	(void)unused;
}

/* A namespace without a table of its own has the size below 0. */
static void a_shared_table_has_a_size_too(void **unused)
{
	make_idle();
	f.knob[K_EHASH] = -262144;
	f.knob[K_MAX_TW] = 5000;
	rules_judge(&f, &sheet);
	assert_non_null(safe_of("D7", "tcp_max_tw_buckets=131072"));
	(void)unused;
}

static void cookies_for_all_are_no_full_queue(void **unused)
{
	const struct finding *n;

	make_busy();
	d15_cookies();
	f.knob[K_SYNCOOKIES] = 2;
	rules_judge(&f, &sheet);
	n = find_id("D15");
	assert_non_null(n);
	assert_int_equal(n->severity, INFO);
	assert_null(strstr(n->symptom, "full"));
	assert_non_null(safe_of("D15", "tcp_syncookies=1 (undo: =2)"));
	(void)unused;
}

static void advice_makes_nothing_worse(void **unused)
{
	make_busy();
	f.knob[K_CT_COUNT] = 250000;
	f.knob[K_CT_TIME_WAIT] = 30;
	rules_judge(&f, &sheet);
	assert_non_null(find_id("D20"));
	assert_null(safe_of("D20", "time_wait="));
	make_busy();
	f.listeners_in_range = 1;
	f.port_in_range = 40000;
	strcpy(f.reserved_ports, "8080,9090-9092");
	rules_judge(&f, &sheet);
	assert_non_null(safe_of("D6", "=8080,9090-9092,40000"));
	make_busy();
	d8();
	f.group[0].pid = 1;
	rules_judge(&f, &sheet);
	assert_null(safe_of("D8", "kill 1,"));
	(void)unused;
}

static void pasted_text_does_not_tell_that_they_stay(void **unused)
{
	facts_init(&f);
	f.origin = FROM_TEXT;
	f.state[1][CLOSE_WAIT] = f.sum[KIND_CLOSE_WAIT].n = 60;
	rules_judge(&f, &sheet);
	assert_non_null(find_id("D8"));
	assert_null(strstr(find_id("D8")->symptom, "stay"));
	(void)unused;
}

static void reused_ports_are_as_good_as_free(void **unused)
{
	make_busy();
	d3_full();
	f.knob[K_TW_REUSE] = 1;
	rules_judge(&f, &sheet);
	assert_null(find_id("D3"));
	f.knob[K_TIMESTAMPS] = 0; /* then they are not */
	rules_judge(&f, &sheet);
	assert_non_null(find_id("D3"));
	(void)unused;
}

static void ports_run_out_when_the_growth_says(void **unused)
{
	const struct finding *n;
	bool said = false;

	make_busy();
	add_dest(20000, 0)->used[0] = 19000; /* 500 a second, 8232 left */
	rules_judge(&f, &sheet);
	n = find_id("D3");
	assert_non_null(n);
	for (int i = 0; i < n->evidences; i++)
		if (strstr(n->evidence[i].what, "seconds until")) {
			assert_in_range((int)n->evidence[i].value, 16, 17);
			said = true;
		}
	assert_true(said);
	(void)unused;
}

static void more_time_waits_than_the_rate_are_of_before(void **unused)
{
	make_busy();
	count(C_TW, 100, 100);
	assert_int_equal(rules_baseline(&f).verdict, BASE_LEFTOVER);
	f.seconds = 0;
	assert_int_equal(rules_baseline(&f).verdict, BASE_NO_RATE);
	(void)unused;
}

static uint64_t rng_state = 88172645463325252U;

static uint64_t rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	return rng_state ^= rng_state << 17;
}

static int64_t any(void)
{
	static const int64_t odd[] = {UNKNOWN, 0,     0,       1,	 2, 50,
				      28232,   65535, 1 << 20, 1LL << 40};

	return odd[rng() % ARRAY_LEN(odd)];
}

/* No division by zero, no end: the sanitizers watch. */
static void odd_facts_do_no_harm(void **unused)
{
	for (int i = 0; i < 20000; i++) {
		make_busy();
		troubles[rng() % ARRAY_LEN(troubles)].make();
		for (int k = 0; k < KNOBS_ALL; k++)
			f.knob[k] = any();
		for (int k = 0; k < COUNTERS_ALL; k++)
			count((enum counter)k, any(), any());
		for (int k = 0; k < STATES; k++) {
			f.state[0][k] = any();
			f.state[1][k] = any();
		}
		f.range_lo = any();
		f.range_hi = any();
		f.reserved = any();
		f.client_rows = any();
		f.seconds = (double)(rng() % 3);
		rules_judge(&f, &sheet);
		rules_baseline(&f);
		assert_in_range(sheet.findings, 0, FINDINGS);
	}
	(void)unused;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			each_trouble_is_found_by_its_rule_and_no_other),
		cmocka_unit_test(every_rule_has_a_trouble),
		cmocka_unit_test(an_idle_host_has_no_finding),
		cmocka_unit_test(a_busy_host_is_normal),
		cmocka_unit_test(what_is_not_known_is_no_finding),
		cmocka_unit_test(counters_that_run_backwards_have_no_rate),
		cmocka_unit_test(reused_ports_are_as_good_as_free),
		cmocka_unit_test(ports_run_out_when_the_growth_says),
		cmocka_unit_test(more_time_waits_than_the_rate_are_of_before),
		cmocka_unit_test(a_number_that_wavers_is_no_leak),
		cmocka_unit_test(a_few_dead_peers_of_many_are_normal),
		cmocka_unit_test(a_shared_table_has_a_size_too),
		cmocka_unit_test(cookies_for_all_are_no_full_queue),
		cmocka_unit_test(advice_makes_nothing_worse),
		cmocka_unit_test(pasted_text_does_not_tell_that_they_stay),
		cmocka_unit_test(odd_facts_do_no_harm),
	};

	return RUN("doctor", tests);
}
