/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * again.c: shrinking, and the file of regressions, see again.h.
 *
 * Entry points: again_shrink, again_regressions.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "again.h"
#include "scene.h"

enum {
	EXIT_FINDING = 1,
	EXIT_COULD_NOT = 3,
	KINDS_TEXT = 512,
	LINE_MAX_BYTES = 1024,
};

/* ---- shrinking ---- */

/* The same but for numbers? */
static bool same_way(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (isdigit((unsigned char)*a))
			a++;
		while (isdigit((unsigned char)*b))
			b++;
		if (*a != *b)
			return false;
		if (!*a)
			return true;
	}
}

static bool still_fails(struct sim_options o, const char *why,
			struct sim_result *r)
{
	o.trace = NULL;
	o.pcap = NULL;
	sim_run(&o, r);
	return r->failed && same_way(r->why, why);
}

/* Until none can be spared: one may be needed only as long as another is. */
static void drop_kinds(struct sim_options *o, const char *why)
{
	struct sim_result r;
	bool any = true;

	while (any) {
		any = false;
		for (int i = 0; i < KINDS; i++) {
			struct sim_options less = *o;

			less.without |= KIND_BIT(i);
			if (!(kinds_of(o->seed) & ~o->without & KIND_BIT(i)) ||
			    !still_fails(less, why, &r))
				continue;
			*o = less;
			any = true;
		}
	}
}

static void drop_connections(struct sim_options *o, const char *why)
{
	uint32_t n = o->conns ? o->conns : SIM_CONNS;
	struct sim_result r;

	for (uint32_t step = n / 2; step > 0;) {
		struct sim_options less = *o;

		less.conns = n - step;
		if (step < n && still_fails(less, why, &r)) {
			*o = less;
			n -= step;
		} else {
			step /= 2;
		}
	}
}

void again_shrink(const struct sim_options *options,
		  const struct sim_result *failed)
{
	struct sim_options o = *options;
	char left[KINDS_TEXT], without[KINDS_TEXT];
	struct sim_result r;

	drop_kinds(&o, failed->why);
	drop_connections(&o, failed->why);
	if (!still_fails(o, failed->why, &r)) {
		printf("seed %lu fails by chance: not twice in the same way\n",
		       o.seed);
		return;
	}
	o.without &= kinds_of(o.seed);
	kinds_format(kinds_of(o.seed) & ~o.without, left, sizeof left);
	kinds_format(o.without, without, sizeof without);
	printf("seed %lu needs %s, and %u connections: %s; again: lull sim "
	       "--seeds %lu..%lu",
	       o.seed, left[0] ? left : "no trouble",
	       o.conns ? o.conns : SIM_CONNS, r.why, o.seed, o.seed);
	if (without[0])
		printf(" --without %s", without);
	if (o.conns)
		printf(" --conns %u", o.conns);
	printf(" --trace\n");
}

/* ---- regressions ---- */

/* One word of a line that begins with "--". NULL: fine; else what is wrong. */
static const char *take_option(const char *word, struct sim_options *o)
{
	static const char without[] = "--without=", conns[] = "--conns=";
	uint64_t bits = 0;
	char *end;

	if (strncmp(word, without, sizeof without - 1) == 0) {
		const char *wrong =
			kinds_parse(word + sizeof without - 1, &bits);

		o->without |= bits;
		return wrong ? "no such kind of trouble" : NULL;
	}
	if (strncmp(word, conns, sizeof conns - 1) == 0) {
		o->conns = (uint32_t)strtoul(word + sizeof conns - 1, &end, 10);
		return *end || !o->conns ? "not a number of connections" : NULL;
	}
	return "no such option";
}

/* NULL: fine; else what is wrong. */
static const char *take_line(char *line, struct sim_options *o,
			     const struct scenario **kind)
{
	char *save, *word = strtok_r(line, " \t", &save);
	char *colon = strchr(word, ':'), *end;
	const char *wrong = NULL;

	*kind = NULL;
	if (colon) {
		*colon = 0;
		*kind = scene_find(word);
		if (!*kind)
			return "no such scenario";
		word = colon + 1;
	}
	o->seed = strtoul(word, &end, 10);
	if (!isdigit((unsigned char)*word) || *end)
		return "not a seed";
	while (!wrong && (word = strtok_r(NULL, " \t", &save)))
		if (strncmp(word, "--", 2) == 0)
			wrong = *kind ? "a scenario has no such options"
				      : take_option(word, o);
	return wrong;
}

static bool run_line(const char *path, unsigned number, const char *text)
{
	struct sim_options o = {0};
	const struct scenario *kind;
	struct sim_result r;
	char line[LINE_MAX_BYTES];
	const char *wrong;

	snprintf(line, sizeof line, "%s", text);
	wrong = take_line(line, &o, &kind);
	if (wrong) {
		printf("%s:%u: %s: %s\n", path, number, wrong, text);
		return false;
	}
	if (kind)
		scene_run(kind, &o, &r);
	else
		sim_run(&o, &r);
	if (!r.failed || r.expected)
		return true;
	printf("%s:%u: it fails again: %s: %s\n", path, number, r.why, text);
	return false;
}

int again_regressions(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned number = 0, lines = 0, failed = 0;
	char line[LINE_MAX_BYTES];

	if (!file) {
		fprintf(stderr, "lull sim: %s: %s\n", path, strerror(errno));
		return EXIT_COULD_NOT;
	}
	while (fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = 0;
		number++;
		if (line[strspn(line, " \t")] == 0 || line[0] == '#')
			continue;
		lines++;
		failed += !run_line(path, number, line);
	}
	fclose(file);
	printf("%u regressions, %u failed\n", lines, failed);
	return failed || !lines ? EXIT_FINDING : 0;
}
