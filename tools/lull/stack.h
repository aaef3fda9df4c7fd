/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack.h: one shard on one TUN device in one namespace, with its run loop:
 * what `serve`, `load` and `bench` all begin with.
 */
#ifndef LULL_STACK_H
#define LULL_STACK_H

#include <lull/host.h>

#include "tool.h"

enum {
	STACK_ADDRS = 16,
	STACK_SYSCTLS = 64,
};

struct stack_options {
	const char *netns; /* as lull_netns_open() */
	struct lull_prefix addrs[STACK_ADDRS], peers[STACK_ADDRS];
	int addrs_len, peers_len;
	const char *sysctls[STACK_SYSCTLS]; /* NAME=VALUE */
	int sysctls_len;
	const char *pcap; /* a file, or NULL */
	uint32_t conns, closing;
	bool linux_profile;
	const char *tun;   /* the device's name, or NULL */
	const char *state; /* a file for closing records, or NULL; with it the
			      device stays, and the namespace must be there */
	bool state_force;
	uint32_t quiet_s; /* 0: refuse a file that can't be used */
};

struct stack {
	struct lull_state *state;
	struct lull_memory memory;
	struct lull_shard *shard;
	struct lull_netns *netns;
	struct lull_pcap *pcap;
	const char *pcap_path;
	struct lull_link *link; /* of the loop: perhaps wrapped */
	struct lull_link *tun, *wrapped;
};

/* "10.9.3.2/24" to the end of a list. A TOOL_ code; what is wrong is printed.
 */
int stack_add_prefix(struct lull_prefix *list, int *len, const char *text,
		     const char *option);
/* Take NAME=VALUE for later. A TOOL_ code. */
int stack_add_sysctl(struct stack_options *o, const char *text);
/* A TOOL_ code; what went wrong is printed, and undone. -1: a signal came
 * before there was anything to stop. */
int stack_open(struct stack *s, const struct stack_options *o);
/* A TOOL_ code: the capture may not have been written whole. */
int stack_close(struct stack *s);

/* lull_control_create(). A TOOL_ code; what went wrong is printed. */
int stack_control(struct lull_control **control, struct lull_loop *loop,
		  const struct stack *s, const char *path);

/* "http://ADDR/" of an endpoint: brackets for IPv6, no port if it is 80. */
void stack_url(const struct lull_addr *addr, uint16_t port, char *out,
	       size_t size);

#endif
