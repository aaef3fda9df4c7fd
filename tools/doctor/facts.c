/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * facts.c: see facts.h: what is the same for all sources of facts.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "facts.h"

static const struct {
	const char *group, *name;
} counters[] = {
#define COUNTER(id, group, name) {group, name},
	COUNTERS(COUNTER)
#undef COUNTER
};

static const char *const knobs[] = {
#define KNOB(id, name) name,
	KNOBS(KNOB)
#undef KNOB
};

static void init_sums(struct facts *f)
{
	for (int i = 0; i < KINDS; i++)
		f->sum[i] = (struct sum){
			.n = UNKNOWN,
			.old = UNKNOWN,
			.unread = UNKNOWN,
			.not_read = UNKNOWN,
			.stuck = UNKNOWN,
			.probing = UNKNOWN,
			.oldest_ms = UNKNOWN,
			.idle = {UNKNOWN, UNKNOWN, UNKNOWN},
		};
}

void facts_init(struct facts *f)
{
	memset(f, 0, sizeof *f);
	for (int i = 0; i < STATES; i++)
		f->state[0][i] = f->state[1][i] = UNKNOWN;
	for (int i = 0; i < COUNTERS_ALL; i++)
		f->counter[i][0] = f->counter[i][1] = UNKNOWN;
	for (int i = 0; i < KNOBS_ALL; i++)
		f->knob[i] = UNKNOWN;
	init_sums(f);
	f->range_lo = f->range_hi = f->reserved = UNKNOWN;
	f->orphans[0] = f->orphans[1] = UNKNOWN;
	f->tw_minisocks = f->mem_pages = UNKNOWN;
	f->tw_server = f->tw_client = f->tw_lone = UNKNOWN;
	f->dests_all = f->client_rows = f->listeners_in_range = UNKNOWN;
	f->log_orphans = f->log_flood = UNKNOWN;
	f->log_conntrack = f->log_buckets = UNKNOWN;
	f->pools_empty = UNKNOWN;
	f->processes = f->hidden = UNKNOWN;
	f->lines = f->lines_unread = UNKNOWN;
}

void facts_note(struct facts *f, const char *format, ...)
{
	va_list args;

	if (f->notes == NOTES)
		return;
	va_start(args, format);
	vsnprintf(f->note[f->notes++], NOTE, format, args);
	va_end(args);
}

double facts_rate(const struct facts *f, enum counter c)
{
	const int64_t *at = f->counter[c];

	if (f->seconds <= 0 || !known(at[0]) || !known(at[1]) || at[1] < at[0])
		return -1;
	return (double)(at[1] - at[0]) / f->seconds;
}

int64_t facts_ports(const struct facts *f)
{
	int64_t reserved = known(f->reserved) ? f->reserved : 0;

	if (!known(f->range_lo) || !known(f->range_hi) ||
	    f->range_hi < f->range_lo)
		return UNKNOWN;
	return f->range_hi - f->range_lo + 1 - reserved;
}

const char *facts_counter_source(const struct facts *f, enum counter c,
				 char *text, size_t size)
{
	const char *group = counters[c].group;

	if (f->origin == FROM_LULL)
		snprintf(text, size, "control socket, counter %s %s", group,
			 counters[c].name);
	else if (strcmp(group, "conntrack") == 0)
		snprintf(text, size, "/proc/net/stat/nf_conntrack %s",
			 counters[c].name);
	else
		snprintf(text, size, "/proc/net/%s %s %s",
			 strcmp(group, "Tcp") == 0 ? "snmp" : "netstat", group,
			 counters[c].name);
	return text;
}

const char *facts_knob_name(enum knob k)
{
	return knobs[k];
}

void facts_counter_name(enum counter c, const char **group, const char **name)
{
	*group = counters[c].group;
	*name = counters[c].name;
}

const char *facts_state_name(int state, char *text, size_t size)
{
	static const char *const names[STATES] = {
		[ESTABLISHED] = "ESTABLISHED", [SYN_SENT] = "SYN_SENT",
		[SYN_RECV] = "SYN_RECV",       [FIN_WAIT_1] = "FIN_WAIT_1",
		[FIN_WAIT_2] = "FIN_WAIT_2",   [TIME_WAIT] = "TIME_WAIT",
		[CLOSED] = "CLOSED",	       [CLOSE_WAIT] = "CLOSE_WAIT",
		[LAST_ACK] = "LAST_ACK",       [LISTEN] = "LISTEN",
		[CLOSING] = "CLOSING",
	};

	if (state > 0 && state < STATES && names[state])
		snprintf(text, size, "%s", names[state]);
	else
		snprintf(text, size, "state %d", state);
	return text;
}

const char *facts_addr(const uint8_t *addr, uint32_t port, char *text,
		       size_t size)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
	bool v4 = memcmp(addr, mapped, sizeof mapped) == 0;
	char plain[INET6_ADDRSTRLEN] = "?", tail[8] = "";

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? addr + 12 : addr, plain,
		  sizeof plain);
	if (port)
		snprintf(tail, sizeof tail, ":%u", port & 0xffff);
	snprintf(text, size, v4 || !port ? "%s%s" : "[%s]%s", plain, tail);
	return text;
}
