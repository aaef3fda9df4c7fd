/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_dest.c: `lull ss --by destination`: how the local ports stand towards each
 * destination that connections were opened to, the fullest first. A lull keeps
 * that itself; of the kernel's sockets those are counted whose local port is in
 * the range and has no listener. How fast they are taken the kernel does not
 * tell: the next look does (-w).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <lull/host.h>

#include "ss.h"
#include "ss_count.h"
#include "why.h"

struct dests {
	struct ss *ss;
	struct lull_ctl_dest *dest;
	size_t len, room;
	/* Of the kernel's sockets: */
	struct ss_ports listening;
	struct ss_recent recent;
	int64_t lo, hi;
	uint32_t reserved;
	uint32_t *slot; /* of a hash table: 1 + dest */
	size_t slots;
	double at_s;
	const struct dests
		*before; /* the look before; NULL: this is the first */
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

static int append(struct dests *all, const struct lull_ctl_dest *d)
{
	struct lull_ctl_dest *more;

	if (all->len == all->room) {
		all->room = all->room ? 2 * all->room : 256;
		more = realloc(all->dest, all->room * sizeof *more);
		if (!more)
			return -ENOMEM;
		all->dest = more;
	}
	all->dest[all->len++] = *d;
	return 0;
}

static int see_dest(void *arg, const struct nlmsghdr *hdr)
{
	struct dests *all = arg;
	struct lull_ctl_dest d;

	if (hdr->nlmsg_type != LULL_CTL_DESTS)
		return -EPROTO;
	lull_client_take(hdr, &d, sizeof d);
	if (!is_wanted(&all->ss->o, &d))
		return 0;
	return append(all, &d);
}

/* ---- from rows ---- */

static void map_address(const struct ss_row *r, const void *addr, uint8_t *to)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (r->msg.idiag_family == AF_INET6) {
		memcpy(to, addr, 16);
		return;
	}
	memcpy(to, mapped, sizeof mapped);
	memcpy(to + sizeof mapped, addr, 4);
}

static uint32_t *find(const struct dests *all, const struct lull_ctl_dest *d)
{
	uint32_t h = d->rport;
	size_t i;

	for (i = 0; i < 16; i++)
		h = (h ^ d->remote[i] ^ (uint32_t)d->local[i] << 8) * 16777619;
	for (i = (h ^ h >> 15) & (all->slots - 1); all->slot[i];
	     i = (i + 1) & (all->slots - 1)) {
		const struct lull_ctl_dest *e = &all->dest[all->slot[i] - 1];

		if (e->rport == d->rport &&
		    memcmp(e->remote, d->remote, sizeof d->remote) == 0 &&
		    memcmp(e->local, d->local, sizeof d->local) == 0)
			break;
	}
	return &all->slot[i];
}

static int make_slots(struct dests *all)
{
	size_t slots = all->slots ? 4 * all->slots : 256;
	uint32_t *slot;

	if (2 * all->len < all->slots)
		return 0;
	slot = calloc(slots, sizeof *slot);
	if (!slot)
		return -ENOMEM;
	free(all->slot);
	all->slot = slot;
	all->slots = slots;
	for (size_t i = 0; i < all->len; i++)
		*find(all, &all->dest[i]) = (uint32_t)i + 1;
	return 0;
}

static bool is_opened(const struct dests *all, const struct ss_row *r)
{
	int port = ntohs(r->msg.id.idiag_sport);

	return r->msg.idiag_state != LULL_TCP_LISTEN && r->msg.id.idiag_dport &&
	       port >= all->lo && port <= all->hi &&
	       !ss_is_server(&all->listening, r);
}

static int see_row(void *arg, const struct ss_row *r)
{
	struct dests *all = arg;
	struct lull_ctl_dest d = {
		.rport = ntohs(r->msg.id.idiag_dport),
		.ports = (uint32_t)(all->hi - all->lo + 1),
		.reserved = all->reserved,
		.free_in_ns = UINT64_MAX,
		.reuse_in_ns = UINT64_MAX,
		.full_in_ns = UINT64_MAX,
	};
	uint64_t left_ns = r->msg.idiag_expires * UINT64_C(1000000);
	struct lull_ctl_dest *at;
	uint32_t *slot;
	int e;

	if (!is_opened(all, r) || ss_seen(&all->recent, r))
		return 0;
	map_address(r, r->msg.id.idiag_src, d.local);
	map_address(r, r->msg.id.idiag_dst, d.remote);
	e = make_slots(all);
	if (e < 0)
		return e;
	slot = find(all, &d);
	if (!*slot) {
		e = append(all, &d);
		*slot = (uint32_t)all->len;
	}
	if (e < 0)
		return e;
	at = &all->dest[*slot - 1];
	if (r->msg.idiag_timer != 3) { /* timewait */
		at->live++;
		return 0;
	}
	at->closing++;
	at->free_in_ns = left_ns < at->free_in_ns ? left_ns : at->free_in_ns;
	return 0;
}

/* Of the range: "8080,9148-9150" */
static uint32_t count_reserved(int64_t lo, int64_t hi)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_reserved_ports", "re");
	uint32_t n = 0;
	long long a, b;

	while (f && fscanf(f, "%lld", &a) == 1) {
		b = a;
		if (fscanf(f, "-%lld", &b) != 1)
			b = a;
		for (; a <= b; a++)
			n += a >= lo && a <= hi;
		if (fgetc(f) != ',')
			break;
	}
	if (f)
		fclose(f);
	return n;
}

static int count_rows(struct dests *all)
{
	struct ss_ask ask = all->ss->ask;
	int e = ss_find_listeners(all->ss, &all->listening), again = 0;

	ask.any_order = true;
	if (!ss_port_range(all->ss, &all->lo, &all->hi))
		return -ENOENT;
	all->reserved = count_reserved(all->lo, all->hi);
	do {
		if (e < 0)
			return e;
		all->len = 0;
		memset(&all->recent, 0, sizeof all->recent);
		if (all->slots)
			memset(all->slot, 0, all->slots * sizeof *all->slot);
		e = ss_source_dump(&all->ss->source, &ask, see_row, all);
	} while (all->ss->source.torn && again++ < SS_AGAIN);
	if (e == 0 && all->ss->source.torn)
		tool_error(0, "± the kernel's table changed while it was read: "
			      "numbers may be wrong by some");
	return e;
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

/* ---- two looks ---- */

/* How many more ports are taken in a second. */
static double change(const struct dests *all, const struct lull_ctl_dest *d)
{
	const struct dests *before = all->before;
	double n = (double)d->live + d->closing;
	uint32_t slot = before->slots ? *find(before, d) : 0;

	if (slot)
		n -= (double)before->dest[slot - 1].live +
		     before->dest[slot - 1].closing;
	return n / (all->at_s - before->at_s);
}

static void sort(struct dests *all)
{
	if (all->len)
		qsort(all->dest, all->len, sizeof *all->dest, compare);
	if (!all->slots)
		return;
	memset(all->slot, 0, all->slots * sizeof *all->slot);
	for (size_t i = 0; i < all->len; i++)
		*find(all, &all->dest[i]) = (uint32_t)i + 1;
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

/* When there will be none left, if it goes on. */
static void foresee(struct dests *all)
{
	for (size_t i = 0; i < all->len; i++) {
		struct lull_ctl_dest *d = &all->dest[i];
		const struct lull_why why = why_of(d);
		double per_s = change(all, d);

		if (per_s > 0)
			d->full_in_ns = (uint64_t)((double)why_free(&why) /
						   per_s * 1e9);
	}
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

static bool put_full(const struct dests *all, const struct lull_why *why)
{
	struct ss *ss = all->ss;
	char full[SS_TEXT], free[SS_TEXT], reuse[SS_TEXT];
	bool known = ss->source.client || all->before || !why_free(why);
	const char *text =
		known ? until_text(why_free(why) ? why->full_in_ns : 0, full)
		      : "?";

	if (!ss->o.timers)
		return table_cell(&ss->table, "%s", text);
	return table_cell(&ss->table, "%s free:%s reuse:%s", text,
			  until_text(why->free_in_ns, free),
			  until_text(why->reuse_in_ns, reuse));
}

static bool put_dest(const struct dests *all, const struct lull_ctl_dest *d)
{
	struct ss *ss = all->ss;
	const struct lull_why why = why_of(d);
	struct table *t = &ss->table;
	char text[SS_TEXT], opens[SS_TEXT] = "?";

	if (ss->source.client)
		snprintf(opens, sizeof opens, "%u", d->opens_per_s);
	else if (all->before)
		snprintf(opens, sizeof opens, "%+.1f", change(all, d));
	return table_cell(t, "%s", addr_text(d->local, text)) &&
	       table_cell(t, "%s:", addr_text(d->remote, text)) &&
	       table_cell(t, "%s", ss_port_text(ss, d->rport, text)) &&
	       table_cell(t, "%u", d->live) &&
	       table_cell(t, "%u", d->closing) &&
	       table_cell(t, "%u", why_free(&why)) &&
	       table_cell(t, "%s", opens) && put_full(all, &why);
}

static int print_table(struct ss *ss, const struct dests *all)
{
	static const struct table_column columns[TABLE_COLUMNS] = {
		{false, false}, {true, true}, {false, false}, {true, true},
		{true, true},	{true, true}, {true, true},   {false, true},
	};
	const bool rates = ss->o.every_s > 0 && !ss->source.client;
	const char *const name[TABLE_COLUMNS] = {
		"Local Address",
		"Peer Address:",
		"Port",
		"Live",
		"TIME-WAIT",
		"Free",
		rates ? "Change/s" : "Opens/s",
		"Full in",
	};
	bool fine = true;

	table_open(&ss->table, columns);
	for (int i = 0; i < TABLE_COLUMNS && !ss->o.no_header; i++)
		fine = fine && table_cell(&ss->table, "%s", name[i]);
	for (size_t i = 0; i < all->len; i++)
		fine = fine && put_dest(all, &all->dest[i]);
	table_close(&ss->table);
	return fine ? 0 : -ENOMEM;
}

/* ---- JSON ---- */

static json_t *dest_json(const struct dests *all, const struct lull_ctl_dest *d)
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
	if (json && why_into_json(&why, json) == 0) {
		if (!all->ss->source.client) /* the kernel does not tell */
			json_object_set_new(json, "opens_per_s", json_null());
		if (all->before)
			json_object_set_new(json, "change_per_s",
					    json_real(change(all, d)));
		return json;
	}
	json_decref(json);
	return NULL;
}

static int print_json(const struct dests *all)
{
	/* Several objects are one a line. */
	const char *end = all->ss->netns || all->ss->o.every_s > 0 ? "" : "\n";

	ss_open_json(all->ss, "destinations");
	for (size_t i = 0; i < all->len; i++) {
		json_t *json = dest_json(all, &all->dest[i]);

		if (!json)
			return -ENOMEM;
		if (i)
			putchar(',');
		fputs(end, stdout);
		json_dumpf(json, stdout, JSON_COMPACT);
		json_decref(json);
	}
	printf("%s]}\n", all->len ? end : "");
	return 0;
}

/* ---- entry point ---- */

static int ask_lull(struct dests *all)
{
	const struct lull_client_request request = {LULL_CTL_DESTS, NULL, 0};

	return lull_client_dump(all->ss->source.client, &request, see_dest,
				all);
}

static int look(struct dests *all)
{
	int e;

	all->at_s = ss_now_s();
	e = all->ss->source.client ? ask_lull(all) : count_rows(all);
	if (e < 0)
		return e;
	sort(all);
	if (all->before)
		foresee(all);
	ss_find_own_ports(all->ss);
	return all->ss->o.json ? print_json(all) : print_table(all->ss, all);
}

static void forget(struct dests *all)
{
	free(all->dest);
	free(all->slot);
	*all = (struct dests){.ss = all->ss};
}

int ss_print_dests(struct ss *ss)
{
	struct dests *both = calloc(2, sizeof *both), *now;
	int e = -ENOMEM;

	for (uint64_t i = 0; both; i++) {
		now = &both[i % 2];
		forget(now);
		now->ss = ss;
		now->before = i && !ss->source.client ? &both[!(i % 2)] : NULL;
		e = look(now);
		if (e < 0 || ss->o.every_s <= 0 || i + 1 == ss->o.frames ||
		    fflush(stdout) != 0)
			break;
		if (!ss->o.json)
			putchar('\n');
		ss_wait_s(ss->o.every_s);
	}
	for (int i = 0; both && i < 2; i++)
		forget(&both[i]);
	free(both);
	return e;
}
