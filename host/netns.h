/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netns.h: how the rest of host/ works inside a namespace for a moment.
 */
#ifndef LULL_HOST_NETNS_H
#define LULL_HOST_NETNS_H

#include <lull/host.h>

/*
 * Move the calling thread into `ns` (NULL or "-": it stays where it is).
 * `back` is for lull_netns_leave(), which must follow.
 */
LULL_MUST_CHECK int lull_netns_enter(const struct lull_netns *ns, int *back);
LULL_MUST_CHECK int lull_netns_leave(int back);

#endif
