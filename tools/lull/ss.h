/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss.h: what the views of `lull ss` share.
 *
 *	ss.c		the command: options, and which view
 *	ss_source.c	where rows come from: the kernel, /proc, a lull
 *	ss_rows.c	one line a socket, as ss(8); ss_info.c: -i and -m
 *	ss_json.c	the same as objects; ss_ports.c: names of ports
 *	ss_states.c	names of states, in all spellings
 *	ss_filter.c	ss's filters; ss_bytecode.c: the same for the kernel
 *	ss_summary.c	how many in each state
 *	ss_by.c		how many by something else
 *	ss_dest.c	ports towards each destination
 *	ss_kill.c	-K; ss_netns.c: --all-netns
 */
#ifndef LULL_TOOL_SS_H
#define LULL_TOOL_SS_H

#include <linux/inet_diag.h>

#include "ctl.h"
#include "procs.h"
#include "ss_filter.h"
#include "table.h"

enum {
	SS_TEXT = 80,	  /* an address, a port or a time */
	SS_ATTRS = 24,	  /* attributes that are looked at: below this */
	SS_AGAIN = 3,	  /* times that a torn dump is repeated */
	SS_STATES = 256,  /* that a row may have */
	SS_RECENT = 4096, /* cookies that are remembered */
	SS_CGROUP = 512,  /* bytes of a cgroup's path */
};

struct ss_options {
	const char *ctl, *by, *dump;
	bool summary, all, listening, numeric, timers, no_header, json;
	bool ipv4, ipv6;
	bool processes, info, memory, extended, oneline, kill, yes, force;
	bool prom, all_netns, host;
	bool states_only; /* -s, not the word */
	double every_s;	  /* -w; 0: once */
	uint64_t frames;  /* of -w; 0: until it is stopped */
};

/* One socket; `attr` points into the message, and is good as long. */
struct ss_row {
	struct inet_diag_msg msg;
	struct lull_ctl_listen listen; /* of a plain one, made up */
	bool v6only;
	const struct nlmsghdr *hdr;
	const struct nlattr *attr[SS_ATTRS]; /* by INET_DIAG_X */
};

struct diag;

struct ss_source {
	const char *path; /* of the control socket; NULL: the kernel */
	struct lull_client *client;
	struct diag *diag; /* both NULL: /proc/net/tcp */
	bool one_walk;	   /* the kernel tells both families at once */
	bool torn;	   /* the last dump was */
};

struct ss_ask {
	uint32_t states;
	uint8_t ext;
	bool ipv4, ipv6; /* neither is as both */
	bool any_order;	 /* families need not come one after the other */
	const struct ss_filter *filter;
};

/* A line that grows; ss_info.c writes what -i and -m say to it. */
struct ss_text {
	char *text;
	size_t len, size;
	bool failed; /* no memory */
};

/* The one that was looked up last. */
struct ss_cgroup {
	uint64_t id;
	char path[SS_CGROUP];
};

struct ss {
	struct ss_options o;
	struct ss_source source;
	struct ss_ask ask;
	struct ss_filter_words words; /* what `ask` was made of */
	struct table table;
	struct procs *procs;
	struct ss_text rest; /* of the row's last column */
	struct ss_cgroup cgroup;
	char **service;		/* names by port; NULL: numbers */
	int64_t own_lo, own_hi; /* ports without a service */
	uint64_t rows;
	bool single;	   /* one state alone: it has no column */
	const char *netns; /* of --all-netns */
	bool later;	   /* another namespace was printed before */
};

/* Negative: that's the end, and what ss_source_dump() returns. */
typedef int ss_see(void *arg, const struct ss_row *row);

/* 0, or explained: an exit code. */
int ss_source_open(struct ss_source *source, const char *ctl);
void ss_source_close(struct ss_source *source);
/* Negative errno; `source->torn` afterwards. */
int ss_source_dump(struct ss_source *source, const struct ss_ask *ask,
		   ss_see *see, void *arg);
/* Explain what ss_source_dump() or lull_client_*() returned: an exit code. */
int ss_source_failed(const struct ss_source *source, int error);
/* /proc/net/tcp and tcp6, where there is nothing better (ss_proc.c). */
int ss_proc_dump(const struct ss_ask *ask, ss_see *see, void *arg);
bool ss_take_row(const struct nlmsghdr *hdr, struct ss_row *row);
/* Payload of at least `len` bytes, or NULL. */
const void *ss_attr(const struct ss_row *row, int type, size_t len);

/* Cookies seen lately: a socket that a dump tells twice comes twice within one
 * chain of the kernel's table, so near each other. */
struct ss_recent {
	uint64_t cookie[SS_RECENT];
};

bool ss_seen(struct ss_recent *recent, const struct ss_row *row);

/* Ports that somebody listens at. */
struct ss_ports {
	uint8_t bits[8192];
};

int ss_find_listeners(struct ss *ss, struct ss_ports *listening);
bool ss_is_server(const struct ss_ports *listening, const struct ss_row *row);

/* As ss prints them; `text` has SS_TEXT bytes, and is returned. */
const char *ss_state_text(uint8_t state, char *text);
const char *ss_time_text(uint32_t ms, char *text);
const char *ss_port_text(const struct ss *ss, uint16_t port, char *text);
const char *ss_addr_text(const struct ss_row *row, const void *addr,
			 char *text);
/* The interface that it is bound to. */
const char *ss_dev_text(const struct ss_row *row, char *text);
const char *ss_timer_name(uint8_t timer, char *text);
bool ss_is_prefix(const struct ss_row *row);
bool ss_is_range(const struct ss_row *row);
/* Ask which ports this side may have chosen: those are no service. */
void ss_find_own_ports(struct ss *ss);
void ss_free_ports(struct ss *ss);
/* The range of ports; false: nobody knows. */
bool ss_port_range(struct ss *ss, int64_t *lo, int64_t *hi);

/* The views. 0, -ENOMEM, or as ss_source_dump(). */
int ss_print_rows(struct ss *ss);
int ss_print_json(struct ss *ss);
void ss_open_json(const struct ss *ss, const char *list);
int ss_print_summary(struct ss *ss);
int ss_print_states(struct ss *ss); /* of a lull, without a dump */
int ss_print_by(struct ss *ss);
int ss_print_dests(struct ss *ss);
int ss_write_dump(struct ss *ss);
/* An exit code. */
int ss_kill(struct ss *ss);
int ss_for_each_netns(struct ss *ss, int (*view)(struct ss *ss));
/* One line for -K's question. */
const char *ss_row_line(const struct ss_row *row, char *text, size_t size);

__attribute__((format(printf, 2, 3))) void ss_put(struct ss_text *t,
						  const char *format, ...);
void ss_put_memory(struct ss_text *t, const struct ss_row *row);
void ss_put_info(struct ss_text *t, const struct ss *ss,
		 const struct ss_row *row);
void ss_put_details(struct ss_text *t, struct ss *ss, const struct ss_row *row);

#endif
