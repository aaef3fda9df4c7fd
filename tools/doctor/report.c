/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.c: see report.h.
 *
 * What comes from outside (names of processes and files) may have a terminal's
 * commands in it: no control character is printed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "../lull/tool.h"
#include "report.h"

enum {
	SHOWN = 3, /* findings in full, without -v */
	WIDTH = 79,
	INDENT = 12,
};

static const char *const severities[] = {
	[INFO] = "info",
	[WARN] = "warn",
	[CRITICAL] = "critical",
};

int report_code(const struct sheet *s)
{
	if (!s->findings)
		return TOOL_OK;
	switch (s->finding[0].severity) {
	case CRITICAL:
		return TOOL_TROUBLE;
	case WARN:
		return TOOL_FINDING;
	case INFO:
		break;
	}
	return TOOL_OK;
}

/* ---- the baseline ---- */

const char *report_baseline(const struct facts *f, char *text, size_t size)
{
	struct baseline b = rules_baseline(f);
	long long tw = (long long)b.tw;

	switch (b.verdict) {
	case BASE_UNKNOWN:
		snprintf(text, size, "TIME_WAIT: unknown");
		break;
	case BASE_NONE:
		snprintf(text, size, "%lld TIME_WAIT: too few to talk about",
			 tw);
		break;
	case BASE_NORMAL:
		snprintf(text, size,
			 "no problem: %lld TIME_WAIT is normal for %.1f "
			 "closes/s (x %d s = %lld)",
			 tw, b.closes, TW_SECONDS, (long long)b.expected);
		break;
	case BASE_NO_RATE:
		snprintf(text, size,
			 "no alarm: %lld TIME_WAIT stand for about %.1f "
			 "closes/s in the last %d s, and take %.1f MB",
			 tw, (double)tw / TW_SECONDS, TW_SECONDS,
			 (double)tw * TW_BYTES / 1e6);
		break;
	case BASE_LEFTOVER:
		snprintf(text, size,
			 "no problem: %lld TIME_WAIT are of the last %d s; "
			 "now it is %.1f closes/s, and they will be %lld",
			 tw, TW_SECONDS, b.closes, (long long)b.expected);
		break;
	}
	return text;
}

/* ---- text ---- */

static void put(const char *text)
{
	tool_put_plain(text, strlen(text));
}

static int put_word(const char *word, int len, int column)
{
	if (column > INDENT && column + 1 + len > WIDTH) {
		printf("\n%*s", INDENT, "");
		column = INDENT;
	} else if (column > INDENT) {
		putchar(' ');
		column++;
	}
	tool_put_plain(word, (size_t)len);
	return column + len;
}

/* Words from column INDENT to WIDTH, under a label. */
static void put_wrapped(const char *label, const char *text)
{
	int column = INDENT;

	printf("    %-*s", INDENT - 4, label);
	while (*text) {
		int len = (int)strcspn(text, " ");

		column = put_word(text, len, column);
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static const char *colour(enum severity severity)
{
	if (getenv("NO_COLOR") || !isatty(STDOUT_FILENO))
		return NULL;
	return severity == CRITICAL ? "31;1" : severity == WARN ? "33;1" : "1";
}

static void put_head(const struct finding *n)
{
	const char *c = colour(n->severity);

	if (c)
		printf("\033[%sm", c);
	printf("%s %s", n->rule->id, severities[n->severity]);
	if (c)
		printf("\033[0m");
	printf(": ");
	put(n->symptom);
	putchar('\n');
}

static const char *number(double v, char *text, size_t size)
{
	if (v == (double)(int64_t)v)
		snprintf(text, size, "%lld", (long long)v);
	else
		snprintf(text, size, "%.1f", v);
	return text;
}

static void put_finding(const struct finding *n)
{
	char text[4 * LINE], value[32];

	put_head(n);
	put_wrapped("cause", n->cause);
	for (int i = 0; i < n->evidences; i++) {
		snprintf(text, sizeof text, "%s %s [%s]",
			 number(n->evidence[i].value, value, sizeof value),
			 n->evidence[i].what, n->evidence[i].source);
		put_wrapped(i ? "" : "seen", text);
	}
	for (int i = 0; i < n->whos; i++)
		put_wrapped(i ? "" : "who", n->who[i]);
	for (int i = 0; i < n->safes; i++)
		put_wrapped(i ? "" : "safe", n->safe[i]);
	for (int i = 0; i < n->donts; i++) {
		const struct refusal_text *r = &refusals[n->dont[i]];

		snprintf(text, sizeof text, "%s: %s", r->what, r->why);
		put_wrapped(i ? "" : "do not", text);
	}
}

static void put_findings(const struct sheet *s, bool verbose)
{
	int shown = 0, hidden = 0;

	for (int i = 0; i < s->findings; i++) {
		const struct finding *n = &s->finding[i];

		if (verbose || (n->severity > INFO && shown < SHOWN)) {
			putchar('\n');
			put_finding(n);
			shown++;
			continue;
		}
		if (!hidden++)
			putchar('\n');
		put_head(n);
	}
	if (hidden)
		puts("(-v tells more of these)");
	if (s->findings)
		puts("\nlull explain WORD tells what a state, a counter or a "
		     "knob is");
}

static void put_verdict(const struct sheet *s)
{
	int count[3] = {0};

	for (int i = 0; i < s->findings; i++)
		count[s->finding[i].severity]++;
	if (count[CRITICAL])
		printf("trouble: %d critical, %d to look at\n", count[CRITICAL],
		       count[WARN]);
	else if (count[WARN])
		printf("worth a look: %d\n", count[WARN]);
	else
		puts("normal");
	if (count[CRITICAL] + count[WARN]) {
		printf("most likely: ");
		put(s->finding[0].symptom);
		putchar('\n');
	}
}

static void put_refused(const struct facts *f, bool verbose)
{
	char text[2 * LINE];
	bool any = false;

	for (int i = 0; i < REFUSALS; i++) {
		bool advised = f->advice >> i & 1;

		if (!advised && !(verbose && refusals[i].standing))
			continue;
		if (!any)
			puts("\nrefused, whoever advises it");
		any = true;
		snprintf(text, sizeof text, "%s: %s", refusals[i].what,
			 refusals[i].why);
		put_wrapped(advised ? "(there)" : "", text);
	}
}

static void put_unknown(const struct sheet *s, bool verbose)
{
	char text[2 * LINE];
	int n = 0;

	for (int i = 0; i < rules_count; i++)
		n += s->rule[i].outcome == NOT_KNOWN;
	if (!n)
		return;
	printf("\n%d of %d rules could not tell%s\n", n, rules_count,
	       verbose ? ", for want of" : "; -v says what they want");
	for (int i = 0; i < rules_count && verbose; i++) {
		if (s->rule[i].outcome != NOT_KNOWN)
			continue;
		snprintf(text, sizeof text, "%s", s->rule[i].why);
		put_wrapped(rules[i].id, text);
	}
}

void report_text(const struct facts *f, const struct sheet *s, bool verbose)
{
	char text[LINE], name[32];

	put_verdict(s);
	puts(report_baseline(f, text, sizeof text));
	for (int i = 1; i < STATES && verbose; i++)
		if (or_zero(f->state[1][i]) > 0)
			printf("  %-12s %lld\n",
			       facts_state_name(i, name, sizeof name),
			       (long long)f->state[1][i]);
	put_findings(s, verbose);
	put_refused(f, verbose);
	put_unknown(s, verbose);
	for (int i = 0; i < f->notes; i++) {
		if (!i)
			putchar('\n');
		put_wrapped("note", f->note[i]);
	}
}

/* ---- JSON ---- */

/* Bytes that are no UTF-8 become question marks. */
static json_t *string(const char *text)
{
	json_t *json = json_string(text);
	char plain[2 * LINE];
	size_t n = 0;

	for (; !json && *text && n + 1 < sizeof plain; text++)
		plain[n++] = (unsigned char)*text < 0x80 ? *text : '?';
	plain[n] = 0;
	return json ? json : json_string(plain);
}

static json_t *maybe(int64_t v)
{
	return known(v) ? json_integer((json_int_t)v) : json_null();
}

static json_t *strings(const char (*text)[LINE], int n)
{
	json_t *list = json_array();

	for (int i = 0; list && i < n; i++)
		json_array_append_new(list, string(text[i]));
	return list;
}

static json_t *number_json(double v)
{
	return v == (double)(int64_t)v ? json_integer((json_int_t)v)
				       : json_real(v);
}

static json_t *finding_json(const struct finding *n)
{
	json_t *seen = json_array(), *never = json_array();

	for (int i = 0; seen && i < n->evidences; i++)
		json_array_append_new(
			seen,
			json_pack("{s:o, s:o, s:o}", "value",
				  number_json(n->evidence[i].value), "what",
				  string(n->evidence[i].what), "source",
				  string(n->evidence[i].source)));
	for (int i = 0; never && i < n->donts; i++)
		json_array_append_new(
			never, json_pack("{s:s, s:s}", "what",
					 refusals[n->dont[i]].what, "why",
					 refusals[n->dont[i]].why));
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
			 n->rule->id, "title", n->rule->title, "severity",
			 severities[n->severity], "symptom", string(n->symptom),
			 "cause", string(n->cause), "evidence", seen, "who",
			 strings(n->who, n->whos), "safe",
			 strings(n->safe, n->safes), "do_not", never);
}

static json_t *states_json(const struct facts *f)
{
	json_t *json = json_object();
	char name[32];

	for (int i = 1; json && i < STATES; i++)
		if (i <= CLOSING || or_zero(f->state[1][i]))
			json_object_set_new(
				json, facts_state_name(i, name, sizeof name),
				maybe(f->state[1][i]));
	return json;
}

static json_t *baseline_json(const struct facts *f)
{
	static const char *const verdicts[] = {
		[BASE_UNKNOWN] = "unknown",   [BASE_NONE] = "none",
		[BASE_NORMAL] = "normal",     [BASE_NO_RATE] = "no_rate",
		[BASE_LEFTOVER] = "leftover",
	};
	struct baseline b = rules_baseline(f);
	char text[LINE];

	return json_pack("{s:s, s:o, s:o, s:o, s:s}", "verdict",
			 verdicts[b.verdict], "time_wait", maybe(b.tw),
			 "expected", maybe(b.expected), "closes_per_s",
			 b.closes < 0 ? json_null() : json_real(b.closes),
			 "text", report_baseline(f, text, sizeof text));
}

static json_t *refused_json(const struct facts *f)
{
	json_t *list = json_array();

	for (int i = 0; list && i < REFUSALS; i++)
		if (refusals[i].standing)
			json_array_append_new(
				list, json_pack("{s:s, s:s, s:b}", "what",
						refusals[i].what, "why",
						refusals[i].why, "advised",
						(int)(f->advice >> i & 1)));
	return list;
}

int report_json(const struct facts *f, const struct sheet *s)
{
	static const char *const verdicts[] = {"normal", "look", "trouble"};
	json_t *found = json_array(), *unknown = json_array(),
	       *notes = json_array(), *json;
	int e;

	for (int i = 0; i < s->findings; i++)
		json_array_append_new(found, finding_json(&s->finding[i]));
	for (int i = 0; i < rules_count; i++)
		if (s->rule[i].outcome == NOT_KNOWN)
			json_array_append_new(unknown,
					      json_pack("{s:s, s:s}", "id",
							rules[i].id, "wants",
							s->rule[i].why));
	for (int i = 0; i < f->notes; i++)
		json_array_append_new(notes, string(f->note[i]));
	json = json_pack("{s:i, s:s, s:s, s:f, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "schema", 1, "source", row_source(f), "verdict",
			 verdicts[report_code(s)], "seconds", f->seconds,
			 "baseline", baseline_json(f), "states", states_json(f),
			 "findings", found, "unknown", unknown, "refused",
			 refused_json(f), "notes", notes);
	e = json ? json_dumpf(json, stdout, JSON_COMPACT) : -1;
	json_decref(json);
	if (e == 0)
		putchar('\n');
	return e ? -ENOMEM : 0;
}
