/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lint.c: `lull sysctl lint`: files for sysctl(8), line by line: what is
 * dangerous, what does nothing, what is not there, and where that is written.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "../words/screen.h"
#include "conf.h"
#include "ctl.h"
#include "lint.h"
#include "lint_file.h"

#define _(text) words_text(text)

enum {
	GRADES = WORD_DANGER + 1,
};

static const char *const grades[GRADES] = {
	[WORD_NOTE] = N_("note"),
	[WORD_LOOK] = N_("look"),
	[WORD_DANGER] = N_("DANGER"),
};

/* Keys of JSON. */
static const char *const keys[GRADES] = {
	[WORD_NOTE] = "note",
	[WORD_LOOK] = "look",
	[WORD_DANGER] = "danger",
};

struct run {
	struct lint lint;
	bool json, unread;
};

static int read_file(void *arg, const char *path)
{
	struct run *r = arg;
	int e = lint_read(&r->lint, path);

	if (e == -ENOMEM)
		return e;
	if (e == -E2BIG)
		tool_error(TOOL_COULD_NOT,
			   "%s: more than %d settings; is it a file for "
			   "sysctl(8)?",
			   path, LINT_SETTINGS);
	else if (e == -EMSGSIZE)
		tool_error(TOOL_COULD_NOT,
			   "%s: a line of more than 64 KiB; is it a file for "
			   "sysctl(8)?",
			   path);
	else if (e < 0)
		tool_error(TOOL_COULD_NOT, "%s: %s", path, strerror(-e));
	r->unread |= e < 0;
	return 0;
}

/* ---- text ---- */

static void print_finding(const struct lint_finding *f)
{
	char label[64];

	snprintf(label, sizeof label, "  %s ", _(grades[f->grade]));
	printf("%s%*s", label, 10 - screen_width(label), "");
	printf("%s%s%s%s\n", _(f->tag), *f->since ? " (Linux " : "", f->since,
	       *f->since ? ")" : "");
	screen_print("", 10, f->fact);
	if (*f->source) {
		char text[256];

		snprintf(text, sizeof text, "[%s]", _(f->source));
		screen_print("", 10, text);
	}
}

static void print_setting(const struct lint_setting *s)
{
	printf("%s:%zu: %.200s%s%.200s\n", s->file, s->line, s->name,
	       s->value ? " = " : "", s->value ? s->value : "");
	for (size_t i = 0; i < s->findings; i++)
		print_finding(&s->finding[i]);
}

static void print_sum(const struct run *r, const size_t *count)
{
	if (r->lint.settings)
		putchar('\n');
	printf(_("settings: %zu; dangerous: %zu, worth a look: %zu, notes: "
		 "%zu\n"),
	       r->lint.settings, count[WORD_DANGER], count[WORD_LOOK],
	       count[WORD_NOTE]);
}

static void print_all(const struct run *r, const size_t *count)
{
	for (size_t i = 0; i < r->lint.settings; i++)
		if (r->lint.setting[i].findings)
			print_setting(&r->lint.setting[i]);
	print_sum(r, count);
}

/* ---- JSON ---- */

/* Of a file that is no UTF-8, too. */
static json_t *text_json(const char *text)
{
	json_t *json = text ? json_string(text) : json_null();

	return json ? json : json_string("?");
}

static json_t *finding_json(const struct lint_setting *s,
			    const struct lint_finding *f)
{
	return json_pack("{s:o, s:I, s:o, s:o, s:s, s:s, s:s, s:s, s:s}",
			 "file", text_json(s->file), "line",
			 (json_int_t)s->line, "name", text_json(s->name),
			 "value", text_json(s->value), "grade", keys[f->grade],
			 "tag", f->tag, "fact", f->fact, "since", f->since,
			 "source", f->source);
}

static int print_json(const struct run *r, const size_t *count)
{
	json_t *list = json_array(), *json;

	for (size_t i = 0; i < r->lint.settings; i++) {
		const struct lint_setting *s = &r->lint.setting[i];

		for (size_t k = 0; k < s->findings; k++)
			json_array_append_new(list,
					      finding_json(s, &s->finding[k]));
	}
	json = json_pack("{s:i, s:I, s:I, s:I, s:I, s:o}", "schema", 1,
			 "settings", (json_int_t)r->lint.settings, "danger",
			 (json_int_t)count[WORD_DANGER], "look",
			 (json_int_t)count[WORD_LOOK], "note",
			 (json_int_t)count[WORD_NOTE], "findings", list);
	if (!json)
		return tool_error(TOOL_COULD_NOT, "out of memory; try again");
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
	return TOOL_OK;
}

/* ---- the command ---- */

static int report(const struct run *r)
{
	size_t count[GRADES] = {0};
	int code;

	for (size_t i = 0; i < r->lint.settings; i++)
		for (size_t k = 0; k < r->lint.setting[i].findings; k++)
			count[r->lint.setting[i].finding[k].grade]++;
	code = count[WORD_DANGER] ? TOOL_TROUBLE
	       : count[WORD_LOOK] ? TOOL_FINDING
				  : TOOL_OK;
	if (!r->json)
		print_all(r, count);
	else if (print_json(r, count) != TOOL_OK)
		return TOOL_COULD_NOT;
	return r->unread ? TOOL_COULD_NOT : code;
}

static int lint_files(struct run *r, int argc, char **argv)
{
	int e = argc ? 0 : conf_system(read_file, r);

	words_language();
	for (int i = 0; i < argc && !e; i++)
		e = read_file(r, argv[i]);
	if (!e)
		e = lint_judge(&r->lint);
	if (e < 0)
		return tool_error(TOOL_COULD_NOT, "%s", strerror(-e));
	return report(r);
}

static int help(void)
{
	puts(_("usage: lull sysctl lint [--json] [FILE...]\n\n"
	       "What is dangerous, without effect, removed or misspelt in files "
	       "for sysctl(8).\nWithout FILE: those of this system; - is "
	       "standard input. Nothing is set.\n\n"
	       "      --json  one JSON object\n\n"
	       "Exit: 0 clean; 1 worth a look; 2 dangerous; 3 a file could not "
	       "be read; 64\nusage. See lull-sysctl(1)."));
	return TOOL_OK;
}

int sysctl_lint(int argc, char **argv)
{
	enum {
		JSON = 256,
	};
	static const struct option long_options[] = {
		{"json", no_argument, NULL, JSON},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct run r = {.json = false};
	int c, code;

	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, ":h", long_options, NULL)) >= 0) {
		if (c == 'h') {
			words_language();
			return ctl_finish(help());
		}
		if (c == '?' || c == ':')
			return tool_bad_option(c, argv);
		r.json = true;
	}
	code = lint_files(&r, argc - optind, argv + optind);
	lint_free(&r.lint);
	return ctl_finish(code);
}
