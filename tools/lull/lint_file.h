/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lint_file.h: the settings of files for sysctl(8), each with what is to be
 * said of it.
 */
#ifndef LULL_LINT_FILE_H
#define LULL_LINT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "../words/words.h"

enum {
	LINT_SETTINGS = 2000, /* more are no configuration */
};

struct lint_finding {
	enum word_grade grade;
	const char *tag;    /* English; a key for programs */
	char *fact;	    /* in the reader's language */
	const char *since;  /* version of Linux, or "" */
	const char *source; /* English, or "" */
};

struct lint_setting {
	char *file, *name, *value; /* value NULL: there was no equals sign */
	size_t line;
	bool may_fail;
	bool odd; /* the name has bytes that are no ASCII, or control */
	struct lint_finding *finding;
	size_t findings;
};

struct lint {
	struct lint_setting *setting;
	size_t settings;
};

/* Read one more file. Below 0: -errno; -E2BIG: LINT_SETTINGS. */
int lint_read(struct lint *l, const char *path);
/* Judge them all, in the order in which they were read. Below 0: -ENOMEM. */
int lint_judge(struct lint *l);
void lint_free(struct lint *l);

#endif
