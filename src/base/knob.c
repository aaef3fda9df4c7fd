/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * knob.c: the one table of knobs, and its parser.
 *
 * Entry points: lull_knobs_init, lull_knob_find, _set, _get.
 */
#include "base/base.h"

#define AT(field)    .offset = offsetof(struct lull_knobs, field)
#define FIXED(words) ((words)[0] == '!')

const struct lull_knob lull_knob_table[] = {
#define KNOB1(f, n, u, v, lo, hi, w, h) \
	{.name = n,                     \
	 .unit = u,                     \
	 .words = w,                    \
	 .help = h,                     \
	 AT(f),                         \
	 .values = 1,                   \
	 .fixed = FIXED(w),             \
	 .min = lo,                     \
	 .max = hi,                     \
	 .defaults = {v}},
#define KNOB2(f, n, u, v0, v1, lo, hi, h) \
	{.name = n,                       \
	 .unit = u,                       \
	 .help = h,                       \
	 AT(f),                           \
	 .values = 2,                     \
	 .min = lo,                       \
	 .max = hi,                       \
	 .defaults = {v0, v1}},
#define KNOB3(f, n, u, v0, v1, v2, lo, hi, h) \
	{.name = n,                           \
	 .unit = u,                           \
	 .help = h,                           \
	 AT(f),                               \
	 .values = 3,                         \
	 .min = lo,                           \
	 .max = hi,                           \
	 .defaults = {v0, v1, v2}},
#include "base/knobs.def"
#undef KNOB1
#undef KNOB2
#undef KNOB3
};

const uint32_t lull_knob_count = ARRAY_LEN(lull_knob_table);

static int64_t *field_of(struct lull_knobs *k, const struct lull_knob *row)
{
	return (int64_t *)(void *)((char *)k + row->offset);
}

void lull_knobs_init(struct lull_knobs *k)
{
	for (uint32_t i = 0; i < lull_knob_count; i++)
		memcpy(field_of(k, &lull_knob_table[i]),
		       lull_knob_table[i].defaults,
		       lull_knob_table[i].values * sizeof(int64_t));
}

static bool text_eq(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

const struct lull_knob *lull_knob_find(const char *name)
{
	for (uint32_t i = 0; i < lull_knob_count; i++)
		if (text_eq(lull_knob_table[i].name, name))
			return &lull_knob_table[i];
	return NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A whole decimal number, 64 bits; moves on behind it. */
static int take_number(const char **text, int64_t *value)
{
	const char *p = *text;
	bool minus = *p == '-';
	uint64_t v = 0;

	p += minus || *p == '+';
	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (v > (uint64_t)INT64_MAX / 10 - 1)
			return -ERANGE;
		v = v * 10 + (uint64_t)(*p - '0');
	}
	*value = minus ? -(int64_t)v : (int64_t)v;
	*text = p;
	return 0;
}

/* One of the row's words; moves on behind it. */
static int take_word(const char **text, const char *words, int64_t *value)
{
	int64_t i = 0;

	words += FIXED(words);
	for (; *words; i++) {
		const char *p = *text;

		while (*words && *words != ' ' && *words == *p)
			words++, p++;
		if ((!*words || *words == ' ') && (!*p || is_blank(*p))) {
			*value = i;
			*text = p;
			return 0;
		}
		while (*words && *words++ != ' ')
			;
	}
	return -EINVAL;
}

int lull_knob_set(struct lull_knobs *k, const struct lull_knob *row,
		  const char *text)
{
	int64_t v[3];

	if (row->fixed)
		return -EPERM;
	for (int i = 0; i < row->values; i++) {
		while (is_blank(*text))
			text++;

		int e = take_word(&text, row->words, &v[i]);

		if (e < 0)
			e = take_number(&text, &v[i]);
		if (e < 0)
			return e;
		if (*text && !is_blank(*text))
			return -EINVAL;
		if (v[i] < row->min || v[i] > row->max)
			return -ERANGE;
	}
	while (is_blank(*text))
		text++;
	if (*text)
		return -EINVAL;
	/* Several numbers are always in order: a range, or least to most. */
	for (int i = 1; i < row->values; i++)
		if (v[i] < v[i - 1])
			return -ERANGE;
	memcpy(field_of(k, row), v, row->values * sizeof v[0]);
	return 0;
}

static int put_number(char *text, int64_t value)
{
	char digits[20];
	uint64_t v = value < 0 ? -(uint64_t)value : (uint64_t)value;
	int n = 0, len = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	if (value < 0)
		text[len++] = '-';
	while (n > 0)
		text[len++] = digits[--n];
	return len;
}

static int put_word(char *text, const char *words, int64_t value)
{
	int len = 0;

	for (words += FIXED(words); value > 0 && *words; words++)
		value -= *words == ' ';
	while (words[len] && words[len] != ' ') {
		text[len] = words[len];
		len++;
	}
	return len;
}

int lull_knob_get(const struct lull_knobs *k, const struct lull_knob *row,
		  char *text, size_t len)
{
	const int64_t *v = (const void *)((const char *)k + row->offset);
	char out[3 * 21];
	int n = 0;

	for (int i = 0; i < row->values; i++) {
		if (i > 0)
			out[n++] = '\t';
		n += row->words[0] ? put_word(out + n, row->words, v[i])
				   : put_number(out + n, v[i]);
	}
	if ((size_t)n >= len)
		return -ENOSPC;
	memcpy(text, out, (size_t)n);
	text[n] = 0;
	return n;
}

/* The list of reserved ports is not there yet. */
uint64_t lull_ports_reserved(const struct lull_ground *g, uint32_t word)
{
	return 0;
}

bool lull_port_is_reserved(const struct lull_ground *g, uint16_t port)
{
	return lull_ports_reserved(g, port / 64) >> port % 64 & 1;
}
