/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.c: `lull trace`: what happens to the connections of a running lull:
 * each change of state, who closed first and why it ended, and each refusal.
 *
 * Asks for what is new, again and again, sooner when there was something. Says
 * how many records were overwritten before it came. What is older than the
 * beginning is read as well, to know who closed first, and not told.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <lull/host.h>

#include "ctl.h"
#include "trace.h"

enum {
	WAIT_MIN_MS = 20, /* for more, when there was something */
	WAIT_MAX_MS = 100,
	MUCH = 1000, /* so many at once: there is more, and the ring is small */
	FILTERS = 8,
	WHOLE_DUMP = 65536,
	STOP = -ECANCELED, /* enough was told */
};

struct options {
	const char *ctl;
	bool json, no_header, states, drops;
	bool all;	    /* as old as the ring has them */
	uint64_t since_ns;  /* and else so old */
	uint64_t count, ns; /* 0: without an end */
	struct trace_filter filter[FILTERS];
	int filters;
};

struct follow {
	struct options o;
	struct trace_pairs *pairs;
	struct trace_width width;
	uint64_t clock_ns; /* from the stack's clock to the wall's */
	uint64_t begin_ns, end_ns;
	uint64_t next, got; /* index; records of this dump */
	bool known;	    /* `next` is one that must come */
	bool primed;	    /* what was there at the beginning is read */
	uint64_t told, changes, refusals, lost, ended[LULL_ENDS];
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

/* ---- telling ---- */

static int print_json(json_t *json)
{
	if (!json)
		return -ENOMEM;
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
	return 0;
}

static int tell_lost(struct follow *f, uint64_t records)
{
	f->lost += records;
	if (f->o.json)
		return print_json(json_pack("{s:i, s:s, s:I}", "schema", 1,
					    "kind", "lost", "records",
					    (json_int_t)records));
	printf("%llu lost: overwritten before they could be read\n",
	       (unsigned long long)records);
	return 0;
}

static int tell(struct follow *f, const struct lull_ctl_trace *r,
		const struct trace_seen *seen)
{
	char text[TRACE_LINE];
	int e = 0;

	if (f->o.json)
		e = print_json(trace_json(f->clock_ns, r, seen));
	else
		puts(trace_line(&f->width, f->clock_ns, r, seen, text));
	if (e < 0)
		return e;
	if (r->kind == LULL_TRACE_STATE)
		f->changes++;
	else
		f->refusals++;
	if (r->kind == LULL_TRACE_STATE && r->to == LULL_TCP_CLOSED &&
	    r->from != LULL_TCP_LISTEN)
		f->ended[r->what < LULL_ENDS ? r->what : 0]++;
	return ++f->told == f->o.count ? STOP : 0;
}

static bool is_wanted(const struct follow *f, const struct lull_ctl_trace *r)
{
	bool state = r->kind == LULL_TRACE_STATE;

	if (!f->primed && !f->o.all && r->now_ns + f->o.since_ns < f->begin_ns)
		return false;
	if (state ? f->o.drops : f->o.states)
		return false;
	for (int i = 0; i < f->o.filters; i++)
		if (!trace_passes(&f->o.filter[i], r))
			return false;
	return true;
}

static int see(void *arg, const struct nlmsghdr *hdr)
{
	struct trace_seen seen = {0};
	struct follow *f = arg;
	struct lull_ctl_trace r;
	int e = 0;

	if (hdr->nlmsg_type != LULL_CTL_TRACE)
		return -EPROTO;
	lull_client_take(hdr, &r, sizeof r);
	if (r.index < f->next)
		return -EPROTO; /* it must go on, or we never end */
	if (f->known && r.index > f->next)
		e = tell_lost(f, r.index - f->next);
	f->known = true;
	f->next = r.index + 1;
	f->got++;
	if (r.kind == LULL_TRACE_STATE)
		seen = trace_note(f->pairs, &r);
	return e == 0 && is_wanted(f, &r) ? tell(f, &r, &seen) : e;
}

/* ---- the sum ---- */

static int sum_json(const struct follow *f, uint64_t ns)
{
	json_t *ended = json_object(), *json;

	for (int i = 0; i < LULL_ENDS; i++)
		if (f->ended[i])
			json_object_set_new(
				ended, trace_why_word((uint32_t)i),
				json_integer((json_int_t)f->ended[i]));
	json = json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:o}", "schema", 1,
			 "kind", "sum", "lasted_ns", (json_int_t)ns, "changes",
			 (json_int_t)f->changes, "refusals",
			 (json_int_t)f->refusals, "lost", (json_int_t)f->lost,
			 "ended", ended);
	return print_json(json);
}

static int tell_sum(const struct follow *f)
{
	uint64_t ns = lull_clock_ns() - f->begin_ns;
	const char *before = "; ended: ";

	if (f->o.json)
		return sum_json(f, ns);
	printf("%llu change%s of state, %llu refusal%s, %llu lost in %.1f s",
	       (unsigned long long)f->changes, f->changes == 1 ? "" : "s",
	       (unsigned long long)f->refusals, f->refusals == 1 ? "" : "s",
	       (unsigned long long)f->lost, (double)ns / 1e9);
	for (int i = 0; i < LULL_ENDS; i++) {
		if (!f->ended[i])
			continue;
		printf("%s%llu %s", before, (unsigned long long)f->ended[i],
		       trace_why((uint32_t)i));
		before = ", ";
	}
	putchar('\n');
	return 0;
}

/* ---- following ---- */

static int ask(struct follow *f, struct lull_client *client)
{
	const struct lull_ctl_trace_from from = {f->next};
	const struct lull_client_request request = {LULL_CTL_TRACE, &from,
						    sizeof from};
	int e;

	f->got = 0;
	e = lull_client_dump(client, &request, see, f);
	if (e == 0 && f->got < WHOLE_DUMP)
		f->primed = true;
	if (fflush(stdout) != 0 || ferror(stdout))
		return STOP; /* ctl_finish() says why */
	return e;
}

/* A signal ends the wait. */
static void rest(const struct follow *f, uint32_t ms)
{
	uint64_t now = lull_clock_ns(), ns = ms * 1000000ULL;

	if (f->end_ns && now + ns > f->end_ns)
		ns = f->end_ns > now ? f->end_ns - now : 0;
	nanosleep(&(struct timespec){.tv_nsec = (long)ns}, NULL);
}

static int follow(struct follow *f, struct lull_client *client)
{
	uint32_t wait_ms = WAIT_MIN_MS;

	while (!stopped) {
		int e = ask(f, client);

		if (e < 0)
			return e == STOP ? 0 : e;
		if (f->end_ns && lull_clock_ns() >= f->end_ns)
			return 0;
		if (f->got >= MUCH)
			continue;
		wait_ms = f->got ? WAIT_MIN_MS : wait_ms + 10;
		if (wait_ms > WAIT_MAX_MS)
			wait_ms = WAIT_MAX_MS;
		rest(f, wait_ms);
	}
	return 0;
}

/* How far the wall's clock is ahead of lull_clock_ns(). */
static uint64_t wall_ahead_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec -
	       lull_clock_ns();
}

static int run(struct follow *f)
{
	/* Without SA_RESTART: a signal ends the wait for more. */
	struct sigaction action = {.sa_handler = on_signal};
	struct lull_client *client = ctl_open(f->o.ctl);
	char text[TRACE_LINE];
	int e;

	if (!client)
		return TOOL_COULD_NOT;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	f->begin_ns = lull_clock_ns();
	f->end_ns = f->o.ns ? f->begin_ns + f->o.ns : 0;
	f->clock_ns = wall_ahead_ns();
	f->width = (struct trace_width){21, 21, 24};
	if (!f->o.json && !f->o.no_header)
		puts(trace_heading(&f->width, text));
	e = follow(f, client);
	lull_client_close(client);
	if (tell_sum(f) < 0)
		e = -ENOMEM;
	if (e < 0) {
		fflush(stdout);
		return ctl_failed(f->o.ctl, e);
	}
	return ctl_finish(TOOL_OK);
}

/* ---- the command ---- */

static int help(void)
{
	puts("usage: lull trace [OPTIONS] --ctl PATH [FILTER...]\n\n"
	     "What happens to the connections of a running lull: changes of "
	     "state, who closed\nfirst and why it ended, and segments that "
	     "were refused. Ends with ^C.\n\n"
	     "A FILTER is what either end has: ADDRESS, ADDRESS/BITS, "
	     "ADDRESS:PORT,\n[ADDRESS]:PORT or :PORT. Each must fit.\n\n"
	     "      --states        changes of state only\n"
	     "      --drops         refusals only\n"
	     "      --since WHEN    also what is older: SECONDS, or all\n"
	     "  -n, --count COUNT   so many lines, then end\n"
	     "      --seconds S     so long, then end\n"
	     "  -H, --no-header     no headings\n"
	     "      --json          one JSON object a line\n"
	     "      --ctl PATH      the control socket of the program\n\n"
	     "Exit: 0 fine; 3 could not; 64 usage. See lull-trace(1).");
	return TOOL_OK;
}

enum {
	CTL = 256,
	JSON,
	STATES,
	DROPS,
	SINCE,
	SECONDS,
};

/* Options with a value. TOOL_OK, or explained. */
static int take(struct options *o, int c, const char *value)
{
	uint64_t n = 0;
	bool all = c == SINCE && strcmp(value, "all") == 0;

	if (c == CTL) {
		o->ctl = value;
		return TOOL_OK;
	}
	if (!all && !tool_number(value, c == SINCE ? 0 : 1, 1000000000, &n))
		return tool_usage("%s %s: a whole number up to 1000000000%s",
				  c == 'n'     ? "--count"
				  : c == SINCE ? "--since"
					       : "--seconds",
				  value, c == SINCE ? ", or all" : "");
	o->all |= all;
	if (c == 'n')
		o->count = n;
	else if (c == SINCE)
		o->since_ns = n * 1000000000;
	else
		o->ns = n * 1000000000;
	return TOOL_OK;
}

static int take_filters(struct options *o, int argc, char **argv)
{
	if (argc > FILTERS)
		return tool_usage("%s: %d filters are enough", argv[FILTERS],
				  FILTERS);
	for (; o->filters < argc; o->filters++)
		if (trace_filter(argv[o->filters], &o->filter[o->filters]) < 0)
			return tool_usage("%s: a filter is ADDRESS, "
					  "ADDRESS/BITS, ADDRESS:PORT, "
					  "[ADDRESS]:PORT or :PORT",
					  argv[o->filters]);
	return TOOL_OK;
}

static int check(struct options *o, int argc, char **argv)
{
	if (o->states && o->drops)
		return tool_usage("--states and --drops exclude each other; "
				  "without them both are told");
	if (take_filters(o, argc, argv) != TOOL_OK)
		return TOOL_USAGE;
	return o->ctl ? -1 : ctl_needed();
}

/* Below 0: go on; else the exit code. */
static int parse(int argc, char **argv, struct options *o)
{
	static const struct option long_options[] = {
		{"states", no_argument, NULL, STATES},
		{"drops", no_argument, NULL, DROPS},
		{"since", required_argument, NULL, SINCE},
		{"count", required_argument, NULL, 'n'},
		{"seconds", required_argument, NULL, SECONDS},
		{"no-header", no_argument, NULL, 'H'},
		{"json", no_argument, NULL, JSON},
		{"ctl", required_argument, NULL, CTL},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":n:Hh", long_options, NULL)) >=
	       0) {
		if (c == 'h')
			return help();
		if (c == '?' || c == ':')
			return tool_bad_option(c, argv);
		o->json |= c == JSON;
		o->states |= c == STATES;
		o->drops |= c == DROPS;
		o->no_header |= c == 'H';
		if (optarg && take(o, c, optarg) != TOOL_OK)
			return TOOL_USAGE;
	}
	return check(o, argc - optind, argv + optind);
}

int cmd_trace(int argc, char **argv)
{
	static struct follow f;
	int code = parse(argc, argv, &f.o);

	if (code >= 0)
		return code;
	f.pairs = trace_pairs_new();
	if (!f.pairs)
		return tool_error(TOOL_COULD_NOT, "out of memory; try again");
	code = run(&f);
	free(f.pairs);
	return code;
}
