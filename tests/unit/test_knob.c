/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_knob.c: the table of knobs and its parser, each row of knobs.def.
 */
#include "tools.h"

/* The rows as they were written, not cut to the table's arrays. */
static const struct {
	const char *name, *unit, *words, *help;
	uint8_t values;
} text[] = {
#define KNOB1(field, name, unit, v, lo, hi, words, help) \
	{name, unit, words, help, 1},
#define KNOB2(field, name, unit, v0, v1, lo, hi, help) \
	{name, unit, "", help, 2},
#define KNOB3(field, name, unit, v0, v1, v2, lo, hi, help) \
	{name, unit, "", help, 3},
#define PORTS(field, name, unit, lo, hi, help) {name, unit, "", help, 0},
#include "base/knobs.def"
#undef KNOB1
#undef KNOB2
#undef KNOB3
#undef PORTS
};

static const struct {
	const char *name, *why;
} idle_text[] = {
#define IDLE(name, why)	   {name, why},
#define REFUSED(name, why) {name, why},
#include "base/knobs_idle.def"
#undef IDLE
#undef REFUSED
};

static const struct lull_knob *find(const char *name)
{
	const struct lull_knob *row = lull_knob_find(name);

	assert_non_null(row);
	return row;
}

static int64_t *field(struct lull_knobs *k, const struct lull_knob *row)
{
	return (int64_t *)(void *)((char *)k + row->offset);
}

/* Bytes of a row's values. */
static uint32_t size_of(const struct lull_knob *row)
{
	return row->values ? row->values * (uint32_t)sizeof(int64_t) : 8192;
}

/* ---- the table ---- */

/* A text that filled its array would have lost its end. */
static void test_text(void **state)
{
	assert_int_equal(lull_knob_count, ARRAY_LEN(text));
	for (uint32_t i = 0; i < lull_knob_count; i++) {
		const struct lull_knob *row = &lull_knob_table[i];

		assert_true(strlen(text[i].name) < sizeof row->name);
		assert_true(strlen(text[i].unit) < sizeof row->unit);
		assert_true(strlen(text[i].words) < sizeof row->words);
		if (strlen(text[i].help) >= sizeof row->help)
			fail_msg("%s: its help is cut", text[i].name);
		assert_string_equal(row->name, text[i].name);
		assert_string_equal(row->unit, text[i].unit);
		assert_string_equal(row->words, text[i].words);
		assert_string_equal(row->help, text[i].help);
		assert_true(strlen(row->help) >= 10);
		assert_int_equal(row->values, text[i].values);
		assert_int_equal(row->fixed, text[i].words[0] == '!');
	}
}

/* No text is cut, no name is twice, and none is a knob that acts. */
static void test_idle(void **state)
{
	assert_int_equal(lull_idle_count, ARRAY_LEN(idle_text));
	for (uint32_t i = 0; i < lull_idle_count; i++) {
		const struct lull_idle *row = &lull_idle_table[i];

		if (strlen(idle_text[i].why) >= sizeof row->why)
			fail_msg("%s: its reason is cut", row->name);
		assert_string_equal(row->name, idle_text[i].name);
		assert_string_equal(row->why, idle_text[i].why);
		assert_null(lull_knob_find(row->name));
		assert_ptr_equal(lull_idle_find(row->name), row);
	}
	assert_null(lull_idle_find("net.ipv4.tcp_fac"));
	assert_null(lull_idle_find("net.ipv4.tcp_fin_timeout"));
	assert_true(lull_idle_find("net.ipv4.tcp_tw_recycle")->refused);
	assert_false(lull_idle_find("net.ipv4.tcp_fack")->refused);
}

/* What diag.h shows is as long as what is here. */
static void test_info_is_as_long(void **state)
{
	struct lull_idle_info idle_info;
	struct lull_knob_info info;
	struct lull_idle idle;
	struct lull_knob row;

	assert_int_equal(sizeof idle_info.name, sizeof idle.name);
	assert_int_equal(sizeof idle_info.why, sizeof idle.why);

	assert_int_equal(sizeof info.name, sizeof row.name);
	assert_int_equal(sizeof info.unit, sizeof row.unit);
	assert_int_equal(sizeof info.words, sizeof row.words);
	assert_int_equal(sizeof info.help, sizeof row.help);
}

static void test_rows(void **state)
{
	uint32_t end = 0;

	for (uint32_t i = 0; i < lull_knob_count; i++) {
		const struct lull_knob *row = &lull_knob_table[i];

		assert_true(strncmp(row->name, "net.", 4) == 0);
		assert_true(row->min <= row->max);
		for (uint32_t v = 0; v < row->values; v++) {
			assert_true(row->defaults[v] >= row->min);
			assert_true(row->defaults[v] <= row->max);
			assert_true(v == 0 ||
				    row->defaults[v] >= row->defaults[v - 1]);
		}
		for (uint32_t k = 0; k < i; k++)
			assert_string_not_equal(row->name,
						lull_knob_table[k].name);
		assert_ptr_equal(lull_knob_find(row->name), row);
		/* One behind the other: none shares its place. */
		assert_int_equal(row->offset, end);
		end += size_of(row);
	}
	assert_int_equal(end, sizeof(struct lull_knobs));
}

/* As many words as values, none of them twice or a number. */
static void test_words_fit(void **state)
{
	for (uint32_t i = 0; i < lull_knob_count; i++) {
		const struct lull_knob *row = &lull_knob_table[i];
		const char *w = row->words;
		int64_t n = 1;

		if (!*w || strchr(w, '='))
			continue;
		for (w += *w == '!'; *w; w++) {
			assert_true((*w >= 'a' && *w <= 'z') || *w == ' ');
			n += *w == ' ';
		}
		assert_int_equal(row->min, 0);
		assert_int_equal(row->max, n - 1);
		assert_int_equal(row->values, 1);
	}
}

static void test_defaults(void **state)
{
	struct lull_knobs k;

	memset(&k, 0xa5, sizeof k);
	lull_knobs_init(&k);
	for (uint32_t i = 0; i < lull_knob_count; i++)
		assert_memory_equal(field(&k, &lull_knob_table[i]),
				    lull_knob_table[i].defaults,
				    lull_knob_table[i].values *
					    sizeof(int64_t));
	/* Linux's, as tcp(7) and ip-sysctl have them. */
	assert_int_equal(k.fin_timeout_s, 60);
	assert_int_equal(k.timewait_len_s, 60);
	assert_int_equal(k.somaxconn, 4096);
	assert_int_equal(k.ip_default_ttl, 64);
	assert_int_equal(k.ip_local_port_range[0], 32768);
	assert_int_equal(k.ip_local_port_range[1], 60999);
	assert_int_equal(k.invalid_ratelimit_ms, 500);
	assert_int_equal(k.keepalive_time_s, 7200);
	assert_int_equal(k.keepalive_intvl_s, 75);
	assert_int_equal(k.keepalive_probes, 9);
	assert_int_equal(k.orphan_retries, 0);
	assert_int_equal(k.retries2, 15);
	assert_int_equal(k.syn_retries, 6);
	assert_int_equal(k.synack_retries, 5);
	assert_int_equal(k.syn_linear_timeouts, 4);
	assert_int_equal(k.timestamps, 1);
	assert_int_equal(k.rmem[1], 131072);
	assert_int_equal(k.rmem[2], 6291456);
	assert_int_equal(k.wmem[1], 16384);
	assert_int_equal(k.wmem[2], 4194304);
	assert_int_equal(k.rto_max_ms, 120000);
	assert_int_equal(k.rto_min_us, 200000);
}

static void test_find(void **state)
{
	assert_null(lull_knob_find(""));
	assert_null(lull_knob_find("net"));
	assert_null(lull_knob_find("net.ipv4.tcp_fin_timeou"));
	assert_null(lull_knob_find("net.ipv4.tcp_fin_timeout "));
	assert_null(lull_knob_find("net.ipv4.tcp_fin_timeouts"));
	assert_null(lull_knob_find("NET.IPV4.TCP_FIN_TIMEOUT"));
	assert_null(lull_knob_find("net/ipv4/tcp_fin_timeout"));
	assert_null(lull_knob_find("net.ipv4.tcp_tw_recycle"));
	assert_non_null(lull_knob_find("net.ipv4.tcp_fin_timeout"));
}

/* ---- setting ---- */

#define FIN   "net.ipv4.tcp_fin_timeout"      /* 1..3600 */
#define ECHO  "net.ipv4.icmp_echo_ignore_all" /* 0..1 */
#define MSGS  "net.ipv4.icmp_msgs_burst"      /* 0..2^31-1 */
#define PORTS "net.ipv4.ip_local_port_range"  /* two, 1..65535 */
#define RMEM  "net.ipv4.tcp_rmem"	      /* three, 4096..2^30 */

static const struct {
	const char *name, *text;
	int error;
	int64_t want[3];
} set_row[] = {
	{FIN, "30", 0, {30}},
	{FIN, " \t30\n", 0, {30}},
	{FIN, "30\r\n", 0, {30}},
	{FIN, "+30", 0, {30}},
	{FIN, "0030", 0, {30}},
	{FIN, "000000000000000000000000000000000030", 0, {30}},
	{FIN, "1", 0, {1}},
	{FIN, "3600", 0, {3600}},
	{FIN, "0", -ERANGE, {0}},
	{FIN, "3601", -ERANGE, {0}},
	{FIN, "-1", -ERANGE, {0}},
	{FIN, "-30", -ERANGE, {0}},
	{FIN, "4294967326", -ERANGE, {0}},	     /* 2^32 + 30 */
	{FIN, "18446744073709551646", -ERANGE, {0}}, /* 2^64 + 30 */
	{FIN, "-18446744073709551586", -ERANGE, {0}},
	{FIN, "9223372036854775807", -ERANGE, {0}},
	{FIN, "-9223372036854775808", -ERANGE, {0}},
	{FIN, "9223372036854775838", -ERANGE, {0}}, /* 2^63 + 30 */
	{FIN, "99999999999999999999999999999999999999", -ERANGE, {0}},
	{FIN, "", -EINVAL, {0}},
	{FIN, " ", -EINVAL, {0}},
	{FIN, "-", -EINVAL, {0}},
	{FIN, "+", -EINVAL, {0}},
	{FIN, "+-30", -EINVAL, {0}},
	{FIN, "--30", -EINVAL, {0}},
	{FIN, "- 30", -EINVAL, {0}},
	{FIN, "30s", -EINVAL, {0}},
	{FIN, "30 s", -EINVAL, {0}},
	{FIN, "30 40", -EINVAL, {0}},
	{FIN, "3.5", -EINVAL, {0}},
	{FIN, "30,", -EINVAL, {0}},
	{FIN, "0x1e", -EINVAL, {0}},
	{FIN, "1e2", -EINVAL, {0}},
	{FIN, "thirty", -EINVAL, {0}},
	{FIN,
	 "\xc2\xa0"
	 "30",
	 -EINVAL,
	 {0}},
	{ECHO, "0", 0, {0}},
	{ECHO, "-0", 0, {0}},
	{ECHO, "1", 0, {1}},
	{ECHO, "2", -ERANGE, {0}},
	{MSGS, "2147483647", 0, {2147483647}},
	{MSGS, "2147483648", -ERANGE, {0}},
	{PORTS, "1024 65535", 0, {1024, 65535}},
	{PORTS, "1024\t65535\n", 0, {1024, 65535}},
	{PORTS, "  1024   65535  ", 0, {1024, 65535}},
	{PORTS, "5000 5000", 0, {5000, 5000}},
	{PORTS, "1 65535", 0, {1, 65535}},
	{PORTS, "5001 5000", -ERANGE, {0}},
	{PORTS, "0 65535", -ERANGE, {0}},
	{PORTS, "1 65536", -ERANGE, {0}},
	{PORTS, "1024", -EINVAL, {0}},
	{PORTS, "1024 ", -EINVAL, {0}},
	{PORTS, "1024 2048 4096", -EINVAL, {0}},
	{PORTS, "1024-65535", -EINVAL, {0}},
	{PORTS, "1024,65535", -EINVAL, {0}},
	{PORTS, "1024 x", -EINVAL, {0}},
	{RMEM, "4096 87380 6291456", 0, {4096, 87380, 6291456}},
	{RMEM, "4096 4096 4096", 0, {4096, 4096, 4096}},
	{RMEM, "4096 4096 1073741824", 0, {4096, 4096, 1073741824}},
	{RMEM, "4096 4096 1073741825", -ERANGE, {0}},
	{RMEM, "4095 4096 4096", -ERANGE, {0}},
	{RMEM, "8192 4096 65536", -ERANGE, {0}},
	{RMEM, "4096 65536 8192", -ERANGE, {0}},
	{RMEM, "4096 8192", -EINVAL, {0}},
	{RMEM, "4096 8192 16384 1", -EINVAL, {0}},
};

/* What is set is the row's own, and nothing is when it fails. */
static void test_set(void **state)
{
	for (uint32_t r = 0; r < ARRAY_LEN(set_row); r++) {
		const struct lull_knob *row = find(set_row[r].name);
		struct lull_knobs k, want;
		uint8_t *p =
			exact_new(set_row[r].text, strlen(set_row[r].text) + 1);
		int e;

		lull_knobs_init(&k);
		want = k;
		if (!set_row[r].error)
			memcpy(field(&want, row), set_row[r].want,
			       row->values * sizeof(int64_t));
		e = lull_knob_set(&k, row, (const char *)p);
		if (e != set_row[r].error || memcmp(&k, &want, sizeof k) != 0)
			fail_msg("%s \"%s\": %d", row->name, set_row[r].text,
				 e);
		exact_free(p);
	}
}

/* A few copies of one number, for a row with that many values. */
static void many(char *text_out, int64_t value, uint32_t n)
{
	*text_out = 0;
	for (uint32_t i = 0; i < n; i++)
		text_out += sprintf(text_out, "%s%lld", i ? " " : "",
				    (long long)value);
}

/* Of each row: both ends, one beyond each, and text that comes back. */
static void test_each_row(void **state)
{
	for (uint32_t i = 0; i < lull_knob_count - 1; i++) {
		const struct lull_knob *row = &lull_knob_table[i];
		const struct {
			int64_t value;
			int error;
		} try[] = {{row->min, 0},
			   {row->max, 0},
			   {row->min - 1, -ERANGE},
			   {row->max + 1, -ERANGE}};

		for (uint32_t n = 0; n < ARRAY_LEN(try); n++) {
			struct lull_knobs k, again;
			char out[80];
			int e;

			lull_knobs_init(&k);
			again = k;
			many(out, try[n].value, row->values);
			e = lull_knob_set(&k, row, out);
			assert_int_equal(e, row->fixed ? -EPERM : try[n].error);
			if (row->fixed)
				continue;
			assert_int_equal(field(&k, row)[0] == try[n].value, !e);
			e = lull_knob_get(&k, row, out, sizeof out);
			assert_int_equal(e, strlen(out));
			assert_int_equal(lull_knob_set(&again, row, out), 0);
			assert_memory_equal(&k, &again, sizeof k);
		}
	}
}

static void test_fixed(void **state)
{
	const struct lull_knob *row = find("net.lull.profile");
	struct lull_knobs k;
	char out[16];

	lull_knobs_init(&k);
	assert_int_equal(lull_knob_set(&k, row, "linux"), -EPERM);
	assert_int_equal(lull_knob_set(&k, row, "0"), -EPERM);
	assert_int_equal(lull_knob_set(&k, row, "junk"), -EPERM);
	assert_int_equal(k.profile, 0);
	assert_int_equal(lull_knob_get(&k, row, out, sizeof out), 4);
	assert_string_equal(out, "lull");
	k.profile = 1;
	assert_int_equal(lull_knob_get(&k, row, out, sizeof out), 5);
	assert_string_equal(out, "linux");
}

/* No row with words can be set so far, so here is one. */
static void test_words(void **state)
{
	static const struct {
		const char *text;
		int error;
		int64_t want;
		const char *back;
	} row[] = {
		{"off", 0, 0, "off"},
		{"on", 0, 1, "on"},
		{"once", 0, 2, "once"},
		{"auto", 0, 3, "auto"},
		{" on ", 0, 1, "on"},
		{"once\n", 0, 2, "once"},
		{"1", 0, 1, "on"},
		{"3", 0, 3, "auto"},
		{"4", -ERANGE, 0, ""},
		{"-1", -ERANGE, 0, ""},
		{"", -EINVAL, 0, ""},
		{"o", -EINVAL, 0, ""},
		{"of", -EINVAL, 0, ""},
		{"onc", -EINVAL, 0, ""},
		{"onces", -EINVAL, 0, ""},
		{"aut", -EINVAL, 0, ""},
		{"on off", -EINVAL, 0, ""},
		{"ON", -EINVAL, 0, ""},
		{"on1", -EINVAL, 0, ""},
		{"x", -EINVAL, 0, ""},
		{"autoo", -EINVAL, 0, ""},
		{"off on once auto", -EINVAL, 0, ""},
	};
	struct lull_knob knob = *find(FIN);
	struct lull_knobs k;

	strcpy(knob.words, "off on once auto");
	knob.min = 0;
	knob.max = 3;
	for (uint32_t r = 0; r < ARRAY_LEN(row); r++) {
		char out[16];
		int e;

		lull_knobs_init(&k);
		e = lull_knob_set(&k, &knob, row[r].text);
		if (e != row[r].error)
			fail_msg("\"%s\": %d", row[r].text, e);
		assert_int_equal(k.fin_timeout_s, e ? 60 : row[r].want);
		if (e)
			continue;
		e = lull_knob_get(&k, &knob, out, sizeof out);
		assert_int_equal(e, strlen(row[r].back));
		assert_string_equal(out, row[r].back);
	}
}

/* Names for some of the values: taken, not shown. */
static void test_named_values(void **state)
{
	static const struct {
		const char *text;
		int error;
		int64_t want;
	} row[] = {
		{"rfc793", 0, 240},
		{" windows\n", 0, 120},
		{"bsd", 0, 60},
		{"7", 0, 7},
		{"rfc793=240", -EINVAL, 0},
		{"rfc", -EINVAL, 0},
		{"rfc7933", -EINVAL, 0},
		{"bsd 60", -EINVAL, 0},
		{"=240", -EINVAL, 0},
		{"240 rfc793", -EINVAL, 0},
		{"", -EINVAL, 0},
	};
	const struct lull_knob *knob = find("net.lull.tcp_timewait_len");

	for (uint32_t r = 0; r < ARRAY_LEN(row); r++) {
		struct lull_knobs k;
		char out[16];
		int e;

		lull_knobs_init(&k);
		k.timewait_len_s = 1;
		e = lull_knob_set(&k, knob, row[r].text);
		if (e != row[r].error)
			fail_msg("\"%s\": %d", row[r].text, e);
		assert_int_equal(k.timewait_len_s, e ? 1 : row[r].want);
		assert_true(lull_knob_get(&k, knob, out, sizeof out) > 0);
		assert_int_equal(atoi(out), k.timewait_len_s);
	}
}

/* What a list of ports takes, and how it is told again. */
static const struct {
	const char *text;
	int error;
	const char *back;
} list_row[] = {
	{"", 0, ""},
	{" \t\n", 0, ""},
	{"80", 0, "80"},
	{"8080,9148", 0, "8080,9148"},
	{"9148,8080", 0, "8080,9148"},
	{"1,2-4,10-10", 0, "1-4,10"},
	{"5-9,1-6,9", 0, "1-9"},
	{" 80 , 443\n", 0, "80,443"},
	{"0-65535", 0, "0-65535"},
	{"0,65535", 0, "0,65535"},
	{"63-64,127,128", 0, "63-64,127-128"},
	{"65536", -ERANGE, ""},
	{"1-65536", -ERANGE, ""},
	{"-1", -ERANGE, ""},
	{"9-5", -ERANGE, ""},
	{"80,99999999999999999999", -ERANGE, ""},
	{"80,", -EINVAL, ""},
	{",80", -EINVAL, ""},
	{",", -EINVAL, ""},
	{"80,,81", -EINVAL, ""},
	{"80-", -EINVAL, ""},
	{"80 81", -EINVAL, ""},
	{"80 - 81", -EINVAL, ""},
	{"1-2-3", -EINVAL, ""},
	{"80,http", -EINVAL, ""},
	{"80;81", -EINVAL, ""},
};

/* All of a list, or nothing of it. */
static void test_ports(void **state)
{
	const struct lull_knob *knob = find("net.ipv4.ip_local_reserved_ports");
	struct lull_ground *g = calloc(1, sizeof *g);

	assert_non_null(g);
	for (uint32_t r = 0; r < ARRAY_LEN(list_row); r++) {
		const char *want = list_row[r].error ? "7" : list_row[r].back;
		size_t n = strlen(want);
		char out[64];
		int e;

		lull_knobs_init(&g->knobs);
		assert_int_equal(lull_knob_set(&g->knobs, knob, "7"), 0);
		e = lull_knob_set(&g->knobs, knob, list_row[r].text);
		if (e != list_row[r].error)
			fail_msg("\"%s\": %d", list_row[r].text, e);
		for (size_t len = 0; len <= n; len++)
			assert_int_equal(lull_knob_get(&g->knobs, knob, out,
						       len),
					 -ENOSPC);
		assert_int_equal(lull_knob_get(&g->knobs, knob, out, n + 1), n);
		assert_string_equal(out, want);
	}
	assert_int_equal(lull_knob_set(&g->knobs, knob, "64,1000-1002"), 0);
	for (uint32_t port = 0; port < 65536; port++)
		assert_int_equal(lull_port_is_reserved(g, (uint16_t)port),
				 port == 64 || (port >= 1000 && port <= 1002));
	free(g);
}

/* ---- getting ---- */

static void test_get(void **state)
{
	static const struct {
		const char *name;
		int64_t value[3];
		const char *text;
	} row[] = {
		{FIN, {60}, "60"},
		{FIN, {0}, "0"},
		{FIN, {-1}, "-1"},
		{FIN, {1000000}, "1000000"},
		{FIN, {INT64_MAX}, "9223372036854775807"},
		{FIN, {INT64_MIN}, "-9223372036854775808"},
		{PORTS, {32768, 60999}, "32768\t60999"},
		{RMEM, {4096, 131072, 6291456}, "4096\t131072\t6291456"},
		{RMEM,
		 {INT64_MIN, INT64_MIN, INT64_MIN},
		 "-9223372036854775808\t-9223372036854775808\t"
		 "-9223372036854775808"},
	};

	for (uint32_t r = 0; r < ARRAY_LEN(row); r++) {
		const struct lull_knob *knob = find(row[r].name);
		size_t n = strlen(row[r].text);
		struct lull_knobs k;

		lull_knobs_init(&k);
		memcpy(field(&k, knob), row[r].value,
		       knob->values * sizeof(int64_t));
		/* Every length that it can be given, none exceeded. */
		for (size_t len = 0; len < n + 3; len++) {
			char *out = malloc(len + 1);

			assert_non_null(out);
			memset(out, '#', len + 1);
			if (len <= n) {
				assert_int_equal(lull_knob_get(&k, knob, out,
							       len),
						 -ENOSPC);
			} else {
				assert_int_equal(
					lull_knob_get(&k, knob, out, len), n);
				assert_string_equal(out, row[r].text);
			}
			assert_int_equal(out[len], '#');
			free(out);
		}
	}
}

/* Whatever the text is: all of a row, within its range, or nothing. */
static void test_junk(void **state)
{
	static const char letters[] = "0123456789 \t-+x90 ";
	struct rng rng = rng_new(1);
	uint32_t good = 0;

	for (uint32_t n = 0; n < 100000; n++) {
		const struct lull_knob *row =
			&lull_knob_table[rng_below(&rng, lull_knob_count)];
		struct lull_knobs before, k;
		uint32_t len = rng_below(&rng, 24);
		char junk[24];

		for (uint32_t i = 0; i < len; i++)
			junk[i] = letters[rng_below(&rng, sizeof letters - 1)];
		junk[len] = 0;
		lull_knobs_init(&before);
		k = before;
		if (lull_knob_set(&k, row, junk) < 0) {
			assert_memory_equal(&k, &before, sizeof k);
			continue;
		}
		good++;
		for (uint32_t v = 0; v < row->values; v++) {
			assert_true(field(&k, row)[v] >= row->min);
			assert_true(field(&k, row)[v] <= row->max);
		}
		memcpy(field(&k, row), field(&before, row), size_of(row));
		assert_memory_equal(&k, &before, sizeof k);
	}
	assert_true(good > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_info_is_as_long),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_words_fit),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_each_row),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_named_values),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_junk),
	};

	return RUN("knob", tests);
}
