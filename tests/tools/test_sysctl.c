/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_sysctl.c: `lull sysctl` on a lull with its control socket.
 */
#include <jansson.h>

#include "../host/served.h"
#include "run.h"

static struct served *w;

/* The arguments, and --ctl; `more` is one argument, with blanks in it. */
static void ask(struct ran *r, const char *args, const char *more)
{
	char text[512];

	snprintf(text, sizeof text, "sysctl --ctl %s %s", w->path, args);
	run(r, text, more);
}

static void expect(const char *args, const char *more, const char *out)
{
	struct ran r;

	ask(&r, args, more);
	assert_string_equal(r.err, "");
	assert_string_equal(r.out, out);
	assert_int_equal(r.code, 0);
}

static void all_of_them_by_name(void **state)
{
	struct lull_knob_info info;
	char last[64] = "", name[64];
	struct ran r;
	uint32_t n = 0, there = 0;

	ask(&r, "-a", NULL);
	assert_int_equal(r.code, 0);
	for (char *line = strtok(r.out, "\n"); line;
	     line = strtok(NULL, "\n")) {
		assert_int_equal(sscanf(line, "%63s = ", name), 1);
		assert_non_null(strstr(line, " = "));
		assert_true(strcmp(last, name) < 0);
		strcpy(last, name);
		n++;
	}
	while (lull_diag_knob(NULL, there, &info))
		there++;
	assert_int_equal(n, there);
	(void)state;
}

static void names_and_values(void **state)
{
	expect("net.ipv4.tcp_fin_timeout", NULL,
	       "net.ipv4.tcp_fin_timeout = 60\n");
	expect("net/ipv4/tcp_fin_timeout", NULL,
	       "net.ipv4.tcp_fin_timeout = 60\n");
	expect("-n net.ipv4.tcp_fin_timeout net.lull.profile", NULL,
	       "60\nlull\n");
	expect("net.ipv4.tcp_rmem", NULL,
	       "net.ipv4.tcp_rmem = 4096\t131072\t6291456\n");
	(void)state;
}

static void setting_prints_what_is_set(void **state)
{
	expect("-w net.ipv4.tcp_fin_timeout=17", NULL,
	       "net.ipv4.tcp_fin_timeout = 17\n");
	expect("net.ipv4.tcp_fin_timeout", NULL,
	       "net.ipv4.tcp_fin_timeout = 17\n");
	expect("net.ipv4.tcp_fin_timeout=18 net.ipv4.tcp_rfc1337=1", NULL,
	       "net.ipv4.tcp_fin_timeout = 18\nnet.ipv4.tcp_rfc1337 = 1\n");
	expect("-w", "net.ipv4.ip_local_port_range = 5000  6000",
	       "net.ipv4.ip_local_port_range = 5000\t6000\n");
	expect("-n -w net.ipv4.tcp_fin_timeout=60", NULL, "60\n");
	(void)state;
}

static const struct {
	const char *args, *more, *text;
} wrong[] = {
	{"net.ipv4.tcp_fin_timeot", NULL,
	 "lull sysctl: net.ipv4.tcp_fin_timeot: no such knob; did you "
	 "mean net.ipv4.tcp_fin_timeout?\n"},
	{"vm.swappiness=0", NULL,
	 "lull sysctl: vm.swappiness: no such knob; lull sysctl -a "
	 "lists them\n"},
	{"-w net.ipv4.tcp_fin_timeout=3601", NULL,
	 "lull sysctl: net.ipv4.tcp_fin_timeout=3601: it goes from 1 "
	 "to 3600 seconds\n"},
	{"-w net.ipv4.tcp_fin_timeout=1m", NULL,
	 "lull sysctl: net.ipv4.tcp_fin_timeout=1m: it wants 1 whole "
	 "number, from 1 to 3600 seconds\n"},
	{"-w net.ipv4.tcp_rfc1337=2", NULL,
	 "lull sysctl: net.ipv4.tcp_rfc1337=2: it goes from 0 to 1\n"},
	{"-w", "net.ipv4.ip_local_port_range=6000 5000",
	 "lull sysctl: net.ipv4.ip_local_port_range=6000 5000: each "
	 "goes from 1 to 65535 ports, none below the one before\n"},
	{"-w net.ipv4.tcp_rmem=4096", NULL,
	 "lull sysctl: net.ipv4.tcp_rmem=4096: it wants 3 whole "
	 "numbers, from 4096 to 1073741824 bytes\n"},
	{"-w net.lull.profile=linux", NULL,
	 "lull sysctl: net.lull.profile=linux: it is fixed while the "
	 "stack runs; set it where the program starts\n"},
	{"-w net.ipv4.tcp_tw_recycle=1", NULL,
	 "lull sysctl: net.ipv4.tcp_tw_recycle: refused: Linux removed "
	 "it in 4.12: behind a NAT it refused whole groups of clients; "
	 "nothing is needed instead\n"},
	{"-w net.ipv4.tcp_fin_timeout", NULL,
	 "lull sysctl: net.ipv4.tcp_fin_timeout: -w wants NAME=VALUE; "
	 "see lull sysctl --help\n"},
	{"", NULL,
	 "lull sysctl: which knob? -a shows all; see lull sysctl "
	 "--help\n"},
	{"-a net.ipv4.tcp_rmem", NULL,
	 "lull sysctl: -a shows all; leave -w and names out; see lull "
	 "sysctl --help\n"},
	{"-Z", NULL, "lull sysctl: no option -Z; see lull sysctl --help\n"},
	{"-N -q net.ipv4.tcp_rmem", NULL,
	 "lull sysctl: -N goes neither with -n nor with -q; see lull "
	 "sysctl --help\n"},
	{"-r ( -a", NULL,
	 "lull sysctl: --pattern (: no regular expression; see lull "
	 "sysctl --help\n"},
	{"net.ipv4.tcp_keepalive_intv1", NULL,
	 "lull sysctl: net.ipv4.tcp_keepalive_intv1: no such knob; did "
	 "you mean net.ipv4.tcp_keepalive_intvl?\n"},
	{"net.ipv4.tcp_ehash_entries=5", NULL,
	 "lull sysctl: net.ipv4.tcp_ehash_entries: refused: read-only, "
	 "in Linux too; the flow table grows as far as the limits of "
	 "the stack need it\n"},
	{"net.ipv4.tcp_fack", NULL,
	 "lull sysctl: net.ipv4.tcp_fack: it has no value here: "
	 "obsolete; Linux ignores it\n"},
	{"net.ipv4.ip_local_reserved_ports=80-", NULL,
	 "lull sysctl: net.ipv4.ip_local_reserved_ports=80-: it wants "
	 "ports and ranges, as 80,8000-8080\n"},
	{"net.ipv4.ip_local_reserved_ports=9-8", NULL,
	 "lull sysctl: net.ipv4.ip_local_reserved_ports=9-8: each goes "
	 "from 0 to 65535 ports, the lower end of a range first\n"},
	{"net.lull.tcp_timewait_len=msl", NULL,
	 "lull sysctl: net.lull.tcp_timewait_len=msl: it wants 1 whole "
	 "number, from 1 to 3600 seconds, or rfc793=240 bsd=60 "
	 "windows=120\n"},
	{"-n foo*=1", NULL,
	 "lull sysctl: foo*: no such knob; lull sysctl -a lists "
	 "them\n"},
};

static void what_is_refused_is_explained(void **state)
{
	struct ran r;

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		ask(&r, wrong[i].args, wrong[i].more);
		expect_error(&r, 64, wrong[i].text);
	}
	expect("-n net.ipv4.tcp_fin_timeout", NULL, "60\n");
	(void)state;
}

/* ---- files ---- */

/* A file of these lines, in the directory of the control socket. */
static const char *file_of(const char *text)
{
	static char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s.conf", w->path);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	return path;
}

/* The recipe as it stands on the web: seven are set. */
static void the_recipe(void **state)
{
	static const char recipe[] =
		"net.ipv4.tcp_fin_timeout = 30\n"
		"net.ipv4.tcp_keepalive_time = 1200\n"
		"net.ipv4.tcp_syncookies = 1\n"
		"net.ipv4.tcp_tw_reuse = 1\n"
		"net.ipv4.tcp_tw_recycle = 1\n"
		"net.ipv4.ip_local_port_range = 1024 65000\n"
		"net.ipv4.tcp_max_syn_backlog = 8192\n"
		"net.ipv4.tcp_max_tw_buckets = 5000\n";
	struct ran r;

	ask(&r, "-p", file_of(recipe));
	assert_int_equal(r.code, 1);
	assert_string_equal(r.err,
			    "lull sysctl: net.ipv4.tcp_tw_recycle: refused: "
			    "Linux removed it in 4.12: behind a NAT it refused "
			    "whole groups of clients; nothing is needed "
			    "instead\n");
	assert_string_equal(r.out, "net.ipv4.tcp_fin_timeout = 30\n"
				   "net.ipv4.tcp_keepalive_time = 1200\n"
				   "net.ipv4.tcp_syncookies = 1\n"
				   "net.ipv4.tcp_tw_reuse = 1\n"
				   "net.ipv4.ip_local_port_range = 1024\t65000"
				   "\n"
				   "net.ipv4.tcp_max_syn_backlog = 8192\n"
				   "net.ipv4.tcp_max_tw_buckets = 5000\n");
	/* What sysctl(8) calls unknown may be passed over. */
	ask(&r, "-e -q -p", file_of(recipe));
	assert_int_equal(r.code, 0);
	assert_string_equal(r.err, "");
	assert_string_equal(r.out, "");
	(void)state;
}

static void odd_lines(void **state)
{
	struct ran r;

	ask(&r, "-p",
	    file_of("# net.ipv4.tcp_fin_timeout = 1\n"
		    "; net.ipv4.tcp_fin_timeout = 2\n"
		    "   # indented\n"
		    "\n"
		    "  net.ipv4.tcp_fin_timeout   =   31  \r\n"
		    "-net.ipv4.nosuch = 1\n"
		    "net.ipv4.nosuch = 2\n"
		    "net/ipv4/tcp_keepalive_time=1201\n"
		    "net.ipv4.tcp_rfc1337\n"
		    "=5\n"
		    "-net.ipv4.tcp_fin_timeout = 9999\n"
		    "net.ipv4.tcp_fack = 0\n"
		    "net.ipv4.tcp_keepalive_[ip]* = 3\n"
		    "net.ipv4.ip_local_reserved_ports = 80, 443,1000-1002\n"
		    "net.ipv4.ip_local_reserved_ports =\n"
		    "net.lull.tcp_timewait_len = rfc793\n"
		    "net.ipv4.tcp_retries2 = 9")); /* no new line */
	assert_int_equal(r.code, 1);
	assert_string_equal(r.out, "net.ipv4.tcp_fin_timeout = 31\n"
				   "net.ipv4.tcp_keepalive_time = 1201\n"
				   "net.ipv4.tcp_keepalive_intvl = 3\n"
				   "net.ipv4.tcp_keepalive_probes = 3\n"
				   "net.ipv4.ip_local_reserved_ports = "
				   "80,443,1000-1002\n"
				   "net.ipv4.ip_local_reserved_ports = \n"
				   "net.lull.tcp_timewait_len = 240\n"
				   "net.ipv4.tcp_retries2 = 9\n");
	assert_non_null(strstr(r.err, ".conf, line 9: not NAME = VALUE\n"));
	assert_non_null(strstr(r.err, "net.ipv4.nosuch: no such knob"));
	assert_non_null(strstr(r.err, "tcp_fin_timeout=9999: it goes"));
	assert_non_null(strstr(r.err, "net.ipv4.tcp_fack: accepted, no effect: "
				      "obsolete; Linux ignores it\n"));
	(void)state;
}

/* What failed was allowed to: 0. What has no effect is no failure. */
static void lines_that_may_fail(void **state)
{
	struct ran r;

	ask(&r, "-p",
	    file_of("-net.ipv4.tcp_fin_timeout = 9999\n"
		    "-nonsense\n"
		    "net.ipv4.tcp_plb_enabled = 1\n"
		    "net.ipv4.tcp_fin_timeout = 60\n"));
	assert_int_equal(r.code, 0);
	assert_string_equal(r.out, "net.ipv4.tcp_fin_timeout = 60\n");
	(void)state;
}

static void files_that_are_none(void **state)
{
	char args[256];
	struct ran r;

	snprintf(args, sizeof args, "-p /nonexistent %s",
		 file_of("net.ipv4.tcp_fin_timeout = 61\n"));
	ask(&r, args, NULL);
	assert_int_equal(r.code, 1);
	assert_string_equal(r.out, "net.ipv4.tcp_fin_timeout = 61\n");
	assert_string_equal(r.err, "lull sysctl: /nonexistent: No such file or "
				   "directory\n");
	ask(&r, "-p/", NULL);
	assert_int_equal(r.code, 1);
	assert_string_equal(r.err, "lull sysctl: /: Is a directory\n");
	snprintf(args, sizeof args, "--load=%s",
		 file_of("net.ipv4.tcp_fin_timeout = 62\n"));
	expect(args, NULL, "net.ipv4.tcp_fin_timeout = 62\n");
	(void)state;
}

/* From a pipe, as `-p -`. */
static void standard_input(void **state)
{
	char command[512];
	struct ran r;

	snprintf(command, sizeof command,
		 "echo net.ipv4.tcp_fin_timeout=60 | %s sysctl -f --ctl %s -",
		 lull_path, w->path);
	run_program(&r, "/bin/sh", "-c", command);
	assert_int_equal(r.code, 0);
	assert_string_equal(r.out, "net.ipv4.tcp_fin_timeout = 60\n");
	(void)state;
}

/* ---- what is shown ---- */

static void parts_are_shown(void **state)
{
	struct ran r;

	expect("-N net.ipv4.tcp_fin_timeout", NULL,
	       "net.ipv4.tcp_fin_timeout\n");
	expect("-b net.ipv4.tcp_fin_timeout", NULL, "60");
	expect("-q net.ipv4.tcp_fin_timeout net.ipv4.tcp_fin_timeout=60", NULL,
	       "net.ipv4.tcp_fin_timeout = 60\n");
	expect("-a -N --pattern keepalive_(time|intvl)$", NULL,
	       "net.ipv4.tcp_keepalive_intvl\nnet.ipv4.tcp_keepalive_time\n");
	expect("-e net.none net.ipv4.tcp_fack net.ipv4.tcp_tw_recycle=1", NULL,
	       "");
	expect("-r nothing_fits net.ipv4.tcp_fin_timeout=9999 net.none", NULL,
	       "");
	run(&r, "sysctl --idle -r tcp_(fack|tw_recycle)$", NULL);
	assert_int_equal(r.code, 0);
	assert_string_equal(r.out,
			    "net.ipv4.tcp_tw_recycle: refused: Linux removed "
			    "it in 4.12: behind a NAT it refused whole groups "
			    "of clients; nothing is needed instead\n"
			    "net.ipv4.tcp_fack: accepted, no effect: "
			    "obsolete; Linux ignores it\n");
	(void)state;
}

/* A list of ports is text; a long one, too. */
static void lists_are_text(void **state)
{
	char value[1200] = "net.ipv4.ip_local_reserved_ports=1";
	size_t len = strlen(value);
	struct ran r;

	expect("net.ipv4.ip_local_reserved_ports=5-7,3", NULL,
	       "net.ipv4.ip_local_reserved_ports = 3,5-7\n");
	ask(&r, "--json net.ipv4.ip_local_reserved_ports", NULL);
	assert_non_null(strstr(r.out, "\"value\":\"3,5-7\""));
	for (int i = 3; len < 880; i += 2)
		len += (size_t)sprintf(value + len, ",%d", i);
	ask(&r, "-w", value);
	assert_int_equal(r.code, 0);
	assert_int_equal(strlen(r.out), len + 3);
	for (; len < 1000; len++)
		value[len] = '0';
	ask(&r, "-w", value);
	assert_int_equal(r.code, 64);
	expect("net.ipv4.ip_local_reserved_ports=", NULL,
	       "net.ipv4.ip_local_reserved_ports = \n");
	(void)state;
}

/* Those that the limits decide are told as they are. */
static void defaults_of_the_limits(void **state)
{
	static const int limits[] = {64, 256, 64}; /* lull_config_init(64, 64)
						    */
	json_error_t error;
	json_t *json, *list, *knob;
	size_t i;
	struct ran r;

	ask(&r,
	    "--json net.ipv4.tcp_max_orphans net.ipv4.tcp_max_syn_backlog "
	    "net.ipv4.tcp_max_tw_buckets",
	    NULL);
	json = json_loads(r.out, 0, &error);
	list = json_object_get(json, "sysctl");
	assert_int_equal(json_array_size(list), 3);
	json_array_foreach(list, i, knob) assert_int_equal(
		json_integer_value(json_object_get(knob, "default")),
		limits[i]);
	json_decref(json);
	(void)state;
}

/* A number longer than any request holds. */
static void long_arguments_do_no_harm(void **state)
{
	char arg[2000] = "net.ipv4.tcp_fin_timeout=";
	struct ran r;

	memset(arg + strlen(arg), '9', sizeof arg - strlen(arg) - 1);
	arg[sizeof arg - 1] = 0;
	ask(&r, "-w", arg);
	assert_int_equal(r.code, 64);
	arg[24] = 'x';
	ask(&r, "", arg);
	assert_int_equal(r.code, 64);
	(void)state;
}

/* As sysctl(8): the others are done. */
static void one_that_fails_stops_nothing(void **state)
{
	struct ran r;

	ask(&r, "net.ipv4.tcp_fin_timeout=33 net.none net.ipv4.tcp_fin_timeout",
	    NULL);
	assert_int_equal(r.code, 64);
	assert_string_equal(r.out, "net.ipv4.tcp_fin_timeout = 33\n"
				   "net.ipv4.tcp_fin_timeout = 33\n");
	assert_non_null(strstr(r.err, "net.none"));
	expect("-n net.ipv4.tcp_fin_timeout=60", NULL, "60\n");
	(void)state;
}

static void json_has_all_there_is_to_know(void **state)
{
	json_t *json, *list, *knob;
	json_error_t error;
	struct ran r;

	ask(&r,
	    "--json net.ipv4.tcp_fin_timeout net.lull.profile "
	    "net.ipv4.tcp_rmem",
	    NULL);
	assert_int_equal(r.code, 0);
	json = json_loads(r.out, 0, &error);
	assert_non_null(json);
	assert_int_equal(json_integer_value(json_object_get(json, "schema")),
			 1);
	list = json_object_get(json, "sysctl");
	assert_int_equal(json_array_size(list), 3);
#define INTEGER(name) json_integer_value(json_object_get(knob, name))
#define STRING(name)  json_string_value(json_object_get(knob, name))
	knob = json_array_get(list, 0);
	assert_string_equal(STRING("name"), "net.ipv4.tcp_fin_timeout");
	assert_int_equal(INTEGER("value"), 60);
	assert_int_equal(INTEGER("default"), 60);
	assert_int_equal(INTEGER("min"), 1);
	assert_int_equal(INTEGER("max"), 3600);
	assert_string_equal(STRING("unit"), "seconds");
	assert_true(strlen(STRING("help")) > 10);
	knob = json_array_get(list, 1);
	assert_string_equal(STRING("value"), "lull");
	knob = json_array_get(list, 2);
	knob = json_object_get(knob, "value");
	assert_int_equal(json_array_size(knob), 3);
	assert_int_equal(json_integer_value(json_array_get(knob, 1)), 131072);
	json_decref(json);
	(void)state;
}

static void it_must_be_reached(void **state)
{
	struct ran r;

	run(&r, "sysctl -a --ctl /nonexistent/x", NULL);
	expect_error(&r, 3,
		     "lull sysctl: /nonexistent/x: there is no such socket; "
		     "does the program run, with this --ctl?\n");
	run(&r, "sysctl --system --ctl /nonexistent/x", NULL);
	expect_error(
		&r, 64,
		"lull sysctl: --system reads the kernel's own files; leave "
		"--ctl and files out; see lull sysctl --help\n");
	(void)state;
}

static int setup(void **state)
{
	w = served_open(64);
	served_start(w);
	(void)state;
	return 0;
}

static int teardown(void **state)
{
	unlink(file_of("")); /* it is in the directory that goes */
	served_close(w);
	(void)state;
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_them_by_name),
		cmocka_unit_test(names_and_values),
		cmocka_unit_test(setting_prints_what_is_set),
		cmocka_unit_test(what_is_refused_is_explained),
		cmocka_unit_test(the_recipe),
		cmocka_unit_test(odd_lines),
		cmocka_unit_test(lines_that_may_fail),
		cmocka_unit_test(files_that_are_none),
		cmocka_unit_test(standard_input),
		cmocka_unit_test(parts_are_shown),
		cmocka_unit_test(lists_are_text),
		cmocka_unit_test(defaults_of_the_limits),
		cmocka_unit_test(long_arguments_do_no_harm),
		cmocka_unit_test(one_that_fails_stops_nothing),
		cmocka_unit_test(json_has_all_there_is_to_know),
		cmocka_unit_test(it_must_be_reached),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: test_sysctl PATH-OF-LULL\n");
		return 64;
	}
	lull_path = argv[1];
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sysctl", tests, setup, teardown);
}
