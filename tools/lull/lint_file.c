/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lint_file.c: see lint_file.h. What is known of a knob stands in the tables
 * of tools/words; here is what only a whole file can show.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../words/screen.h"
#include "conf.h"
#include "lint.h"
#include "lint_file.h"
#include "tool.h"

#define _(text) words_text(text)

/* ---- reading ---- */

static char *copy(const char *text)
{
	char *own = strdup(text);

	if (own)
		screen_clean(own);
	return own;
}

static bool is_odd(const char *name)
{
	while (*name > ' ' && *name < 0x7f)
		name++;
	return *name != 0 && *name != ' ' && *name != '\t';
}

static int see_line(void *arg, struct conf_line *line)
{
	struct lint *l = arg;
	struct lint_setting *s;

	if (l->settings == LINT_SETTINGS)
		return -E2BIG;
	s = realloc(l->setting, (l->settings + 1) * sizeof *s);
	if (!s)
		return -ENOMEM;
	l->setting = s;
	s = &l->setting[l->settings++];
	*s = (struct lint_setting){.line = line->number,
				   .may_fail = line->may_fail};
	s->odd = is_odd(line->name);
	s->file = copy(line->file);
	s->name = copy(line->name);
	s->value = line->value ? copy(line->value) : NULL;
	return s->file && s->name && (s->value || !line->value) ? 0 : -ENOMEM;
}

int lint_read(struct lint *l, const char *path)
{
	return conf_read(path, see_line, l);
}

void lint_free(struct lint *l)
{
	for (size_t i = 0; i < l->settings; i++) {
		struct lint_setting *s = &l->setting[i];

		for (size_t k = 0; k < s->findings; k++)
			free(s->finding[k].fact);
		free(s->finding);
		free(s->file);
		free(s->name);
		free(s->value);
	}
	free(l->setting);
}

/* ---- findings ---- */

/* `f` without its fact, which follows. Below 0: -ENOMEM. */
__attribute__((format(printf, 3, 4))) static int say(struct lint_setting *s,
						     struct lint_finding f,
						     const char *format, ...)
{
	struct lint_finding *list =
		realloc(s->finding, (s->findings + 1) * sizeof *list);
	va_list args;
	int n;

	if (!list)
		return -ENOMEM;
	s->finding = list;
	va_start(args, format);
	n = vasprintf(&f.fact, format, args);
	va_end(args);
	if (n < 0)
		return -ENOMEM;
	list[s->findings++] = f;
	return 0;
}

static struct lint_finding plain(enum word_grade grade, const char *tag)
{
	return (struct lint_finding){
		.grade = grade, .tag = tag, .since = "", .source = ""};
}

static struct lint_finding by_rule(const struct word_rule *r)
{
	struct lint_finding f = plain(r->grade, r->tag);

	f.since = r->since;
	f.source = r->source;
	return f;
}

/* Says it by itself, whatever else was said. */
static bool is_extra(const struct word_rule *r)
{
	return r->when == WHEN_PARITY || r->when == WHEN_NARROW;
}

static const struct lint_setting *last_of(const struct lint *l,
					  const char *name)
{
	for (size_t i = l->settings; i > 0; i--)
		if (l->setting[i - 1].value &&
		    !strcmp(l->setting[i - 1].name, name))
			return &l->setting[i - 1];
	return NULL;
}

/* The ports of services are listed: then a low range does no harm. */
static bool is_excused(const struct lint *l, const struct word_rule *r)
{
	const struct lint_setting *s =
		last_of(l, "net.ipv4.ip_local_reserved_ports");

	return r->when == WHEN_LOW && s && *s->value;
}

static int apply_rules(const struct lint *l, struct lint_setting *s,
		       const struct word_knob *k)
{
	const struct word_rule *r;
	bool said = false;
	int e = 0;

	for (size_t i = 0; !e && (r = word_rule_at(i)); i++) {
		if (strcmp(r->knob, k->name) != 0 || (said && !is_extra(r)) ||
		    is_excused(l, r) || !word_rule_fits(r, s->value))
			continue;
		e = say(s, by_rule(r), "%s", _(r->fact));
		said = true;
	}
	return e;
}

/* ---- one setting ---- */

static bool same_value(const char *a, const char *b)
{
	long long x[3], y[3];
	int n, m;

	if (!word_numbers(a, x, 3, &n) || !word_numbers(b, y, 3, &m))
		return strcmp(a, b) == 0;
	return n == m && memcmp(x, y, (size_t)n * sizeof x[0]) == 0;
}

/* Those whose default is a number take numbers. */
static bool wants_numbers(const struct word_knob *k)
{
	return k->unit[0] == 0 ? k->preset && strspn(k->preset, "0123456789 ")
			       : strcmp(k->unit, "names") != 0 &&
					 strcmp(k->unit, "name") != 0 &&
					 strcmp(k->unit, "keys") != 0 &&
					 strcmp(k->name, "net.ipv4.ip_local_"
							 "reserved_ports") != 0;
}

static int judge_value(struct lint_setting *s, const struct word_knob *k)
{
	char preset[64];
	long long v[3];
	int n;

	if (strpbrk(s->value, "#;"))
		return say(s, plain(WORD_LOOK, N_("broken")), "%s",
			   _("what follows # or ; is taken for part of the "
			     "value; a comment needs a line of its own"));
	if (!*s->value && strcmp(k->name, "net.ipv4.ip_local_reserved_ports"))
		return say(s, plain(WORD_LOOK, N_("broken")), "%s",
			   _("there is no value"));
	if (wants_numbers(k) && !word_numbers(s->value, v, 3, &n))
		return say(s, plain(WORD_LOOK, N_("broken")), "%s",
			   _("the kernel refuses it: it wants numbers"));
	if (word_knob_default(k, preset, sizeof preset) &&
	    same_value(s->value, preset))
		return say(s, plain(WORD_NOTE, N_("default")), "%s",
			   _("it is the default: the line changes nothing"));
	return 0;
}

static int judge_known(const struct lint *l, struct lint_setting *s,
		       const struct word_knob *k)
{
	struct lint_finding f;
	int e = 0;

	if (!k->kernel)
		return say(s, plain(WORD_LOOK, N_("unknown")), "%s",
			   _("it is lull's own; Linux has no such knob. Load "
			     "it with lull sysctl --ctl PATH -p"));
	if (!k->gone)
		e = judge_value(s, k);
	if (!e)
		e = apply_rules(l, s, k);
	if (!e && k->gone && !s->findings) {
		f = plain(WORD_LOOK, N_("removed"));
		f.since = k->gone;
		e = say(s, f, "%s", _(k->help));
	}
	if (!e && !k->gone && sysctl_kernel_has("net.ipv4.tcp_rmem") &&
	    !sysctl_kernel_has(k->name))
		e = say(s, plain(WORD_NOTE, N_("not here")), "%s",
			_("the kernel that runs here, or this network "
			  "namespace, does not have it"));
	return e;
}

static const char *nearest_knob(const char *name)
{
	const char *names[512];
	const struct word_knob *k;
	size_t n = 0;

	for (size_t i = 0; (k = word_knob_at(i)) && n < 511; i++)
		if (k->kernel && !k->gone)
			names[n++] = k->name;
	names[n] = NULL;
	return tool_nearest(name, names);
}

static int judge_unknown(struct lint_setting *s)
{
	const struct word *w = word_find(s->name);
	char found[512];
	const char *near;

	if (w && w->kind == WORD_FOREIGN)
		return say(s, plain(WORD_LOOK, N_("another system's")),
			   "%s. %s", _(w->what), _(w->more));
	if (sysctl_kernel_has(s->name))
		return 0;
	near = nearest_knob(s->name);
	if (!near && strncmp(s->name, "net.", 4) != 0 && strchr(s->name, '.'))
		return 0; /* not about the network */
	if (!near)
		near = sysctl_kernel_nearest(s->name, found);
	if (near)
		return say(s, plain(WORD_LOOK, N_("misspelt")),
			   _("Linux has no such knob; did you mean %s?"), near);
	return say(s, plain(WORD_LOOK, N_("unknown")), "%s",
		   _("this kernel has no such knob, and nobody here knows it; "
		     "perhaps a module brings it"));
}

/* "net.ipv4.tcp_keepalive_*" */
static int judge_pattern(const struct lint *l, struct lint_setting *s)
{
	const struct word_knob *k;
	int e = 0;

	for (size_t i = 0; !e && !s->findings && (k = word_knob_at(i)); i++)
		if (k->kernel && fnmatch(s->name, k->name, 0) == 0)
			e = apply_rules(l, s, k);
	return e;
}

static int judge_setting(const struct lint *l, struct lint_setting *s)
{
	const struct word_knob *k;

	if (!s->value && s->may_fail)
		return 0; /* it takes a name out of a pattern */
	if (!s->value || !*s->name)
		return say(s, plain(WORD_LOOK, N_("broken")), "%s",
			   _("the line is not NAME = VALUE"));
	if (s->odd)
		return say(s, plain(WORD_LOOK, N_("broken")), "%s",
			   _("the name has bytes that are no ASCII, perhaps a "
			     "byte order mark before it: sysctl -p does not "
			     "find it"));
	if (strpbrk(s->name, "*?["))
		return judge_pattern(l, s);
	k = strchr(s->name, '.') ? word_knob_find(s->name) : NULL;
	return k ? judge_known(l, s, k) : judge_unknown(s);
}

/* ---- several settings ---- */

static int judge_again(struct lint *l, size_t i)
{
	struct lint_setting *s = &l->setting[i], *next = NULL;

	for (size_t k = i + 1; k < l->settings && s->value && !next; k++)
		if (l->setting[k].value && !strcmp(l->setting[k].name, s->name))
			next = &l->setting[k];
	if (!next)
		return 0;
	if (same_value(s->value, next->value))
		return say(s, plain(WORD_NOTE, N_("said twice")),
			   _("%s, line %zu, says the same again"), next->file,
			   next->line);
	return say(s, plain(WORD_LOOK, N_("overridden")),
		   _("%s, line %zu, sets it to %s: this line has no effect"),
		   next->file, next->line, next->value);
}

/* Reuse needs timestamps. */
static int judge_reuse(struct lint *l)
{
	const struct lint_setting *stamps =
		last_of(l, "net.ipv4.tcp_timestamps");
	struct lint_setting *reuse = (struct lint_setting *)(uintptr_t)last_of(
		l, "net.ipv4.tcp_tw_reuse");
	struct lint_finding f;

	if (!stamps || !reuse || !same_value(stamps->value, "0") ||
	    same_value(reuse->value, "0"))
		return 0;
	f = plain(WORD_LOOK, N_("contradicted"));
	f.source = N_("measured (P0)");
	return say(reuse, f,
		   _("it does nothing without timestamps, and %s, line %zu, "
		     "turns them off"),
		   stamps->file, stamps->line);
}

int lint_judge(struct lint *l)
{
	int e = 0;

	for (size_t i = 0; i < l->settings && !e; i++) {
		e = judge_setting(l, &l->setting[i]);
		if (!e)
			e = judge_again(l, i);
	}
	return e ? e : judge_reuse(l);
}
