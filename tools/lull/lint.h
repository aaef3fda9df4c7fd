/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lint.h: `lull sysctl lint` and `lull sysctl --explain`, for sysctl.c.
 */
#ifndef LULL_LINT_H
#define LULL_LINT_H

#include <stdbool.h>

/* argv[0] is "lint". Returns the exit code. */
int sysctl_lint(int argc, char **argv);
/* Explain each; the exit code. */
int explain_words(int argc, char **argv, bool json);

/* The kernel's knobs, by what is in /proc/sys now. */
bool sysctl_kernel_has(const char *name);
/* A name like it in its directory, in `near`, of 512 bytes; or NULL. */
const char *sysctl_kernel_nearest(const char *name, char *near);

#endif
