/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tun.c: a TUN device and what the kernel makes of it (host/tun.c,
 * host/rtnl.c). No shard: frames are made and read by hand, so most are without
 * offload; test_vnet.c has it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <lull/host.h>

#include "../unit/test.h"
#include "need.h"

enum {
	WAIT_MS = 10000, /* for what has to come; nothing waits for it */
};

/* ---- making devices ---- */

static struct lull_prefix prefix(const char *text)
{
	struct lull_prefix p;

	assert_int_equal(lull_prefix_parse(text, &p), 0);
	return p;
}

static struct lull_link *device(const char *addr)
{
	struct lull_prefix p = prefix(addr);
	struct lull_tun_config config = {.size = sizeof config,
					 .no_offload = true,
					 .addrs = &p,
					 .addrs_len = 1};
	struct lull_link *link;

	assert_int_equal(lull_tun_create(&link, &config), 0);
	return link;
}

/* ---- asking the kernel ---- */

static struct ifreq ask(const char *dev, unsigned long what)
{
	struct ifreq req = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(req.ifr_name, dev);
	assert_int_equal(ioctl(fd, what, &req), 0);
	close(fd);
	return req;
}

static void set_down(const char *dev)
{
	struct ifreq req = ask(dev, SIOCGIFFLAGS);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	req.ifr_flags &= (short)~IFF_UP;
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &req), 0);
	close(fd);
}

static void delete_device(const char *dev)
{
	char bytes[8192];
	struct nlmsghdr *hdr = mnl_nlmsg_put_header(bytes);
	struct mnl_socket *sock = mnl_socket_open(NETLINK_ROUTE);
	struct ifinfomsg *link;
	ssize_t n;

	hdr->nlmsg_type = RTM_DELLINK;
	hdr->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	link = mnl_nlmsg_put_extra_header(hdr, sizeof *link);
	link->ifi_index = (int)if_nametoindex(dev);
	assert_true(mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) == 0);
	assert_true(mnl_socket_sendto(sock, hdr, hdr->nlmsg_len) > 0);
	n = mnl_socket_recvfrom(sock, bytes, sizeof bytes);
	assert_true(n > 0);
	assert_true(mnl_cb_run(bytes, (size_t)n, 0, 0, NULL, NULL) >= 0);
	mnl_socket_close(sock);
}

/* All addresses of a device, as text, apart by blanks. */
static const char *addresses(const char *dev)
{
	static char all[512];
	char one[INET6_ADDRSTRLEN];
	struct ifaddrs *list;

	all[0] = '\0';
	assert_int_equal(getifaddrs(&list), 0);
	for (struct ifaddrs *i = list; i; i = i->ifa_next) {
		const struct sockaddr_in6 *a6 = (const void *)i->ifa_addr;
		const struct sockaddr_in *a4 = (const void *)i->ifa_addr;

		if (!i->ifa_addr || strcmp(i->ifa_name, dev) != 0)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			inet_ntop(AF_INET, &a4->sin_addr, one, sizeof one);
		else if (i->ifa_addr->sa_family == AF_INET6)
			inet_ntop(AF_INET6, &a6->sin6_addr, one, sizeof one);
		else
			continue;
		strcat(all, one);
		strcat(all, " ");
	}
	freeifaddrs(list);
	return all;
}

static char knob(const char *path)
{
	char value = '?';
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, &value, 1), 1);
	close(fd);
	return value;
}

/* ---- frames ---- */

static uint8_t room[2048];

static struct lull_frame wait_frame(struct lull_link *link)
{
	struct lull_frame f = {.spans = 1, .span = {{room, sizeof room}}};
	struct pollfd p = {.fd = link->ops->fd(link), .events = POLLIN};

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	assert_int_equal(link->ops->rx(link, &f, 1), 1);
	return f;
}

static uint16_t checksum(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/*
 * "hello" by UDP, from port 1000 to `port`, in three pieces. Both prefixes are
 * of one version of IP.
 */
static struct lull_frame hello(uint8_t *p, const char *from, const char *to,
			       uint16_t port)
{
	struct lull_prefix a = prefix(from), b = prefix(to);
	bool is4 = lull_addr_is_ipv4(&a.addr);
	uint32_t head = is4 ? 20 : 40, skip = is4 ? 12 : 0, len = 8 + 5;
	uint8_t *udp = p + head;

	memset(p, 0, head + len);
	p[0] = is4 ? 0x45 : 0x60;
	put16(p + (is4 ? 2 : 4), is4 ? head + len : len);
	p[is4 ? 9 : 6] = IPPROTO_UDP;
	p[is4 ? 8 : 7] = 64;
	memcpy(udp - 2 * (16 - skip), a.addr.b + skip, 16 - skip);
	memcpy(udp - (16 - skip), b.addr.b + skip, 16 - skip);
	if (is4)
		put16(p + 10, checksum(p, 20, 0));
	put16(udp, 1000);
	put16(udp + 2, port);
	put16(udp + 4, len);
	memcpy(udp + 8, "hello", 5);
	put16(udp + 6, checksum(udp - 2 * (16 - skip), 2 * (16 - skip) + len,
				IPPROTO_UDP + len));
	return (struct lull_frame){
		.len = head + len,
		.spans = 3,
		.span = {{p, head}, {udp, 8}, {udp + 8, 5}},
	};
}

/* ---- kernel sockets ---- */

struct udp {
	struct sockaddr_in6 at;
	int fd;
};

/* IPv4 by mapped addresses; `local` NULL: any. */
static struct udp udp_open(const char *local)
{
	struct udp u = {.at.sin6_family = AF_INET6};
	socklen_t len = sizeof u.at;
	int off = 0;

	u.fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(u.fd >= 0);
	assert_int_equal(setsockopt(u.fd, IPPROTO_IPV6, IPV6_V6ONLY, &off,
				    sizeof off),
			 0);
	if (local) {
		struct lull_prefix p = prefix(local);

		memcpy(&u.at.sin6_addr, p.addr.b, 16);
	}
	assert_int_equal(bind(u.fd, (const void *)&u.at, len), 0);
	assert_int_equal(getsockname(u.fd, (void *)&u.at, &len), 0);
	return u;
}

static void udp_send(struct udp u, const char *to)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6,
				  .sin6_port = htons(7)};
	struct lull_prefix p = prefix(to);

	memcpy(&at.sin6_addr, p.addr.b, 16);
	assert_int_equal(
		sendto(u.fd, "hello", 5, 0, (const void *)&at, sizeof at), 5);
}

static void udp_expect(struct udp u)
{
	struct pollfd p = {.fd = u.fd, .events = POLLIN};
	char text[16];

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	assert_int_equal(recv(u.fd, text, sizeof text, 0), 5);
	assert_memory_equal(text, "hello", 5);
}

/* ---- the tests ---- */

static void a_device_is_as_it_was_asked_for(void **state)
{
	const struct lull_prefix addrs[] = {prefix("10.9.3.2/24"),
					    prefix("fd09::2/64")};
	struct lull_tun_config config = {.size = sizeof config,
					 .name = "lullx",
					 .mtu = 1400,
					 .addrs = addrs,
					 .addrs_len = 2};
	struct lull_link *link;
	int flags;

	assert_int_equal(lull_tun_create(&link, &config), 0);
	flags = ask("lullx", SIOCGIFFLAGS).ifr_flags;
	assert_int_equal(flags & (IFF_UP | IFF_RUNNING), IFF_UP | IFF_RUNNING);
	assert_int_equal(flags & IFF_MULTICAST, 0);
	assert_int_equal(ask("lullx", SIOCGIFMTU).ifr_mtu, 1400);
	assert_int_equal(ask("lullx", SIOCGIFTXQLEN).ifr_qlen, 10000);
	/* No fe80:: among them: it would say hello to its routers. */
	assert_string_equal(addresses("lullx"), "10.9.3.1 fd09::1 ");
	assert_int_equal(knob("/proc/sys/net/ipv4/conf/lullx/forwarding"), '1');
	assert_int_equal(knob("/proc/sys/net/ipv6/conf/lullx/forwarding"), '1');
	assert_int_equal(knob("/proc/sys/net/ipv4/conf/all/forwarding"), '0');
	lull_link_destroy(link);
	assert_int_equal(if_nametoindex("lullx"), 0);
	lull_link_destroy(NULL);
}

/* It stays when its process goes; what is sent meanwhile is lost in silence. */
static void a_kept_device_is_used_again(void **state)
{
	const struct lull_prefix addrs[] = {prefix("10.9.3.2/24"),
					    prefix("fd09::2/64")};
	struct lull_tun_config config = {.size = sizeof config,
					 .name = "lullk",
					 .keep = true,
					 .addrs = addrs,
					 .addrs_len = 2};
	struct lull_link *link, *other;
	unsigned ifindex;
	struct udp u;

	assert_int_equal(lull_tun_create(&link, &config), 0);
	ifindex = if_nametoindex("lullk");
	/* One process at a time. */
	assert_int_equal(lull_tun_create(&other, &config), -EBUSY);
	lull_link_destroy(link);
	assert_int_equal(if_nametoindex("lullk"), ifindex);
	assert_string_equal(addresses("lullk"), "10.9.3.1 fd09::1 ");
	for (int v6 = 0; v6 < 2; v6++) {
		u = udp_open(v6 ? "fd09::1" : "10.9.3.1");
		udp_send(u, v6 ? "fd09::2" : "10.9.3.2");
		close(u.fd);
	}
	/* Its addresses are in use, by it alone. */
	config.name = "lullm";
	assert_int_equal(lull_tun_create(&other, &config), -EEXIST);
	assert_int_equal(if_nametoindex("lullm"), 0); /* of no use */
	config.name = "lullk";
	assert_int_equal(lull_tun_create(&link, &config), 0);
	assert_int_equal(if_nametoindex("lullk"), ifindex);
	assert_string_equal(addresses("lullk"), "10.9.3.1 fd09::1 ");
	u = udp_open("10.9.3.1");
	udp_send(u, "10.9.3.2");
	(void)wait_frame(link);
	close(u.fd);
	lull_link_destroy(link);
	delete_device("lullk");
	config.name = NULL; /* nobody would find it again */
	assert_int_equal(lull_tun_create(&link, &config), -EINVAL);
}

static void devices_are_numbered(void **state)
{
	struct lull_link *a = device("10.9.3.2/24"), *b = device("10.9.4.2/24");

	assert_string_equal(addresses("lull0"), "10.9.3.1 ");
	assert_string_equal(addresses("lull1"), "10.9.4.1 ");
	assert_int_equal(ask("lull0", SIOCGIFMTU).ifr_mtu, 1500);
	lull_link_destroy(a);
	lull_link_destroy(b);
}

static void there_and_back(const char *own, const char *ours, const char *peer)
{
	struct lull_link *link = device(own);
	struct udp u = udp_open(ours);
	uint8_t bytes[128];
	struct lull_frame f;
	bool is4;

	udp_send(u, peer);
	f = wait_frame(link);
	is4 = room[0] >> 4 == 4;
	assert_int_equal(f.len, (is4 ? 20 : 40) + 8 + 5);
	assert_memory_equal(room + f.len - 5, "hello", 5);
	assert_int_equal(f.flags, 0);
	assert_int_equal(link->ops->rx(link, &f, 1), 0); /* never blocks */
	f = hello(bytes, peer, ours, ntohs(u.at.sin6_port));
	assert_int_equal(link->ops->tx(link, &f, 1), 1);
	udp_expect(u);
	close(u.fd);
	lull_link_destroy(link);
}

static void ipv4_goes_there_and_back(void **state)
{
	there_and_back("10.9.3.2/24", "10.9.3.1", "10.9.3.2");
	there_and_back("10.9.3.2/24", "10.9.3.1", "10.9.3.77");
}

static void ipv6_goes_there_and_back(void **state)
{
	there_and_back("fd09::2/64", "fd09::1", "fd09::2");
	there_and_back("fd09::2/64", "fd09::1", "fd09::abcd");
}

static void forwards(const char *a, const char *b)
{
	struct lull_link *from = device(a), *to = device(b);
	uint8_t bytes[128];
	struct lull_frame f = hello(bytes, a, b, 7);

	assert_int_equal(from->ops->tx(from, &f, 1), 1);
	f = wait_frame(to);
	assert_memory_equal(room + f.len - 5, "hello", 5);
	lull_link_destroy(from);
	lull_link_destroy(to);
}

static void two_devices_of_one_namespace_reach_each_other(void **state)
{
	forwards("10.9.3.2/24", "10.9.4.2/24");
	if (access("/proc/sys/net/ipv6/conf/all/force_forwarding", F_OK) == 0)
		forwards("fd09:3::2/64", "fd09:4::2/64");
	else
		print_message("# IPv6 needs Linux 6.17, or its own netns\n");
}

/* ---- addresses ---- */

static const char *kernel_gets(const char *const *own, const char *const *peer)
{
	struct lull_prefix addrs[4], peers[4];
	struct lull_tun_config config = {
		.size = sizeof config, .addrs = addrs, .peers = peers};
	struct lull_link *link;
	const char *all;

	for (; own[config.addrs_len]; config.addrs_len++)
		addrs[config.addrs_len] = prefix(own[config.addrs_len]);
	for (; peer[config.peers_len]; config.peers_len++)
		peers[config.peers_len] = prefix(peer[config.peers_len]);
	assert_int_equal(lull_tun_create(&link, &config), 0);
	all = addresses("lull0");
	for (int i = 0; i < config.addrs_len; i++) { /* all are routed to us */
		char text[LULL_ADDR_TEXT];
		struct udp u = udp_open(NULL);
		struct lull_frame f;

		if (*all) {
			udp_send(u, lull_addr_format(&addrs[i].addr, text));
			f = wait_frame(link);
			assert_memory_equal(room + f.len - 5, "hello", 5);
		}
		close(u.fd);
	}
	lull_link_destroy(link);
	return all;
}

#define LIST(...)                               \
	(const char *const[])                   \
	{                                       \
		__VA_ARGS__ __VA_OPT__(, ) NULL \
	}

static void the_kernel_gets_an_address_in_each_prefix(void **state)
{
	/* The first that is not the shard's. */
	assert_string_equal(kernel_gets(LIST("10.9.3.1/24", "10.9.3.2/24"),
					LIST()),
			    "10.9.3.3 ");
	assert_string_equal(kernel_gets(LIST("10.9.3.2/24", "10.9.4.1/24"),
					LIST()),
			    "10.9.3.1 10.9.4.2 ");
	assert_string_equal(kernel_gets(LIST("10.9.3.2/24"),
					LIST("10.9.3.254/24")),
			    "10.9.3.254 ");
	/* Fewer peers than prefixes. */
	assert_string_equal(kernel_gets(LIST("10.9.3.2/24", "fd09::2/64"),
					LIST("10.9.3.254/24")),
			    "10.9.3.254 fd09::1 ");
	/* A single address has room for nobody: a route. */
	assert_string_equal(kernel_gets(LIST("10.9.3.2/24", "10.8.8.8/32"),
					LIST()),
			    "10.9.3.1 ");
	assert_string_equal(kernel_gets(LIST("fd09::2/64", "fd08::8"), LIST()),
			    "fd09::1 ");
	/* The kernel's own without a prefix: a route to ours. */
	assert_string_equal(kernel_gets(LIST("10.9.3.2/24"), LIST("10.9.3.1")),
			    "10.9.3.1 ");
	/* Both hosts of a /30 are the shard's: not the broadcast address. */
	assert_string_equal(
		kernel_gets(LIST("10.9.3.1/30", "10.9.3.2/30"), LIST()), "");
}

/* ---- errors ---- */

static int try(const char *name, const char *addr, const char *peer)
{
	struct lull_prefix a = prefix(addr), b = prefix(peer);
	struct lull_tun_config config = {.size = sizeof config,
					 .name = name,
					 .addrs = &a,
					 .addrs_len = 1,
					 .peers = &b,
					 .peers_len = 1};
	struct lull_link *link;
	int e = lull_tun_create(&link, &config);

	if (e == 0)
		lull_link_destroy(link);
	return e;
}

static void what_is_taken_is_refused(void **state)
{
	struct lull_link *link = device("10.9.3.2/24");

	assert_int_equal(try("lull0", "10.9.4.2/24", "10.9.4.1/24"), -EBUSY);
	assert_int_equal(try("lo", "10.9.4.2/24", "10.9.4.1/24"), -EBUSY);
	/* The same prefix, and nothing would ever arrive. */
	assert_int_equal(try("lully", "10.9.3.9/24", "10.9.3.8/24"), -EEXIST);
	/* The kernel's address, though elsewhere. */
	assert_int_equal(try("lully", "10.9.4.2/24", "10.9.3.1/32"), -EEXIST);
	assert_int_equal(try("lully", "10.9.3.1/32", "10.9.4.1/24"), -EEXIST);
	assert_int_equal(if_nametoindex("lully"), 0);
	assert_string_equal(addresses("lull0"), "10.9.3.1 ");
	assert_int_equal(try("lully", "10.9.4.2/24", "10.9.4.1/24"), 0);
	lull_link_destroy(link);
}

static void what_makes_no_sense_is_refused(void **state)
{
	struct lull_prefix p = prefix("10.9.3.2/24");
	struct lull_tun_config config = {
		.size = sizeof config - 1, .addrs = &p, .addrs_len = 1};
	struct lull_link *link;

	assert_int_equal(lull_tun_create(&link, &config), -EINVAL);
	config.size = sizeof config;
	config.name = "sixteen-letters-";
	assert_int_equal(lull_tun_create(&link, &config), -EINVAL);
	config.name = "a/b";
	assert_int_equal(lull_tun_create(&link, &config), -EINVAL);
	config.name = "lullz";
	config.mtu = 20;
	assert_int_equal(lull_tun_create(&link, &config), -EINVAL);
	config.mtu = 0;
	p.bits = 95; /* of an IPv4 address */
	assert_int_equal(lull_tun_create(&link, &config), -EINVAL);
	p.bits = 129;
	assert_int_equal(lull_tun_create(&link, &config), -EINVAL);
	assert_int_equal(if_nametoindex("lullz"), 0);
}

/* In a child, as this user, or as root without capabilities. */
static int create_without_rights(uid_t uid)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (uid ? setresuid(uid, uid, uid) < 0
			: syscall(SYS_capset, &header, none) < 0)
			_exit(99);
		_exit(-try("lullz", "10.9.3.2/24", "10.9.3.1/24"));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void without_rights_there_is_no_device(void **state)
{
	struct stat st;
	bool open_to_all =
		stat("/dev/net/tun", &st) == 0 && (st.st_mode & 06) == 06;

	assert_int_equal(create_without_rights(0), -EPERM);
	assert_int_equal(create_without_rights(65534),
			 open_to_all ? -EPERM : -EACCES);
	assert_int_equal(if_nametoindex("lullz"), 0);
}

/* ---- a device that is down, or gone ---- */

static void frames_for_a_device_that_is_down_are_lost(void **state)
{
	struct lull_link *link = device("10.9.3.2/24");
	uint8_t bytes[128], junk[8] = {0};
	struct lull_frame f[2] = {
		hello(bytes, "10.9.3.2", "10.9.3.1", 7),
		{.len = sizeof junk, .spans = 1, .span = {{junk, sizeof junk}}},
	};

	set_down("lull0");
	assert_int_equal(link->ops->tx(link, f, 1), 1);
	assert_int_equal(link->ops->rx(link, f, 1), 0);
	lull_link_destroy(link);

	/* Also one that the kernel doesn't like, between two others. */
	link = device("10.9.3.2/24");
	assert_int_equal(link->ops->tx(link, f, 2), 2);
	f[0] = f[1];
	assert_int_equal(link->ops->tx(link, f, 2), 2);
	lull_link_destroy(link);
}

static void a_deleted_device_is_a_dead_link(void **state)
{
	struct lull_link *link = device("10.9.3.2/24");
	uint8_t bytes[128];
	struct lull_frame f = hello(bytes, "10.9.3.2", "10.9.3.1", 7);

	delete_device("lull0");
	assert_int_equal(link->ops->tx(link, &f, 1), -EBADFD);
	assert_int_equal(link->ops->rx(link, &f, 1), -EBADFD);
	lull_link_destroy(link);
}

/* ---- in another namespace ---- */

static void enter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(setns(fd, CLONE_NEWNET), 0);
	close(fd);
}

static void a_device_lives_in_its_namespace(void **state)
{
	struct lull_prefix p = prefix("10.9.3.2/24");
	struct lull_tun_config config = {
		.size = sizeof config, .addrs = &p, .addrs_len = 1};
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	ino_t before = which_net();
	struct lull_frame f;
	struct lull_link *link, *other;
	struct udp u;

	assert_int_equal(lull_netns_open(&config.netns, "lull-t"), 0);
	assert_int_equal(lull_tun_create(&link, &config), 0);
	assert_int_equal(which_net(), before);
	assert_int_equal(if_nametoindex("lull0"), 0);

	enter("/run/netns/lull-t");
	assert_string_equal(addresses("lull0"), "10.9.3.1 ");
	u = udp_open("10.9.3.1");
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	/* From here, through there, and back. */
	udp_send(u, "10.9.3.2");
	f = wait_frame(link);
	assert_memory_equal(room + f.len - 5, "hello", 5);

	/* An error there is an error here, and we are at home again. */
	config.name = "lull0";
	assert_int_equal(lull_tun_create(&other, &config), -EBUSY);
	assert_int_equal(which_net(), before);
	config.name = NULL;
	assert_int_equal(lull_tun_create(&other, &config), -EEXIST);
	assert_int_equal(which_net(), before);

	close(u.fd);
	lull_link_destroy(link);
	lull_netns_close(config.netns);
	close(home);
	assert_int_equal(access("/run/netns/lull-t", F_OK), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_is_as_it_was_asked_for),
		cmocka_unit_test(a_kept_device_is_used_again),
		cmocka_unit_test(devices_are_numbered),
		cmocka_unit_test(ipv4_goes_there_and_back),
		cmocka_unit_test(ipv6_goes_there_and_back),
		cmocka_unit_test(two_devices_of_one_namespace_reach_each_other),
		cmocka_unit_test(the_kernel_gets_an_address_in_each_prefix),
		cmocka_unit_test(what_is_taken_is_refused),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(without_rights_there_is_no_device),
		cmocka_unit_test(frames_for_a_device_that_is_down_are_lost),
		cmocka_unit_test(a_deleted_device_is_a_dead_link),
		cmocka_unit_test(a_device_lives_in_its_namespace),
	};

	SKIP_UNLESS_OWN_WORLD();
	return RUN("host/tun", tests);
}
