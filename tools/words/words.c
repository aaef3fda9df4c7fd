/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * words.c: all words in one list, and how one is found.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lull/tool.h"
#include "words.h"

enum {
	WORDS = 768,
	NAMES = 2048, /* with other spellings */
	NAME = 64,
	PART = 12, /* letters of a log line that are enough to know it */
};

const char *const word_kind_name[WORD_KINDS] = {
	[WORD_STATE] = N_("state"),
	[WORD_COUNTER] = N_("counter"),
	[WORD_DROP] = N_("drop of lull"),
	[WORD_KNOB] = N_("knob"),
	[WORD_OPTION] = N_("socket option"),
	[WORD_ERROR] = N_("error"),
	[WORD_LOG] = N_("log line"),
	[WORD_FOREIGN] = N_("word of another system"),
	[WORD_TERM] = N_("term"),
};

static struct word words[WORDS];
static size_t count;

static struct word *add(enum word_kind kind, const char *name, const char *what)
{
	struct word *w = &words[count < WORDS ? count++ : WORDS - 1];

	*w = (struct word){.kind = kind,
			   .name = name,
			   .group = "",
			   .also = "",
			   .what = what,
			   .more = "",
			   .look = "",
			   .act = "",
			   .not = "",
			   .source = ""};
	return w;
}

static void add_counter(const char *group, const char *name, const char *what)
{
	add(WORD_COUNTER, name, what)->group = group;
}

static void add_more(const char *name, const struct word *more)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(words[i].name, name) != 0)
			continue;
		words[i].more = more->more;
		words[i].look = more->look;
		words[i].act = more->act;
		words[i].not = more->not ;
		words[i].source = more->source;
		return;
	}
}

static const struct word told[] = {
#define WORD(kind, name, also, what, more, look, act, not, source) \
	{WORD_##kind, name, "", also, what, more, look, act, not, source, NULL},
#define MORE(...)
#define LINUX_COUNTER(...)
#include "words.def"
#undef WORD
#undef MORE
#undef LINUX_COUNTER
};

static void add_tables(void)
{
#define COUNTER(id, group, name, help) add_counter(group, name, help);
#include "../../src/base/counters.def"
#undef COUNTER
#define WORD(...)
#define MORE(...)
#define LINUX_COUNTER(name, what) add_counter("", name, what);
#include "words.def"
#undef MORE
#undef LINUX_COUNTER
#define DROP(id, name, counter, help) add(WORD_DROP, name, help);
#include "../../src/base/drops.def"
#undef DROP
	for (size_t i = 0; word_knob_at(i); i++) {
		const struct word_knob *k = word_knob_at(i);

		add(WORD_KNOB, k->name, k->help)->knob = k;
	}
#define LINUX_COUNTER(...)
#define MORE(name, more, look, act, not, source)                             \
	add_more(name, &(struct word){WORD_TERM, "", "", "", "", more, look, \
				      act, not, source, NULL});
#include "words.def"
#undef WORD
#undef MORE
#undef LINUX_COUNTER
}

static void build(void)
{
	if (count)
		return;
	for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
		words[count++] = told[i];
	add_tables();
}

const struct word *word_at(size_t i)
{
	build();
	return i < count ? &words[i] : NULL;
}

/* ---- finding ---- */

/* "TIME-WAIT", "time wait" and "TIME_WAIT" are one word. */
static int fold(char c)
{
	return c == '-' || c == ' ' ? '_' : tolower((unsigned char)c);
}

static bool same(const char *a, const char *b, size_t len)
{
	for (; len && *a && fold(*a) == fold(*b); len--, a++, b++)
		;
	return !len && !*a;
}

static bool has_part(const char *text, const char *part, size_t len)
{
	if (len < PART)
		return false;
	for (; *text; text++)
		if (strncasecmp(text, part, len) == 0)
			return true;
	return false;
}

/* One of the names of a word; `part`: within the text is enough. */
static bool is_called(const struct word *w, const char *text, bool part)
{
	const char *name = w->name, *next = w->also;

	for (;;) {
		size_t len = strcspn(name, "|");

		if (same(text, name, len) ||
		    (part && has_part(text, name, len)))
			return true;
		if (!*next)
			return false;
		name = next;
		next += strcspn(next, "|");
		next += *next == '|';
	}
}

static const struct word *search(const char *text, bool part)
{
	for (size_t i = 0; i < count; i++) {
		bool line = words[i].kind == WORD_LOG ||
			    words[i].kind == WORD_ERROR;

		if (is_called(&words[i], text, part && line))
			return &words[i];
	}
	return NULL;
}

/* "TcpExtTW" and "TcpExt: TW", as nstat(8) and netstat(8) have them. */
static const char *without_group(const char *text)
{
	static const char *const groups[] = {"TcpExt", "Tcp", "Ip", "Icmp"};

	for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
		size_t len = strlen(groups[i]);

		if (strncmp(text, groups[i], len) == 0 && text[len])
			return text + len + strspn(text + len, ":. ");
	}
	return text;
}

static const struct word *find_knob(const char *text)
{
	const struct word_knob *k;
	char name[NAME];

	snprintf(name, sizeof name, "%s", text);
	for (char *p = name; *p; p++)
		*p = *p == '/' ? '.' : *p;
	k = word_knob_find(name);
	for (size_t i = 0; k && i < count; i++)
		if (words[i].knob == k)
			return &words[i];
	return NULL;
}

const struct word *word_find(const char *text)
{
	const struct word *w;

	build();
	w = search(text, false);
	if (!w)
		w = find_knob(text);
	if (!w && without_group(text) != text)
		w = search(without_group(text), false);
	return w || !strchr(text, ' ') ? w : search(text, true);
}

/* ---- suggesting ---- */

static char names[NAMES][NAME];
static const char *list[NAMES + 1], *real[NAMES];
static size_t listed;

static void lower(char *to, const char *from, size_t len)
{
	size_t i;

	for (i = 0; i < len && i < NAME - 1 && from[i]; i++)
		to[i] = (char)fold(from[i]);
	to[i] = 0;
}

static void list_name(const char *name, size_t len, const char *of)
{
	if (listed == NAMES)
		return;
	lower(names[listed], name, len);
	list[listed] = names[listed];
	real[listed++] = of;
}

static void list_word(const struct word *w)
{
	const char *dot = w->knob ? strrchr(w->name, '.') : NULL;

	list_name(w->name, strlen(w->name), w->name);
	if (dot)
		list_name(dot + 1, strlen(dot + 1), w->name);
	for (const char *p = w->also; *p; p += *p == '|') {
		size_t len = strcspn(p, "|");

		list_name(p, len, w->name);
		p += len;
	}
}

const char *word_nearest(const char *text)
{
	char wanted[NAME];
	const char *near;

	build();
	for (size_t i = 0, n = listed ? 0 : count; i < n; i++)
		list_word(&words[i]);
	list[listed] = NULL;
	lower(wanted, text, strlen(text));
	near = tool_nearest(wanted, list);
	for (size_t i = 0; near && i < listed; i++)
		if (list[i] == near)
			return real[i];
	return NULL;
}
