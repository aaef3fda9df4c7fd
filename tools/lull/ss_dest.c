/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_dest.c: `lull ss --by destination`: how the local ports stand towards each
 * destination that connections were opened to, the fullest first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <lull/host.h>

#include "ss.h"
#include "why.h"

struct dests {
	const struct ss *ss;
	struct lull_ctl_dest *dest;
	size_t len, room;
};

/* ---- collecting ---- */

static bool is_ipv4(const struct lull_ctl_dest *d)
{
	struct lull_addr addr;

	memcpy(addr.b, d->remote, sizeof addr.b);
	return lull_addr_is_ipv4(&addr);
}

static bool is_wanted(const struct ss_options *o, const struct lull_ctl_dest *d)
{
	return o->ipv4 == o->ipv6 || o->ipv4 == is_ipv4(d);
}

static int see_dest(void *arg, const struct nlmsghdr *hdr)
{
	struct lull_ctl_dest d, *more;
	struct dests *all = arg;

	if (hdr->nlmsg_type != LULL_CTL_DESTS)
		return -EPROTO;
	lull_client_take(hdr, &d, sizeof d);
	if (!is_wanted(&all->ss->o, &d))
		return 0;
	if (all->len == all->room) {
		all->room = all->room ? 2 * all->room : 256;
		more = realloc(all->dest, all->room * sizeof *more);
		if (!more)
			return -ENOMEM;
		all->dest = more;
	}
	all->dest[all->len++] = d;
	return 0;
}

/* By ports in use, most first; then by address, so that lists can be compared.
 */
static int compare(const void *a, const void *b)
{
	const struct lull_ctl_dest *x = a, *y = b;
	uint64_t in_use[2] = {(uint64_t)x->live + x->closing,
			      (uint64_t)y->live + y->closing};
	int by;

	if (in_use[0] != in_use[1])
		return in_use[0] > in_use[1] ? -1 : 1;
	by = memcmp(x->remote, y->remote, sizeof x->remote);
	if (!by)
		by = (int)x->rport - y->rport;
	return by ? by : memcmp(x->local, y->local, sizeof x->local);
}

static struct lull_why why_of(const struct lull_ctl_dest *d)
{
	return (struct lull_why){
		.size = sizeof(struct lull_why),
		.ports = d->ports,
		.ports_live = d->live,
		.ports_closing = d->closing,
		.ports_reserved = d->reserved,
		.opens_per_s = d->opens_per_s,
		.free_in_ns = d->free_in_ns,
		.reuse_in_ns = d->reuse_in_ns,
		.full_in_ns = d->full_in_ns,
	};
}

/* ---- text ---- */

/* "10.9.3.2", "[fd00::2]" */
static const char *addr_text(const uint8_t *addr, char *text)
{
	struct lull_addr a;
	char plain[LULL_ADDR_TEXT];
	bool v4;

	memcpy(a.b, addr, sizeof a.b);
	v4 = lull_addr_is_ipv4(&a);
	snprintf(text, SS_TEXT, "%s%s%s", v4 ? "" : "[",
		 lull_addr_format(&a, plain), v4 ? "" : "]");
	return text;
}

/* A millisecond that has begun counts. */
static const char *until_text(uint64_t ns, char *text)
{
	uint64_t ms = ns / 1000000 + (ns % 1000000 != 0);

	if (ns == UINT64_MAX)
		return "-";
	if (!ns)
		return "now";
	return ss_time_text(ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX, text);
}

static bool put_full(struct ss *ss, const struct lull_why *why)
{
	char full[SS_TEXT], free[SS_TEXT], reuse[SS_TEXT];
	const char *text =
		until_text(why_free(why) ? why->full_in_ns : 0, full);

	if (!ss->o.timers)
		return table_cell(&ss->table, "%s", text);
	return table_cell(&ss->table, "%s free:%s reuse:%s", text,
			  until_text(why->free_in_ns, free),
			  until_text(why->reuse_in_ns, reuse));
}

static bool put_dest(struct ss *ss, const struct lull_ctl_dest *d)
{
	const struct lull_why why = why_of(d);
	struct table *t = &ss->table;
	char text[SS_TEXT];

	return table_cell(t, "%s", addr_text(d->local, text)) &&
	       table_cell(t, "%s:", addr_text(d->remote, text)) &&
	       table_cell(t, "%s", ss_port_text(ss, d->rport, text)) &&
	       table_cell(t, "%u", d->live) &&
	       table_cell(t, "%u", d->closing) &&
	       table_cell(t, "%u", why_free(&why)) &&
	       table_cell(t, "%u", d->opens_per_s) && put_full(ss, &why);
}

static int print_table(struct ss *ss, const struct dests *all)
{
	static const struct table_column columns[TABLE_COLUMNS] = {
		{false, false}, {true, true}, {false, false}, {true, true},
		{true, true},	{true, true}, {true, true},   {false, true},
	};
	static const char *const name[TABLE_COLUMNS] = {
		"Local Address", "Peer Address:", "Port",    "Live",
		"TIME-WAIT",	 "Free",	  "Opens/s", "Full in",
	};
	bool fine = true;

	table_open(&ss->table, columns);
	for (int i = 0; i < TABLE_COLUMNS && !ss->o.no_header; i++)
		fine = fine && table_cell(&ss->table, "%s", name[i]);
	for (size_t i = 0; i < all->len; i++)
		fine = fine && put_dest(ss, &all->dest[i]);
	table_close(&ss->table);
	return fine ? 0 : -ENOMEM;
}

/* ---- JSON ---- */

static json_t *dest_json(const struct lull_ctl_dest *d)
{
	const struct lull_why why = why_of(d);
	char local[LULL_ADDR_TEXT], remote[LULL_ADDR_TEXT];
	struct lull_addr addr[2];
	json_t *json;

	memcpy(addr[0].b, d->local, sizeof addr[0].b);
	memcpy(addr[1].b, d->remote, sizeof addr[1].b);
	json = json_pack("{s:{s:s}, s:{s:s, s:i}, s:b}", "local", "address",
			 lull_addr_format(&addr[0], local), "peer", "address",
			 lull_addr_format(&addr[1], remote), "port", d->rport,
			 "no_reuse", d->no_reuse);
	if (json && why_into_json(&why, json) == 0)
		return json;
	json_decref(json);
	return NULL;
}

static int print_json(const struct dests *all)
{
	fputs("{\"schema\":1,\"destinations\":[", stdout);
	for (size_t i = 0; i < all->len; i++) {
		json_t *json = dest_json(&all->dest[i]);

		if (!json)
			return -ENOMEM;
		fputs(i ? ",\n" : "\n", stdout);
		json_dumpf(json, stdout, JSON_COMPACT);
		json_decref(json);
	}
	fputs(all->len ? "\n]}\n" : "]}\n", stdout);
	return 0;
}

/* ---- entry point ---- */

int ss_print_dests(struct ss *ss, struct lull_client *client)
{
	const struct lull_client_request request = {LULL_CTL_DESTS, NULL, 0};
	struct dests all = {.ss = ss};
	int e = lull_client_dump(client, &request, see_dest, &all);

	if (e == 0) {
		ss_find_own_ports(ss, client);
		if (all.len)
			qsort(all.dest, all.len, sizeof *all.dest, compare);
		e = ss->o.json ? print_json(&all) : print_table(ss, &all);
	}
	free(all.dest);
	return e;
}
