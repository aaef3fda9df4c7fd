/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diag.h: the kernel's TCP sockets, by sock_diag(7), in the network namespace
 * of the thread that opened it. The rows are those of lull_client_dump(), so
 * one reader serves both.
 */
#ifndef LULL_TOOL_DIAG_H
#define LULL_TOOL_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>

struct diag;

struct diag_ask {
	uint8_t family;	    /* AF_INET, AF_INET6; AF_UNSPEC: see diag_dump() */
	uint8_t ext;	    /* bits 1 << (INET_DIAG_X - 1): attributes wanted */
	uint32_t states;    /* bits 1 << state */
	const void *filter; /* struct inet_diag_bc_op[], or NULL */
	size_t filter_len;  /* bytes */
};

/* Negative: that's the end, and what diag_dump() returns. */
typedef int diag_see(void *arg, const struct nlmsghdr *hdr);

/* Negative errno: -EPROTONOSUPPORT, the kernel has no sock_diag. */
int diag_open(struct diag **diag);
void diag_close(struct diag *diag);
/*
 * All sockets that are asked for, one call of `see` each. What comes or goes
 * meanwhile is told once or not at all. Negative errno. AF_UNSPEC is both
 * families in one walk through the kernel's table, in no order; where the
 * kernel does not know that, -EPROTONOSUPPORT.
 */
int diag_dump(struct diag *diag, const struct diag_ask *ask, diag_see *see,
	      void *arg);
/* The last dump was interrupted (NLM_F_DUMP_INTR): rows may be missing, or
 * twice there. */
bool diag_was_torn(const struct diag *diag);
/* End one connection (SOCK_DESTROY), as `ss -K`. -EPERM, -ENOENT: it has gone;
 * -EOPNOTSUPP: the kernel can't. */
int diag_destroy(struct diag *diag, const struct inet_diag_msg *msg);

#endif
