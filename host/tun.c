/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tun.c: a TUN or TAP device as a link: one readv(2) or writev(2) a frame. The
 * device's other end is the kernel: it has addresses in the same prefixes,
 * and forwards between this device and others.
 *
 * With offload a struct virtio_net_hdr stands before each frame, which may then
 * be of many segments, its checksum not finished. Each part is asked for, and
 * done without where the kernel refuses it.
 *
 * Each call moves one frame. io_uring would move 32, and was measured
 * (bench/batch.c): 8 % less for a read, nothing for a write. A call is a tenth
 * of what a frame costs in the kernel; fewer and larger frames help, that does
 * not.
 *
 * The device is made inside the wanted namespace; its descriptor works
 * from any. Never blocks. Never waits for a device that is down: what is sent
 * to it is lost, as on a cable.
 *
 * Entry points: lull_tun_create, lull_link_destroy.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>
#include <net/if.h>

#include "netns.h"
#include "rtnl.h"

enum {
	QUEUE_LEN = 10000, /* packets that wait for us in the kernel */
	MTU = 1500,
	NAPS = 3000,	 /* of a millisecond, until the kernel has a carrier */
	SMALL = 512,	 /* bytes of a frame that goes in one piece */
	LARGEST = 65535, /* bytes of an IP packet */
	BITS = 128,
	BITS_MAPPED = 96,
};

_Static_assert(sizeof(struct lull_span) == sizeof(struct iovec) &&
		       offsetof(struct lull_span, ptr) ==
			       offsetof(struct iovec, iov_base) &&
		       offsetof(struct lull_span, len) ==
			       offsetof(struct iovec, iov_len),
	       "a span is an iovec");

struct tun {
	struct lull_link link;
	int fd;
	bool vnet;    /* a header stands before each frame */
	uint32_t cap; /* bits of enum lull_link_cap */
	char name[IFNAMSIZ];
	unsigned ifindex;
	bool tap; /* frames are Ethernet's */
};

/* ---- frames ---- */

/* The header, if there is one, then the spans. Returns how many in all. */
static int gather(const struct tun *t, struct virtio_net_hdr *hdr,
		  const struct lull_frame *f, struct iovec *iov)
{
	int n = 0;

	if (t->vnet)
		iov[n++] = (struct iovec){hdr, sizeof *hdr};
	memcpy(iov + n, f->span, f->spans * sizeof f->span[0]);
	return n + f->spans;
}

/* What the kernel says of a frame that it sends. */
static void take_header(const struct virtio_net_hdr *hdr, struct lull_frame *f)
{
	if (hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		f->flags = LULL_FRAME_CSUM_PARTIAL;
		f->csum_start = hdr->csum_start;
		f->csum_offset = hdr->csum_offset;
	} else if (hdr->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
		f->flags = LULL_FRAME_CSUM_OK;
	}
	if (hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		f->gso_size = hdr->gso_size;
		f->hdr_len = hdr->hdr_len;
	}
}

/* What we say of one that we send. */
static void make_header(const struct tun *t, struct virtio_net_hdr *hdr,
			const struct lull_frame *f)
{
	const uint8_t *p = f->span[0].ptr;
	/* The type of Ethernet, or the version of IP. */
	bool ip4 = t->tap ? p[12] == 8 && p[13] == 0 : p[0] >> 4 == 4;

	*hdr = (struct virtio_net_hdr){0};
	if (f->flags & LULL_FRAME_CSUM_PARTIAL) {
		hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		hdr->csum_start = f->csum_start;
		hdr->csum_offset = f->csum_offset;
	}
	if (f->gso_size) {
		hdr->gso_type = ip4 ? VIRTIO_NET_HDR_GSO_TCPV4
				    : VIRTIO_NET_HDR_GSO_TCPV6;
		if (f->flags & LULL_FRAME_CWR)
			hdr->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
		hdr->gso_size = f->gso_size;
		hdr->hdr_len = f->hdr_len;
	}
}

/* Bytes, or -errno; -EAGAIN: nothing is there. */
static ssize_t read_frame(const struct tun *t, struct lull_frame *f)
{
	struct iovec iov[LULL_FRAME_SPANS + 1];
	struct virtio_net_hdr hdr = {0};
	int spans = gather(t, &hdr, f, iov);
	ssize_t n;

	do
		n = readv(t->fd, iov, spans);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	f->flags = 0;
	f->gso_size = 0;
	if (!t->vnet)
		return n;
	take_header(&hdr, f);
	return n - (ssize_t)sizeof hdr;
}

/* In one piece: pieces cost the kernel more than so few bytes do. */
static size_t flatten(const struct iovec *iov, int n, uint8_t *out)
{
	uint8_t *at = out;

	for (int i = 0; i < n; i++) {
		memcpy(at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	return (size_t)(at - out);
}

static ssize_t write_frame(const struct tun *t, const struct lull_frame *f)
{
	uint8_t flat[SMALL + sizeof(struct virtio_net_hdr)];
	struct iovec iov[LULL_FRAME_SPANS + 1];
	struct virtio_net_hdr hdr;
	ssize_t n;
	int spans;

	if (t->vnet)
		make_header(t, &hdr, f);
	spans = gather(t, &hdr, f, iov);
	if (f->len <= SMALL) {
		iov[0] = (struct iovec){flat, flatten(iov, spans, flat)};
		spans = 1;
	}
	do
		n = spans == 1 ? write(t->fd, iov->iov_base, iov->iov_len)
			       : writev(t->fd, iov, spans);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Room for 64 KB that a frame did not need goes to the next one. false: that
 * one has none. */
static bool pass_on(const struct tun *t, struct lull_frame *from,
		    struct lull_frame *to)
{
	if (!(t->cap & LULL_LINK_RX_GSO) || to->more)
		return true;
	if (from->spans < 2 || from->len > from->span[0].len)
		return to->span[0].len >= LARGEST;
	to->more = from->more;
	to->span[1] = from->span[1];
	to->spans = 2;
	from->more = 0;
	from->spans = 1;
	return true;
}

static int tun_rx(struct lull_link *link, struct lull_frame *frames, int n)
{
	const struct tun *t = (const struct tun *)(const void *)link;
	int i;

	for (i = 0; i < n; i++) {
		ssize_t len;

		if (i > 0 && !pass_on(t, &frames[i - 1], &frames[i]))
			break;
		len = read_frame(t, &frames[i]);
		if (len <= 0) {
			if (len < 0 && len != -EAGAIN && i == 0)
				return (int)len;
			break;
		}
		frames[i].len = (uint32_t)len;
	}
	return i;
}

static int tun_tx(struct lull_link *link, const struct lull_frame *frames,
		  int n)
{
	const struct tun *t = (const struct tun *)(const void *)link;

	for (int i = 0; i < n; i++) {
		ssize_t e = write_frame(t, &frames[i]);

		if (e == -EAGAIN || e == -ENOBUFS || e == -ENOMEM)
			return i;
		if (e == -EBADFD) /* the device was deleted */
			return i ? i : (int)e;
		/* -EIO: it is down; -EINVAL: it doesn't like this one. */
	}
	return n;
}

static uint32_t tun_cap(struct lull_link *link)
{
	return ((const struct tun *)(const void *)link)->cap;
}

static int tun_fd(struct lull_link *link)
{
	return ((const struct tun *)(const void *)link)->fd;
}

static void tun_close(struct lull_link *link)
{
	struct tun *t = (struct tun *)(void *)link;

	if (t->fd >= 0) {
		/* Who uses a kept one next may not know of the header. */
		(void)ioctl(t->fd, TUNSETOFFLOAD, 0);
		close(t->fd);
	}
	free(t);
}

/* ---- creation ---- */

/*
 * Of the device we ask for what it brings to us: frames of many segments, with
 * checksums that are not finished. It takes the same, once it has the header.
 * Said in any case: a device that was kept may have been used in another way.
 */
static uint32_t set_offload(const struct tun *t, bool wanted)
{
	static const unsigned ask[] = {
		TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
		TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6,
	};
	const uint32_t all =
		LULL_LINK_TX_CSUM | LULL_LINK_TX_GSO | LULL_LINK_RX_GSO;

	if (wanted) {
		for (size_t i = 0; i < sizeof ask / sizeof ask[0]; i++)
			if (ioctl(t->fd, TUNSETOFFLOAD, ask[i]) == 0)
				return all;
	}
	(void)ioctl(t->fd, TUNSETOFFLOAD, 0);
	return wanted ? LULL_LINK_TX_CSUM | LULL_LINK_TX_GSO : 0;
}

static bool has_vnet(int fd)
{
	unsigned features;

	return ioctl(fd, TUNGETFEATURES, &features) == 0 &&
	       features & IFF_VNET_HDR;
}

static int attach(struct tun *t, const char *name, int flags)
{
	struct ifreq req = {.ifr_flags = (short)flags};
	size_t len = strlen(name);
	int hdr_len = sizeof(struct virtio_net_hdr);

	if (len >= sizeof req.ifr_name)
		return -EINVAL;
	memcpy(req.ifr_name, name, len + 1);
	if (ioctl(t->fd, TUNSETIFF, &req) < 0)
		return -errno;
	memcpy(t->name, req.ifr_name, sizeof t->name);
	t->vnet = flags & IFF_VNET_HDR;
	/* Another program may have left it longer. */
	if (t->vnet && ioctl(t->fd, TUNSETVNETHDRSZ, &hdr_len) < 0)
		return -errno;
	return 0;
}

static int open_device(struct tun *t, const struct lull_tun_config *config)
{
	/* -EBUSY, and not a share of somebody's device. One that is kept and
	 * that somebody has gives -EBUSY without the flag, too. */
	int flags = (t->tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI |
		    (config->keep ? 0 : IFF_TUN_EXCL);
	const char *name = config->name ? config->name : "lull%d";
	bool vnet;
	int e;

	t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (t->fd < 0)
		return -errno;
	vnet = !config->no_offload && has_vnet(t->fd);
	e = attach(t, name, flags | (vnet ? IFF_VNET_HDR : 0));
	if (e == -EINVAL && vnet)
		e = attach(t, name, flags);
	if (e == 0)
		t->cap = set_offload(t, t->vnet);
	return e;
}

/* IPv6 has no netlink for this. */
static int set_ipv6(const char *dev, const char *knob, char value)
{
	char path[96];
	int fd, e = 0;

	snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/%s", dev, knob);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, &value, 1) != 1)
		e = -errno;
	close(fd);
	return e;
}

/* Where /proc/sys is not ours to write, all works but forwarding. */
static void prepare_ipv6(const struct tun *t, const struct lull_netns *ns)
{
	(void)set_ipv6(t->name, "disable_ipv6", '0');
	(void)set_ipv6(t->name, "forwarding", '1');
	/* Before Linux 6.17 all devices forward or none: only where we rule. */
	if (set_ipv6(t->name, "force_forwarding", '1') < 0 && ns &&
	    lull_netns_is_made(ns))
		(void)set_ipv6("all", "forwarding", '1');
}

/* ---- addresses ---- */

static bool is_prefix(const struct lull_prefix *p)
{
	return p->bits <= BITS &&
	       (!lull_addr_is_ipv4(&p->addr) || p->bits >= BITS_MAPPED);
}

static bool has_addr(const struct lull_prefix *list, int n,
		     const struct lull_addr *addr)
{
	for (int i = 0; i < n; i++)
		if (memcmp(&list[i].addr, addr, sizeof *addr) == 0)
			return true;
	return false;
}

static bool has_net(const struct lull_prefix *list, int n,
		    const struct lull_prefix *net)
{
	for (int i = 0; i < n; i++)
		if (lull_rtnl_same_net(&list[i], net))
			return true;
	return false;
}

static struct lull_prefix next_of(struct lull_prefix p)
{
	for (int i = 15; i >= 0 && ++p.addr.b[i] == 0; i--)
		;
	return p;
}

/* The last address of an IPv4 prefix of more than two. */
static bool is_broadcast(const struct lull_prefix *p)
{
	struct lull_prefix after = next_of(*p);

	return lull_addr_is_ipv4(&p->addr) && p->bits < BITS - 1 &&
	       !lull_rtnl_same_net(&after, p);
}

/* The kernel's address in a prefix of the shard's; false: there is no room. */
static bool choose_peer(const struct lull_tun_config *config,
			const struct lull_prefix *own, struct lull_prefix *peer)
{
	struct lull_prefix p = lull_prefix_peer(own);

	for (int i = 0; i <= config->addrs_len; i++, p = next_of(p)) {
		if (!lull_rtnl_same_net(&p, own) || is_broadcast(&p))
			return false;
		if (!has_addr(config->addrs, config->addrs_len, &p.addr)) {
			*peer = p;
			return true;
		}
	}
	return false;
}

/*
 * Two devices with the same prefix: one of them would never see a packet. The
 * kernel does not mind, so we do.
 */
static int check_free(struct lull_rtnl *r, const struct tun *t,
		      const struct lull_prefix *list, int n)
{
	int taken = 0;

	for (int i = 0; i < n && taken == 0; i++)
		taken = lull_rtnl_is_taken(r, t->ifindex, &list[i]);
	return taken > 0 ? -EEXIST : taken;
}

/* On a device that was kept it may be there. */
static int add_addr(struct lull_rtnl *r, const struct tun *t, bool keep,
		    const struct lull_prefix *addr)
{
	int e = lull_rtnl_addr_add(r, t->ifindex, addr);

	return e == -EEXIST && keep ? 0 : e;
}

/* One of the shard's prefixes: an address for the kernel in it, or a route. */
static int add_prefix(struct lull_rtnl *r, const struct tun *t,
		      const struct lull_tun_config *config, int i)
{
	const struct lull_prefix *own = &config->addrs[i];
	struct lull_prefix peer;
	int e;

	/* By an address, or by one of the prefixes before: it is routed. */
	if (has_net(config->peers, config->peers_len, own) ||
	    has_net(config->addrs, i, own))
		return 0;
	if (i >= config->peers_len && choose_peer(config, own, &peer))
		return add_addr(r, t, config->keep, &peer);
	e = lull_rtnl_route_add(r, t->ifindex, own);
	return e == -EEXIST && config->keep ? 0 : e;
}

static int add_all(struct lull_rtnl *r, const struct tun *t,
		   const struct lull_tun_config *config)
{
	int e = check_free(r, t, config->peers, config->peers_len);

	if (e == 0)
		e = check_free(r, t, config->addrs, config->addrs_len);
	for (int i = 0; i < config->peers_len && e == 0; i++)
		e = add_addr(r, t, config->keep, &config->peers[i]);
	for (int i = 0; i < config->addrs_len && e == 0; i++)
		e = add_prefix(r, t, config, i);
	return e;
}

static bool any_ipv6(const struct lull_tun_config *config)
{
	for (int i = 0; i < config->addrs_len; i++)
		if (!lull_addr_is_ipv4(&config->addrs[i].addr))
			return true;
	return false;
}

/*
 * A device that was left has no carrier, and what is sent to it is lost until a
 * worker of the kernel has seen that it has one again. To ask for the link has
 * that done at once, from Linux 6.8 on; before, it is soon.
 */
static int wait_for_carrier(const struct tun *t)
{
	const struct timespec nap = {.tv_nsec = 1000000};
	struct ethtool_value link = {.cmd = ETHTOOL_GLINK};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int e = -ETIMEDOUT;

	if (fd < 0)
		return -errno;
	for (int i = 0; i < NAPS && e == -ETIMEDOUT; i++) {
		struct ifreq req = {.ifr_data = (void *)&link};

		memcpy(req.ifr_name, t->name, sizeof t->name);
		(void)ioctl(fd, SIOCETHTOOL, &req);
		if (ioctl(fd, SIOCGIFFLAGS, &req) < 0)
			e = -errno;
		else if (req.ifr_flags & IFF_RUNNING)
			e = 0;
		else
			nanosleep(&nap, NULL);
	}
	close(fd);
	return e;
}

static int configure(struct tun *t, const struct lull_tun_config *config)
{
	struct lull_rtnl r;
	int e = lull_rtnl_open(&r);

	if (e < 0)
		return e;
	t->ifindex = if_nametoindex(t->name);
	if (!t->ifindex)
		e = -errno;
	if (e == 0)
		e = lull_rtnl_quiet(&r, t->ifindex);
	if (e == 0 && any_ipv6(config))
		prepare_ipv6(t, config->netns);
	if (e == 0)
		e = lull_rtnl_up(&r, t->ifindex,
				 config->mtu ? config->mtu : MTU, QUEUE_LEN);
	if (e == 0)
		e = add_all(&r, t, config);
	if (e == 0 && config->keep)
		e = wait_for_carrier(t);
	/* Last: one that was of no use goes with us. */
	if (e == 0 && config->keep && ioctl(t->fd, TUNSETPERSIST, 1) < 0)
		e = -errno;
	lull_rtnl_close(&r);
	return e;
}

static bool config_holds(const struct lull_tun_config *config)
{
	if (config->size != sizeof *config || (config->keep && !config->name))
		return false;
	for (int i = 0; i < config->addrs_len; i++)
		if (!is_prefix(&config->addrs[i]))
			return false;
	for (int i = 0; i < config->peers_len; i++)
		if (!is_prefix(&config->peers[i]))
			return false;
	return true;
}

int lull_tun_create(struct lull_link **link,
		    const struct lull_tun_config *config)
{
	static const struct lull_link_ops ops = {tun_rx, tun_tx, tun_fd,
						 tun_close, tun_cap};
	struct tun *t;
	int back, e, gone;

	if (!config_holds(config))
		return -EINVAL;
	t = calloc(1, sizeof *t);
	if (!t)
		return -ENOMEM;
	t->link.ops = &ops;
	t->fd = -1;
	t->tap = config->link_type == LULL_LINK_ETHER;
	e = lull_netns_enter(config->netns, &back);
	if (e < 0)
		goto fail;
	e = open_device(t, config);
	if (e == 0)
		e = configure(t, config);
	gone = lull_netns_leave(back);
	if (e == 0)
		e = gone;
	if (e < 0)
		goto fail;
	*link = &t->link;
	return 0;
fail:
	tun_close(&t->link);
	return e;
}

void lull_link_destroy(struct lull_link *link)
{
	if (link)
		link->ops->close(link);
}
