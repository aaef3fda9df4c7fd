/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysctl_lull.c: the knobs of a running lull, over its control socket.
 *
 * Fetches the list once: values, ranges, units, and the names to suggest for a
 * misspelt one. What Linux has and lull has not is accepted with a line that
 * says why it does nothing, or refused (lull_diag_idle()).
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "ctl.h"
#include "sysctl.h"

enum {
	TEXT = 1024, /* a value, or a range, as text */
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

static bool is_idle(const char *name, struct lull_idle_info *idle)
{
	for (uint32_t i = 0; lull_diag_idle(i, idle); i++)
		if (strcmp(idle->name, name) == 0)
			return true;
	return false;
}

static int unknown(const struct sysctl *s, const char *name)
{
	const char **names;
	const char *near = NULL;
	struct lull_idle_info idle;

	if (s->ignore)
		return TOOL_OK;
	if (is_idle(name, &idle))
		return tool_error(TOOL_USAGE, "%s: %s: %s", name,
				  idle.refused ? "refused"
					       : "it has no value here",
				  idle.why);
	names = calloc(s->knobs + 1, sizeof *names);
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

/* Set what lull has not: a line that says why it does nothing. */
static int set_nothing(const struct sysctl *s, const char *name)
{
	struct lull_idle_info idle;

	if (!is_idle(name, &idle) || idle.refused)
		return unknown(s, name);
	tool_error(TOOL_OK, "%s: accepted, no effect: %s", name, idle.why);
	return TOOL_OK;
}

/* ---- printing ---- */

/* The i-th word, 0, 1, ...; NULL: there is none, or it is NAME=VALUE. */
static const char *word_at(const char *words, int64_t i, char *text)
{
	size_t len;

	if (strchr(words, '='))
		return NULL;
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

/* A list is not in the knob: ask for it. */
static int list_text(const struct sysctl *s, const struct lull_ctl_knob *k,
		     char *text)
{
	struct lull_ctl_name asked;
	const struct lull_client_request request = {LULL_CTL_SYSCTL_TEXT,
						    &asked, sizeof asked};
	struct lull_ctl_text answer;
	int e;

	memcpy(asked.name, k->name, sizeof asked.name);
	e = lull_client_call(s->client, &request, &answer, sizeof answer);
	if (e == -EMSGSIZE)
		return tool_error(TOOL_USAGE, "%s: it is too long to be shown",
				  k->name);
	if (e < 0)
		return ctl_failed(s->ctl, e);
	snprintf(text, TEXT, "%.*s", (int)sizeof answer.text - 1, answer.text);
	return TOOL_OK;
}

static int value_text(const struct sysctl *s, const struct lull_ctl_knob *k,
		      char *text)
{
	char word[TEXT];
	int len = 0;

	if (!k->values)
		return list_text(s, k, text);
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
	return TOOL_OK;
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

static json_t *knob_json(const struct lull_ctl_knob *k, const char *text)
{
	bool list = !k->values;

	return json_pack("{s:s, s:o, s:o, s:I, s:I, s:s, s:s, s:s}", "name",
			 k->name, "value",
			 list ? json_string(text) : values_json(k, k->value),
			 "default",
			 list ? json_string("") : values_json(k, k->defaults),
			 "min", (json_int_t)k->min, "max", (json_int_t)k->max,
			 "words", k->words, "unit", k->unit, "help", k->help);
}

static int show(struct sysctl *s, const struct lull_ctl_knob *k)
{
	char text[TEXT] = "";
	int code = value_text(s, k, text);

	if (code != TOOL_OK)
		return code;
	if (s->list)
		json_array_append_new(s->list, knob_json(k, text));
	else
		sysctl_print(s, k->name, text);
	return TOOL_OK;
}

/* ---- setting ---- */

/* "from 1 to 3600 seconds", "lull or linux". */
static const char *range_text(const struct lull_ctl_knob *k, char *text)
{
	char word[TEXT];
	const char *name = word_at(k->words, 0, word);
	int len;

	if (!name) {
		snprintf(text, TEXT, "from %lld to %lld%s%s%s%s",
			 (long long)k->min, (long long)k->max,
			 k->unit[0] ? " " : "", k->unit,
			 k->words[0] ? ", or " : "", k->words);
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
		if (!k->values)
			return tool_error(TOOL_USAGE,
					  "%s=%s: each goes %s, the lower end "
					  "of a range first",
					  k->name, value, range);
		return tool_error(TOOL_USAGE,
				  "%s=%s: each goes %s, none below the one "
				  "before",
				  k->name, value, range);
	case EINVAL:
		range_text(k, range);
		if (!k->values)
			return tool_error(TOOL_USAGE,
					  "%s=%s: it wants ports and ranges, "
					  "as 80,8000-8080",
					  k->name, value);
		if (k->words[0] && !strchr(k->words, '='))
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

/* One request; what it says of the value is in the answer. */
static int ask_to_set(struct sysctl *s, const struct lull_ctl_knob *k,
		      const char *value, struct lull_ctl_set_answer *answer)
{
	struct lull_ctl_set few = {{0}, {0}};
	struct lull_ctl_put many = {{0}, {0}};
	struct lull_client_request request = {LULL_CTL_SYSCTL_SET, &few,
					      sizeof few};

	answer->error = -EINVAL;
	if (strlen(value) >= (k->values ? sizeof few.value : sizeof many.value))
		return 0;
	if (!k->values)
		request = (struct lull_client_request){LULL_CTL_SYSCTL_PUT,
						       &many, sizeof many};
	memcpy(k->values ? few.name : many.name, k->name, sizeof k->name);
	strcpy(k->values ? few.value : many.value, value);
	return lull_client_call(s->client, &request, answer, sizeof *answer);
}

static int set(struct sysctl *s, struct lull_ctl_knob *k, const char *value)
{
	struct lull_ctl_set_answer answer = {0};
	int e = ask_to_set(s, k, value, &answer);

	if (e < 0)
		return ctl_failed(s->ctl, e);
	if (answer.error < 0)
		return refused(k, value, &answer);
	if (s->quiet)
		return TOOL_OK;
	e = get(s, k);
	return e == TOOL_OK ? show(s, k) : e;
}

/* "net.ipv4.tcp_keepalive_*": all that fit, or TOOL_USAGE. */
static int set_pattern(struct sysctl *s, const char *name, const char *value)
{
	int code = TOOL_OK;
	bool any = false;

	for (size_t i = 0; i < s->knobs && code != TOOL_COULD_NOT; i++) {
		if (fnmatch(name, s->knob[i].name, 0) != 0 ||
		    !sysctl_is_wanted(s, s->knob[i].name))
			continue;
		any = true;
		if (sysctl_is_named(s, s->knob[i].name))
			continue;
		code = sysctl_worse(code, set(s, &s->knob[i], value));
	}
	return any || s->has_pattern ? code : unknown(s, name);
}

static int set_named(struct sysctl *s, const char *name, const char *value)
{
	struct lull_ctl_knob *k;

	if (strpbrk(name, "*?["))
		return set_pattern(s, name, value);
	if (!sysctl_is_wanted(s, name))
		return TOOL_OK;
	k = find(s, name);
	return k ? set(s, k, value) : set_nothing(s, name);
}

static int show_named(struct sysctl *s, const char *name)
{
	struct lull_ctl_knob *k = find(s, name);

	return k ? show(s, k) : unknown(s, name);
}

static int show_all(struct sysctl *s)
{
	int code = TOOL_OK;

	for (size_t i = 0; i < s->knobs; i++)
		if (sysctl_is_wanted(s, s->knob[i].name))
			code = sysctl_worse(code, show(s, &s->knob[i]));
	return code;
}

static int open_lull(struct sysctl *s)
{
	s->client = ctl_open(s->ctl);
	return s->client ? fetch(s) : TOOL_COULD_NOT;
}

static void close_lull(struct sysctl *s)
{
	if (s->client)
		lull_client_close(s->client);
	free(s->knob);
}

const struct sysctl_side sysctl_of_lull = {open_lull, close_lull, show_all,
					   show_named, set_named};
