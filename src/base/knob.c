/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * knob.c: the one table of knobs, and its parser.
 *
 * Entry points: lull_knobs_init, lull_knobs_limit, lull_knob_find, _set, _get,
 * lull_idle_find.
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
#define PORTS(f, n, u, lo, hi, h) \
	{.name = n, .unit = u, .help = h, AT(f), .min = lo, .max = hi},
#include "base/knobs.def"
#undef KNOB1
#undef KNOB2
#undef KNOB3
#undef PORTS
};

const uint32_t lull_knob_count = ARRAY_LEN(lull_knob_table);

const struct lull_idle lull_idle_table[] = {
#define IDLE(n, w)    {.name = n, .why = w},
#define REFUSED(n, w) {.name = n, .why = w, .refused = true},
#include "base/knobs_idle.def"
#undef IDLE
#undef REFUSED
};

const uint32_t lull_idle_count = ARRAY_LEN(lull_idle_table);

static int64_t *field_of(struct lull_knobs *k, const struct lull_knob *row)
{
	return (int64_t *)(void *)((char *)k + row->offset);
}

void lull_knobs_init(struct lull_knobs *k)
{
	memset(k, 0, sizeof *k); /* no port is reserved */
	for (uint32_t i = 0; i < lull_knob_count; i++)
		memcpy(field_of(k, &lull_knob_table[i]),
		       lull_knob_table[i].defaults,
		       lull_knob_table[i].values * sizeof(int64_t));
}

/* Of the buffers that queues may keep: 3, 4 and 6 eighths, as 3:4:6 in Linux.
 */
static void default_mem(const struct lull_limits *l, int64_t mem[3])
{
	/* Of 256, 2,048 and 65,536 bytes. */
	uint64_t pages =
		l->bufs_256 / 16 + l->bufs_2k / 2 + 16ULL * l->bufs_64k;

	pages = pages / 8 * 7;
	mem[0] = (int64_t)(pages * 3 / 8);
	mem[1] = (int64_t)(pages * 4 / 8);
	mem[2] = (int64_t)(pages * 6 / 8);
}

void lull_knob_defaults(const struct lull_knob *row,
			const struct lull_limits *limits,
			enum lull_profile profile, int64_t defaults[3])
{
	memcpy(defaults, row->defaults, sizeof row->defaults);
	if (row->offset == offsetof(struct lull_knobs, profile))
		defaults[0] = profile;
	else if (row->offset == offsetof(struct lull_knobs, max_orphans))
		defaults[0] = limits->conns;
	else if (row->offset == offsetof(struct lull_knobs, mem))
		default_mem(limits, defaults);
	else if (row->offset == offsetof(struct lull_knobs, max_syn_backlog))
		defaults[0] = limits->half_open;
	else if (row->offset == offsetof(struct lull_knobs, max_tw_buckets))
		defaults[0] = profile == LULL_PROFILE_LINUX
				      ? lull_min(limits->closing, 131072)
				      : limits->closing;
	else if (profile == LULL_PROFILE_LINUX &&
		 (row->offset == offsetof(struct lull_knobs, rfc1337) ||
		  row->offset == offsetof(struct lull_knobs, pacing) ||
		  row->offset == offsetof(struct lull_knobs, tw_reuse_safe)))
		defaults[0] = 0;
}

void lull_knobs_limit(struct lull_knobs *k, const struct lull_limits *limits,
		      enum lull_profile profile)
{
	for (uint32_t i = 0; i < lull_knob_count; i++) {
		const struct lull_knob *row = &lull_knob_table[i];
		int64_t defaults[3];

		lull_knob_defaults(row, limits, profile, defaults);
		memcpy(field_of(k, row), defaults,
		       row->values * sizeof(int64_t));
	}
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

const struct lull_idle *lull_idle_find(const char *name)
{
	for (uint32_t i = 0; i < lull_idle_count; i++)
		if (text_eq(lull_idle_table[i].name, name))
			return &lull_idle_table[i];
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

static bool ends_word(char c)
{
	return !c || c == ' ' || c == '=';
}

/* One of the row's words; moves on behind it. */
static int take_word(const char **text, const char *words, int64_t *value)
{
	int64_t i = 0;

	words += FIXED(words);
	for (; *words; i++) {
		const char *p = *text;

		while (!ends_word(*words) && *words == *p)
			words++, p++;
		if (ends_word(*words) && (!*p || is_blank(*p))) {
			*value = i;
			*text = p;
			if (*words++ == '=')
				return take_number(&words, value);
			return 0;
		}
		while (*words && *words++ != ' ')
			;
	}
	return -EINVAL;
}

/* Do the words stand for 0, 1, ..., so that a value is shown as its word? */
static bool shows_words(const char *words)
{
	while (*words && *words != '=')
		words++;
	return !*words;
}

/* ---- lists of ports, as "80,443,8000-8080" ---- */

static int take_port(const char **text, int64_t *port)
{
	int e = take_number(text, port);

	return e < 0 ? e : *port < 0 || *port > UINT16_MAX ? -ERANGE : 0;
}

/* All of the text; with `bits` NULL only look whether it is well-formed. */
static int take_ports(const char *p, uint64_t *bits)
{
	for (bool first = true;; first = false) {
		int64_t lo = 0, hi;
		int e;

		while (is_blank(*p))
			p++;
		if (first && !*p)
			return 0;
		e = take_port(&p, &lo);
		hi = lo;
		if (!e && *p == '-') {
			p++;
			e = take_port(&p, &hi);
		}
		if (e < 0)
			return e;
		if (hi < lo)
			return -ERANGE;
		for (; bits && lo <= hi; lo++)
			bits[lo / 64] |= 1ULL << lo % 64;
		while (is_blank(*p))
			p++;
		if (!*p)
			return 0;
		if (*p++ != ',')
			return -EINVAL;
	}
}

static int set_ports(uint64_t *bits, const char *text)
{
	int e = take_ports(text, NULL);

	if (e < 0)
		return e;
	memset(bits, 0, LULL_PORT_WORDS * sizeof *bits);
	return take_ports(text, bits);
}

int lull_knob_set(struct lull_knobs *k, const struct lull_knob *row,
		  const char *text)
{
	int64_t v[3];

	if (row->fixed)
		return -EPERM;
	if (!row->values)
		return set_ports((uint64_t *)(void *)field_of(k, row), text);
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

static bool has_port(const uint64_t *bits, uint32_t port)
{
	return port <= UINT16_MAX && bits[port / 64] >> port % 64 & 1;
}

static int get_ports(const uint64_t *bits, char *text, size_t len)
{
	size_t n = 0;

	for (uint32_t lo = 0, hi; lo <= UINT16_MAX; lo = hi + 1) {
		char out[2 * 21 + 2];
		int piece = 0;

		hi = lo;
		if (!has_port(bits, lo))
			continue;
		while (has_port(bits, hi + 1))
			hi++;
		if (n > 0)
			out[piece++] = ',';
		piece += put_number(out + piece, lo);
		if (hi > lo) {
			out[piece++] = '-';
			piece += put_number(out + piece, hi);
		}
		if (n + (size_t)piece >= len)
			return -ENOSPC;
		memcpy(text + n, out, (size_t)piece);
		n += (size_t)piece;
	}
	if (n >= len)
		return -ENOSPC;
	text[n] = 0;
	return (int)n;
}

int lull_knob_get(const struct lull_knobs *k, const struct lull_knob *row,
		  char *text, size_t len)
{
	const int64_t *v = (const void *)((const char *)k + row->offset);
	char out[3 * 21];
	bool words = row->words[0] && shows_words(row->words);
	int n = 0;

	if (!row->values)
		return get_ports((const uint64_t *)(const void *)v, text, len);
	for (int i = 0; i < row->values; i++) {
		if (i > 0)
			out[n++] = '\t';
		n += words ? put_word(out + n, row->words, v[i])
			   : put_number(out + n, v[i]);
	}
	if ((size_t)n >= len)
		return -ENOSPC;
	memcpy(text, out, (size_t)n);
	text[n] = 0;
	return n;
}
