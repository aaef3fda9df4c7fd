/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_count.c: see ss_count.h.
 *
 * Entry points: ss_count_add, ss_count_print, ss_now_s, ss_wait_s.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "ss.h"
#include "ss_count.h"

/* ---- counting ---- */

static uint32_t hash(const char *key)
{
	uint32_t h = 2166136261; /* FNV-1a */

	for (; *key; key++)
		h = (h ^ (uint8_t)*key) * 16777619;
	return h ^ h >> 15;
}

/* Where it is, or where it would be. */
static uint32_t *find(const struct ss_count *c, const char *key)
{
	size_t i = hash(key) & (c->slots - 1);

	while (c->slot[i] && strcmp(c->group[c->slot[i] - 1].key, key) != 0)
		i = (i + 1) & (c->slots - 1);
	return &c->slot[i];
}

static bool grow(struct ss_count *c)
{
	size_t room = c->room ? 2 * c->room : 64;
	struct ss_group *group = realloc(c->group, room * sizeof *group);
	uint32_t *slot;

	if (!group)
		return false;
	c->group = group;
	slot = calloc(2 * room, sizeof *slot);
	if (!slot)
		return false;
	free(c->slot);
	c->slot = slot;
	c->slots = 2 * room;
	c->room = room;
	for (size_t i = 0; i < c->len; i++)
		*find(c, c->group[i].key) = (uint32_t)i + 1;
	return true;
}

static struct ss_group *group_of(struct ss_count *c, const char *key)
{
	uint32_t *slot;

	if (c->len == c->room && !grow(c))
		return NULL;
	slot = find(c, key);
	if (!*slot) {
		struct ss_group *g = &c->group[c->len++];

		*g = (struct ss_group){.total = 0};
		snprintf(g->key, sizeof g->key, "%s", key);
		*slot = (uint32_t)c->len;
	}
	return &c->group[*slot - 1];
}

int ss_count_add(struct ss_count *c, const char *key, uint8_t state, uint64_t n)
{
	struct ss_group *g = group_of(c, key);

	if (!g)
		return -ENOMEM;
	g->total += n;
	g->state[state < SS_COUNT_STATES ? state : SS_COUNT_STATES - 1] += n;
	return 0;
}

static void clear(struct ss_count *c)
{
	free(c->group);
	free(c->slot);
	*c = (struct ss_count){.group = NULL};
}

/* ---- before and now ---- */

struct frame {
	const struct ss *ss;
	const struct ss_count_view *view;
	struct ss_count now, before;
	double seconds; /* between them; 0: there is no before */
	uint64_t total;
};

static double rate(const struct frame *f, const struct ss_group *g)
{
	const struct ss_group *old = NULL;
	uint32_t slot;

	if (f->before.slots) {
		slot = *find(&f->before, g->key);
		old = slot ? &f->before.group[slot - 1] : NULL;
	}
	return ((double)g->total - (double)(old ? old->total : 0)) / f->seconds;
}

/* The most first; then by name, so that lists can be compared. */
static int compare(const void *a, const void *b)
{
	const struct ss_group *x = a, *y = b;

	if (x->total != y->total)
		return x->total > y->total ? -1 : 1;
	return strcmp(x->key, y->key);
}

/* What is gone has a rate too. */
static int keep_gone(struct frame *f)
{
	int e = 0;

	for (size_t i = 0; f->seconds > 0 && e == 0 && i < f->before.len; i++)
		if (f->before.group[i].total)
			e = ss_count_add(&f->now, f->before.group[i].key, 0, 0);
	return e;
}

static int sort(struct frame *f)
{
	int e = keep_gone(f);

	f->total = 0;
	for (size_t i = 0; i < f->now.len; i++)
		f->total += f->now.group[i].total;
	if (f->now.len)
		qsort(f->now.group, f->now.len, sizeof *f->now.group, compare);
	/* The slots no longer fit. */
	if (f->now.slots)
		memset(f->now.slot, 0, f->now.slots * sizeof *f->now.slot);
	for (size_t i = 0; i < f->now.len; i++)
		*find(&f->now, f->now.group[i].key) = (uint32_t)i + 1;
	return e;
}

/* ---- text ---- */

static const int shown[] = {LULL_TCP_ESTABLISHED, LULL_TCP_TIME_WAIT,
			    LULL_TCP_CLOSE_WAIT};

enum {
	SHOWN = sizeof shown / sizeof shown[0],
};

static uint64_t others(const struct ss_group *g)
{
	uint64_t n = g->total;

	for (int i = 0; i < SHOWN; i++)
		n -= g->state[shown[i]];
	return n;
}

static int key_width(const struct frame *f)
{
	int width = (int)strlen(f->view->title);

	if (width < 10)
		width = 10; /* as the longest state */
	for (size_t i = 0; i < f->now.len; i++) {
		int n = (int)strlen(f->now.group[i].key);

		width = n > width ? n : width;
	}
	return width;
}

static void print_head(const struct frame *f, int width)
{
	printf("%-*s %9s %6s", width, f->view->title, "Sockets", "Share");
	if (!f->view->plain)
		printf(" %9s %9s %10s %9s", "ESTAB", "TIME-WAIT", "CLOSE-WAIT",
		       "Others");
	puts(f->ss->o.every_s > 0 ? "  Change/s" : "");
}

static void print_group(const struct frame *f, const struct ss_group *g,
			int width)
{
	double total = (double)(f->total ? f->total : 1);

	printf("%-*s %9" PRIu64 " %5.1f%%", width, g->key, g->total,
	       100.0 * (double)g->total / total);
	if (!f->view->plain)
		printf(" %9" PRIu64 " %9" PRIu64 " %10" PRIu64 " %9" PRIu64,
		       g->state[shown[0]], g->state[shown[1]],
		       g->state[shown[2]], others(g));
	if (f->seconds > 0)
		printf(" %+9.1f", rate(f, g));
	else if (f->ss->o.every_s > 0)
		printf(" %9s", "-");
	putchar('\n');
}

static void print_text(const struct frame *f)
{
	struct ss_group all = {.key = "Total"};
	int width = key_width(f);

	if (!f->ss->o.no_header)
		print_head(f, width);
	for (size_t i = 0; i < f->now.len; i++) {
		const struct ss_group *g = &f->now.group[i];

		print_group(f, g, width);
		all.total += g->total;
		for (int s = 0; s < SS_COUNT_STATES; s++)
			all.state[s] += g->state[s];
	}
	printf("%-*s %9" PRIu64, width, all.key, all.total);
	if (!f->view->plain)
		printf(" %6s %9" PRIu64 " %9" PRIu64 " %10" PRIu64 " %9" PRIu64,
		       "", all.state[shown[0]], all.state[shown[1]],
		       all.state[shown[2]], others(&all));
	putchar('\n');
	if (!f->ss->o.no_header && f->now.origin[0])
		printf("%s.\n", f->now.origin);
	if (f->now.torn)
		puts("± the sockets changed while they were counted, each of "
		     "several times.");
}

/* ---- JSON ---- */

static json_t *states_json(const struct ss_group *g)
{
	json_t *json = json_object();
	char text[SS_TEXT];

	for (int i = 1; i < SS_COUNT_STATES; i++)
		if (g->state[i])
			json_object_set_new(
				json,
				i < SS_COUNT_STATES - 1
					? ss_state_text((uint8_t)i, text)
					: "others",
				json_integer((json_int_t)g->state[i]));
	return json;
}

/* {"ESTAB":3}, or {"10.0.0.1":{"sockets":3,"states":{...}}} */
static json_t *groups_json(const struct frame *f)
{
	json_t *json = json_object();

	for (size_t i = 0; i < f->now.len; i++) {
		const struct ss_group *g = &f->now.group[i];
		json_t *value = f->view->plain
					? json_integer((json_int_t)g->total)
					: json_pack("{s:I, s:o}", "sockets",
						    (json_int_t)g->total,
						    "states", states_json(g));

		if (json_object_set_new(json, g->key, value) < 0)
			json_object_set_new_nocheck(
				json, "?", json_integer((json_int_t)g->total));
	}
	return json;
}

static json_t *rates_json(const struct frame *f)
{
	json_t *json = json_object();

	for (size_t i = 0; i < f->now.len; i++)
		json_object_set_new(json, f->now.group[i].key,
				    json_real(rate(f, &f->now.group[i])));
	return json;
}

static int print_json(const struct frame *f)
{
	json_t *json = json_pack("{s:i, s:o, s:I, s:b, s:s}", "schema", 1,
				 f->view->member, groups_json(f), "total",
				 (json_int_t)f->total, "torn", (int)f->now.torn,
				 "source", f->now.origin);

	if (!json)
		return -ENOMEM;
	if (f->ss->netns)
		json_object_set_new(json, "netns", json_string(f->ss->netns));
	if (f->seconds > 0) {
		json_object_set_new(json, "seconds", json_real(f->seconds));
		json_object_set_new(json, "change_per_s", rates_json(f));
	}
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
	return 0;
}

/* ---- Prometheus ---- */

static void print_label(const char *name, const char *value)
{
	printf("%s=\"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			putchar('\\');
		putchar(*value);
	}
	putchar('"');
}

static void print_sample(const struct frame *f, const char *key,
			 const char *state, uint64_t n)
{
	printf("lull_tcp_sockets%s%s{", f->view->plain ? "" : "_by_",
	       f->view->plain ? "" : f->view->word);
	if (f->ss->netns) {
		print_label("netns", f->ss->netns);
		putchar(',');
	}
	if (!f->view->plain) {
		print_label(f->view->word, key);
		putchar(',');
	}
	print_label("state", state);
	printf("} %" PRIu64 "\n", n);
}

/* A state of which there is no socket is a sample of 0: it shall not vanish. */
static void print_plain_prom(const struct frame *f)
{
	char text[SS_TEXT];

	for (int i = 1; i < LULL_TCP_STATES; i++) {
		uint32_t slot = 0;
		const char *name = ss_state_text((uint8_t)i, text);

		if (f->now.slots)
			slot = *find(&f->now, name);
		if (f->ss->ask.states & 1U << i)
			print_sample(f, NULL, name,
				     slot ? f->now.group[slot - 1].total : 0);
	}
	for (size_t i = 0; i < f->now.len; i++)
		if (f->now.group[i].key[0] >= '0' &&
		    f->now.group[i].key[0] <= '9')
			print_sample(f, NULL, f->now.group[i].key,
				     f->now.group[i].total);
}

static void print_prom(const struct frame *f)
{
	const char *by = f->view->plain ? "" : "_by_";
	const char *word = f->view->plain ? "" : f->view->word;
	char text[SS_TEXT];

	if (!f->ss->later) {
		printf("# HELP lull_tcp_sockets%s%s TCP sockets by %s%s.\n", by,
		       word, f->view->word, *by ? " and state" : "");
		printf("# TYPE lull_tcp_sockets%s%s gauge\n", by, word);
	}
	if (f->view->plain) {
		print_plain_prom(f);
		return;
	}
	for (size_t i = 0; i < f->now.len; i++)
		for (int s = 1; s < SS_COUNT_STATES; s++)
			if (f->now.group[i].state[s])
				print_sample(f, f->now.group[i].key,
					     ss_state_text((uint8_t)s, text),
					     f->now.group[i].state[s]);
}

/* ---- again and again ---- */

double ss_now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void ss_wait_s(double seconds)
{
	struct timespec t = {.tv_sec = (time_t)seconds};

	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
		continue;
}

static int print_frame(struct frame *f)
{
	int e = sort(f);

	if (e < 0)
		return e;
	if (f->ss->o.json)
		e = print_json(f);
	else if (f->ss->o.prom)
		print_prom(f);
	else
		print_text(f);
	return e;
}

int ss_count_print(struct ss *ss, const struct ss_count_view *view)
{
	struct frame f = {.ss = ss, .view = view};
	double at = 0, last;
	int e;

	for (uint64_t i = 0;; i++) {
		last = at;
		at = ss_now_s();
		f.seconds = i ? at - last : 0;
		e = view->collect(ss, &f.now);
		if (e == 0)
			e = print_frame(&f);
		clear(&f.before);
		if (e < 0 || ss->o.every_s <= 0 || i + 1 == ss->o.frames ||
		    fflush(stdout) != 0)
			break;
		if (!ss->o.json)
			putchar('\n');
		f.before = f.now;
		f.now = (struct ss_count){.group = NULL};
		ss_wait_s(ss->o.every_s);
	}
	clear(&f.now);
	return e;
}
