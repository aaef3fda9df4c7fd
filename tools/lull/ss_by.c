/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_by.c: `lull ss --by peer|port|process|role`: sockets counted by something
 * else than their state.
 *
 * A connection whose local port has a listener in the same namespace was
 * accepted there (server); else this side opened it (client).
 *
 * Entry points: ss_print_by, ss_find_listeners, ss_is_server.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ss.h"
#include "ss_count.h"

enum {
	LISTEN = 1 << LULL_TCP_LISTEN,
};

/* ---- roles ---- */

static int see_listener(void *arg, const struct ss_row *r)
{
	struct ss_ports *p = arg;
	unsigned lo = ntohs(r->msg.id.idiag_sport), hi = r->listen.port_hi;

	if (r->msg.idiag_state != LULL_TCP_LISTEN)
		return 0;
	for (unsigned i = lo; i <= hi; i++)
		p->bits[i / 8] |= (uint8_t)(1 << i % 8);
	return 0;
}

int ss_find_listeners(struct ss *ss, struct ss_ports *listening)
{
	static const struct ss_filter all;
	const struct ss_ask ask = {.states = LISTEN, .filter = &all};

	memset(listening, 0, sizeof *listening);
	return ss_source_dump(&ss->source, &ask, see_listener, listening);
}

bool ss_is_server(const struct ss_ports *listening, const struct ss_row *r)
{
	unsigned port = ntohs(r->msg.id.idiag_sport);

	return listening->bits[port / 8] & 1 << port % 8;
}

/* ---- keys ---- */

struct by {
	struct ss *ss;
	struct ss_count *to;
	struct ss_ports listening;
	struct ss_recent recent;
	void (*key)(const struct by *by, const struct ss_row *r, char *key);
};

/* A peer is the same whether our socket is of IPv4 or of both families. */
static void peer_key(const struct by *by, const struct ss_row *r, char *key)
{
	const uint8_t *addr = (const uint8_t *)r->msg.id.idiag_dst;
	struct in6_addr v6;

	(void)by;
	memcpy(&v6, addr, sizeof v6);
	if (r->msg.idiag_state == LULL_TCP_LISTEN)
		snprintf(key, SS_KEY, "(listeners)");
	else if (r->msg.idiag_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6))
		snprintf(key, SS_KEY, "%u.%u.%u.%u", addr[12], addr[13],
			 addr[14], addr[15]);
	else
		ss_addr_text(r, addr, key);
}

/* The service's port, whoever has it. */
static void port_key(const struct by *by, const struct ss_row *r, char *key)
{
	bool server = ss_is_server(&by->listening, r);
	unsigned port = server ? ntohs(r->msg.id.idiag_sport)
			       : ntohs(r->msg.id.idiag_dport);

	if (!server && !port)
		snprintf(key, SS_KEY, "(unconnected)");
	else
		snprintf(key, SS_KEY, "%s :%u", server ? "ours" : "theirs",
			 port);
}

static void role_key(const struct by *by, const struct ss_row *r, char *key)
{
	const char *role = "client";

	if (r->msg.idiag_state == LULL_TCP_LISTEN)
		role = "listener";
	else if (ss_is_server(&by->listening, r))
		role = "server";
	snprintf(key, SS_KEY, "%s", role);
}

static void process_key(const struct by *by, const struct ss_row *r, char *key)
{
	const struct procs_fd *fd;
	char name[PROCS_NAME];
	size_t n;

	fd = procs_find(by->ss->procs, r->msg.idiag_inode, &n);
	if (fd)
		snprintf(key, SS_KEY, "%s pid %d",
			 procs_name(by->ss->procs, fd->pid, name), fd->pid);
	else if (!r->msg.idiag_inode)
		snprintf(key, SS_KEY, "(the kernel alone)");
	else if (procs_hidden(by->ss->procs))
		snprintf(key, SS_KEY, "(hidden)");
	else
		snprintf(key, SS_KEY, "(none found)");
}

/* ---- collecting ---- */

static int see_row(void *arg, const struct ss_row *r)
{
	struct by *by = arg;
	char key[SS_KEY];

	if (ss_seen(&by->recent, r))
		return 0;
	by->key(by, r, key);
	return ss_count_add(by->to, key, r->msg.idiag_state, 1);
}

static int collect(struct by *by)
{
	struct ss *ss = by->ss;
	struct ss_ask ask = ss->ask;
	int e, again = 0;

	ask.any_order = true;
	do {
		memset(&by->recent, 0, sizeof by->recent);
		by->to->len = 0;
		if (by->to->slots)
			memset(by->to->slot, 0,
			       by->to->slots * sizeof *by->to->slot);
		e = ss_source_dump(&ss->source, &ask, see_row, by);
	} while (e == 0 && ss->source.torn && again++ < SS_AGAIN);
	by->to->torn = ss->source.torn;
	return e;
}

static int collect_by(struct ss *ss, struct ss_count *to,
		      void (*key)(const struct by *, const struct ss_row *,
				  char *))
{
	struct by *by = malloc(sizeof *by);
	int e;

	if (!by)
		return -ENOMEM;
	by->ss = ss;
	by->to = to;
	by->key = key;
	e = ss_find_listeners(ss, &by->listening);
	if (e == 0)
		e = collect(by);
	free(by);
	return e;
}

static int collect_peers(struct ss *ss, struct ss_count *to)
{
	return collect_by(ss, to, peer_key);
}

static int collect_ports(struct ss *ss, struct ss_count *to)
{
	return collect_by(ss, to, port_key);
}

static int collect_roles(struct ss *ss, struct ss_count *to)
{
	return collect_by(ss, to, role_key);
}

static int collect_processes(struct ss *ss, struct ss_count *to)
{
	int e;

	procs_free(ss->procs); /* they may have changed */
	ss->procs = NULL;
	e = procs_read(&ss->procs, "/proc");
	if (e < 0)
		return e;
	e = collect_by(ss, to, process_key);
	if (procs_hidden(ss->procs))
		snprintf(to->origin, sizeof to->origin,
			 "%zu of %zu processes may not be looked into: root "
			 "would see what they hold",
			 procs_hidden(ss->procs), procs_count(ss->procs));
	return e;
}

int ss_print_by(struct ss *ss)
{
	static const struct ss_count_view views[] = {
		{"Peer", "peer", "peers", false, collect_peers},
		{"Port", "port", "ports", false, collect_ports},
		{"Role", "role", "roles", false, collect_roles},
		{"Process", "process", "processes", false, collect_processes},
	};

	for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
		if (strcmp(views[i].word, ss->o.by) == 0)
			return ss_count_print(ss, &views[i]);
	return ss_print_summary(ss);
}
