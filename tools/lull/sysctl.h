/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysctl.h: what the parts of `lull sysctl` share. A side is whose knobs they
 * are: a running lull's, or the kernel's.
 */
#ifndef LULL_TOOL_SYSCTL_H
#define LULL_TOOL_SYSCTL_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct lull_client;
struct lull_ctl_knob;
struct sysctl;
struct sysctl_load;

/* All but `close` return an exit code, and have explained what failed. */
struct sysctl_side {
	int (*open)(struct sysctl *s);
	void (*close)(struct sysctl *s);
	int (*show_all)(struct sysctl *s);
	int (*show)(struct sysctl *s, const char *name);
	int (*set)(struct sysctl *s, const char *name, const char *value);
};

extern const struct sysctl_side sysctl_of_lull, sysctl_of_kernel;

struct sysctl {
	const char *ctl, *load; /* load: a file of -pFILE, "" with -p alone */
	bool all, write, values, json;
	bool names, quiet, ignore, idle, no_newline, explain, system;
	bool has_pattern;
	regex_t pattern;
	const struct sysctl_side *side;
	struct lull_client *client; /* of a lull */
	struct lull_ctl_knob *knob; /* of a lull, by name */
	size_t knobs;
	json_t *list;			   /* with --json */
	const struct sysctl_load *loading; /* files, or NULL */
};

/* A line of the files that are read names it, so a pattern leaves it alone,
 * as in sysctl(8). */
bool sysctl_is_named(const struct sysctl *s, const char *name);
bool sysctl_is_wanted(const struct sysctl *s, const char *name);
/* One value, as the options want it; not with --json. */
void sysctl_print(const struct sysctl *s, const char *name, const char *text);
/* The exit code of both. */
int sysctl_worse(int a, int b);

#endif
