/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcapng.c: what passes, written down for Wireshark.
 *
 * A Section Header, an Interface Description, then an Enhanced Packet Block for
 * each packet (draft-ietf-opsawg-pcapng 4.1 to 4.3), in this machine's byte
 * order. Packets begin with their IP header (LINKTYPE_RAW) or Ethernet's; times
 * are in nanoseconds; a flag tells inbound from outbound.
 *
 * Buffered. Never stops the packets: after the first error nothing more is
 * written, and lull_pcap_destroy() returns it. A wrapped link writes all
 * out before it returns, so that a reader at the other end of a pipe sees it.
 *
 * Entry points: lull_pcap_create, _destroy, _write, _wrap.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <lull/host.h>

enum {
	BUFFER = 1 << 16,
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	MAGIC = 0x1a2b3c4d,
	LINKTYPE_ETHERNET = 1,
	LINKTYPE_RAW = 101,
	OPT_END = 0,
	OPT_TSRESOL = 9,
	OPT_FLAGS = 2,
	TSRESOL_NS = 9,
	INBOUND = 1,
	OUTBOUND = 2,
};

struct lull_pcap {
	int fd;
	bool owns_fd;
	int error; /* the first -errno */
	size_t len;
	uint8_t buf[BUFFER];
};

struct wrapper {
	struct lull_link link;
	struct lull_link *inner;
	struct lull_pcap *pcap;
};

struct section {
	uint32_t type, len, magic;
	uint16_t major, minor;
	int64_t section_len; /* -1: to the end */
	uint32_t len_again;
} __attribute__((packed));

struct interface {
	uint32_t type, len;
	uint16_t linktype, reserved;
	uint32_t snaplen; /* 0: no limit */
	uint16_t tsresol, tsresol_len;
	uint8_t resolution, pad[3];
	uint16_t end, end_len;
	uint32_t len_again;
} __attribute__((packed));

struct packet_head {
	uint32_t type, len, interface, time_high, time_low, captured, original;
};

struct packet_tail {
	uint16_t flags, flags_len;
	uint32_t direction;
	uint16_t end, end_len;
	uint32_t len;
};

/* ---- bytes ---- */

static void flush(struct lull_pcap *p)
{
	size_t done = 0;

	while (!p->error && done < p->len) {
		ssize_t n = write(p->fd, p->buf + done, p->len - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			p->error = -errno;
	}
	p->len = 0;
}

static void put(struct lull_pcap *p, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;

	while (len > 0) {
		size_t room = BUFFER - p->len;
		size_t n = len < room ? len : room;

		memcpy(p->buf + p->len, from, n);
		p->len += n;
		from += n;
		len -= n;
		if (p->len == BUFFER)
			flush(p);
	}
}

static void put_heads(struct lull_pcap *p, enum lull_link_type link_type)
{
	const struct section section = {
		.type = BLOCK_SECTION,
		.len = sizeof section,
		.magic = MAGIC,
		.major = 1,
		.section_len = -1,
		.len_again = sizeof section,
	};
	const struct interface interface = {
		.type = BLOCK_INTERFACE,
		.len = sizeof interface,
		.linktype = link_type == LULL_LINK_ETHER ? LINKTYPE_ETHERNET
							 : LINKTYPE_RAW,
		.tsresol = OPT_TSRESOL,
		.tsresol_len = 1,
		.resolution = TSRESOL_NS,
		.end = OPT_END,
		.len_again = sizeof interface,
	};

	put(p, &section, sizeof section);
	put(p, &interface, sizeof interface);
}

/* ---- packets ---- */

void lull_pcap_write(struct lull_pcap *pcap, uint64_t clock_ns, bool inbound,
		     const struct lull_frame *frame)
{
	static const uint8_t zero[4];
	uint32_t pad = -frame->len & 3, left = frame->len;
	const struct packet_head head = {
		.type = BLOCK_PACKET,
		.len = (uint32_t)(sizeof head + sizeof(struct packet_tail)) +
		       frame->len + pad,
		.time_high = (uint32_t)(clock_ns >> 32),
		.time_low = (uint32_t)clock_ns,
		.captured = frame->len,
		.original = frame->len,
	};
	const struct packet_tail tail = {
		.flags = OPT_FLAGS,
		.flags_len = 4,
		.direction = inbound ? INBOUND : OUTBOUND,
		.end = OPT_END,
		.len = head.len,
	};

	put(pcap, &head, sizeof head);
	/* The span of a frame that came in is as long as its buffer. */
	for (int i = 0; i < frame->spans && left > 0; i++) {
		size_t n = frame->span[i].len;

		if (n > left)
			n = left;
		put(pcap, frame->span[i].ptr, n);
		left -= (uint32_t)n;
	}
	put(pcap, zero, pad);
	put(pcap, &tail, sizeof tail);
}

int lull_pcap_create(struct lull_pcap **pcap, const char *path,
		     enum lull_link_type link_type)
{
	struct lull_pcap *p = malloc(sizeof *p);

	if (!p)
		return -ENOMEM;
	p->error = 0;
	p->len = 0;
	p->fd = STDOUT_FILENO;
	p->owns_fd = strcmp(path, "-") != 0;
	if (p->owns_fd)
		p->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			     0600);
	if (p->fd < 0) {
		int e = -errno;

		free(p);
		return e;
	}
	put_heads(p, link_type);
	*pcap = p;
	return 0;
}

int lull_pcap_destroy(struct lull_pcap *pcap)
{
	int error;

	if (!pcap)
		return 0;
	flush(pcap);
	/* Some file systems tell only now that there was no room. */
	if (pcap->owns_fd && close(pcap->fd) < 0 && !pcap->error)
		pcap->error = -errno;
	error = pcap->error;
	free(pcap);
	return error;
}

/* ---- a link that writes down what passes ---- */

static struct wrapper *wrapper_of(struct lull_link *link)
{
	return (struct wrapper *)(void *)link;
}

static void note(struct wrapper *w, bool inbound,
		 const struct lull_frame *frames, int n)
{
	struct timespec now;
	uint64_t ns;

	if (n <= 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	ns = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
	for (int i = 0; i < n; i++)
		lull_pcap_write(w->pcap, ns, inbound, &frames[i]);
	flush(w->pcap);
}

static int wrapped_rx(struct lull_link *link, struct lull_frame *frames, int n)
{
	struct wrapper *w = wrapper_of(link);
	int got = w->inner->ops->rx(w->inner, frames, n);

	note(w, true, frames, got);
	return got;
}

static int wrapped_tx(struct lull_link *link, const struct lull_frame *frames,
		      int n)
{
	struct wrapper *w = wrapper_of(link);
	int took = w->inner->ops->tx(w->inner, frames, n);

	note(w, false, frames, took);
	return took;
}

static int wrapped_fd(struct lull_link *link)
{
	struct wrapper *w = wrapper_of(link);

	return w->inner->ops->fd(w->inner);
}

static void wrapped_close(struct lull_link *link)
{
	free(wrapper_of(link));
}

static uint32_t wrapped_cap(struct lull_link *link)
{
	const struct wrapper *w = wrapper_of(link);

	return w->inner->ops->cap ? w->inner->ops->cap(w->inner) : 0;
}

int lull_pcap_wrap(struct lull_pcap *pcap, struct lull_link *link,
		   struct lull_link **wrapped)
{
	static const struct lull_link_ops ops = {
		wrapped_rx, wrapped_tx, wrapped_fd, wrapped_close, wrapped_cap};
	struct wrapper *w = malloc(sizeof *w);

	if (!w)
		return -ENOMEM;
	w->link.ops = &ops;
	w->inner = link;
	w->pcap = pcap;
	*wrapped = &w->link;
	return 0;
}
