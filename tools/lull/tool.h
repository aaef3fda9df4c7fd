/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tool.h: what the subcommands of lull share.
 */
#ifndef LULL_TOOL_H
#define LULL_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes, everywhere the same (lull(1)). */
enum {
	TOOL_OK = 0,
	TOOL_FINDING = 1,
	TOOL_TROUBLE = 2,
	TOOL_COULD_NOT = 3,
	TOOL_USAGE = 64,
};

/* argv[0] is the subcommand's name. */
int cmd_bench(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_lab(int argc, char **argv);
int cmd_load(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_sim(int argc, char **argv);
int cmd_ss(int argc, char **argv);
int cmd_sysctl(int argc, char **argv);
int cmd_trace(int argc, char **argv);

/*
 * One line on stderr: "lull CMD: " and the text, which names the thing and
 * the way out. Returns `code`, for `return tool_error(...)`.
 */
__attribute__((format(printf, 2, 3))) int tool_error(int code,
						     const char *format, ...);
/* A wrong argument: TOOL_USAGE, with where to read on. */
__attribute__((format(printf, 1, 2))) int tool_usage(const char *format, ...);

/*
 * Explain the '?' or ':' of getopt_long(), whose short options begin with ':'.
 * Returns TOOL_USAGE.
 */
int tool_bad_option(int c, char **argv);

/* A whole number within bounds; false: it isn't one. Nothing is printed. */
bool tool_number(const char *text, uint64_t least, uint64_t most,
		 uint64_t *value);

/*
 * The name nearest to a misspelt one, or NULL: none is near. `names` ends
 * with NULL.
 */
const char *tool_nearest(const char *text, const char *const *names);

/* Control characters, and what is no UTF-8, become '?', in place. */
char *tool_plain(char *text);
/* The same to standard output; characters are not cut by `len`. */
void tool_put_plain(const char *text, size_t len);

#endif
