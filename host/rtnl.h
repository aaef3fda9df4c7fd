/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtnl.h: rtnetlink, as much as a TUN device needs. Works on the namespace in
 * which lull_rtnl_open() was called. 0, or a negative errno.
 */
#ifndef LULL_HOST_RTNL_H
#define LULL_HOST_RTNL_H

#include <lull/host.h>

struct mnl_socket;

struct lull_rtnl {
	struct mnl_socket *sock;
	uint32_t seq;
};

LULL_MUST_CHECK int lull_rtnl_open(struct lull_rtnl *r);
void lull_rtnl_close(struct lull_rtnl *r);

/*
 * No addresses and no multicast of the kernel's own on this device, so that
 * nothing is sent that nobody asked for; and IPv4 forwards what comes from it.
 */
LULL_MUST_CHECK int lull_rtnl_quiet(struct lull_rtnl *r, unsigned ifindex);
LULL_MUST_CHECK int lull_rtnl_up(struct lull_rtnl *r, unsigned ifindex,
				 uint32_t mtu, uint32_t queue_len);
/* Is the address, or the whole prefix, on another device? 1: yes. */
LULL_MUST_CHECK int lull_rtnl_is_taken(struct lull_rtnl *r, unsigned ifindex,
				       const struct lull_prefix *prefix);
LULL_MUST_CHECK int lull_rtnl_addr_add(struct lull_rtnl *r, unsigned ifindex,
				       const struct lull_prefix *prefix);
/* What goes to the prefix goes out of this device. */
LULL_MUST_CHECK int lull_rtnl_route_add(struct lull_rtnl *r, unsigned ifindex,
					const struct lull_prefix *prefix);

/* ---- prefixes ---- */

/* The same network, whatever the host's part is? */
bool lull_rtnl_same_net(const struct lull_prefix *a,
			const struct lull_prefix *b);

#endif
