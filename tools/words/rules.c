/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules.c: what lint.def says of a value.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "words.h"

enum {
	LEAST_PAGES = 4096, /* 16 MiB for all of TCP: too little to serve */
	SERVICES = 32768,   /* below it services have their ports */
};

static const struct word_rule rules[] = {
#define RULE(knob, when, number, grade, tag, fact, since, source) \
	{knob, WHEN_##when, number, WORD_##grade, tag, fact, since, source},
#include "lint.def"
#undef RULE
};

const struct word_rule *word_rule_at(size_t i)
{
	return i < sizeof rules / sizeof rules[0] ? &rules[i] : NULL;
}

bool word_numbers(const char *text, long long *number, int max, int *n)
{
	char *end;

	for (*n = 0; *text && *n < max; text = end + strspn(end, " \t")) {
		errno = 0;
		number[(*n)++] = strtoll(text, &end, 0);
		if (errno || end == text || (*end && !strchr(" \t", *end)))
			return false;
	}
	return *n && !*text;
}

static bool below_default(const struct word_rule *r, long long value)
{
	const struct word_knob *k = word_knob_find(r->knob);
	char text[64];

	return k && word_knob_default(k, text, sizeof text) &&
	       value < strtoll(text, NULL, 10);
}

static bool can_be_pages(long long most)
{
	long pages = sysconf(_SC_PHYS_PAGES);

	return most >= LEAST_PAGES && (pages <= 0 || most <= pages);
}

bool word_rule_fits(const struct word_rule *r, const char *value)
{
	long long v[3] = {0, 0, 0};
	int n = 0;

	if (r->when == WHEN_ANY)
		return true;
	if (!word_numbers(value, v, 3, &n))
		return false;
	switch (r->when) {
	case WHEN_ANY:
		return true;
	case WHEN_IS:
		return v[0] == r->number;
	case WHEN_NOT:
		return v[0] != r->number;
	case WHEN_BELOW:
		return v[0] < r->number;
	case WHEN_ABOVE:
		return v[0] > r->number;
	case WHEN_BELOW_DEFAULT:
		return below_default(r, v[0]);
	case WHEN_PAGES:
		return n == 3 && !can_be_pages(v[2]);
	case WHEN_PARITY:
		return n == 2 && (v[0] + v[1]) % 2 == 0;
	case WHEN_LOW:
		return n == 2 && v[0] < SERVICES;
	case WHEN_NARROW:
		return n == 2 && v[1] - v[0] + 1 < r->number;
	}
	return false;
}
