/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c: lull-sim, which `lull sim` executes: the simulator on a core that
 * checks itself.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "again.h"
#include "scene.h"

enum {
	EXIT_FINDING = 1,
	EXIT_COULD_NOT = 3,
	EXIT_USAGE = 64,
};

static const char help[] =
	"usage: lull sim --seeds A..B [--scenario NAME] [--trace] [--pcap FILE]\n"
	"                [--until SECONDS] [--without LIST] [--conns N] [--shrink]\n"
	"       lull sim --regressions FILE\n"
	"\n"
	"Seeded worlds of two to four stacks in virtual time: a network that loses,\n"
	"doubles, delays, overtakes, damages and falls apart, hosts that crash and come\n"
	"again, programs that behave well and badly, and rules that are checked at every\n"
	"step. Which kinds of trouble there are is drawn as well. The same seed gives\n"
	"the same world.\n"
	"\n"
	"  --seeds A..B      run these seeds, both included\n"
	"  --scenario NAME   attack the reuse of pairs of endpoints instead, with one\n"
	"                    middlebox; all of them but control; list: their names.\n"
	"                    24 seeds have each combination of what is drawn in turn,\n"
	"                    48 have each over IPv4 and over IPv6; all takes the\n"
	"                    first 6 of lapped, which sends 2^30 bytes\n"
	"  --trace           tell what happens, line by line\n"
	"  --pcap FILE       write the frames of the first seed for Wireshark\n"
	"  --until SECONDS   stop at this virtual time, as --trace prints it\n"
	"  --without LIST    leave out these kinds of trouble, apart by commas; the rest\n"
	"                    of the world stays as it was; list: their names\n"
	"  --conns N         only the first N connections begin\n"
	"  --shrink          of a seed that fails leave out one kind after the other,\n"
	"                    and connections, while it does; print the command for it\n"
	"  --regressions FILE  seeds that once failed, a line each\n"
	"  --fail POOL:N     of each stack the N-th get from this pool fails, while the\n"
	"                    network is bad: connections, half-open, buffers-2k, ...\n"
	"\n"
	"Exit: 0 all held; 1 some seeds failed, each with the line that repeats it;\n"
	"3 could not; 64 usage. The last line: N seeds, N connections, N failed, hash H\n"
	"Of a scenario it also tells how many failed as expected: by tcp_tw_reuse=1,\n"
	"which promises less, or in a control, where it is a finding if none did.\n";

struct arguments {
	unsigned long first, last;
	struct sim_options options;
	const char *pcap, *scenario, *regressions; /* NULL: none */
	bool shrink;
};

static int usage(const char *what, const char *value)
{
	fprintf(stderr, "lull sim: %s: %s; see lull sim --help\n", what, value);
	return EXIT_USAGE;
}

static bool parse_seeds(const char *text, struct arguments *a)
{
	char *end;

	errno = 0;
	a->first = strtoul(text, &end, 10);
	if (end == text || text[0] == '-' || strncmp(end, "..", 2) != 0)
		return false;
	text = end + 2;
	a->last = strtoul(text, &end, 10);
	return end != text && text[0] != '-' && !*end && !errno &&
	       a->first <= a->last;
}

static bool parse_seconds(const char *text, uint64_t *ns)
{
	char *end;
	double s = strtod(text, &end);

	*ns = (uint64_t)(s * 1e9);
	return end != text && !*end && s > 0 && s < 1e9;
}

static bool parse_count(const char *text, uint32_t *n)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	*n = (uint32_t)v;
	return end != text && !*end && text[0] != '-' && v > 0 &&
	       v <= UINT32_MAX;
}

static int list_kinds(void)
{
	const struct kind_info *k;

	for (int i = 0; (k = kind_at(i)); i++)
		printf("%-12s %3u %% of worlds: %s\n", k->name, k->percent,
		       k->help);
	return -1;
}

/* 0: go on; else as parse(). */
static int parse_without(const char *text, struct arguments *a)
{
	const char *wrong;

	if (strcmp(text, "list") == 0)
		return list_kinds();
	wrong = kinds_parse(text, &a->options.without);
	return wrong ? usage("no such kind, see --without list", wrong) : 0;
}

/* "buffers-2k:7", in place. */
static bool parse_fail(char *text, struct sim_options *o)
{
	char *colon = strrchr(text, ':'), *end;
	unsigned long n;

	if (!colon || colon[1] < '1' || colon[1] > '9')
		return false;
	n = strtoul(colon + 1, &end, 10);
	*colon = 0;
	o->fail = text;
	o->fail_n = (uint32_t)n;
	return !*end && n <= UINT32_MAX;
}

static int list(void)
{
	const struct scenario *k;

	for (int i = 0; (k = scene_at(i)); i++)
		printf("%-12s %s\n", k->name, k->help);
	return -1;
}

/* One option. 0: go on; else as parse(). */
static int take(int c, struct arguments *a, bool *seeds)
{
	switch (c) {
	case 's':
		*seeds = true;
		return parse_seeds(optarg, a) ? 0
					      : usage("seeds are A..B", optarg);
	case 'n':
		a->scenario = optarg;
		return 0;
	case 't':
		a->options.trace = stdout;
		return 0;
	case 'p':
		a->pcap = optarg;
		return 0;
	case 'u':
		return parse_seconds(optarg, &a->options.until_ns)
			       ? 0
			       : usage("not a number of seconds", optarg);
	case 'w':
		return parse_without(optarg, a);
	case 'c':
		return parse_count(optarg, &a->options.conns)
			       ? 0
			       : usage("not a number of connections", optarg);
	case 'k':
		a->shrink = true;
		return 0;
	case 'r':
		a->regressions = optarg;
		return 0;
	case 'f':
		return parse_fail(optarg, &a->options)
			       ? 0
			       : usage("not POOL:N", optarg);
	case 'h':
		fputs(help, stdout);
		return -1;
	default:
		return EXIT_USAGE;
	}
}

/* Do they go together? */
static int agree(const struct arguments *a, bool seeds)
{
	if (a->scenario && strcmp(a->scenario, "all") != 0 &&
	    !scene_find(a->scenario))
		return usage("no such scenario, see --scenario list",
			     a->scenario);
	if (a->scenario &&
	    (a->options.without || a->options.conns || a->shrink))
		return usage("a scenario has no kinds of trouble to leave out",
			     a->scenario);
	if (a->scenario && a->options.fail)
		return usage("a scenario's pools do not fail", "--fail");
	if (a->regressions)
		return seeds ? usage("seeds, or regressions", a->regressions)
			     : 0;
	return seeds ? 0 : usage("which seeds", "--seeds A..B");
}

/* 0: go on; else the exit code, below 0 for success. */
static int parse(int argc, char **argv, struct arguments *a)
{
	static const struct option longs[] = {
		{"seeds", required_argument, NULL, 's'},
		{"scenario", required_argument, NULL, 'n'},
		{"trace", no_argument, NULL, 't'},
		{"pcap", required_argument, NULL, 'p'},
		{"until", required_argument, NULL, 'u'},
		{"without", required_argument, NULL, 'w'},
		{"conns", required_argument, NULL, 'c'},
		{"shrink", no_argument, NULL, 'k'},
		{"regressions", required_argument, NULL, 'r'},
		{"fail", required_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	bool seeds = false;
	int c, e;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		e = take(c, a, &seeds);
		if (e)
			return e;
	}
	if (optind < argc)
		return usage("what is this", argv[optind]);
	if (a->scenario && strcmp(a->scenario, "list") == 0)
		return list();
	return agree(a, seeds);
}

/* One seed. */
static void run_one(struct arguments *a, const struct scenario *kind,
		    struct sim_result *r)
{
	unsigned long seed = a->options.seed;
	char without[512];

	if (kind)
		scene_run(kind, &a->options, r);
	else
		sim_run(&a->options, r);
	a->options.pcap = NULL; /* the first seed's only */
	if (!r->failed || (r->expected && !a->options.trace))
		return;
	printf("seed %lu %s: %s; again: lull sim %s%s%s--seeds %lu..%lu", seed,
	       r->expected ? "failed as expected" : "failed", r->why,
	       kind ? "--scenario " : "", kind ? kind->name : "",
	       kind ? " " : "", seed, seed);
	kinds_format(a->options.without, without, sizeof without);
	if (without[0])
		printf(" --without %s", without);
	if (a->options.conns)
		printf(" --conns %u", a->options.conns);
	if (a->options.fail)
		printf(" --fail %s:%u", a->options.fail, a->options.fail_n);
	printf(" --trace\n");
	if (a->shrink && !r->expected)
		again_shrink(&a->options, r);
}

/* The seeds up to `last`, of one kind. Returns the exit code. */
static int run_all(struct arguments *a, const struct scenario *kind,
		   unsigned long last)
{
	unsigned long connections = 0, failed = 0, expected = 0;
	uint64_t hash = 0;

	for (unsigned long seed = a->first;; seed++) {
		struct sim_result r;

		a->options.seed = seed;
		run_one(a, kind, &r);
		failed += r.failed && !r.expected;
		expected += r.failed && r.expected;
		connections += r.connections;
		hash = (hash ^ r.hash) * 0x100000001b3U;
		if (seed == last)
			break;
	}
	if (kind)
		printf("%s: ", kind->name);
	printf("%lu seeds, %lu connections, %lu failed, ", last - a->first + 1,
	       connections, failed);
	if (kind)
		printf("%lu as expected, ", expected);
	printf("hash %016lx\n", hash);
	if (kind && kind->control && !expected)
		return EXIT_FINDING;
	return failed ? EXIT_FINDING : 0;
}

/* Of a dear one among all the first few, unless it is asked for by name. */
static unsigned long last_of(const struct arguments *a,
			     const struct scenario *k)
{
	return k->few && a->last - a->first >= k->few ? a->first + k->few - 1
						      : a->last;
}

static int run_kinds(struct arguments *a)
{
	const struct scenario *k;
	int worst = 0;

	if (!a->scenario)
		return run_all(a, NULL, a->last);
	if (strcmp(a->scenario, "all") != 0)
		return run_all(a, scene_find(a->scenario), a->last);
	for (int i = 0; (k = scene_at(i)); i++)
		if (!k->control)
			worst |= run_all(a, k, last_of(a, k));
	return worst;
}

int main(int argc, char **argv)
{
	struct arguments a = {0};
	struct lull_pcap *pcap = NULL;
	int e = parse(argc, argv, &a);

	if (e)
		return e < 0 ? 0 : e;
	if (a.regressions)
		return again_regressions(a.regressions);
	if (a.pcap) {
		e = lull_pcap_create(&pcap, a.pcap, LULL_LINK_IP);
		if (e < 0) {
			fprintf(stderr, "lull sim: %s: %s\n", a.pcap,
				strerror(-e));
			return EXIT_COULD_NOT;
		}
		a.options.pcap = pcap;
	}
	e = run_kinds(&a);
	if (pcap && lull_pcap_destroy(pcap) < 0) {
		fprintf(stderr, "lull sim: %s: could not write it all\n",
			a.pcap);
		return EXIT_COULD_NOT;
	}
	return e;
}
