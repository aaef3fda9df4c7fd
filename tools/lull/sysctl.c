/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysctl.c: `lull sysctl`: the knobs of a running lull, as sysctl(8) shows and
 * sets the kernel's.
 *
 * Fetches the list once: values, ranges, units, and the names to suggest for a
 * misspelt one. Goes on after a name that failed, as sysctl(8) does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "ctl.h"

enum {
	TEXT = 160, /* a value, or a range, as text */
};

struct sysctl {
	const char *ctl;
	bool all, write, values, json;
	struct lull_client *client;
	struct lull_ctl_knob *knob; /* by name */
	size_t knobs;
	json_t *list; /* with --json */
};

/* ---- what Linux once had ---- */

static const struct {
	const char *name, *text;
} gone[] = {
	{"net.ipv4.tcp_tw_recycle",
	 "Linux removed it in 4.12: behind a NAT it refused whole groups of "
	 "clients; lull does not have it either, and needs no other setting "
	 "instead"},
};

/* ---- the list ---- */

static int see_knob(void *arg, const struct nlmsghdr *hdr)
{
	struct sysctl *s = arg;
	struct lull_ctl_knob *list, *k;

	list = realloc(s->knob, (s->knobs + 1) * sizeof *list);
	if (!list)
		return -ENOMEM;
	s->knob = list;
	k = &list[s->knobs];
	lull_client_take(hdr, k, sizeof *k);
	if (!memchr(k->name, 0, sizeof k->name) ||
	    !memchr(k->unit, 0, sizeof k->unit) ||
	    !memchr(k->words, 0, sizeof k->words) ||
	    !memchr(k->help, 0, sizeof k->help) || k->values > 3)
		return -EPROTO;
	s->knobs++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct lull_ctl_knob *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int fetch(struct sysctl *s)
{
	const struct lull_client_request request = {LULL_CTL_SYSCTL_LIST, NULL,
						    0};
	int e = lull_client_dump(s->client, &request, see_knob, s);

	if (e < 0)
		return ctl_failed(s->ctl, e);
	if (s->knobs)
		qsort(s->knob, s->knobs, sizeof *s->knob, by_name);
	return TOOL_OK;
}

static struct lull_ctl_knob *find(const struct sysctl *s, const char *name)
{
	for (size_t i = 0; i < s->knobs; i++)
		if (strcmp(s->knob[i].name, name) == 0)
			return &s->knob[i];
	return NULL;
}

static int unknown(const struct sysctl *s, const char *name)
{
	const char **names = calloc(s->knobs + 1, sizeof *names);
	const char *near = NULL;

	for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
		if (strcmp(gone[i].name, name) != 0)
			continue;
		free(names);
		return tool_error(TOOL_USAGE, "%s: %s", name, gone[i].text);
	}
	for (size_t i = 0; names && i < s->knobs; i++)
		names[i] = s->knob[i].name;
	if (names)
		near = tool_nearest(name, names);
	free(names);
	if (near)
		return tool_error(TOOL_USAGE,
				  "%s: no such knob; did you mean "
				  "%s?",
				  name, near);
	return tool_error(TOOL_USAGE,
			  "%s: no such knob; lull sysctl -a lists them", name);
}

/* ---- printing ---- */

/* The i-th word, 0, 1, ...; NULL: there is none. */
static const char *word_at(const char *words, int64_t i, char *text)
{
	size_t len;

	for (; i > 0 && *words; i--) {
		words += strcspn(words, " ");
		words += *words == ' ';
	}
	len = strcspn(words, " ");
	if (i || !len)
		return NULL;
	snprintf(text, TEXT, "%.*s", (int)len, words);
	return text;
}

static void value_text(const struct lull_ctl_knob *k, char *text)
{
	char word[TEXT];
	int len = 0;

	text[0] = 0;
	for (uint32_t i = 0; i < k->values; i++) {
		const char *name = word_at(k->words, k->value[i], word);
		const char *gap = i ? "\t" : "";
		size_t room = TEXT - (size_t)len;

		if (name)
			len += snprintf(text + len, room, "%s%s", gap, name);
		else
			len += snprintf(text + len, room, "%s%lld", gap,
					(long long)k->value[i]);
	}
}

static json_t *number_json(const struct lull_ctl_knob *k, int64_t value)
{
	char word[TEXT];
	const char *name = word_at(k->words, value, word);

	return name ? json_string(name) : json_integer((json_int_t)value);
}

/* One number or word, or an array of them. */
static json_t *values_json(const struct lull_ctl_knob *k, const int64_t *value)
{
	json_t *array;

	if (k->values == 1)
		return number_json(k, value[0]);
	array = json_array();
	for (uint32_t i = 0; i < k->values; i++)
		json_array_append_new(array, number_json(k, value[i]));
	return array;
}

static void show(struct sysctl *s, const struct lull_ctl_knob *k)
{
	char text[TEXT];

	if (s->list) {
		json_array_append_new(
			s->list,
			json_pack("{s:s, s:o, s:o, s:I, s:I, s:s, s:s}", "name",
				  k->name, "value", values_json(k, k->value),
				  "default", values_json(k, k->defaults), "min",
				  (json_int_t)k->min, "max", (json_int_t)k->max,
				  "unit", k->unit, "help", k->help));
		return;
	}
	value_text(k, text);
	if (s->values)
		puts(text);
	else
		printf("%s = %s\n", k->name, text);
}

/* ---- setting ---- */

/* "from 1 to 3600 seconds", "lull or linux". */
static const char *range_text(const struct lull_ctl_knob *k, char *text)
{
	char word[TEXT];
	const char *name = word_at(k->words, 0, word);
	int len;

	if (!name) {
		snprintf(text, TEXT, "from %lld to %lld%s%s", (long long)k->min,
			 (long long)k->max, k->unit[0] ? " " : "", k->unit);
		return text;
	}
	len = snprintf(text, TEXT, "%s", name);
	for (int64_t i = 1; word_at(k->words, i, word) && len < TEXT; i++)
		len += snprintf(text + len, TEXT - (size_t)len, " or %s", word);
	return text;
}

static int refused(const struct lull_ctl_knob *k, const char *value,
		   const struct lull_ctl_set_answer *answer)
{
	struct lull_ctl_knob now = *k;
	char range[TEXT];

	switch (-answer->error) {
	case ERANGE:
		now.min = answer->min;
		now.max = answer->max;
		range_text(&now, range);
		if (k->values == 1)
			return tool_error(TOOL_USAGE, "%s=%s: it goes %s",
					  k->name, value, range);
		return tool_error(TOOL_USAGE,
				  "%s=%s: each goes %s, none below the one "
				  "before",
				  k->name, value, range);
	case EINVAL:
		range_text(k, range);
		if (k->words[0])
			return tool_error(TOOL_USAGE, "%s=%s: it is %s",
					  k->name, value, range);
		return tool_error(TOOL_USAGE,
				  "%s=%s: it wants %u whole number%s, %s",
				  k->name, value, k->values,
				  k->values == 1 ? "" : "s", range);
	case EPERM:
		return tool_error(TOOL_USAGE,
				  "%s=%s: it is fixed while the stack runs; "
				  "set it where the program starts",
				  k->name, value);
	default:
		return tool_error(TOOL_COULD_NOT, "%s=%s: %s", k->name, value,
				  strerror(-answer->error));
	}
}

/* What it is now: another client may have set it again. */
static int get(struct sysctl *s, struct lull_ctl_knob *k)
{
	struct lull_ctl_name asked;
	const struct lull_client_request request = {LULL_CTL_SYSCTL_GET, &asked,
						    sizeof asked};
	struct lull_ctl_knob now;
	int e;

	memcpy(asked.name, k->name, sizeof asked.name);
	e = lull_client_call(s->client, &request, &now, sizeof now);
	if (e < 0)
		return ctl_failed(s->ctl, e);
	memcpy(k->value, now.value, sizeof k->value);
	return TOOL_OK;
}

static int set(struct sysctl *s, struct lull_ctl_knob *k, const char *value)
{
	struct lull_ctl_set asked = {{0}, {0}};
	const struct lull_client_request request = {LULL_CTL_SYSCTL_SET, &asked,
						    sizeof asked};
	struct lull_ctl_set_answer answer = {.error = -EINVAL};
	int e = 0;

	memcpy(asked.name, k->name, sizeof asked.name);
	if (strlen(value) < sizeof asked.value) {
		strcpy(asked.value, value);
		e = lull_client_call(s->client, &request, &answer,
				     sizeof answer);
	}
	if (e < 0)
		return ctl_failed(s->ctl, e);
	if (answer.error < 0)
		return refused(k, value, &answer);
	e = get(s, k);
	if (e == TOOL_OK)
		show(s, k);
	return e;
}

/* ---- the command ---- */

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len && strchr(" \t", text[len - 1]))
		text[--len] = 0;
	return text;
}

/* NAME or NAME=VALUE; "net/ipv4/..." as well, as sysctl(8) has it. */
static int one(struct sysctl *s, char *arg)
{
	char *value = strchr(arg, '='), *name;
	struct lull_ctl_knob *k;

	if (value)
		*value++ = 0;
	name = trim(arg);
	if (!strchr(name, '.'))
		for (char *p = name; (p = strchr(p, '/'));)
			*p = '.';
	if (!value && s->write)
		return tool_usage("%s: -w wants NAME=VALUE", name);
	k = find(s, name);
	if (!k)
		return unknown(s, name);
	if (value)
		return set(s, k, trim(value));
	show(s, k);
	return TOOL_OK;
}

static int finish_json(struct sysctl *s)
{
	json_t *json = json_pack("{s:i, s:O}", "schema", 1, "sysctl", s->list);

	if (!json)
		return tool_error(TOOL_COULD_NOT, "out of memory; try again");
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
	return TOOL_OK;
}

/* Goes on after a wrong argument, but not without the other side. */
static int run(struct sysctl *s, int argc, char **argv)
{
	int code = fetch(s);

	if (code != TOOL_OK)
		return code;
	for (size_t i = 0; s->all && i < s->knobs; i++)
		show(s, &s->knob[i]);
	for (int i = 0; i < argc && code != TOOL_COULD_NOT; i++) {
		int e = one(s, argv[i]);

		code = e == TOOL_OK ? code : e;
	}
	if (s->list && finish_json(s) != TOOL_OK)
		code = TOOL_COULD_NOT;
	return code;
}

static int help(void)
{
	puts("usage: lull sysctl [-n] [--json] --ctl PATH NAME...\n"
	     "       lull sysctl [-n] [--json] --ctl PATH [-w] NAME=VALUE...\n"
	     "       lull sysctl [-n] [--json] --ctl PATH -a\n\n"
	     "Knobs of a running lull; they have Linux's names, units and "
	     "meanings.\n\n"
	     "  -a, --all         all of them\n"
	     "  -w, --write       every argument sets one\n"
	     "  -n, --values      values without names\n"
	     "      --json        one JSON object, with ranges and units\n"
	     "      --ctl PATH    the control socket of the program\n\n"
	     "Exit: 0 fine; 3 could not; 64 no such knob, or no such value.\n"
	     "See lull-sysctl(1).");
	return TOOL_OK;
}

/* Below 0: go on; else the exit code. */
static int parse(int argc, char **argv, struct sysctl *s)
{
	enum {
		CTL = 256,
		JSON,
	};
	static const struct option long_options[] = {
		{"all", no_argument, NULL, 'a'},
		{"write", no_argument, NULL, 'w'},
		{"values", no_argument, NULL, 'n'},
		{"json", no_argument, NULL, JSON},
		{"ctl", required_argument, NULL, CTL},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":awnh", long_options, NULL)) >=
	       0) {
		if (c == 'h')
			return help();
		if (c == '?' || c == ':')
			return tool_bad_option(c, argv);
		s->all |= c == 'a';
		s->write |= c == 'w';
		s->values |= c == 'n';
		s->json |= c == JSON;
		if (c == CTL)
			s->ctl = optarg;
	}
	if (s->all && (s->write || optind < argc))
		return tool_usage("-a shows all; leave -w and names out");
	if (!s->all && optind == argc)
		return tool_usage("which knob? -a shows all");
	return s->ctl ? -1 : ctl_needed();
}

int cmd_sysctl(int argc, char **argv)
{
	struct sysctl s = {0};
	int code = parse(argc, argv, &s);

	if (code >= 0)
		return code;
	s.client = ctl_open(s.ctl);
	if (!s.client)
		return TOOL_COULD_NOT;
	s.list = s.json ? json_array() : NULL;
	code = run(&s, argc - optind, argv + optind);
	lull_client_close(s.client);
	json_decref(s.list);
	free(s.knob);
	return ctl_finish(code);
}
