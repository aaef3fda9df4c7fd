/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * typed.c: numbers and names as people type them (tool.h).
 *
 * Entry points: tool_number, tool_nearest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

bool tool_number(const char *text, uint64_t least, uint64_t most,
		 uint64_t *value)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return !errno && !*end && *value >= least && *value <= most;
}

/* Levenshtein's distance, for words of less than 64 letters. */
static int distance(const char *a, const char *b)
{
	int row[64], n = (int)strlen(b);

	if (n > 63 || strlen(a) > 63)
		return 64;
	for (int k = 0; k <= n; k++)
		row[k] = k;
	for (int i = 1; *a; a++, i++) {
		int corner = row[0];

		row[0] = i;
		for (int k = 1; k <= n; k++) {
			int change = corner + (*a != b[k - 1]);

			corner = row[k];
			row[k] = row[k] < row[k - 1] ? row[k] + 1
						     : row[k - 1] + 1;
			row[k] = row[k] < change ? row[k] : change;
		}
	}
	return row[n];
}

const char *tool_nearest(const char *text, const char *const *names)
{
	const char *best = NULL;
	int len = (int)strlen(text), least = len / 3 + 1;

	for (; *names; names++) {
		int more = (int)strlen(*names) - len, d;

		if (more > least || -more > least)
			continue; /* so many letters at least differ */
		d = distance(text, *names);

		if (d <= least) {
			least = d - 1;
			best = *names;
		}
	}
	return best;
}
