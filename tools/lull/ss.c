/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss.c: `lull ss`: the TCP sockets of the kernel, or of a running lull: one by
 * one as ss(8) prints them, or counted. Options, and which view (ss.h).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ss.h"

enum {
	/* As ss without -a and -l: what is neither a listener nor over, nor
	 * half open. */
	HIDDEN = 1 << LULL_TCP_LISTEN | 1 << LULL_TCP_CLOSED |
		 1 << LULL_TCP_TIME_WAIT | 1 << LULL_TCP_SYN_RECEIVED,
	LISTENING = 1 << LULL_TCP_LISTEN | 1 << LULL_TCP_CLOSED,
	WORDS = 512, /* of a filter, as arguments */
};

#define EXT(attribute) (1U << (INET_DIAG_##attribute - 1))

static const char *const by_words[] = {
	"state", "peer", "port", "process", "role", "destination", NULL};

static int help(void)
{
	puts("usage: lull ss [OPTIONS] [FILTER]\n"
	     "       lull ss [OPTIONS] summary [:PORT] [FILTER]\n"
	     "       lull ss --by WORD [OPTIONS] [FILTER]\n\n"
	     "TCP sockets of the kernel, as ss(8) prints them: connections, "
	     "without those\nhalf open or in TIME-WAIT. FILTER: state, src, "
	     "dst, sport, dport, and, or, not.\n\n"
	     "  -a, --all         all of them, with listeners\n"
	     "  -l, --listening   listeners only\n"
	     "  -s, --summary     how many are in each state\n"
	     "      --by state|peer|port|process|role|destination\n"
	     "                    how many of each\n"
	     "  -w, --watch SECONDS\n"
	     "                    count again and again, with changes\n"
	     "      --count N     so many times\n"
	     "  -o, --options     the timer that runs\n"
	     "  -p, --processes   who holds the socket\n"
	     "  -i, --info        what TCP knows of the connection\n"
	     "  -m, --memory      what its buffers hold\n"
	     "  -e, --extended    user, inode, cookie, cgroup\n"
	     "  -O, --oneline     -i and -m on the same line\n"
	     "  -n, --numeric     ports as numbers\n"
	     "  -H, --no-header   no headings\n"
	     "  -4, --ipv4        IPv4 only\n"
	     "  -6, --ipv6        IPv6 only\n"
	     "  -t, --tcp         TCP; there is nothing else\n"
	     "  -K, --kill        end them, after a question\n"
	     "      --yes         without the question\n"
	     "      --force       those in TIME-WAIT too\n"
	     "      --json        one JSON object\n"
	     "      --prom        counts for Prometheus\n"
	     "      --dump FILE   for TCPDIAG_FILE=FILE ss -tano\n"
	     "      --all-netns   in each network namespace\n"
	     "      --host        the kernel's: so without --ctl\n"
	     "      --ctl PATH    a lull's: the control socket of its program\n\n"
	     "Exit: 0 fine; 1 -K left some; 3 could not; 64 usage. See "
	     "lull-ss(1).");
	return TOOL_OK;
}

/* ---- options ---- */

enum {
	CTL = 256,
	JSON,
	BY,
	COUNT,
	YES,
	FORCE,
	PROM,
	DUMP,
	NETNS,
	HOST,
};

static const struct option long_options[] = {
	{"all", no_argument, NULL, 'a'},
	{"listening", no_argument, NULL, 'l'},
	{"summary", no_argument, NULL, 's'},
	{"options", no_argument, NULL, 'o'},
	{"processes", no_argument, NULL, 'p'},
	{"info", no_argument, NULL, 'i'},
	{"memory", no_argument, NULL, 'm'},
	{"extended", no_argument, NULL, 'e'},
	{"oneline", no_argument, NULL, 'O'},
	{"numeric", no_argument, NULL, 'n'},
	{"no-header", no_argument, NULL, 'H'},
	{"tcp", no_argument, NULL, 't'},
	{"ipv4", no_argument, NULL, '4'},
	{"ipv6", no_argument, NULL, '6'},
	{"kill", no_argument, NULL, 'K'},
	{"watch", required_argument, NULL, 'w'},
	{"count", required_argument, NULL, COUNT},
	{"yes", no_argument, NULL, YES},
	{"force", no_argument, NULL, FORCE},
	{"json", no_argument, NULL, JSON},
	{"prom", no_argument, NULL, PROM},
	{"dump", required_argument, NULL, DUMP},
	{"all-netns", no_argument, NULL, NETNS},
	{"by", required_argument, NULL, BY},
	{"host", no_argument, NULL, HOST},
	{"ctl", required_argument, NULL, CTL},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* NULL: it is none that is or is not. */
static bool *flag_of(struct ss_options *o, int c)
{
	static bool nothing;
	const struct {
		int c;
		bool *flag;
	} flags[] = {
		{'a', &o->all},		{'l', &o->listening},
		{'s', &o->summary},	{'o', &o->timers},
		{'p', &o->processes},	{'i', &o->info},
		{'m', &o->memory},	{'e', &o->extended},
		{'O', &o->oneline},	{'n', &o->numeric},
		{'H', &o->no_header},	{'4', &o->ipv4},
		{'6', &o->ipv6},	{'K', &o->kill},
		{YES, &o->yes},		{FORCE, &o->force},
		{JSON, &o->json},	{PROM, &o->prom},
		{NETNS, &o->all_netns}, {HOST, &o->host},
		{'t', &nothing},
	};

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (flags[i].c == c)
			return flags[i].flag;
	return NULL;
}

static int set_by(struct ss_options *o, const char *word)
{
	const char *near = tool_nearest(word, by_words);

	for (int i = 0; by_words[i]; i++)
		if (strcmp(by_words[i], word) == 0)
			o->by = by_words[i];
	if (o->by)
		return 0;
	if (near)
		return tool_usage("--by %s: there is no such word; did you "
				  "mean %s?",
				  word, near);
	return tool_usage("--by %s: there is no such word, only: state, peer, "
			  "port, process, role, destination",
			  word);
}

static int set_every(struct ss_options *o, const char *text)
{
	char *end;

	o->every_s = strtod(text, &end);
	if (*end || !(o->every_s >= 0.01 && o->every_s <= 86400))
		return tool_usage("-w %s: a number of seconds, 0.01 to 86400",
				  text);
	return 0;
}

static int set(struct ss_options *o, int c, char *value)
{
	bool *flag = flag_of(o, c);

	if (flag)
		*flag = true;
	else if (c == CTL)
		o->ctl = value;
	else if (c == DUMP)
		o->dump = value;
	else if (c == BY)
		return set_by(o, value);
	else if (c == 'w')
		return set_every(o, value);
	else if (c == COUNT && !tool_number(value, 1, UINT32_MAX, &o->frames))
		return tool_usage("--count %s: a number from 1 on", value);
	return 0;
}

static int check(const struct ss_options *o)
{
	bool counts = o->summary || o->by;
	bool dests = o->by && strcmp(o->by, "destination") == 0;

	if (o->host && o->ctl)
		return tool_usage("--host and --ctl: one of them");
	if (o->ctl && (o->processes || o->kill || o->all_netns))
		return tool_usage("-p, -K and --all-netns are for the "
				  "kernel's sockets; leave --ctl out");
	if (o->ctl && o->states_only && (o->ipv4 || o->ipv6))
		return tool_usage("-s counts both families; leave -4 and -6 "
				  "out");
	if (dests && (o->summary || o->listening))
		return tool_usage("--by destination counts connections that "
				  "we opened; leave -l and -s out");
	if (o->kill && (counts || o->json || o->dump || o->all_netns))
		return tool_usage("-K goes with a filter, --yes and --force "
				  "alone");
	if ((o->yes || o->force) && !o->kill)
		return tool_usage("--yes and --force are of -K");
	if ((o->every_s > 0 || o->prom) && !counts)
		return tool_usage("-w and --prom are for counts: summary, or "
				  "--by");
	if (o->prom && dests)
		return tool_usage("--prom is not for --by destination");
	if (o->frames && o->every_s <= 0)
		return tool_usage("--count is of -w");
	if (o->dump && (counts || o->json || o->all_netns))
		return tool_usage("--dump writes sockets; leave the counts, "
				  "--json and --all-netns out");
	if (o->all_netns && o->every_s > 0)
		return tool_usage("--all-netns and -w: one of them");
	if (o->json && o->prom)
		return tool_usage("--json and --prom: one of them");
	return -1;
}

/* ---- what is asked for ---- */

static uint32_t states_of(const struct ss *ss)
{
	const struct ss_options *o = &ss->o;

	if (ss->words.has_states)
		return ss->words.states;
	if (o->listening && !o->all)
		return LISTENING;
	if (o->all || o->summary || o->by || o->dump)
		return ~0U;
	return ~(uint32_t)HIDDEN;
}

static void make_ask(struct ss *ss)
{
	const struct ss_options *o = &ss->o;
	uint32_t shown;

	ss->ask = (struct ss_ask){.states = states_of(ss),
				  .ipv4 = o->ipv4,
				  .ipv6 = o->ipv6,
				  .filter = &ss->words.filter};
	if (o->info || o->dump)
		ss->ask.ext |= EXT(INFO) | EXT(VEGASINFO) | EXT(CONG);
	if (o->memory || o->dump)
		ss->ask.ext |= EXT(MEMINFO) | EXT(SKMEMINFO);
	shown = ss->ask.states & 0xfff; /* the states that ss has */
	ss->single = shown && !(shown & (shown - 1));
}

/* "summary :443 FILTER" is "FILTER ( sport = :443 or dport = :443 )". */
static int parse_words(struct ss *ss, int argc, char **argv)
{
	char why[SS_FILTER_WHY], port[128];
	char *words[WORDS];
	int n = 0;

	port[0] = 0;
	if (argc && strcmp(argv[0], "summary") == 0) {
		ss->o.summary = true;
		argc--;
		argv++;
		if (argc && argv[0][0] == ':') {
			snprintf(port, sizeof port,
				 "( sport = %.40s or dport = %.40s )", argv[0],
				 argv[0]);
			argc--;
			argv++;
		}
	} else {
		ss->o.states_only = ss->o.summary;
	}
	if (argc >= WORDS)
		return tool_usage("the filter has too many words");
	for (; n < argc; n++)
		words[n] = argv[n];
	if (port[0])
		words[n++] = port;
	if (!ss_filter_parse(&ss->words, words, n, why))
		return tool_usage("%s", why);
	return -1;
}

static bool has_device(const struct ss_filter *f)
{
	for (int i = 0; i < f->len; i++)
		if (f->node[i].op == SS_DEV)
			return true;
	return false;
}

/* Flags of ss(8) that people type with the others. */
static int bad_option(int c, char **argv)
{
	if (c == '?' && optopt && strchr("uxdSf0", optopt))
		return tool_usage("-%c: here is TCP alone; leave it out, or "
				  "ask ss(8)",
				  optopt);
	return tool_bad_option(c, argv);
}

/* Below 0: go on; else the exit code. */
static int parse(int argc, char **argv, struct ss *ss)
{
	int c, code;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":alsopimeOnHt46Kw:h", long_options,
				NULL)) >= 0) {
		if (c == 'h')
			return help();
		if (c == '?' || c == ':')
			return bad_option(c, argv);
		code = set(&ss->o, c, optarg);
		if (code)
			return code;
	}
	code = parse_words(ss, argc - optind, argv + optind);
	if (code < 0)
		code = check(&ss->o);
	if (code < 0 && ss->o.all_netns && has_device(&ss->words.filter))
		code = tool_usage("--all-netns and dev: interfaces have other "
				  "numbers in each namespace; leave one out");
	if (ss->o.extended) /* as ss has it */
		ss->o.timers = true;
	if (code < 0)
		make_ask(ss);
	return code;
}

/* ---- the command ---- */

/* -s of a lull tells the eleven states, whether there are any or not. */
static int print(struct ss *ss)
{
	const struct ss_options *o = &ss->o;

	if (o->dump)
		return ss_write_dump(ss);
	if (o->by && strcmp(o->by, "destination") == 0)
		return ss_print_dests(ss);
	if (o->by)
		return ss_print_by(ss);
	if (o->summary && o->states_only && o->ctl && !o->prom &&
	    o->every_s <= 0 && !ss->words.has_states && !ss->words.filter.len)
		return ss_print_states(ss);
	if (o->summary)
		return ss_print_summary(ss);
	return o->json ? ss_print_json(ss) : ss_print_rows(ss);
}

static void tell_hidden(const struct ss *ss)
{
	if (ss->procs && ss->o.processes && procs_hidden(ss->procs))
		tool_error(0,
			   "%zu of %zu processes may not be looked into: root "
			   "would see what they hold",
			   procs_hidden(ss->procs), procs_count(ss->procs));
}

/* Everything in one namespace. */
static int view(struct ss *ss)
{
	int code = ss_source_open(&ss->source, ss->o.ctl), e;

	if (code)
		return code;
	if (ss->o.kill) {
		code = ss_kill(ss);
	} else {
		e = print(ss);
		code = ctl_finish(TOOL_OK);
		if (e < 0)
			code = ss_source_failed(&ss->source, e);
		else if (e > 0)
			code = e;
	}
	ss_source_close(&ss->source);
	return code;
}

int cmd_ss(int argc, char **argv)
{
	struct ss *ss = calloc(1, sizeof *ss);
	int code, e = 0;

	if (!ss)
		return tool_error(TOOL_COULD_NOT, "no memory");
	code = parse(argc, argv, ss);
	if (code < 0 && ss->o.processes) {
		e = procs_read(&ss->procs, "/proc");
		if (e < 0)
			tool_error(0, "/proc: %s; processes are not shown",
				   strerror(-e));
	}
	if (code < 0)
		code = ss->o.all_netns ? ss_for_each_netns(ss, view) : view(ss);
	tell_hidden(ss);
	procs_free(ss->procs);
	ss_free_ports(ss);
	free(ss->rest.text);
	free(ss);
	return code;
}
