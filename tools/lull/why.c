/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * why.c: see why.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "why.h"

enum {
	WIDEST_LO = 1024,
	WIDEST_HI = 65535,
};

static const struct {
	const char *name, *sentence;
} reasons[] = {
	[LULL_WHY_NONE] = {"none", "nothing is in the way"},
	[LULL_WHY_NO_ROUTE] = {"no_route", "we have no address of that family"},
	[LULL_WHY_NOT_LOCAL] = {"not_local", "the local address is not ours"},
	[LULL_WHY_BAD_REMOTE] = {"bad_remote",
				 "nobody can be connected to at that address"},
	[LULL_WHY_PAIR_IN_USE] = {"pair_in_use",
				  "these two endpoints are live, or in "
				  "TIME-WAIT"},
	[LULL_WHY_PORTS_IN_USE] = {"ports_in_use",
				   "no port is left towards this destination"},
	[LULL_WHY_LIMIT_CONNS] = {"limit_conns",
				  "limits.conns connections are open"},
	[LULL_WHY_LIMIT_SOCKS] = {"limit_socks",
				  "limits.socks handles are in use"},
	[LULL_WHY_LIMIT_DESTS] = {"limit_dests",
				  "no port was found; the destination is not "
				  "counted (limits.destinations)"},
};

/* ---- what it says ---- */

const char *why_reason(const struct lull_why *why)
{
	return reasons[why->reason].name;
}

const char *why_sentence(const struct lull_why *why)
{
	return reasons[why->reason].sentence;
}

bool why_is_ports(const struct lull_why *why)
{
	return why->reason == LULL_WHY_PORTS_IN_USE ||
	       why->reason == LULL_WHY_LIMIT_DESTS;
}

uint32_t why_free(const struct lull_why *why)
{
	uint64_t taken = (uint64_t)why->ports_live + why->ports_closing +
			 why->ports_reserved;

	return taken < why->ports ? (uint32_t)(why->ports - taken) : 0;
}

/* ---- knobs ---- */

void why_knobs_of(const struct lull_shard *shard, struct why_knobs *knobs)
{
	const struct {
		const char *name;
		int64_t *first, *second;
	} wanted[] = {
		{"net.ipv4.ip_local_port_range", &knobs->range_lo,
		 &knobs->range_hi},
		{"net.ipv4.tcp_timestamps", &knobs->timestamps, NULL},
		{"net.ipv4.tcp_tw_reuse", &knobs->tw_reuse, NULL},
		{"net.ipv4.tcp_tw_reuse_delay", &knobs->tw_reuse_delay_ms,
		 NULL},
		{"net.lull.tcp_tw_reuse_safe", &knobs->tw_reuse_safe, NULL},
	};
	struct lull_knob_info info;

	for (uint32_t i = 0; lull_diag_knob(shard, i, &info); i++)
		for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++) {
			if (strcmp(wanted[k].name, info.name) != 0)
				continue;
			*wanted[k].first = info.value[0];
			if (wanted[k].second)
				*wanted[k].second = info.value[1];
		}
}

/* ---- remedies ---- */

struct lines {
	char (*line)[WHY_LINE];
	int len;
};

__attribute__((format(printf, 2, 3))) static void add(struct lines *l,
						      const char *format, ...)
{
	va_list args;

	if (l->len == WHY_REMEDIES)
		return;
	va_start(args, format);
	vsnprintf(l->line[l->len++], WHY_LINE, format, args);
	va_end(args);
}

static void add_range(struct lines *l, const struct lull_why *why,
		      const struct why_knobs *k)
{
	int64_t lo = k->range_lo < WIDEST_LO ? k->range_lo : WIDEST_LO;
	int64_t more = WIDEST_HI - lo + 1 - why->ports;

	if (more > 0)
		add(l,
		    "net.ipv4.ip_local_port_range=\"%lld %d\": %lld ports more",
		    (long long)lo, WIDEST_HI, (long long)more);
	if (why->ports_reserved)
		add(l,
		    "reserve fewer by net.ipv4.ip_local_reserved_ports: %u of "
		    "the range are",
		    why->ports_reserved);
}

/* TIME_WAITs are told apart from the connections after them by timestamps. */
static void add_reuse(struct lines *l, const struct why_knobs *k)
{
	if (!k->timestamps) {
		add(l, "net.ipv4.tcp_timestamps=1: without them no TIME-WAIT's "
		       "port can be reused");
		return;
	}
	if (!k->tw_reuse_safe)
		add(l, "net.lull.tcp_tw_reuse_safe=1: reuse a TIME-WAIT's port "
		       "after one RTO, and keep its record");
	if (k->tw_reuse != 1)
		add(l,
		    "net.ipv4.tcp_tw_reuse=1: reuse a TIME-WAIT's port after "
		    "%lld ms",
		    (long long)k->tw_reuse_delay_ms);
}

int why_remedies(const struct lull_why *why, const struct why_knobs *knobs,
		 char line[WHY_REMEDIES][WHY_LINE])
{
	struct lines l = {.line = line};

	add(&l, "keep connections open for many requests (keep-alive, a pool)");
	if (why->ports_live > why->ports_closing)
		add(&l, "close those that are idle: %u are live",
		    why->ports_live);
	if (why->ports_closing)
		add(&l, "let the server close first: the TIME-WAIT is then "
			"there, and our port free");
	add(&l,
	    "more source addresses, or addresses or ports of the destination: "
	    "each pair has %u ports",
	    why->ports - why->ports_reserved);
	add_range(&l, why, knobs);
	if (why->ports_closing)
		add_reuse(&l, knobs);
	return l.len;
}

/* ---- text ---- */

/* What has begun counts: nobody is told to come too early. */
const char *why_in(uint64_t ns, char *text, size_t size)
{
	uint64_t ms = ns / 1000000 + (ns % 1000000 != 0);

	if (!ns)
		return "now";
	if (ms < 1000)
		snprintf(text, size, "in %llu ms", (unsigned long long)ms);
	else
		snprintf(text, size, "in %llu.%llu s",
			 (unsigned long long)(ms + 99) / 1000,
			 (unsigned long long)(ms + 99) / 100 % 10);
	return text;
}

void why_print_ports(const struct lull_why *why, const struct why_knobs *knobs)
{
	printf("of %u ports (%lld-%lld) %u are live, %u in TIME-WAIT, %u "
	       "reserved, %u free",
	       why->ports, (long long)knobs->range_lo,
	       (long long)knobs->range_hi, why->ports_live, why->ports_closing,
	       why->ports_reserved, why_free(why));
}

/* Only what is known to be against it. */
static const char *why_no_reuse(const struct why_knobs *k)
{
	if (!k->timestamps)
		return "net.ipv4.tcp_timestamps=0";
	if (k->tw_reuse != 1 && !k->tw_reuse_safe)
		return "net.ipv4.tcp_tw_reuse and net.lull.tcp_tw_reuse_safe "
		       "are off";
	return "the peer has no timestamps, or refused it";
}

static void print_times(const struct lull_why *why,
			const struct why_knobs *knobs)
{
	char text[32];

	if (!why->ports_closing) {
		puts("    a port is free when one of the connections ends");
		return;
	}
	if (why->free_in_ns != UINT64_MAX)
		printf("    the first is free %s",
		       why_in(why->free_in_ns, text, sizeof text));
	else
		printf("    no TIME-WAIT was found among those looked at");
	if (why->reuse_in_ns != UINT64_MAX)
		printf("; one can be reused %s\n",
		       why_in(why->reuse_in_ns, text, sizeof text));
	else
		printf("; none can be reused: %s\n", why_no_reuse(knobs));
}

void why_print(const struct lull_why *why, const struct why_knobs *knobs)
{
	char line[WHY_REMEDIES][WHY_LINE];
	int n = why_remedies(why, knobs, line);

	printf("    ");
	why_print_ports(why, knobs);
	puts("");
	print_times(why, knobs);
	puts("    what helps, safest first:");
	for (int i = 0; i < n; i++)
		printf("      - %s\n", line[i]);
}

/* ---- JSON ---- */

static json_t *time_json(uint64_t ns)
{
	return ns > INT64_MAX ? json_null() : json_integer((json_int_t)ns);
}

int why_into_json(const struct lull_why *why, json_t *object)
{
	json_t *json =
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}",
			  "ports", (json_int_t)why->ports, "ports_live",
			  (json_int_t)why->ports_live, "ports_closing",
			  (json_int_t)why->ports_closing, "ports_reserved",
			  (json_int_t)why->ports_reserved, "ports_free",
			  (json_int_t)why_free(why), "opens_per_s",
			  (json_int_t)why->opens_per_s, "free_in_ns",
			  time_json(why->free_in_ns), "reuse_in_ns",
			  time_json(why->reuse_in_ns), "full_in_ns",
			  time_json(why->full_in_ns));
	int e = json ? json_object_update(object, json) : -1;

	json_decref(json);
	return e;
}

json_t *why_remedies_json(const struct lull_why *why,
			  const struct why_knobs *knobs)
{
	char line[WHY_REMEDIES][WHY_LINE];
	int n = why_remedies(why, knobs, line);
	json_t *list = json_array();

	for (int i = 0; list && i < n; i++)
		json_array_append_new(list, json_string(line[i]));
	return list;
}
