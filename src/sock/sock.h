/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock.h: the programs' door: handles, and calls that change state and return.
 *
 * A handle is the index of a `lull_user` and its generation. Whatever a call
 * leaves to be sent goes with the next lull_shard_run().
 */
#ifndef LULL_SOCK_SOCK_H
#define LULL_SOCK_SOCK_H

#include "shard.h"

/* The user behind a handle, or NULL: -EBADF. */
struct lull_user *lull_sock_user(const struct lull_shard *s,
				 struct lull_sock sock);
struct lull_sock lull_sock_handle(const struct lull_shard *s, uint32_t user);

static inline uint32_t lull_sock_index(const struct lull_shard *s,
				       const struct lull_user *u)
{
	return (uint32_t)(u - lull_user_at(&s->tcp, 0));
}

/* The connection that a user holds, or NULL: half-open, ended, a listener. */
static inline struct lull_tcb *lull_sock_tcb(const struct lull_shard *s,
					     const struct lull_user *u)
{
	return lull_name_kind(u->name) == LULL_KIND_TCB
		       ? lull_tcb_at(&s->tcp, lull_name_index(u->name))
		       : NULL;
}

/* The error that ended it, told once: negative, or 0. */
int lull_sock_take_error(struct lull_user *u);

#endif
