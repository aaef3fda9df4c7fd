/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_lab.c: scripts for `lull lab run`.
 *
 * The input is the script, so that what fails can be run as it is. Whatever it
 * does, it ends within its bounds: with a verdict, or with an error and the
 * line of it. What came of it is drawn in every way: SVG is well-formed, JSON
 * can be read, and the same script gives the same bytes again.
 *
 * Bytes alone would stop at Lua's parser. So most changes are of lines: calls
 * of all that a script has, with wild arguments; see lab_lines.c.
 */
#include "fuzz.h"

#include <locale.h>
#include <stdio.h>

#include <jansson.h>

#include "../sim/lab.h"
#include "fuzz_lab.h"

enum {
	STEPS = 20000, /* of Lua */
	TURNS = 2000,  /* of a case */
	DEEP = 32,
	AGAIN = 4, /* one of so many is run once more */
};

static struct lab_script script;

/* What was written of it, last time and now. */
struct written {
	char *text;
	size_t len;
};

static void wrong(const char *what, const char *text)
{
	fprintf(stderr, "%s:\n%s\n", what, text);
	abort();
}

/* ---- SVG ---- */

/* Of one character of UTF-8; 0: it is none, or XML may not have it. */
static size_t char_len(const unsigned char *p)
{
	size_t len = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;

	if (*p < ' ' && *p != '\n' && *p != '\t')
		return 0;
	if ((*p >= 0x80 && *p < 0xc2) || *p > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

/* From behind its "<": it opens, closes or does both; quotes have an end. */
static const char *check_tag(const char *p, const char **open, int *depth)
{
	const char *name = p;
	bool quoted = false;

	if (*p == '/') {
		size_t len = strcspn(++p, ">");

		MUST(*depth > 0);
		name = open[--*depth];
		MUST(!strncmp(name, p, len) && !is_name(name[len]));
		return p + len + 1;
	}
	MUST(is_name(*p) && *depth < DEEP);
	for (; *p && (quoted || *p != '>'); p++) {
		quoted ^= *p == '"';
		MUST(*p != '<');
	}
	MUST(*p == '>');
	if (p[-1] != '/')
		open[(*depth)++] = name;
	return p + 1;
}

/* Documents, one after the other. */
static void check_svg(const char *svg)
{
	const char *open[DEEP], *p = svg;
	int depth = 0;

	while (*p) {
		size_t len = char_len((const unsigned char *)p);

		if (!len)
			wrong("no character of XML", p);
		if (*p == '<') {
			p = check_tag(p + 1, open, &depth);
			continue;
		}
		MUST(depth || *p == '\n');
		p += len;
	}
	MUST(depth == 0);
}

/* ---- what comes of a script ---- */

static void draw_all(const char *why, struct written *w)
{
	const struct lab_script *all = &script;
	struct written svg, json, html;
	FILE *text = open_memstream(&w->text, &w->len);
	FILE *out = open_memstream(&svg.text, &svg.len);
	json_t *read;

	MUST(text && out);
	fprintf(text, "%s\n", why);
	lab_text_write(&script, true, text);
	lab_svg_write(&script, out);
	MUST(fclose(out) == 0);
	fflush(text);
	for (const char *p = w->text + strlen(why); *p; p++)
		if ((unsigned char)*p < ' ' && *p != '\n')
			wrong("a terminal's command", w->text);
	check_svg(svg.text);
	free(svg.text);
	out = open_memstream(&html.text, &html.len);
	MUST(out);
	lab_html_write(&all, 1, out);
	MUST(fclose(out) == 0);
	free(html.text);
	out = open_memstream(&json.text, &json.len);
	MUST(out);
	if (lab_json_write(&all, 1, out) == 0) {
		fflush(out);
		read = json_loadb(json.text, json.len, 0, NULL);
		MUST(read);
		json_decref(read);
		fwrite(json.text, 1, json.len, text);
	}
	MUST(fclose(out) == 0);
	free(json.text);
	MUST(fclose(text) == 0);
}

/* "fuzz.lua:12: what", or what is no fault of a line. */
static void check_why(const struct lab_run *run, const char *why)
{
	size_t path = strlen(script.path);

	if (run->could_not || strstr(why, "MiB of memory"))
		return;
	/* Its last line returned what the prelude does. */
	if (strstr(run->text, "return") && !strncmp(why, "fuzz.lua: ", 10))
		return;
	if (strncmp(why, script.path, path) != 0 || why[path] != ':' ||
	    why[path + 1] < '1' || why[path + 1] > '9')
		wrong("an error without its line", why);
}

static void run_text(const char *text, size_t len, struct written *w,
		     bool list_only)
{
	struct lab_run run = {
		.script = &script,
		.list_only = list_only,
		.text = text,
		.text_len = len,
		.steps_max = STEPS,
		.turns_max = TURNS,
	};
	char why[1024] = "";
	int e;

	memset(&script, 0, sizeof script);
	strcpy(script.name, "fuzz");
	strcpy(script.path, "fuzz.lua");
	e = lab_run_script(&run, why, sizeof why);
	if (e < 0)
		check_why(&run, why);
	for (int i = 0; e == 0 && !list_only && i < script.claims; i++)
		MUST(script.skipped[0] || script.claim[i].found[0] ||
		     script.contradicted || !script.claim[i].verdict[0]);
	if (!list_only)
		draw_all(why, w);
	lab_script_free(&script);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_len,
				 const uint8_t *b, size_t b_len, uint8_t *out,
				 size_t max, unsigned seed);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct written first = {0}, again = {0};
	uint32_t sum = fuzz_sum(0, data, size);
	char *text = malloc(size + 1); /* so that reads behind it are seen */

	MUST(text);
	/* Lines are drawn with it, or without. */
	MUST(setlocale(LC_CTYPE, sum & 4 ? "C.UTF-8" : "C"));
	memcpy(text, data, size);
	text[size] = 0;
	run_text(text, size, &first, false);
	if (sum % AGAIN == 0) {
		run_text(text, size, &again, false);
		if (again.len != first.len ||
		    memcmp(again.text, first.text, first.len) != 0)
			wrong("another time it was", again.text);
	}
	if (sum % AGAIN == 1)
		run_text(text, size, &again, true);
	free(again.text);
	free(first.text);
	free(text);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned seed)
{
	return fuzz_lab_change(data, size, max, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_len,
				 const uint8_t *b, size_t b_len, uint8_t *out,
				 size_t max, unsigned seed)
{
	return fuzz_lab_cross(a, a_len, b, b_len, out, max, seed);
}
