/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack.h: one shard on one TUN or TAP device in one namespace, with its run
 * loop: what `serve`, `load` and `bench` all begin with.
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
	/* Who may not make that has one of his own instead, without a name. */
	bool may_rootless;
	struct lull_prefix addrs[STACK_ADDRS], peers[STACK_ADDRS];
	int addrs_len, peers_len;
	const char *sysctls[STACK_SYSCTLS]; /* NAME=VALUE */
	int sysctls_len;
	const char *pcap; /* a file, or NULL */
	uint32_t conns, closing;
	bool linux_profile;
	bool no_offload;	       /* of the device */
	enum lull_link_type link_type; /* a TUN device, or a TAP one */
	struct lull_addr gateways[2];  /* IPv4, IPv6 */
	bool has_gateway[2];	       /* else the kernel's side is it */
	const char *tun;	       /* the device's name, or NULL */
	const char *state; /* a file for closing records, or NULL; with it the
			      device stays, and the namespace must be there */
	bool state_force;
	uint32_t quiet_s; /* 0: refuse a file that can't be used */
};

struct stack {
	bool rootless; /* the process is in a user namespace, see above */
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
/* "tun" or "tap"; an address. TOOL_ codes. */
int stack_set_link(struct stack_options *o, const char *text);
int stack_add_gateway(struct stack_options *o, const char *text);
/* Take NAME=VALUE for later. A TOOL_ code. */
int stack_add_sysctl(struct stack_options *o, const char *text);
/* --offload on|off. A TOOL_ code. */
int stack_set_offload(struct stack_options *o, const char *text);
/* A TOOL_ code; what went wrong is printed, and undone. -1: a signal came
 * before there was anything to stop. */
int stack_open(struct stack *s, const struct stack_options *o);
/* A TOOL_ code: the capture may not have been written whole. */
int stack_close(struct stack *s);

/* Where the control socket is by default: /run/lull, or below
 * XDG_RUNTIME_DIR for who may not write there. */
void stack_ctl_default(char *path, size_t size);

/* lull_control_create(). A TOOL_ code; what went wrong is printed. */
int stack_control(struct lull_control **control, struct lull_loop *loop,
		  const struct stack *s, const char *path);

/* "http://ADDR/" of an endpoint: brackets for IPv6, no port if it is 80. */
void stack_url(const struct lull_addr *addr, uint16_t port, char *out,
	       size_t size);

#endif
