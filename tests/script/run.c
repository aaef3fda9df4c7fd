/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.c: runs packet scripts, and tells in TAP what became of each.
 *
 *	test_script [--ip 4|6] [--profile lull|linux] [--trace] PATH...
 *
 * PATH is a script, or a directory of them. Each runs in four worlds: over
 * IPv4 and IPv6, in both profiles, but where it says only().
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

enum {
	STEPS_MAX = 10000000,
	SCRIPTS_MAX = 1000,
	PATH_LEN = 1024
};

static struct {
	const char *program;
	int ip;	     /* 4, 6, or 0: both */
	int profile; /* of enum lull_profile, or -1: both */
	bool trace;
	int count, failed, worlds; /* tests; of this script so far */
} run = {.profile = -1};

/* "# " before each line. */
static void say(const char *text)
{
	const char *end;

	for (; *text; text = *end ? end + 1 : end) {
		end = text + strcspn(text, "\n");
		printf("# %.*s\n", (int)(end - text), text);
	}
}

static void say_log(const struct world *w)
{
	uint64_t first = w->lines > WORLD_LOG ? w->lines - WORLD_LOG : 0;

	if (first)
		printf("# ... %llu lines before\n", (unsigned long long)first);
	for (uint64_t i = first; i < w->lines; i++)
		printf("# %s\n", w->log[i % WORLD_LOG]);
}

static void report(const char *path, struct world *w, const char *why)
{
	const char *name = strrchr(path, '/');
	const char *profile =
		w->profile == LULL_PROFILE_LINUX ? "linux" : "lull";

	run.count++;
	printf("%sok %d - %s, IPv%d, %s\n", why ? "not " : "", run.count,
	       name ? name + 1 : path, w->v6 ? 6 : 4, profile);
	if (why) {
		run.failed++;
		say(why);
		printf("# what happened, in ms (> from us, < from the peer, . a call):\n");
	}
	if (why || run.trace)
		say_log(w);
	if (why)
		printf("# again: %s --ip %d --profile %s %s\n", run.program,
		       w->v6 ? 6 : 4, profile, path);
}

static void run_in(const char *path, struct world *w)
{
	static char why[4096];
	lua_State *L = sandbox_new(STEPS_MAX);
	int error;

	if (!L) {
		report(path, w, "no memory for a script");
		return;
	}
	words_add(L, w);
	error = sandbox_run(L, path, why, sizeof(why));
	if (words_passed_over(L)) {
		sandbox_free(L);
		return;
	}
	run.worlds++;
	if (words_failure(L)) { /* whatever the script made of it */
		report(path, w, words_failure(L));
	} else if (error) {
		report(path, w, why);
	} else {
		world_end(w);
		if (w->broken[0])
			snprintf(why, sizeof(why), "%s: %s", path, w->broken);
		report(path, w, w->broken[0] ? why : NULL);
	}
	sandbox_free(L);
}

static void run_script(const char *path)
{
	static struct world w;
	int error;

	run.worlds = 0;
	for (int profile = 0; profile < 2; profile++)
		for (int v6 = 0; v6 < 2; v6++) {
			if ((run.ip && run.ip != (v6 ? 6 : 4)) ||
			    (run.profile >= 0 && run.profile != profile))
				continue;
			error = world_begin(&w, v6, (enum lull_profile)profile);
			if (error)
				report(path, &w, strerror(-error));
			else
				run_in(path, &w);
			world_free(&w);
		}
	if (run.worlds == 0 && !run.ip && run.profile < 0)
		report(path, &w, "only() leaves it no world to run in");
}

static int is_script(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 4 && strcmp(d->d_name + n - 4, ".lua") == 0;
}

/* A script, or all of a directory, in the order of their names. */
static int run_path(const char *path)
{
	struct dirent **names;
	char script[PATH_LEN];
	int n = scandir(path, &names, is_script, alphasort);

	if (n < 0 && errno == ENOTDIR) {
		run_script(path);
		return 0;
	}
	if (n <= 0) {
		fprintf(stderr, "%s: %s\n", path,
			n < 0 ? strerror(errno) : "no scripts there");
		return 1;
	}
	for (int i = 0; i < n; i++) {
		snprintf(script, sizeof(script), "%s/%s", path,
			 names[i]->d_name);
		run_script(script);
		free(names[i]);
	}
	free(names);
	return 0;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: %s [--ip 4|6] [--profile lull|linux] [--trace] PATH...\n",
		run.program);
	return 64;
}

int main(int argc, char **argv)
{
	int i, bad = 0;

	run.program = argv[0];
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--trace") == 0) {
			run.trace = true;
			continue;
		}
		i++;
		if (strcmp(argv[i - 1], "--ip") == 0 &&
		    (strcmp(value, "4") == 0 || strcmp(value, "6") == 0))
			run.ip = value[0] - '0';
		else if (strcmp(argv[i - 1], "--profile") == 0 &&
			 strcmp(value, "lull") == 0)
			run.profile = LULL_PROFILE_LULL;
		else if (strcmp(argv[i - 1], "--profile") == 0 &&
			 strcmp(value, "linux") == 0)
			run.profile = LULL_PROFILE_LINUX;
		else
			return usage();
	}
	if (i == argc)
		return usage();
	for (; i < argc; i++)
		bad |= run_path(argv[i]);
	printf("1..%d\n", run.count);
	return bad || run.failed ? 1 : 0;
}
