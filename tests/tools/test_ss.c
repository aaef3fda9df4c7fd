/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ss.c: what `lull ss` makes of rows. They come from a server in this
 * program, so that every state, timer and address can be had; where ss(8) of
 * iproute2 6.1 is installed, it gets the same ones in a file (TCPDIAG_FILE) and
 * has to print the same.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <jansson.h>
#include <libmnl/libmnl.h>

#include "../../host/control.h"
#include "run.h"

static char dir[] = "/tmp/lull-test-XXXXXX";
static char ctl[64], dump[64];

/* ---- rows ---- */

static const struct row {
	const char *local, *remote;
	uint16_t lport, rport;
	uint8_t state, timer;
	uint32_t ms, retrans, rqueue, wqueue;
	uint16_t hi; /* of a range */
	int bits;    /* of a prefix; 0: none */
	bool v6only;
	uint32_t cookie;
} rows[] = {
	{"0.0.0.0", "0.0.0.0", 80, 0, .state = LULL_TCP_LISTEN, .wqueue = 4096},
	{"10.9.3.2", "10.9.3.1", 80, 40000, .state = LULL_TCP_ESTABLISHED,
	 .timer = 2, .ms = 7200000, .rqueue = 123456, .wqueue = 7},
	{"10.9.3.2", "10.9.3.1", 80, 40001, .state = LULL_TCP_SYN_RECEIVED,
	 .timer = 1, .ms = 11000, .retrans = 3},
	/* 57000 is dircproxy in many lists of services, and here it is not. */
	{"10.9.3.2", "10.9.3.1", 57000, 443, .state = LULL_TCP_SYN_SENT},
	{"10.9.3.2", "10.9.3.1", 80, 40002, .state = LULL_TCP_FIN_WAIT_1,
	 .timer = 4, .ms = 599000},
	{"10.9.3.2", "10.9.3.1", 80, 40003, .state = LULL_TCP_FIN_WAIT_2,
	 .timer = 3, .ms = 60000},
	{"10.9.3.2", "10.9.3.1", 80, 40004, .state = LULL_TCP_TIME_WAIT,
	 .timer = 3, .ms = 59999},
	{"10.9.3.2", "10.9.3.1", 80, 40005, .state = LULL_TCP_CLOSED},
	{"10.9.3.2", "10.9.3.1", 80, 40006, .state = LULL_TCP_CLOSE_WAIT,
	 .timer = 1, .ms = 200},
	{"10.9.3.2", "10.9.3.1", 80, 40007, .state = LULL_TCP_LAST_ACK,
	 .timer = 1, .ms = 36},
	{"10.9.3.2", "10.9.3.1", 80, 40008, .state = LULL_TCP_CLOSING,
	 .timer = 1, .ms = 61000},
	{"::", "::", 80, 0, .state = LULL_TCP_LISTEN, .wqueue = 128},
	{"::", "::", 81, 0, .state = LULL_TCP_LISTEN, .wqueue = 128,
	 .v6only = true},
	{"fd00:9:3::2", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 80, 65535,
	 .state = LULL_TCP_ESTABLISHED},
};

/* What ss does not know, or says wrongly. */
static const struct row odd_rows[] = {
	{"10.9.3.2", "0.0.0.0", 1000, 0, .state = LULL_TCP_LISTEN, .hi = 1999},
	{"10.8.0.0", "0.0.0.0", 80, 0, .state = LULL_TCP_LISTEN, .bits = 16},
	{"10.9.3.2", "10.9.3.1", 80, 1, .state = LULL_TCP_TIME_WAIT, .timer = 3,
	 .ms = 4992},
	{"10.9.3.2", "10.9.3.1", 80, 2, .state = LULL_TCP_TIME_WAIT, .timer = 3,
	 .ms = 5000},
	{"10.9.3.2", "10.9.3.1", 80, 3, .state = LULL_TCP_TIME_WAIT, .timer = 3,
	 .ms = 0},
	{"10.9.3.2", "10.9.3.1", 80, 4, .state = LULL_TCP_TIME_WAIT, .timer = 3,
	 .ms = 69500},
	{"10.9.3.2", "10.9.3.1", 80, 5, .state = 12, .timer = 9, .ms = 12000},
	{"fd00:8::", "::", 82, 0, .state = LULL_TCP_LISTEN, .hi = 83,
	 .bits = 32},
};

static const struct row *served = rows;
static size_t served_len = sizeof rows / sizeof rows[0];

static struct nlmsghdr *put_row(void *at, const struct row *r, uint32_t seq)
{
	struct nlmsghdr *hdr = mnl_nlmsg_put_header(at);
	struct inet_diag_msg *msg =
		mnl_nlmsg_put_extra_header(hdr, sizeof *msg);
	bool v6 = strchr(r->local, ':');

	hdr->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	hdr->nlmsg_flags = NLM_F_MULTI;
	hdr->nlmsg_seq = seq;
	msg->idiag_family = v6 ? AF_INET6 : AF_INET;
	inet_pton(msg->idiag_family, r->local, msg->id.idiag_src);
	inet_pton(msg->idiag_family, r->remote, msg->id.idiag_dst);
	msg->id.idiag_sport = htons(r->lport);
	msg->id.idiag_dport = htons(r->rport);
	msg->idiag_state = r->state;
	msg->idiag_timer = r->timer;
	msg->idiag_retrans = (uint8_t)r->retrans;
	msg->idiag_expires = r->ms;
	msg->idiag_rqueue = r->rqueue;
	msg->idiag_wqueue = r->wqueue;
	msg->id.idiag_cookie[0] = r->cookie;
	if (r->cookie) { /* of a later kernel, of an earlier one, and too short
			  */
		mnl_attr_put_u32(hdr, 200, 1);
		mnl_attr_put(hdr, INET_DIAG_INFO, 3, "\1\2\3");
		mnl_attr_put(hdr, INET_DIAG_SKMEMINFO, 5, "\1\0\0\0\2");
		mnl_attr_put(hdr, INET_DIAG_BBRINFO, 1, "\1");
		mnl_attr_put(hdr, INET_DIAG_MARK, 2, "\1");
		mnl_attr_put(hdr, INET_DIAG_CONG, 4, "reno");
	}
	if (v6)
		mnl_attr_put_u8(hdr, INET_DIAG_SKV6ONLY, r->v6only);
	if (r->hi || r->bits) {
		struct lull_ctl_listen listen = {
			.port_hi = r->hi ? r->hi : r->lport,
			.bits = (uint8_t)(r->bits ? r->bits
					  : v6	  ? 128
						  : 32),
		};

		mnl_attr_put(hdr, LULL_CTL_ATTR_LISTEN, sizeof listen, &listen);
	}
	return hdr;
}

/* A list that changes while it is read may have one twice. */
static const struct row double_rows[] = {
	{"10.9.3.2", "10.9.3.1", 80, 1, .state = 1, .cookie = 5},
	{"10.9.3.2", "10.9.3.1", 80, 2, .state = 1, .cookie = 6},
	{"10.9.3.2", "10.9.3.1", 80, 1, .state = 1, .cookie = 5},
	{"10.9.3.2", "10.9.3.1", 80, 3, .state = 1},
	{"10.9.3.2", "10.9.3.1", 80, 3, .state = 1},
	{"10.9.3.2", "10.9.3.1", 80, 4, .state = 14},
};

/* Not in the order in which they are to be printed. */
static const struct dest {
	const char *local, *remote;
	struct lull_ctl_dest dest;
} dests[] = {
	{"10.9.3.2",
	 "10.9.3.1",
	 {.rport = 80,
	  .ports = 28232,
	  .live = 1,
	  .closing = 2,
	  .opens_per_s = 1,
	  .free_in_ns = 4991000001,
	  .reuse_in_ns = UINT64_MAX,
	  .full_in_ns = UINT64_MAX}},
	{"fd00:9:3::2",
	 "fd00:9:3::1",
	 {.rport = 443,
	  .ports = 28232,
	  .live = 20,
	  .closing = 18000,
	  .reserved = 12,
	  .opens_per_s = 1000,
	  .free_in_ns = 42000000000,
	  .reuse_in_ns = 200000000,
	  .full_in_ns = 10212000000}},
	/* They ran out a while ago. */
	{"10.9.3.2",
	 "10.9.3.77",
	 {.rport = 57000,
	  .no_reuse = 1,
	  .ports = 28232,
	  .live = 8232,
	  .closing = 20001,
	  .free_in_ns = UINT64_MAX,
	  .reuse_in_ns = 0,
	  .full_in_ns = UINT64_MAX}},
	{"10.9.3.2",
	 "10.9.3.1",
	 {.rport = 22,
	  .ports = 28232,
	  .live = 3,
	  .opens_per_s = 3,
	  .free_in_ns = UINT64_MAX,
	  .reuse_in_ns = UINT64_MAX,
	  .full_in_ns = UINT64_MAX}},
};

static size_t dests_len = sizeof dests / sizeof dests[0];

static struct lull_addr address(const char *text)
{
	struct lull_addr addr = {.b = {[10] = 0xff, [11] = 0xff}};
	bool v6 = strchr(text, ':');

	inet_pton(v6 ? AF_INET6 : AF_INET, text, addr.b + (v6 ? 0 : 12));
	return addr;
}

static struct nlmsghdr *put_dest(void *at, const struct dest *d, uint32_t seq)
{
	struct nlmsghdr *hdr = mnl_nlmsg_put_header(at);
	const struct lull_addr local = address(d->local);
	const struct lull_addr remote = address(d->remote);
	struct lull_ctl_dest body = d->dest;

	memcpy(body.local, local.b, sizeof body.local);
	memcpy(body.remote, remote.b, sizeof body.remote);
	memcpy(mnl_nlmsg_put_extra_header(hdr, sizeof body), &body,
	       sizeof body);
	hdr->nlmsg_type = LULL_CTL_DESTS;
	hdr->nlmsg_flags = NLM_F_MULTI;
	hdr->nlmsg_seq = seq;
	return hdr;
}

static struct nlmsghdr *put_done(void *at, uint32_t seq)
{
	struct nlmsghdr *hdr = mnl_nlmsg_put_header(at);

	memset(mnl_nlmsg_put_extra_header(hdr, 4), 0, 4);
	hdr->nlmsg_type = NLMSG_DONE;
	hdr->nlmsg_flags = NLM_F_MULTI;
	hdr->nlmsg_seq = seq;
	return hdr;
}

/* ---- the server ---- */

static size_t put_rows(uint8_t *out, const struct nlmsghdr *request)
{
	const struct inet_diag_req_v2 *want = mnl_nlmsg_get_payload(request);
	uint32_t seq = request->nlmsg_seq;
	size_t len = 0;

	assert_int_equal(want->sdiag_protocol, IPPROTO_TCP);
	for (size_t i = 0; i < served_len; i++) {
		const struct row *r = &served[i];
		int family = strchr(r->local, ':') ? AF_INET6 : AF_INET;

		if (family == want->sdiag_family &&
		    want->idiag_states & 1U << r->state)
			len += put_row(out + len, r, seq)->nlmsg_len;
	}
	return len + put_done(out + len, seq)->nlmsg_len;
}

static size_t put_dests(uint8_t *out, uint32_t seq)
{
	size_t len = 0;

	for (size_t i = 0; i < dests_len; i++)
		len += put_dest(out + len, &dests[i], seq)->nlmsg_len;
	return len + put_done(out + len, seq)->nlmsg_len;
}

static size_t answer(uint8_t *out, const struct nlmsghdr *request)
{
	struct nlmsghdr *hdr;

	if (request->nlmsg_type == SOCK_DIAG_BY_FAMILY)
		return put_rows(out, request);
	if (request->nlmsg_type == LULL_CTL_DESTS)
		return put_dests(out, request->nlmsg_seq);
	hdr = mnl_nlmsg_put_header(out);
	hdr->nlmsg_type = request->nlmsg_type;
	hdr->nlmsg_seq = request->nlmsg_seq;
	if (request->nlmsg_type == LULL_CTL_SYSCTL_GET) {
		const struct lull_ctl_knob knob = {
			.name = "net.ipv4.ip_local_port_range",
			.values = 2,
			.value = {32768, 60999}};

		memcpy(mnl_nlmsg_put_extra_header(hdr, sizeof knob), &knob,
		       sizeof knob);
	} else {
		const struct lull_ctl_states states = {
			{0, 11, 22, 33, 44, 55, 10000000, 77, 88, 99, 100, 1}};

		memcpy(mnl_nlmsg_put_extra_header(hdr, sizeof states), &states,
		       sizeof states);
	}
	return hdr->nlmsg_len;
}

static void *serve(void *arg)
{
	__attribute__((aligned(8))) uint8_t in[LULL_CTL_REQUEST];
	__attribute__((aligned(8))) static uint8_t out[LULL_CTL_PACKET];
	int listener = *(int *)arg, fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		while (recv(fd, in, sizeof in, 0) > 0)
			if (send(fd, out, answer(out, (void *)in),
				 MSG_NOSIGNAL) < 0)
				break;
		close(fd);
	}
	return NULL;
}

static void write_dump(void)
{
	__attribute__((aligned(8))) uint8_t out[512];
	FILE *f = fopen(dump, "w");
	const struct nlmsghdr *hdr;

	assert_non_null(f);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		hdr = put_row(out, &rows[i], 0);
		fwrite(hdr, hdr->nlmsg_len, 1, f);
	}
	hdr = put_done(out, 0);
	fwrite(hdr, hdr->nlmsg_len, 1, f);
	assert_int_equal(fclose(f), 0);
}

/* ---- against ss ---- */

static bool has_ss(void)
{
	struct ran r;

	run_program(&r, "ss", "-V", NULL);
	return r.code == 0 && strstr(r.out, "iproute2-6.1");
}

static void it_prints_what_ss_prints(void **state)
{
	static const char *const options[] = {
		"-tan",	 "-tano",	"-Htan", "-ta",
		"-Htao", "-t -a -n -o", "-tanH", "--tcp --all --numeric",
	};
	struct ran ours, theirs;
	char args[128];

	if (!has_ss())
		skip();
	setenv("TCPDIAG_FILE", dump, 1);
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		run_program(&theirs, "ss", options[i], NULL);
		snprintf(args, sizeof args, "ss %s --ctl %s", options[i], ctl);
		run(&ours, args, NULL);
		assert_int_equal(ours.code, 0);
		assert_string_equal(ours.err, "");
		assert_string_equal(ours.out, theirs.out);
		assert_true(strlen(ours.out) > 1000);
	}
	unsetenv("TCPDIAG_FILE");
	(void)state;
}

static void on_a_terminal_too(void **state)
{
	const char *const theirs[] = {"ss", "-tano", NULL};
	const char *const ours[] = {lull_path, "ss", "-tano",
				    "--ctl",   ctl,  NULL};
	static struct ran a, b;

	if (!has_ss())
		skip();
	setenv("TCPDIAG_FILE", dump, 1);
	for (unsigned short columns = 120; columns < 240; columns++) {
		run_on_terminal(&a, theirs, columns);
		run_on_terminal(&b, ours, columns);
		assert_string_equal(a.out, b.out);
	}
	unsetenv("TCPDIAG_FILE");
	(void)state;
}

/* A narrow one: the terminal wraps what is no wider than it must be. */
static void a_narrow_terminal_gets_plain_lines(void **state)
{
	const char *const argv[] = {lull_path, "ss", "-Htan4",
				    "--ctl",   ctl,  NULL};
	static struct ran a;
	struct ran b;
	char args[128];

	snprintf(args, sizeof args, "ss -Htan4 --ctl %s", ctl);
	run(&b, args, NULL);
	run_on_terminal(&a, argv, 40);
	for (char *p = a.out; (p = strchr(p, '\r'));)
		memmove(p, p + 1, strlen(p));
	assert_string_equal(a.out, b.out);
	(void)state;
}

/* ---- what ss has not ---- */

static void odd_rows_are_told_as_they_are(void **state)
{
	static const char expected[] =
		"LISTEN    0      0           10.9.3.2:1000-1999  0.0.0.0:*"
		"                            \n"
		"LISTEN    0      0        10.8.0.0/16:80         0.0.0.0:*"
		"                            \n"
		"TIME-WAIT 0      0           10.9.3.2:80        10.9.3.1:1"
		" timer:(timewait,4.992sec,0)\n"
		"TIME-WAIT 0      0           10.9.3.2:80        10.9.3.1:2"
		" timer:(timewait,5sec,0)    \n"
		"TIME-WAIT 0      0           10.9.3.2:80        10.9.3.1:3"
		" timer:(timewait,000ms,0)   \n"
		"TIME-WAIT 0      0           10.9.3.2:80        10.9.3.1:4"
		" timer:(timewait,1min9sec,0)\n"
		"12        0      0           10.9.3.2:80        10.9.3.1:5"
		" timer:(9,12sec,0)          \n"
		"LISTEN    0      0      [fd00:8::]/32:82-83            *:*"
		"                            \n";
	struct ran r;
	char args[128];

	served = odd_rows;
	served_len = sizeof odd_rows / sizeof odd_rows[0];
	snprintf(args, sizeof args, "ss -Htano --ctl %s", ctl);
	run(&r, args, NULL);
	served = rows;
	served_len = sizeof rows / sizeof rows[0];
	assert_string_equal(r.err, "");
	assert_string_equal(r.out, expected);
	(void)state;
}

static int lines(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void options_choose_rows(void **state)
{
	static const struct {
		const char *options;
		int lines;
	} cases[] = {
		{"-H", 8}, /* no listener, SYN-RECV, TIME-WAIT, UNCONN */
		{"", 9},   /* and a line of headings */
		{"-Ha", 14},
		{"-Hl", 4},
		{"-Hla", 14},
		{"-Ha4", 11},
		{"-Ha6", 3},
		{"-Ha46", 14},
		{"-Hl4", 2},
		{"-Htn", 8},
		{"-H --listening --ipv6", 2},
		{"-H state time-wait", 1},
		{"-H state TIME_WAIT", 1},
		{"-H state listen", 3},
		{"-H exclude all", 0},
		{"-H4 state bucket", 2},
		{"-Ha dport = :443", 1},
		{"-Ha dst 10.9.3.0/24", 10},
		{"-Ha sport = :80 dst fd00::/8", 0},
		{"-Ha src fd00::/8", 1},
	};
	struct ran r;
	char args[128];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(args, sizeof args, "ss %s --ctl %s", cases[i].options,
			 ctl);
		run(&r, args, NULL);
		assert_int_equal(r.code, 0);
		assert_int_equal(lines(r.out), cases[i].lines);
	}
	(void)state;
}

static void the_summary_has_all_eleven(void **state)
{
	struct ran r;
	char args[128];

	snprintf(args, sizeof args, "ss -s --ctl %s", ctl);
	run(&r, args, NULL);
	assert_int_equal(r.code, 0);
	assert_string_equal(r.out, "ESTAB              11\n"
				   "SYN-SENT           22\n"
				   "SYN-RECV           33\n"
				   "FIN-WAIT-1         44\n"
				   "FIN-WAIT-2         55\n"
				   "TIME-WAIT    10000000\n"
				   "UNCONN             77\n"
				   "CLOSE-WAIT         88\n"
				   "LAST-ACK           99\n"
				   "LISTEN            100\n"
				   "CLOSING             1\n"
				   "Total        10000530\n");
	snprintf(args, sizeof args, "ss -s --json --ctl %s", ctl);
	run(&r, args, NULL);
	assert_string_equal(
		r.out, "{\"schema\":1,\"states\":{\"ESTAB\":11,\"SYN-SENT\":22,"
		       "\"SYN-RECV\":33,\"FIN-WAIT-1\":44,\"FIN-WAIT-2\":55,"
		       "\"TIME-WAIT\":10000000,\"UNCONN\":77,\"CLOSE-WAIT\":88,"
		       "\"LAST-ACK\":99,\"LISTEN\":100,\"CLOSING\":1}}\n");
	(void)state;
}

/* Those without a cookie can't be told from each other; and a state that nobody
 * knows counts by its number. */
static void a_socket_counts_once(void **state)
{
	struct ran r;
	char args[128];

	served = double_rows;
	served_len = sizeof double_rows / sizeof double_rows[0];
	snprintf(args, sizeof args, "ss -H summary :80 --ctl %s", ctl);
	run(&r, args, NULL);
	assert_string_equal(r.out, "ESTAB              4  80.0%\n"
				   "14                 1  20.0%\n"
				   "Total              5\n");
	snprintf(args, sizeof args, "ss -H --by peer --ctl %s", ctl);
	run(&r, args, NULL);
	served = rows;
	served_len = sizeof rows / sizeof rows[0];
	assert_string_equal(
		r.out,
		"10.9.3.1           5 100.0%         4         0          0"
		"         1\n"
		"Total              5                4         0          0"
		"         1\n");
	(void)state;
}

static void strange_attributes_do_no_harm(void **state)
{
	struct ran r;
	char args[128];

	served = double_rows;
	served_len = 2;
	snprintf(args, sizeof args, "ss -HanimeO --ctl %s", ctl);
	run(&r, args, NULL);
	served = rows;
	served_len = sizeof rows / sizeof rows[0];
	assert_int_equal(r.code, 0);
	assert_int_equal(lines(r.out), 2);
	assert_non_null(strstr(r.out, "ino:0 sk:5 skmem:(r1,rb2,t0,tb0,f0,w0,"
				      "o0) reno"));
	(void)state;
}

static void a_dump_is_what_ss_reads(void **state)
{
	struct ran ours, theirs;
	char args[128], path[80];

	if (!has_ss())
		skip();
	snprintf(path, sizeof path, "%s/out", dir);
	snprintf(args, sizeof args, "ss --ctl %s --dump", ctl);
	run(&ours, args, path);
	assert_int_equal(ours.code, 0);
	setenv("TCPDIAG_FILE", path, 1);
	run_program(&theirs, "ss", "-tano", NULL);
	unsetenv("TCPDIAG_FILE");
	unlink(path);
	snprintf(args, sizeof args, "ss -tano --ctl %s", ctl);
	run(&ours, args, NULL);
	assert_string_equal(theirs.err, "");
	assert_string_equal(ours.out, theirs.out);
	(void)state;
}

/* ---- JSON ---- */

static json_t *json_of(const struct ran *r)
{
	json_error_t error;
	json_t *json = json_loads(r->out, 0, &error);

	assert_int_equal(r->code, 0);
	if (!json)
		fail_msg("line %d: %s", error.line, error.text);
	assert_int_equal(json_integer_value(json_object_get(json, "schema")),
			 1);
	return json;
}

/* Member by member; `text` has ' where JSON has ". */
static void expect_json(const json_t *got, const char *text)
{
	char quoted[512], *p = quoted;
	char *dump_of = json_dumps(got, JSON_COMPACT);
	json_t *want;

	snprintf(quoted, sizeof quoted, "%s", text);
	while ((p = strchr(p, '\'')))
		*p = '"';
	want = json_loads(quoted, 0, NULL);
	assert_non_null(want);
	if (!json_equal(got, want))
		fail_msg("%s, not %s", dump_of, quoted);
	json_decref(want);
	free(dump_of);
}

static const char *text_at(const json_t *json, const char *a, const char *b)
{
	return json_string_value(json_object_get(json_object_get(json, a), b));
}

static long long number_at(const json_t *json, const char *a, const char *b)
{
	return json_integer_value(json_object_get(json_object_get(json, a), b));
}

static void rows_are_objects(void **state)
{
	struct ran r;
	char args[128];
	json_t *json, *list, *row;

	served = odd_rows;
	served_len = sizeof odd_rows / sizeof odd_rows[0];
	snprintf(args, sizeof args, "ss -a --json --ctl %s", ctl);
	run(&r, args, NULL);
	served = rows;
	served_len = sizeof rows / sizeof rows[0];
	json = json_of(&r);
	list = json_object_get(json, "sockets");
	assert_int_equal(json_array_size(list), 8);
	row = json_array_get(list, 0);
	assert_int_equal(number_at(row, "local", "port"), 1000);
	assert_int_equal(number_at(row, "local", "port_hi"), 1999);
	assert_true(json_is_null(json_object_get(row, "timer")));
	row = json_array_get(list, 1);
	assert_string_equal(text_at(row, "local", "address"), "10.8.0.0");
	assert_int_equal(number_at(row, "local", "bits"), 16);
	row = json_array_get(list, 2);
	assert_string_equal(json_string_value(json_object_get(row, "state")),
			    "TIME-WAIT");
	assert_string_equal(text_at(row, "timer", "name"), "timewait");
	assert_int_equal(number_at(row, "timer", "ms"), 4992);
	assert_string_equal(text_at(row, "peer", "address"), "10.9.3.1");
	assert_int_equal(number_at(row, "peer", "port"), 1);
	row = json_array_get(list, 6);
	assert_string_equal(json_string_value(json_object_get(row, "state")),
			    "12");
	json_decref(json);
	(void)state;
}

static void no_rows_are_json_too(void **state)
{
	struct ran r;
	char args[128];
	json_t *json;

	served_len = 0;
	snprintf(args, sizeof args, "ss --json --ctl %s", ctl);
	run(&r, args, NULL);
	served_len = sizeof rows / sizeof rows[0];
	json = json_of(&r);
	assert_int_equal(json_array_size(json_object_get(json, "sockets")), 0);
	json_decref(json);
	(void)state;
}

/* ---- by destination ---- */

static void the_fullest_destination_comes_first(void **state)
{
	static const struct {
		const char *options, *expected;
	} cases[] = {
		{"",
		 "Local Address  Peer Address:Port  Live TIME-WAIT  Free Opens/s Full in\n"
		 "10.9.3.2          10.9.3.77:57000 8232     20001     0       0 now    \n"
		 "[fd00:9:3::2] [fd00:9:3::1]:https   20     18000 10200    1000 10sec  \n"
		 "10.9.3.2           10.9.3.1:ssh      3         0 28229       3 -      \n"
		 "10.9.3.2           10.9.3.1:http     1         2 28229       1 -      \n"},
		{"-nHo6",
		 "[fd00:9:3::2] [fd00:9:3::1]:443 20 18000 10200 1000 10sec "
		 "free:42sec reuse:200ms\n"},
		{"-nHo4",
		 "10.9.3.2 10.9.3.77:57000 8232 20001     0 0 now free:- reuse:now   \n"
		 "10.9.3.2  10.9.3.1:22       3     0 28229 3 - free:- reuse:-       \n"
		 "10.9.3.2  10.9.3.1:80       1     2 28229 1 - free:4.992sec reuse:-\n"},
	};
	struct ran r;
	char args[128];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(args, sizeof args, "ss --by destination %s --ctl %s",
			 cases[i].options, ctl);
		run(&r, args, NULL);
		assert_string_equal(r.err, "");
		assert_int_equal(r.code, 0);
		assert_string_equal(r.out, cases[i].expected);
	}
	(void)state;
}

static void destinations_are_objects(void **state)
{
	struct ran r;
	char args[128];
	json_t *json, *list;

	snprintf(args, sizeof args, "ss --by=destination --json --ctl %s", ctl);
	run(&r, args, NULL);
	json = json_of(&r);
	list = json_object_get(json, "destinations");
	assert_int_equal(json_array_size(list), 4);
	expect_json(json_array_get(list, 0),
		    "{'local':{'address':'10.9.3.2'},"
		    "'peer':{'address':'10.9.3.77','port':57000},"
		    "'no_reuse':true,'ports':28232,'ports_live':8232,"
		    "'ports_closing':20001,'ports_reserved':0,'ports_free':0,"
		    "'opens_per_s':0,'free_in_ns':null,'reuse_in_ns':0,"
		    "'full_in_ns':null}");
	expect_json(json_array_get(list, 1),
		    "{'local':{'address':'fd00:9:3::2'},"
		    "'peer':{'address':'fd00:9:3::1','port':443},"
		    "'no_reuse':false,'ports':28232,'ports_live':20,"
		    "'ports_closing':18000,'ports_reserved':12,"
		    "'ports_free':10200,'opens_per_s':1000,"
		    "'free_in_ns':42000000000,'reuse_in_ns':200000000,"
		    "'full_in_ns':10212000000}");
	json_decref(json);
	dests_len = 0;
	run(&r, args, NULL);
	dests_len = sizeof dests / sizeof dests[0];
	json = json_of(&r);
	assert_int_equal(json_array_size(json_object_get(json, "destinations")),
			 0);
	json_decref(json);
	(void)state;
}

/* ---- all of it ---- */

static int listener;

static int setup(void **state)
{
	static pthread_t thread;
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	assert_non_null(mkdtemp(dir));
	snprintf(ctl, sizeof ctl, "%s/ctl", dir);
	snprintf(dump, sizeof dump, "%s/dump", dir);
	strcpy(at.sun_path, ctl);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (void *)&at, sizeof at), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, &listener), 0);
	pthread_detach(thread); /* it ends with the program */
	write_dump();
	(void)state;
	return 0;
}

static int teardown(void **state)
{
	unlink(ctl);
	unlink(dump);
	(void)state;
	return rmdir(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_prints_what_ss_prints),
		cmocka_unit_test(on_a_terminal_too),
		cmocka_unit_test(a_narrow_terminal_gets_plain_lines),
		cmocka_unit_test(odd_rows_are_told_as_they_are),
		cmocka_unit_test(options_choose_rows),
		cmocka_unit_test(the_summary_has_all_eleven),
		cmocka_unit_test(a_socket_counts_once),
		cmocka_unit_test(strange_attributes_do_no_harm),
		cmocka_unit_test(a_dump_is_what_ss_reads),
		cmocka_unit_test(rows_are_objects),
		cmocka_unit_test(no_rows_are_json_too),
		cmocka_unit_test(the_fullest_destination_comes_first),
		cmocka_unit_test(destinations_are_objects),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: test_ss PATH-OF-LULL\n");
		return 64;
	}
	lull_path = argv[1];
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ss", tests, setup, teardown);
}
