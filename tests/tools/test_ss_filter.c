/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ss_filter.c: filters of `lull ss`: words, trees, and that the kernel's
 * bytecode chooses the same sockets as the tree. For the latter sockets are
 * made in a network namespace, and trees at random.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../tools/lull/diag.h"
#include "../../tools/lull/ss.h"
#include "../unit/test.h"

/* main.c has these; here nobody complains. */
int tool_error(int code, const char *format, ...)
{
	(void)format;
	return code;
}

/* ---- names of states ---- */

static void all_spellings_are_known(void **state)
{
	static const struct {
		const char *word;
		uint32_t bits;
	} cases[] = {
		{"TIME-WAIT", 1 << 6},	  {"time_wait", 1 << 6},
		{"TIMEWAIT", 1 << 6},	  {"tw", 1 << 6},
		{"TIMED_WAIT", 1 << 6},	  {"ESTAB", 1 << 1},
		{"established", 1 << 1},  {"syn-sent", 1 << 2},
		{"SYN_SEND", 1 << 2},	  {"syn-recv", 1 << 3},
		{"SYN_RCVD", 1 << 3},	  {"syn-received", 1 << 3},
		{"syn-rcv", 1 << 3},	  {"fin-wait-1", 1 << 4},
		{"FIN_WAIT1", 1 << 4},	  {"FIN-WAIT-1", 1 << 4},
		{"FIN_WAIT_2", 1 << 5},	  {"closed", 1 << 7},
		{"unconnected", 1 << 7},  {"closewait", 1 << 8},
		{"CLOSE_WAIT", 1 << 8},	  {"last-ack", 1 << 9},
		{"LISTENING", 1 << 10},	  {"closing", 1 << 11},
		{"all", 0x1fff},	  {"connected", 0x1b7f},
		{"synchronized", 0x1b7b}, {"bucket", 0x48},
		{"big", 0x1fb7},	  {"", 0},
		{"time wait", 0},	  {"time-waitt", 0},
		{"\x1b[31mtime-wait", 0},
	};
	const char *near;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(ss_state_bits(cases[i].word, &near),
				 cases[i].bits);
	(void)state;
}

static void others_words_have_a_suggestion(void **state)
{
	static const struct {
		const char *word, *near;
	} cases[] = {
		{"time-wiat", "time-wait"},
		{"WAIT_TIMEOUT", "time-wait"},
		{"ITMED_WAIT", "time-wait"},
		{"CLOSED_WAIT", "close-wait"},
		{"WAIT_CLOSE", "close-wait"},
		{"etsab", "established"},
		{"zebra", NULL},
	};
	const char *near;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(ss_state_bits(cases[i].word, &near), 0);
		if (cases[i].near)
			assert_string_equal(near, cases[i].near);
		else
			assert_null(near);
	}
	(void)state;
}

/* ---- words ---- */

static bool parse(struct ss_filter_words *f, const char *text, char *why)
{
	char copy[512], *words[1] = {copy};

	snprintf(copy, sizeof copy, "%s", text);
	return ss_filter_parse(f, words, 1, why);
}

static struct inet_diag_msg socket_of(const char *src, uint16_t sport,
				      const char *dst, uint16_t dport)
{
	struct inet_diag_msg m = {
		.idiag_family = strchr(src, ':') ? AF_INET6 : AF_INET,
		.id.idiag_sport = htons(sport),
		.id.idiag_dport = htons(dport),
	};

	assert_int_equal(inet_pton(m.idiag_family, src, m.id.idiag_src), 1);
	assert_int_equal(inet_pton(m.idiag_family, dst, m.id.idiag_dst), 1);
	return m;
}

static void a_tree_chooses(void **state)
{
	static const struct {
		const char *filter;
		bool v4, v6, mapped;
	} cases[] = {
		{"", true, true, true},
		{"dport = :443", true, false, false},
		{"dport = https", true, false, false},
		{"dport eq 443", true, false, false},
		{"dport :443", true, false, false},
		{"dport != :443", false, true, true},
		{"dport >= 444", false, true, true},
		{"dport gt 443", false, true, true},
		{"dport < 444", true, false, false},
		{"sport le 1000", true, false, false},
		{"sport<=1000", true, false, false},
		{"src 10.1.2.3", true, false, false},
		{"src = 10.1.2.3:1000", true, false, false},
		{"src 10.1.2.3:1001", false, false, false},
		{"src 10.0.0.0/8", true, false, true},
		{"src 10.0.0.0/8:2000", false, false, true},
		{"src 10.1.2.0/23", true, false, true},
		{"src 10.1.2.4/30", false, false, false},
		{"src 0.0.0.0/0", true, false, true},
		{"src ::/0", false, true, true},
		{"src [fd00::1]:1001", false, true, false},
		{"src [fd00::]/16:1001", false, true, false},
		{"src fd00::1", false, true, false},
		{"src fd00::/15", false, true, false},
		{"src fd02::/15", false, false, false},
		{"src :1001", false, true, false},
		{"src *:1001", false, true, false},
		{"src *", true, true, true},
		{"not src fd00::1", true, false, true},
		{"! src fd00::1", true, false, true},
		{"sport = 1000 or sport = 1001", true, true, false},
		{"sport = 1000 | sport = 1001", true, true, false},
		{"sport > 999 and sport < 1001", true, false, false},
		{"sport > 999 sport < 1001", true, false, false},
		/* From left to right: (v4 or v6) and v6. */
		{"sport = 1000 or sport = 1001 and sport = 1001", false, true,
		 false},
		{"sport = 1000 or ( sport = 1001 and sport = 1001 )", true,
		 true, false},
		{"(sport=1000 or sport=1001) and not (dport=443)", false, true,
		 false},
	};
	const struct inet_diag_msg v4 =
		socket_of("10.1.2.3", 1000, "10.9.9.9", 443);
	const struct inet_diag_msg v6 =
		socket_of("fd00::1", 1001, "fd00::2", 8080);
	const struct inet_diag_msg mapped =
		socket_of("::ffff:10.1.3.9", 2000, "::ffff:10.9.9.9", 50000);
	struct ss_filter_words f;
	char why[SS_FILTER_WHY];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (!parse(&f, cases[i].filter, why))
			fail_msg("%s: %s", cases[i].filter, why);
		if (ss_filter_match(&f.filter, &v4) != cases[i].v4 ||
		    ss_filter_match(&f.filter, &v6) != cases[i].v6 ||
		    ss_filter_match(&f.filter, &mapped) != cases[i].mapped)
			fail_msg("%s chooses others", cases[i].filter);
	}
	(void)state;
}

static void states_come_first(void **state)
{
	struct ss_filter_words f;
	char why[SS_FILTER_WHY];

	assert_true(parse(&f, "state tw state estab dport = 80", why));
	assert_int_equal(f.states, 1 << 6 | 1 << 1);
	assert_int_equal(f.filter.len, 1);
	assert_true(parse(&f, "exclude tw excl listen", why));
	assert_int_equal(f.states, (uint32_t) ~(1 << 6 | 1 << 10));
	assert_false(parse(&f, "dport = 80 state tw", why));
	assert_string_equal(why,
			    "state stands before all other words of a filter");
	(void)state;
}

static void wrong_words_are_explained(void **state)
{
	static const struct {
		const char *filter, *why;
	} cases[] = {
		{"state", "which state? It is missing"},
		{"state zebra", "there is no state zebra: see lull-ss(1) for "
				"all names"},
		{"dport", "dport: of which port? That is missing"},
		{"src", "src: of which address? That is missing"},
		{"dport = 65536",
		 "65536 is no port: give a number to 65535, or a name of "
		 "services(5)"},
		{"dport > *", "* is no port that others are above or below"},
		{"src > 10.0.0.1", "src has no order: use = or !="},
		{"src 10.0.0.1/33", "/33: a prefix of 10.0.0.1 has 0 to 32 "
				    "bits"},
		{"src example.org", "example.org is no address; names of hosts "
				    "are not looked up"},
		{"src [::1", "[::1: a ] is missing"},
		{"( dport = 80", "a ) is missing"},
		{"dport = 80 )", ") has no ( before it"},
		{"dport = 80 or", "the filter ends where a condition is "
				  "missing"},
		{"not", "the filter ends where a condition is missing"},
		{"fwmark = 1", "fwmark is not here; ss(8) has it"},
		{"dev nosuchdev", "there is no interface nosuchdev"},
		{"dst 10.0.0.1 & & dst ::1",
		 "& is no word of a filter: those are state, exclude, src, "
		 "dst, sport, dport, dev, and, or, not"},
	};
	struct ss_filter_words f;
	char why[SS_FILTER_WHY];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_false(parse(&f, cases[i].filter, why));
		assert_string_equal(why, cases[i].why);
	}
	(void)state;
}

/* Neither the stack nor the tree has room for all of it. */
static void long_filters_are_refused(void **state)
{
	static char text[8192];
	char *words[1] = {text}, why[SS_FILTER_WHY];
	struct ss_filter_words f;

	memset(text, '(', 4000);
	assert_false(ss_filter_parse(&f, words, 1, why));
	assert_non_null(strstr(why, "within each other"));
	text[0] = 0;
	for (int i = 0; i < 200; i++)
		strcat(text, "dport = 80 or ");
	strcat(text, "dport = 81");
	assert_false(ss_filter_parse(&f, words, 1, why));
	assert_non_null(strstr(why, "too many words"));
	memset(text, 'x', 300);
	text[300] = 0;
	assert_false(ss_filter_parse(&f, words, 1, why));
	(void)state;
}

static void rubbish_does_no_harm(void **state)
{
	static const char letters[] =
		"()=<>!&|:/[]*. 0189adfnorst\t-_%\x1b\xff";
	struct ss_filter_words f;
	uint8_t code[SS_FILTER_CODE];
	char text[64], why[SS_FILTER_WHY];

	for (int i = 0; i < 100000; i++) {
		int n = (int)(random() % 60);

		for (int k = 0; k < n; k++)
			text[k] = letters[(size_t)random() %
					  (sizeof letters - 1)];
		text[n] = 0;
		if (parse(&f, text, why))
			assert_true(ss_filter_compile(&f.filter, code) >= 0);
		else
			assert_true(why[0]);
	}
	(void)state;
}

/* ---- beside the kernel ---- */

enum {
	PAIRS = 12,
	TREES = 3000,
};

static bool in_namespace;

static int make_namespace(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd, e = -1;

	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd >= 0)
		e = ioctl(fd, SIOCSIFFLAGS, &lo);
	close(fd);
	return e;
}

static void connect_pair(const char *addr, uint16_t port, bool dual)
{
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6,
				  .sin6_port = htons(port)};
	struct sockaddr_in a4 = {.sin_family = AF_INET,
				 .sin_port = htons(port)};
	bool v6 = strchr(addr, ':');
	int l = socket(v6 || dual ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	int c = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	const void *to = v6 ? (void *)&a6 : (void *)&a4;

	if (v6 || dual)
		assert_int_equal(bind(l, (void *)&a6, sizeof a6), 0);
	else
		assert_int_equal(bind(l, (void *)&a4, sizeof a4), 0);
	assert_int_equal(listen(l, 8), 0);
	if (v6)
		inet_pton(AF_INET6, addr, &a6.sin6_addr);
	else
		inet_pton(AF_INET, addr, &a4.sin_addr);
	assert_int_equal(connect(c, to, v6 ? sizeof a6 : sizeof a4), 0);
	close(accept(l, NULL, NULL));
	if (port % 3 == 0) /* a TIME_WAIT; else CLOSE_WAIT and FIN_WAIT2 */
		close(c);
}

static void make_sockets(void)
{
	static const char *const addrs[] = {"127.0.0.1", "127.0.0.2",
					    "127.3.0.1", "::1"};

	for (int i = 0; i < PAIRS; i++)
		connect_pair(addrs[i % 4], (uint16_t)(1000 + i),
			     i % 4 < 3 && i % 5 == 0);
}

struct seen {
	const struct ss_filter *f; /* NULL: the kernel chose */
	uint64_t sum;
	int n;
};

static int see(void *arg, const struct nlmsghdr *hdr)
{
	struct seen *seen = arg;
	struct inet_diag_msg m;

	memcpy(&m, (const char *)hdr + sizeof *hdr, sizeof m);
	if (seen->f && !ss_filter_match(seen->f, &m))
		return 0;
	seen->n++;
	seen->sum += (uint64_t)ntohs(m.id.idiag_sport) * 65537 *
			     (m.idiag_state + 1u) +
		     ntohs(m.id.idiag_dport) * (m.idiag_family + 7u);
	return 0;
}

static struct seen dump(struct diag *d, const struct ss_filter *f, bool kernel)
{
	uint8_t code[SS_FILTER_CODE];
	struct seen seen = {.f = kernel ? NULL : f};
	int len = ss_filter_compile(f, code), e;
	struct diag_ask ask = {.states = 0x1fff};

	assert_true(len > 0 && len % 4 == 0);
	if (kernel) {
		ask.filter = code;
		ask.filter_len = (size_t)len;
	}
	for (int i = 0; i < 2; i++) {
		ask.family = i ? AF_INET6 : AF_INET;
		e = diag_dump(d, &ask, see, &seen);
		assert_int_equal(e, 0);
	}
	return seen;
}

static uint8_t random_leaf(struct ss_filter *f)
{
	static const char *const addrs[] = {
		"127.0.0.1", "127.0.0.2", "127.0.0.0",	     "0.0.0.0",
		"::1",	     "::",	  "::ffff:127.0.0.1"};
	struct ss_node *n = &f->node[f->len];
	const char *addr = addrs[random() % 7];

	*n = (struct ss_node){.op = SS_SRC + random() % 7};
	n->port = (int32_t)(random() % 3 ? 998 + random() % 16
					 : random() % 65536);
	if (n->op == SS_DEV) {
		n->port = (int32_t)(random() % 3);
	} else if (n->op == SS_SRC || n->op == SS_DST) {
		if (random() % 2)
			n->port = -1;
		if (random() % 4) {
			n->family = strchr(addr, ':') ? AF_INET6 : AF_INET;
			inet_pton(n->family, addr, n->addr);
			n->bits = (uint8_t)(random() %
					    (n->family == AF_INET ? 33 : 129));
		}
	}
	return (uint8_t)f->len++;
}

static uint8_t random_tree(struct ss_filter *f, int depth)
{
	struct ss_node n = {.op = (enum ss_op)(random() % 3)};

	if (!depth || f->len > SS_FILTER_NODES / 2 || random() % 4 == 0)
		return random_leaf(f);
	n.a = random_tree(f, depth - 1);
	if (n.op != SS_NOT)
		n.b = random_tree(f, depth - 1);
	f->node[f->len] = n;
	return (uint8_t)f->len++;
}

static void the_kernel_chooses_the_same(void **state)
{
	struct ss_filter f;
	struct diag *d;
	int some = 0;

	if (!in_namespace) {
		print_message("# no network namespace: be root\n");
		skip();
	}
	assert_int_equal(diag_open(&d), 0);
	for (int i = 0; i < TREES; i++) {
		struct seen ours, theirs;

		f = (struct ss_filter){.len = 0};
		f.root = random_tree(&f, 1 + i % 6);
		ours = dump(d, &f, false);
		theirs = dump(d, &f, true);
		assert_int_equal(ours.n, theirs.n);
		assert_int_equal(ours.sum, theirs.sum);
		some += ours.n > 0 && ours.n < PAIRS;
	}
	assert_true(some > TREES / 10);
	diag_close(d);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_spellings_are_known),
		cmocka_unit_test(others_words_have_a_suggestion),
		cmocka_unit_test(a_tree_chooses),
		cmocka_unit_test(states_come_first),
		cmocka_unit_test(wrong_words_are_explained),
		cmocka_unit_test(long_filters_are_refused),
		cmocka_unit_test(rubbish_does_no_harm),
		cmocka_unit_test(the_kernel_chooses_the_same),
	};

	srandom(4);
	in_namespace = make_namespace() == 0;
	if (in_namespace)
		make_sockets();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ss_filter", tests, NULL, NULL);
}
