/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain.c: `lull explain WORD`: what a word means, on one screen, from the
 * tables of tools/words.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "../words/screen.h"
#include "../words/words.h"
#include "ctl.h"
#include "lint.h"

enum {
	TEXT = 512,
	RULES = 3,   /* of one knob, on one screen */
	SHOWN = 200, /* of a word that nobody knows */
};

#define _(text) words_text(text)

/* ---- what is true of a knob here ---- */

/* What it is now on this host; false: it isn't there. */
static bool value_now(const struct word_knob *k, char *text)
{
	char path[128];
	FILE *f;
	bool ok;

	snprintf(path, sizeof path, "/proc/sys/%s", k->name);
	for (char *p = path; *p; p++)
		*p = *p == '.' ? '/' : *p;
	f = fopen(path, "re");
	if (!f)
		return false;
	ok = fgets(text, TEXT, f) != NULL;
	fclose(f);
	if (!ok)
		return false;
	text[strcspn(text, "\n")] = 0;
	for (char *p = text; *p; p++)
		*p = *p == '\t' ? ' ' : *p;
	screen_clean(text);
	return true;
}

static void print_values(const struct word_knob *k)
{
	char preset[64], now[TEXT], text[2 * TEXT] = "";
	size_t len = 0;

	if (word_knob_default(k, preset, sizeof preset) && *preset)
		len = (size_t)snprintf(text, sizeof text,
				       _("%s%s%s by default. "), preset,
				       k->unit[0] ? " " : "",
				       k->unit[0] ? _(k->unit) : "");
	if (k->kernel && value_now(k, now))
		snprintf(text + len, sizeof text - len, _("%s now, here."),
			 *now ? now : _("(empty)"));
	if (*text)
		screen_print("  ", 2, text);
}

static void print_lull(const struct word_knob *k)
{
	char text[TEXT];

	if (k->own && !k->kernel)
		snprintf(text, sizeof text, "%s",
			 _("it is lull's own; Linux has no such knob."));
	else if (k->own && strcmp(k->own, k->help) != 0)
		snprintf(text, sizeof text, "%s%s", _(k->own), _("."));
	else if (k->own)
		snprintf(text, sizeof text, "%s", _("the same."));
	else if (k->idle)
		snprintf(text, sizeof text,
			 k->refused ? _("refused: %s.")
				    : _("without effect: %s."),
			 _(k->idle));
	else
		return;
	screen_print(_("In lull:"), 10, text);
}

static void print_rules(const struct word_knob *k)
{
	const struct word_rule *r, *next;
	char text[2 * TEXT];
	int n = 0;

	for (size_t i = 0; (r = word_rule_at(i)) && n < RULES; i++) {
		next = word_rule_at(i + 1);
		if (strcmp(r->knob, k->name) != 0 ||
		    (next && !strcmp(next->knob, k->name) &&
		     !strcmp(next->tag, r->tag)))
			continue; /* the next one says the same, of more */
		snprintf(text, sizeof text, _("%s: %s. [%s]"), _(r->tag),
			 _(r->fact), _(r->source));
		screen_print("  - ", 4, text);

		n++;
	}
}

/* ---- one screen ---- */

static void print_label(const char *label, const char *text)
{
	if (*text)
		screen_print(_(label), 10, _(text));
}

static void print_title(const struct word *w)
{
	char text[TEXT];
	int len;

	snprintf(text, sizeof text, _("%s (%s%s%s)"), w->name, w->group,
		 *w->group ? ", " : "", _(word_kind_name[w->kind]));
	screen_print("", 0, text);
	if (!*w->also)
		return;
	len = snprintf(text, sizeof text, "%s ", _("also:"));
	for (const char *p = w->also; *p && len < TEXT; p++)
		len += snprintf(text + len, TEXT - (size_t)len,
				*p == '|' ? ", " : "%c", *p);
	screen_print("  ", 2, text);
}

static void print_word(const struct word *w)
{
	char text[2 * TEXT];

	print_title(w);
	putchar('\n');
	if (w->knob && w->knob->gone) {
		snprintf(text, sizeof text, _("Linux removed it in %s. It %s."),
			 w->knob->gone, _(w->what));
		screen_print("  ", 2, text);
	} else if (*w->what) {
		snprintf(text, sizeof text, "%s%s", _(w->what), _("."));
		screen_print("  ", 2, text);
	}
	if (w->knob)
		print_values(w->knob);
	if (*w->more) {
		putchar('\n');
		screen_print("  ", 2, _(w->more));
	}
	if (w->knob)
		print_rules(w->knob);
	putchar('\n');
	print_label(N_("Look:"), w->look);
	print_label(N_("Do:"), w->act);
	print_label(N_("Don't:"), w->not );
	if (w->knob)
		print_lull(w->knob);
	print_label(N_("Source:"), w->source);
}

/* ---- JSON ---- */

static json_t *list_of(const char *names)
{
	json_t *list = json_array();

	for (const char *p = names; *p; p += *p == '|') {
		size_t len = strcspn(p, "|");

		json_array_append_new(list, json_stringn(p, len));
		p += len;
	}
	return list;
}

static void add_knob(json_t *json, const struct word_knob *k)
{
	char text[TEXT];

	json_object_set_new(json, "unit", json_string(k->unit));
	if (word_knob_default(k, text, sizeof text))
		json_object_set_new(json, "default", json_string(text));
	if (k->kernel && value_now(k, text))
		json_object_set_new(json, "now", json_string(text));
	if (k->gone)
		json_object_set_new(json, "removed", json_string(k->gone));
	if (k->idle)
		json_object_set_new(json, "lull", json_string(_(k->idle)));
}

static json_t *word_json(const struct word *w)
{
	json_t *json =
		json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:s}",
			  "name", w->name, "kind", word_kind_name[w->kind],
			  "group", w->group, "also", list_of(w->also), "what",
			  _(w->what), "more", _(w->more), "look", _(w->look),
			  "do", _(w->act), "dont", _(w->not ), "source",
			  _(w->source));

	if (json && w->knob)
		add_knob(json, w->knob);
	return json;
}

static int finish_json(json_t *list)
{
	json_t *json = json_pack("{s:i, s:o}", "schema", 1, "words", list);

	if (!json)
		return tool_error(TOOL_COULD_NOT, "out of memory; try again");
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
	return TOOL_OK;
}

/* ---- the command ---- */

static int unknown(char *text)
{
	const char *near = word_nearest(text);

	if (strlen(text) > SHOWN)
		strcpy(text + SHOWN - 3, "...");
	screen_clean(text);
	if (near)
		return tool_error(TOOL_USAGE,
				  _("%s: nobody here knows it; did you mean "
				    "%s?"),
				  text, near);
	return tool_error(TOOL_USAGE,
			  _("%s: nobody here knows it; lull explain --list "
			    "has all words"),
			  text);
}

static int explain_one(char *text, json_t *list, bool first)
{
	const struct word *w = word_find(text);

	if (!w)
		return unknown(text);
	if (list) {
		json_array_append_new(list, word_json(w));
		return TOOL_OK;
	}
	if (!first)
		putchar('\n');
	print_word(w);
	return TOOL_OK;
}

/* A log line that was not quoted: all arguments are one. false: they aren't. */
static bool join(int argc, char **argv, char *text)
{
	size_t len = 0;

	for (int i = 0; i < argc && len < TEXT; i++)
		len += (size_t)snprintf(text + len, TEXT - len, "%s%s",
					i ? " " : "", argv[i]);
	return argc > 1 && !word_find(argv[0]) && word_find(text);
}

int explain_words(int argc, char **argv, bool json)
{
	json_t *list = json ? json_array() : NULL;
	char text[TEXT];
	int code = TOOL_OK;

	words_language();
	if (join(argc, argv, text)) {
		code = explain_one(text, list, true);
		argc = 0;
	}
	for (int i = 0; i < argc; i++) {
		int e = explain_one(argv[i], list, i == 0);

		code = e == TOOL_OK ? code : e;
	}
	if (list && finish_json(list) != TOOL_OK)
		code = TOOL_COULD_NOT;
	return code;
}

static int list_all(bool json)
{
	json_t *list = json ? json_array() : NULL;
	const struct word *w;

	words_language();
	for (size_t i = 0; (w = word_at(i)); i++) {
		if (list)
			json_array_append_new(list, word_json(w));
		else
			printf("%-22s %s\n", _(word_kind_name[w->kind]),
			       w->name);
	}
	return list ? finish_json(list) : TOOL_OK;
}

static int help(void)
{
	puts(_("usage: lull explain [--json] WORD...\n"
	       "       lull explain [--json] --list\n\n"
	       "What a word means: a state of TCP, a counter, a knob, a socket "
	       "option, an error,\na line of the kernel's log, or a word of "
	       "Windows or BSD.\n\n"
	       "  -l, --list  all words\n"
	       "      --json  one JSON object\n\n"
	       "Exit: 0 fine; 64 nobody knows the word. See lull-explain(1)."));
	return TOOL_OK;
}

int cmd_explain(int argc, char **argv)
{
	enum {
		JSON = 256,
	};
	static const struct option long_options[] = {
		{"list", no_argument, NULL, 'l'},
		{"json", no_argument, NULL, JSON},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	bool json = false, list = false;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":lh", long_options, NULL)) >= 0) {
		if (c == 'h') {
			words_language();
			return ctl_finish(help());
		}
		if (c == '?' || c == ':')
			return tool_bad_option(c, argv);
		list |= c == 'l';
		json |= c == JSON;
	}
	if (list && optind < argc)
		return tool_usage("--list has all words; leave WORD out");
	if (!list && optind == argc)
		return tool_usage("which word? --list has them all");
	return ctl_finish(
		list ? list_all(json)
		     : explain_words(argc - optind, argv + optind, json));
}
