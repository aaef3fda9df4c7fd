/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tap.c: a shard on a TAP device (host/tun.c), and the kernel as its
 * neighbour: ARP and Neighbor Discovery both ways, TCP over them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <lull/diag.h>
#include <lull/host.h>

#include "../unit/test.h"
#include "need.h"

enum {
	WAIT_MS = 10000,
	BATCH = 16,
	PORT = 80,
};

struct lan {
	struct lull_link *link;
	struct lull_memory memory;
	struct lull_shard *shard;
	struct lull_sock listener;
	uint8_t mac[6];
	struct lull_frame frame[BATCH];
	uint32_t events, accepted; /* all bits so far */
	int error;
};

static struct lull_prefix prefix(const char *text)
{
	struct lull_prefix p;

	assert_int_equal(lull_prefix_parse(text, &p), 0);
	return p;
}

static void lan_open(struct lan *l)
{
	const struct lull_prefix addrs[] = {prefix("10.9.3.2/24"),
					    prefix("fd00:9:3::2/64")};
	const struct lull_tun_config tap = {
		.size = sizeof tap,
		.name = "tap7",
		.addrs = addrs,
		.addrs_len = 2,
		.link_type = LULL_LINK_ETHER,
	};
	struct lull_listen listen = {
		.size = sizeof listen, .port_lo = PORT, .backlog = 8};
	struct lull_config c;

	memset(l, 0, sizeof *l);
	assert_int_equal(lull_tun_create(&l->link, &tap), 0);
	lull_config_init(&c, 16, 16);
	c.link_type = LULL_LINK_ETHER;
	assert_int_equal(lull_key_make(&c), 0);
	assert_int_equal(lull_memory_map(&c.limits, &l->memory), 0);
	assert_int_equal(lull_shard_init(&l->shard, &c, l->memory,
					 lull_clock_ns(), NULL),
			 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(lull_addr_add(l->shard, addrs[i], false), 0);
	assert_int_equal(lull_sock_listen(l->shard, &listen, &l->listener), 0);
	assert_true(lull_mac_get(l->shard, l->mac));
}

static void lan_close(struct lan *l)
{
	lull_link_destroy(l->link);
	lull_memory_unmap(&l->memory);
}

static void take_events(struct lan *l)
{
	struct lull_event e;
	struct lull_sock sock;

	while (lull_events_get(l->shard, &e, 1) == 1) {
		l->events |= e.bits;
		l->error = e.error ? e.error : l->error;
		if (e.bits & LULL_EVENT_ACCEPT)
			while (lull_sock_accept(l->shard, l->listener, 0,
						&sock) == 0)
				l->accepted++;
	}
}

/* One turn: what is there goes in, what is to be sent goes out. */
static void turn(struct lan *l)
{
	struct pollfd fd = {l->link->ops->fd(l->link), POLLIN, 0};
	struct lull_frame out[BATCH];
	int n, got;

	(void)poll(&fd, 1, 10);
	n = lull_rx_get(l->shard, l->frame, BATCH);
	got = l->link->ops->rx(l->link, l->frame, n);
	assert_true(got >= 0);
	for (int i = got; i < n; i++)
		l->frame[i].len = 0;
	assert_int_equal(lull_rx_put(l->shard, l->frame, n), n);
	(void)lull_shard_run(l->shard, lull_clock_ns());
	take_events(l);
	n = lull_tx_peek(l->shard, out, BATCH);
	assert_int_equal(l->link->ops->tx(l->link, out, n), n);
	lull_tx_done(l->shard, n);
}

static uint64_t counter(const struct lan *l, const char *name)
{
	struct lull_counter c;

	for (uint32_t i = 0; lull_diag_counter(l->shard, i, &c); i++)
		if (!strcmp(c.name, name))
			return c.value;
	fail_msg("no counter %s", name);
	return 0;
}

/* ---- the kernel's side ---- */

static socklen_t address(int family, const char *text, uint16_t port,
			 struct sockaddr_storage *out)
{
	struct sockaddr_in *a4 = (void *)out;
	struct sockaddr_in6 *a6 = (void *)out;

	memset(out, 0, sizeof *out);
	out->ss_family = (sa_family_t)family;
	a4->sin_port = htons(port); /* the same place in both */
	assert_int_equal(inet_pton(family, text,
				   family == AF_INET ? (void *)&a4->sin_addr
						     : (void *)&a6->sin6_addr),
			 1);
	return family == AF_INET ? sizeof *a4 : sizeof *a6;
}

struct seen {
	int family;
	const void *addr;
	uint8_t mac[6];
	uint16_t state; /* of NUD_; 0: there is none */
};

static int see(const struct nlmsghdr *hdr, void *arg)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(hdr);
	const struct nlattr *attr;
	struct seen *s = arg;
	bool same = false;

	mnl_attr_for_each(attr, hdr, sizeof *nd)
	{
		const void *p = mnl_attr_get_payload(attr);
		uint16_t len = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == NDA_DST)
			same = nd->ndm_family == s->family &&
			       memcmp(p, s->addr, len) == 0;
		if (mnl_attr_get_type(attr) == NDA_LLADDR && same && len == 6) {
			memcpy(s->mac, p, 6);
			s->state = nd->ndm_state;
		}
	}
	return MNL_CB_OK;
}

/* What `ip neigh` would show for an address. */
static struct seen neighbour(int family, const char *text)
{
	char bytes[16384];
	uint8_t addr[16];
	struct nlmsghdr *hdr = mnl_nlmsg_put_header(bytes);
	struct mnl_socket *sock = mnl_socket_open(NETLINK_ROUTE);
	struct seen seen = {.family = family, .addr = addr};
	struct ndmsg *nd;
	ssize_t n;
	int more = 1;

	assert_int_equal(inet_pton(family, text, addr), 1);
	hdr->nlmsg_type = RTM_GETNEIGH;
	hdr->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nd = mnl_nlmsg_put_extra_header(hdr, sizeof *nd);
	nd->ndm_family = (uint8_t)family;
	assert_true(mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) == 0);
	assert_true(mnl_socket_sendto(sock, hdr, hdr->nlmsg_len) > 0);
	while (more > 0) {
		n = mnl_socket_recvfrom(sock, bytes, sizeof bytes);
		assert_true(n > 0);
		more = mnl_cb_run(bytes, (size_t)n, 0, 0, see, &seen);
		assert_true(more >= 0);
	}
	mnl_socket_close(sock);
	seen.addr = NULL;
	return seen;
}

static bool waited(uint64_t since_ns)
{
	return lull_clock_ns() - since_ns > WAIT_MS * UINT64_C(1000000);
}

static const struct side {
	int family;
	const char *us, *kernel, *asked;
} side[] = {
	{AF_INET, "10.9.3.2", "10.9.3.1", "ArpOutRequests"},
	{AF_INET6, "fd00:9:3::2", "fd00:9:3::1", "OutNeighborSolicits"},
};

/* ---- tests ---- */

/* The kernel connects: it asks for us, and has us in its cache. */
static void kernel_finds_us(void **unused)
{
	for (int i = 0; i < 2; i++) {
		uint64_t since = lull_clock_ns();
		struct sockaddr_storage to;
		struct seen seen;
		struct lan l;
		socklen_t len;
		int fd;

		lan_open(&l);
		len = address(side[i].family, side[i].us, PORT, &to);
		fd = socket(side[i].family,
			    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		assert_true(connect(fd, (void *)&to, len) < 0);
		assert_int_equal(errno, EINPROGRESS);
		while (l.accepted == 0 && !waited(since))
			turn(&l);
		assert_int_equal(l.accepted, 1);
		seen = neighbour(side[i].family, side[i].us);
		assert_true(seen.state & (NUD_REACHABLE | NUD_DELAY));
		assert_memory_equal(seen.mac, l.mac, 6);
		/* Who asked us need not be asked. */
		assert_int_equal(counter(&l, side[i].asked), 0);
		close(fd);
		lan_close(&l);
	}
}

/* We connect: we ask for the kernel, and it answers. */
static void we_find_the_kernel(void **unused)
{
	for (int i = 0; i < 2; i++) {
		uint64_t since = lull_clock_ns();
		struct lull_connect c = {.size = sizeof c};
		struct sockaddr_storage at;
		struct lull_sock sock;
		struct lan l;
		socklen_t len;
		int fd;

		lan_open(&l);
		len = address(side[i].family, side[i].kernel, 9000, &at);
		fd = socket(side[i].family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(fd, (void *)&at, len), 0);
		assert_int_equal(listen(fd, 1), 0);
		c.remote.port = 9000;
		assert_int_equal(
			lull_addr_parse(side[i].kernel, &c.remote.addr), 0);
		assert_int_equal(lull_sock_connect(l.shard, &c, &sock, NULL),
				 0);
		while (!(l.events & LULL_EVENT_WRITE) && !waited(since))
			turn(&l);
		assert_true(l.events & LULL_EVENT_WRITE);
		assert_int_equal(counter(&l, side[i].asked), 1);
		close(fd);
		lan_close(&l);
	}
}

/* Nobody has the address: as from the kernel's own stack, EHOSTUNREACH. */
static void nobody_answers(void **unused)
{
	uint64_t since = lull_clock_ns();
	struct lull_connect c = {.size = sizeof c, .remote.port = 80};
	struct lull_sock sock;
	struct lan l;

	lan_open(&l);
	assert_int_equal(lull_addr_parse("10.9.3.77", &c.remote.addr), 0);
	assert_int_equal(lull_sock_connect(l.shard, &c, &sock, NULL), 0);
	while (!l.error && !waited(since))
		turn(&l);
	assert_int_equal(l.error, -EHOSTUNREACH);
	assert_int_equal(counter(&l, "ArpOutRequests"), 3);
	lan_close(&l);
}

/* A TAP device, not a TUN one. */
static void it_is_ethernet(void **unused)
{
	struct ifreq req = {.ifr_name = "tap7"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct lan l;

	lan_open(&l);
	assert_int_equal(ioctl(fd, SIOCGIFHWADDR, &req), 0);
	assert_int_equal(req.ifr_hwaddr.sa_family, ARPHRD_ETHER);
	assert_memory_not_equal(req.ifr_hwaddr.sa_data, l.mac, 6);
	close(fd);
	lan_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_finds_us),
		cmocka_unit_test(we_find_the_kernel),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(it_is_ethernet),
	};

	SKIP_UNLESS_OWN_WORLD();
	return RUN("tap", tests);
}
