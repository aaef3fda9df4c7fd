/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtnl.c: rtnetlink(7) by libmnl: one request, one answer, at creation only.
 *
 * Entry points: lull_rtnl_open, _close, _quiet, _up, _is_taken, _addr_add,
 * _route_add; lull_rtnl_same_net.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <time.h>

#include <libmnl/libmnl.h>

#include "rtnl.h"

enum {
	BYTES = 16384, /* larger than any part of a dump (NLMSG_GOODSIZE) */
	DUMPS = 8,     /* tries, when addresses change under a dump */
	NAPS = 5000,   /* of a millisecond, until the kernel has a route */
	BITS = 128,
	BITS_MAPPED = 96,
};

union message {
	char bytes[BYTES];
	struct nlmsghdr hdr;
};

/* ---- prefixes ---- */

bool lull_rtnl_same_net(const struct lull_prefix *a,
			const struct lull_prefix *b)
{
	unsigned whole = a->bits / 8, rest = a->bits % 8;

	if (a->bits != b->bits || memcmp(a->addr.b, b->addr.b, whole) != 0)
		return false;
	return !rest ||
	       (a->addr.b[whole] ^ b->addr.b[whole]) >> (8 - rest) == 0;
}

/* How the kernel sees it: a family, 4 or 16 bytes, and bits of these. */
struct kernel_prefix {
	uint8_t family, bits;
	uint16_t len;
	uint8_t addr[16];
};

static struct kernel_prefix to_kernel(const struct lull_prefix *p)
{
	struct kernel_prefix k = {AF_INET6, p->bits, 16, {0}};
	bool is4 = lull_addr_is_ipv4(&p->addr);

	if (is4) {
		k.family = AF_INET;
		k.bits = (uint8_t)(p->bits - BITS_MAPPED);
		k.len = 4;
	}
	memcpy(k.addr, p->addr.b + 16 - k.len, k.len);
	return k;
}

/* ---- a conversation ---- */

int lull_rtnl_open(struct lull_rtnl *r)
{
	*r = (struct lull_rtnl){0};
	r->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!r->sock)
		return -errno;
	if (mnl_socket_bind(r->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		int e = -errno;

		lull_rtnl_close(r);
		return e;
	}
	return 0;
}

void lull_rtnl_close(struct lull_rtnl *r)
{
	mnl_socket_close(r->sock);
}

/* A request of this type, with room for its family's header. */
static void *begin(union message *m, uint16_t type, uint16_t flags, size_t len)
{
	struct nlmsghdr *hdr = mnl_nlmsg_put_header(m->bytes);

	hdr->nlmsg_type = type;
	hdr->nlmsg_flags = NLM_F_REQUEST | flags;
	return mnl_nlmsg_put_extra_header(hdr, len);
}

/* Send it, and read answers until the last; each goes to `see`. */
static int ask(struct lull_rtnl *r, union message *m, mnl_cb_t see, void *arg)
{
	unsigned port = mnl_socket_get_portid(r->sock);
	int more = MNL_CB_OK;

	m->hdr.nlmsg_seq = ++r->seq;
	if (mnl_socket_sendto(r->sock, &m->hdr, m->hdr.nlmsg_len) < 0)
		return -errno;
	while (more == MNL_CB_OK) {
		ssize_t n = mnl_socket_recvfrom(r->sock, m, sizeof *m);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		more = mnl_cb_run(m, (size_t)n, r->seq, port, see, arg);
	}
	return more < 0 ? -errno : 0;
}

static int change(struct lull_rtnl *r, union message *m)
{
	m->hdr.nlmsg_flags |= NLM_F_ACK;
	return ask(r, m, NULL, NULL);
}

/* ---- the device ---- */

static void no_addresses(struct nlmsghdr *hdr)
{
	struct nlattr *spec = mnl_attr_nest_start(hdr, IFLA_AF_SPEC);
	struct nlattr *inet6 = mnl_attr_nest_start(hdr, AF_INET6);

	mnl_attr_put_u8(hdr, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(hdr, inet6);
	mnl_attr_nest_end(hdr, spec);
}

static void forwarding(struct nlmsghdr *hdr)
{
	struct nlattr *spec = mnl_attr_nest_start(hdr, IFLA_AF_SPEC);
	struct nlattr *inet = mnl_attr_nest_start(hdr, AF_INET);
	struct nlattr *conf = mnl_attr_nest_start(hdr, IFLA_INET_CONF);

	mnl_attr_put_u32(hdr, IPV4_DEVCONF_FORWARDING, 1);
	mnl_attr_nest_end(hdr, conf);
	mnl_attr_nest_end(hdr, inet);
	mnl_attr_nest_end(hdr, spec);
}

int lull_rtnl_quiet(struct lull_rtnl *r, unsigned ifindex)
{
	union message m;
	struct ifinfomsg *link;
	int e;

	link = begin(&m, RTM_NEWLINK, 0, sizeof *link);
	link->ifi_index = (int)ifindex;
	link->ifi_change = IFF_MULTICAST;
	forwarding(&m.hdr);
	e = change(r, &m);
	if (e < 0)
		return e;
	link = begin(&m, RTM_NEWLINK, 0, sizeof *link);
	link->ifi_index = (int)ifindex;
	no_addresses(&m.hdr);
	e = change(r, &m);
	/* A kernel without IPv6, or with it switched off, is quiet anyway. */
	return e == -EAFNOSUPPORT || e == -EOPNOTSUPP ? 0 : e;
}

int lull_rtnl_up(struct lull_rtnl *r, unsigned ifindex, uint32_t mtu,
		 uint32_t queue_len)
{
	union message m;
	struct ifinfomsg *link;

	link = begin(&m, RTM_NEWLINK, 0, sizeof *link);
	link->ifi_index = (int)ifindex;
	link->ifi_flags = link->ifi_change = IFF_UP;
	mnl_attr_put_u32(&m.hdr, IFLA_MTU, mtu);
	mnl_attr_put_u32(&m.hdr, IFLA_TXQLEN, queue_len);
	return change(r, &m);
}

/* ---- addresses ---- */

struct search {
	const struct lull_prefix *prefix;
	unsigned ifindex; /* of the device that does not count */
	bool taken;
};

static int see_addr(const struct nlmsghdr *hdr, void *arg)
{
	const struct ifaddrmsg *addr = mnl_nlmsg_get_payload(hdr);
	struct search *search = arg;
	struct lull_prefix p = {.bits = BITS};
	const struct nlattr *attr;

	if (addr->ifa_index == search->ifindex)
		return MNL_CB_OK;
	if (addr->ifa_family == AF_INET) {
		p.addr.b[10] = p.addr.b[11] = 0xff;
		p.bits = BITS_MAPPED;
	} else {
		p.bits = 0;
	}
	p.bits = (uint8_t)(p.bits + addr->ifa_prefixlen);
	mnl_attr_for_each(attr, hdr, sizeof *addr)
	{
		uint16_t type = mnl_attr_get_type(attr);
		uint16_t len = mnl_attr_get_payload_len(attr);

		/* IPv6 has IFA_LOCAL only with a peer, and then it is ours. */
		if (type == IFA_LOCAL ||
		    (type == IFA_ADDRESS && addr->ifa_family == AF_INET6))
			memcpy(p.addr.b + 16 - len, mnl_attr_get_payload(attr),
			       len);
		if (type == IFA_LOCAL)
			break;
	}
	search->taken |=
		lull_rtnl_same_net(&p, search->prefix) ||
		memcmp(&p.addr, &search->prefix->addr, sizeof p.addr) == 0;
	return MNL_CB_OK;
}

int lull_rtnl_is_taken(struct lull_rtnl *r, unsigned ifindex,
		       const struct lull_prefix *prefix)
{
	struct search search = {.prefix = prefix, .ifindex = ifindex};
	union message m;
	struct ifaddrmsg *addr;
	int e = -EINTR;

	for (int i = 0; i < DUMPS && e == -EINTR; i++) {
		addr = begin(&m, RTM_GETADDR, NLM_F_DUMP, sizeof *addr);
		addr->ifa_family = AF_UNSPEC;
		e = ask(r, &m, see_addr, &search);
	}
	return e < 0 ? e : search.taken;
}

static int see_route(const struct nlmsghdr *hdr, void *arg)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(hdr);

	*(bool *)arg = route->rtm_type == RTN_LOCAL;
	return MNL_CB_STOP;
}

/*
 * An IPv6 address is in the list at once, but packets for it are forwarded or
 * refused until a worker of the kernel has made its route.
 */
static int wait_until_local(struct lull_rtnl *r, const struct kernel_prefix *k)
{
	const struct timespec nap = {.tv_nsec = 1000000};
	bool local = false;
	int e = 0;

	for (int i = 0; i < NAPS && e == 0; i++) {
		union message m;
		struct rtmsg *route = begin(&m, RTM_GETROUTE, 0, sizeof *route);

		route->rtm_family = k->family;
		route->rtm_dst_len = (uint8_t)(8 * k->len);
		mnl_attr_put(&m.hdr, RTA_DST, k->len, k->addr);
		e = ask(r, &m, see_route, &local);
		if (e == 0 && local)
			return 0;
		if (e == -ENETUNREACH || e == -EHOSTUNREACH)
			e = 0;
		nanosleep(&nap, NULL);
	}
	return e < 0 ? e : -ETIMEDOUT;
}

int lull_rtnl_addr_add(struct lull_rtnl *r, unsigned ifindex,
		       const struct lull_prefix *prefix)
{
	struct kernel_prefix k = to_kernel(prefix);
	union message m;
	struct ifaddrmsg *addr;
	int e;

	addr = begin(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof *addr);
	addr->ifa_family = k.family;
	addr->ifa_prefixlen = k.bits;
	addr->ifa_index = ifindex;
	mnl_attr_put(&m.hdr, IFA_LOCAL, k.len, k.addr);
	mnl_attr_put(&m.hdr, IFA_ADDRESS, k.len, k.addr);
	if (k.family == AF_INET6)
		mnl_attr_put_u32(&m.hdr, IFA_FLAGS, IFA_F_NODAD);
	e = change(r, &m);
	return e == 0 && k.family == AF_INET6 ? wait_until_local(r, &k) : e;
}

/* ---- routes ---- */

/* The kernel refuses a route whose host's part is not zero. */
static void clear_host(struct kernel_prefix *k)
{
	for (unsigned i = k->bits; i < 8U * k->len; i++)
		k->addr[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

int lull_rtnl_route_add(struct lull_rtnl *r, unsigned ifindex,
			const struct lull_prefix *prefix)
{
	struct kernel_prefix k = to_kernel(prefix);
	union message m;
	struct rtmsg *route;

	clear_host(&k);
	route = begin(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,
		      sizeof *route);
	route->rtm_family = k.family;
	route->rtm_dst_len = k.bits;
	route->rtm_table = RT_TABLE_MAIN;
	route->rtm_protocol = RTPROT_STATIC;
	route->rtm_type = RTN_UNICAST;
	route->rtm_scope =
		k.family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	mnl_attr_put(&m.hdr, RTA_DST, k.len, k.addr);
	mnl_attr_put_u32(&m.hdr, RTA_OIF, ifindex);
	return change(r, &m);
}
