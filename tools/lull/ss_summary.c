/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_summary.c: `lull ss summary`: how many sockets are in each state.
 *
 * Of the kernel's, TIME_WAITs are not told one by one when all are asked for:
 * the kernel counts them itself (/proc/net/sockstat), together with those
 * FIN_WAIT2 that are as small; these are told, and are taken off. A lull counts
 * all states itself.
 *
 * Entry points: ss_print_summary, ss_print_states.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "ss.h"
#include "ss_count.h"

enum {
	TIMER_TIMEWAIT = 3,
	TW = 1 << LULL_TCP_TIME_WAIT,
};

struct counts {
	uint64_t n[SS_STATES], small; /* FIN_WAIT2, as small as a TIME_WAIT */
	uint64_t tw;		      /* as sockstat has it */
	bool from_sockstat, from_lull;
	struct ss_recent recent;
};

/* ---- counting ---- */

static int see_row(void *arg, const struct ss_row *row)
{
	struct counts *c = arg;

	if (ss_seen(&c->recent, row))
		return 0;
	c->n[row->msg.idiag_state]++;
	c->small += row->msg.idiag_state == LULL_TCP_FIN_WAIT_2 &&
		    row->msg.idiag_timer == TIMER_TIMEWAIT;
	return 0;
}

/* "TCP: inuse 5 orphan 0 tw 12 alloc 7 mem 1" */
static bool read_tw(uint64_t *tw)
{
	FILE *f = fopen("/proc/net/sockstat", "re");
	char line[256];
	bool found = false;

	while (f && !found && fgets(line, sizeof line, f)) {
		const char *at = strstr(line, " tw ");
		unsigned long long n;

		found = strncmp(line, "TCP:", 4) == 0 && at &&
			sscanf(at, " tw %llu", &n) == 1;
		if (found)
			*tw = n;
	}
	if (f)
		fclose(f);
	return found;
}

static bool asks_all(const struct ss *ss)
{
	return !ss->ask.filter->len && ss->ask.ipv4 == ss->ask.ipv6;
}

static int ask_lull(struct ss *ss, struct counts *c)
{
	const struct lull_client_request request = {LULL_CTL_STATES, NULL, 0};
	struct lull_ctl_states states;
	int e = lull_client_call(ss->source.client, &request, &states,
				 sizeof states);

	for (int i = 1; e == 0 && i < LULL_TCP_STATES; i++)
		if (ss->ask.states & 1U << i)
			c->n[i] = states.count[i];
	c->from_lull = true;
	return e;
}

static int count(struct ss *ss, struct counts *c)
{
	struct ss_ask ask = ss->ask;
	int e, again = 0;

	ask.any_order = true;
	*c = (struct counts){.tw = 0};
	if (ss->source.client && asks_all(ss))
		return ask_lull(ss, c);
	if (!ss->source.client && asks_all(ss) && ask.states & TW)
		c->from_sockstat = read_tw(&c->tw);
	if (c->from_sockstat) /* and those that it counts as well */
		ask.states = (ask.states & ~(uint32_t)TW) |
			     1U << LULL_TCP_FIN_WAIT_2;
	do {
		memset(c->n, 0, sizeof c->n);
		memset(&c->recent, 0, sizeof c->recent);
		c->small = 0;
		e = ss_source_dump(&ss->source, &ask, see_row, c);
	} while (e == 0 && ss->source.torn && again++ < SS_AGAIN);
	if (!c->from_sockstat)
		return e;
	read_tw(&c->tw);
	c->n[LULL_TCP_TIME_WAIT] = c->tw > c->small ? c->tw - c->small : 0;
	if (!(ss->ask.states & 1U << LULL_TCP_FIN_WAIT_2))
		c->n[LULL_TCP_FIN_WAIT_2] = 0;
	return e;
}

/* ---- as groups ---- */

static const char *origin(const struct ss *ss, const struct counts *c,
			  char *text, size_t size)
{
	if (c->from_lull)
		snprintf(text, size, "all of it is the lull's own count");
	else if (c->from_sockstat)
		snprintf(text, size,
			 "TIME-WAIT is from /proc/net/sockstat (tw %llu, less "
			 "%llu FIN-WAIT-2 that it counts too); the rest was "
			 "counted one by one (%s)",
			 (unsigned long long)c->tw,
			 (unsigned long long)c->small,
			 ss->source.diag ? "sock_diag" : "/proc/net/tcp");
	else
		snprintf(text, size, "all of it was counted one by one (%s)",
			 ss->source.client ? "control socket"
			 : ss->source.diag ? "sock_diag"
					   : "/proc/net/tcp");
	return text;
}

static int collect(struct ss *ss, struct ss_count *to)
{
	struct counts *c = malloc(sizeof *c);
	char text[SS_TEXT];
	int e;

	if (!c)
		return -ENOMEM;
	e = count(ss, c);
	for (int i = 0; e == 0 && i < SS_STATES; i++)
		if (c->n[i])
			e = ss_count_add(to, ss_state_text((uint8_t)i, text),
					 (uint8_t)i, c->n[i]);
	origin(ss, c, to->origin, sizeof to->origin);
	to->torn = ss->source.torn;
	free(c);
	return e;
}

int ss_print_summary(struct ss *ss)
{
	static const struct ss_count_view view = {
		.title = "State",
		.word = "state",
		.member = "states",
		.plain = true,
		.collect = collect,
	};

	return ss_count_print(ss, &view);
}

/* ---- -s of a lull ---- */

static void print_states(const struct lull_ctl_states *states)
{
	uint64_t total = 0;

	for (int i = 1; i < LULL_TCP_STATES; i++) {
		printf("%-10s %10llu\n",
		       lull_state_name((enum lull_tcp_state)i),
		       (unsigned long long)states->count[i]);
		total += states->count[i];
	}
	printf("%-10s %10llu\n", "Total", (unsigned long long)total);
}

static int print_states_json(const struct lull_ctl_states *states)
{
	json_t *by_name = json_object(), *json;

	for (int i = 1; i < LULL_TCP_STATES; i++)
		json_object_set_new(by_name,
				    lull_state_name((enum lull_tcp_state)i),
				    json_integer((json_int_t)states->count[i]));
	json = json_pack("{s:i, s:o}", "schema", 1, "states", by_name);
	if (!json)
		return -ENOMEM;
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
	return 0;
}

int ss_print_states(struct ss *ss)
{
	const struct lull_client_request request = {LULL_CTL_STATES, NULL, 0};
	struct lull_ctl_states states;
	int e = lull_client_call(ss->source.client, &request, &states,
				 sizeof states);

	if (e < 0)
		return e;
	if (ss->o.json)
		return print_states_json(&states);
	print_states(&states);
	return 0;
}
