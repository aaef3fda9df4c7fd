/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss.h: what the views of `lull ss` share: sockets (ss.c) and destinations
 * (ss_dest.c).
 */
#ifndef LULL_TOOL_SS_H
#define LULL_TOOL_SS_H

#include "ctl.h"
#include "table.h"

enum {
	SS_TEXT = 80, /* an address, a port or a time */
};

struct ss_options {
	const char *ctl;
	bool summary, all, listening, numeric, timers, no_header, json;
	bool ipv4, ipv6;
	bool by_destination;
};

struct ss {
	struct ss_options o;
	struct table table;
	int64_t own_lo, own_hi; /* ports without a service */
	uint64_t rows;
};

/* As ss prints them; `text` has SS_TEXT bytes, and is returned. */
const char *ss_time_text(uint32_t ms, char *text);
const char *ss_port_text(const struct ss *ss, uint16_t port, char *text);
/* Ask which ports this side may have chosen: those are no service. */
void ss_find_own_ports(struct ss *ss, struct lull_client *client);

/* Print the destinations. 0, -ENOMEM, or as lull_client_dump(). */
int ss_print_dests(struct ss *ss, struct lull_client *client);

#endif
