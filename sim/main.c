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

#include "sim.h"

enum {
	EXIT_FINDING = 1,
	EXIT_COULD_NOT = 3,
	EXIT_USAGE = 64,
};

static const char help[] =
	"usage: lull sim --seeds A..B [--trace] [--pcap FILE] [--until SECONDS]\n"
	"\n"
	"Seeded worlds of two to four stacks in virtual time: a network that loses,\n"
	"doubles, delays, overtakes and damages, programs that behave well and badly,\n"
	"and rules that are checked at every step. The same seed gives the same world.\n"
	"\n"
	"  --seeds A..B      run these seeds, both included\n"
	"  --trace           tell what happens, line by line\n"
	"  --pcap FILE       write the frames of the first seed for Wireshark\n"
	"  --until SECONDS   stop at this virtual time, as --trace prints it\n"
	"\n"
	"Exit: 0 all held; 1 some seeds failed, each with the line that repeats it;\n"
	"3 could not; 64 usage. The last line: N seeds, N connections, N failed, hash H\n";

struct arguments {
	unsigned long first, last;
	struct sim_options options;
	const char *pcap;
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

/* 0: go on; else the exit code, below 0 for success. */
static int parse(int argc, char **argv, struct arguments *a)
{
	static const struct option longs[] = {
		{"seeds", required_argument, NULL, 's'},
		{"trace", no_argument, NULL, 't'},
		{"pcap", required_argument, NULL, 'p'},
		{"until", required_argument, NULL, 'u'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	bool seeds = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			if (!parse_seeds(optarg, a))
				return usage("seeds are A..B", optarg);
			seeds = true;
			break;
		case 't':
			a->options.trace = stdout;
			break;
		case 'p':
			a->pcap = optarg;
			break;
		case 'u':
			if (!parse_seconds(optarg, &a->options.until_ns))
				return usage("not a number of seconds", optarg);
			break;
		case 'h':
			fputs(help, stdout);
			return -1;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		return usage("what is this", argv[optind]);
	return seeds ? 0 : usage("which seeds", "--seeds A..B");
}

static int run_all(struct arguments *a)
{
	unsigned long connections = 0, failed = 0;
	uint64_t hash = 0;

	for (unsigned long seed = a->first;; seed++) {
		struct sim_result r;

		a->options.seed = seed;
		sim_run(&a->options, &r);
		connections += r.connections;
		hash = (hash ^ r.hash) * 0x100000001b3U;
		if (r.failed) {
			failed++;
			printf("seed %lu failed: %s; again: lull sim --seeds "
			       "%lu..%lu --trace\n",
			       seed, r.why, seed, seed);
		}
		a->options.pcap = NULL; /* the first seed's only */
		if (seed == a->last)
			break;
	}
	printf("%lu seeds, %lu connections, %lu failed, hash %016lx\n",
	       a->last - a->first + 1, connections, failed, hash);
	return failed ? EXIT_FINDING : 0;
}

int main(int argc, char **argv)
{
	struct arguments a = {0};
	struct lull_pcap *pcap = NULL;
	int e = parse(argc, argv, &a);

	if (e)
		return e < 0 ? 0 : e;
	if (a.pcap) {
		e = lull_pcap_create(&pcap, a.pcap);
		if (e < 0) {
			fprintf(stderr, "lull sim: %s: %s\n", a.pcap,
				strerror(-e));
			return EXIT_COULD_NOT;
		}
		a.options.pcap = pcap;
	}
	e = run_all(&a);
	if (pcap && lull_pcap_destroy(pcap) < 0) {
		fprintf(stderr, "lull sim: %s: could not write it all\n",
			a.pcap);
		return EXIT_COULD_NOT;
	}
	return e;
}
