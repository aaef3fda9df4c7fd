/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * null.c: no stack at all behind a TUN device: what read(2), write(2) and the
 * client's side of the device leave to any stack, and so an upper bound.
 *
 * It answers segments by what stands in them, keeps no connection but the one
 * that it streams to, and of what was lost only the end of a stream: a client
 * in the same machine does not ask for more. SYN, FIN, GET / as `lull serve`
 * answers it, GET /bulk: zeros, as the window lets it.
 *
 * usage: null [-o] DEVICE CIDR; -o: checksums are left to the kernel, as with
 * the offload of lull. CIDR is the kernel's side. Ends by a signal. Root.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	ISS = 1000,
	MSS = 1460,
	HEADS = 40,
	ROOM = 65536,
	BATCH = 64, /* frames that are read before the first is answered */
	RUN = 16,   /* frames of a stream between two reads */
	SILENT_MS = 200,
};

static const char page[] = "HTTP/1.1 200 OK\r\n"
			   "Server: null\r\n"
			   "Date: Sun, 22 Nov 2026 07:56:43 GMT\r\n"
			   "Last-Modified: Sun, 22 Nov 2026 07:54:29 GMT\r\n"
			   "Content-Type: text/html; charset=utf-8\r\n"
			   "Content-Length: 3\r\n"
			   "Connection: keep-alive\r\n\r\nok\n";

struct frame {
	struct virtio_net_hdr vnet;
	struct iphdr ip;
	struct tcphdr tcp;
	uint8_t text[ROOM];
} __attribute__((packed));

static int tun;
static bool offload;
static struct frame batch[BATCH], out;
static ssize_t got[BATCH];
/* The connection that is streamed to. */
static struct {
	bool on;
	uint8_t shift;
	uint16_t port;
	uint32_t una, nxt, wnd;
	struct frame head; /* an answer to it */
} bulk;

static void die(const char *what)
{
	perror(what);
	exit(3);
}

static void shell(const char *format, const char *a, const char *b)
{
	char line[200];

	snprintf(line, sizeof line, format, a, b);
	if (system(line) != 0)
		exit(3);
}

static void open_device(const char *name, const char *cidr)
{
	struct ifreq req = {.ifr_flags = IFF_TUN | IFF_NO_PI};

	tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	if (tun < 0)
		die("/dev/net/tun");
	if (offload)
		req.ifr_flags |= IFF_VNET_HDR;
	snprintf(req.ifr_name, sizeof req.ifr_name, "%s", name);
	if (ioctl(tun, TUNSETIFF, &req) < 0 ||
	    ioctl(tun, TUNSETOFFLOAD, offload ? TUN_F_CSUM | TUN_F_TSO4 : 0) <
		    0)
		die(name);
	shell("ip addr add %s dev %s", cidr, name);
	shell("ip link set %s up txqueuelen 10000%s", name, "");
}

static uint32_t sum(const void *p, size_t len, uint32_t s)
{
	const uint8_t *at = p;

	for (size_t i = 0; i + 1 < len; i += 2)
		s += (uint32_t)at[i] << 8 | at[i + 1];
	if (len & 1)
		s += (uint32_t)at[len - 1] << 8;
	return s;
}

static uint16_t fold(uint32_t s)
{
	s = (s & 0xffff) + (s >> 16);
	return htons((uint16_t)((s & 0xffff) + (s >> 16)));
}

/* `zeros`: the text adds nothing to the sum. */
static void put(struct frame *f, size_t len, bool zeros)
{
	size_t hdr = f->tcp.doff * 4U, skip = offload ? 0 : sizeof f->vnet;
	size_t all = sizeof f->ip + hdr + len;
	uint32_t pseudo;

	f->ip.tot_len = htons((uint16_t)all);
	f->ip.check = 0;
	f->ip.check = (uint16_t)~fold(sum(&f->ip, sizeof f->ip, 0));
	f->tcp.check = 0;
	pseudo = sum(&f->ip.saddr, 8, IPPROTO_TCP + (uint32_t)(hdr + len));
	if (offload) {
		f->vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		f->vnet.csum_start = sizeof f->ip;
		f->vnet.csum_offset = offsetof(struct tcphdr, check);
		f->tcp.check = fold(pseudo);
	} else {
		f->tcp.check = (uint16_t)~fold(
			sum(&f->tcp, zeros ? hdr : hdr + len, pseudo));
	}
	if (write(tun, (uint8_t *)f + skip, sizeof f->vnet - skip + all) < 0)
		die("write");
}

/* The heads of an answer to `in`, of which `seen` numbers are acknowledged. */
static void answer_to(struct frame *f, const struct frame *in, uint32_t seen)
{
	memset(f, 0, sizeof f->vnet + HEADS);
	f->ip.version = 4;
	f->ip.ihl = 5;
	f->ip.frag_off = htons(IP_DF);
	f->ip.ttl = 64;
	f->ip.protocol = IPPROTO_TCP;
	f->ip.saddr = in->ip.daddr;
	f->ip.daddr = in->ip.saddr;
	f->tcp.source = in->tcp.dest;
	f->tcp.dest = in->tcp.source;
	f->tcp.seq = in->tcp.ack_seq;
	f->tcp.ack_seq = htonl(ntohl(in->tcp.seq) + seen);
	f->tcp.doff = 5;
	f->tcp.ack = 1;
	f->tcp.window = htons(65535);
}

/* The client's window scale: of the last SYN. */
static uint8_t shift_of(const uint8_t *p, const uint8_t *end)
{
	while (p < end && *p != TCPOPT_EOL) {
		if (*p == TCPOPT_NOP) {
			p++;
			continue;
		}
		if (end - p < 2 || p[1] < 2)
			break;
		if (*p == TCPOPT_WINDOW && end - p >= 3)
			return p[2];
		p += p[1];
	}
	return 0;
}

static void take_syn(const struct frame *in)
{
	static const uint8_t options[] = {
		TCPOPT_MAXSEG, 4, MSS >> 8, MSS & 0xff, TCPOPT_NOP,
		TCPOPT_WINDOW, 3, 7,
	};

	answer_to(&out, in, 1);
	out.tcp.syn = 1;
	out.tcp.seq = htonl(ISS);
	out.tcp.doff = 5 + sizeof options / 4;
	memcpy(out.text, options, sizeof options);
	bulk.shift = shift_of((const uint8_t *)&in->tcp + sizeof in->tcp,
			      (const uint8_t *)&in->tcp + in->tcp.doff * 4U);
	put(&out, 0, false);
}

static void take_request(const struct frame *in, const uint8_t *text,
			 uint32_t len)
{
	static const char wanted[] = "GET /bulk",
			  hello[] = "HTTP/1.1 200 OK\r\n\r\n";

	if (len > sizeof wanted &&
	    memcmp(text, wanted, sizeof wanted - 1) == 0) {
		answer_to(&out, in, len);
		memcpy(out.text, hello, sizeof hello - 1);
		put(&out, sizeof hello - 1, false);
		bulk.on = true;
		bulk.port = in->tcp.source;
		answer_to(&bulk.head, in, len);
		memset(bulk.head.text, 0, MSS);
		bulk.una = ntohl(in->tcp.ack_seq);
		bulk.nxt = bulk.una + (uint32_t)sizeof hello - 1;
		bulk.wnd = 0; /* the next ACK tells */
		return;
	}
	answer_to(&out, in, len);
	out.tcp.psh = 1;
	memcpy(out.text, page, sizeof page - 1);
	put(&out, sizeof page - 1, false);
}

static void take(const struct frame *in, ssize_t bytes)
{
	uint32_t hdr = in->tcp.doff * 4U, len;

	if (bytes < HEADS || in->ip.version != 4 ||
	    in->ip.protocol != IPPROTO_TCP)
		return;
	len = ntohs(in->ip.tot_len) - (uint32_t)sizeof in->ip - hdr;
	if (bulk.on && in->tcp.source == bulk.port) {
		bulk.una = ntohl(in->tcp.ack_seq);
		bulk.wnd = (uint32_t)ntohs(in->tcp.window) << bulk.shift;
		bulk.on = !in->tcp.fin && !in->tcp.rst;
	}
	if (in->tcp.rst)
		return;
	if (in->tcp.syn) {
		take_syn(in);
	} else if (in->tcp.fin) {
		answer_to(&out, in, len + 1);
		out.tcp.fin = 1;
		put(&out, 0, false);
	} else if (len) {
		take_request(in, (const uint8_t *)&in->tcp + hdr, len);
	}
}

/* What waits, as it is; returns how many frames. */
static int read_all(void)
{
	size_t skip = offload ? 0 : sizeof batch[0].vnet;
	int n;

	for (n = 0; n < BATCH; n++) {
		got[n] = read(tun, (uint8_t *)&batch[n] + skip,
			      sizeof batch[n] - skip);
		if (got[n] < 0)
			break;
		got[n] -= (ssize_t)(sizeof batch[n].vnet - skip);
	}
	if (n < BATCH && errno != EAGAIN && errno != EINTR)
		die("read");
	return n;
}

/* Zeros, while there is window; false: there is none. */
static bool stream(void)
{
	for (int i = 0; i < RUN; i++) {
		if (!bulk.on || bulk.nxt - bulk.una + MSS > bulk.wnd)
			return false;
		bulk.head.tcp.seq = htonl(bulk.nxt);
		put(&bulk.head, MSS, true);
		bulk.nxt += MSS;
	}
	return true;
}

int main(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "o")) > 0)
		offload = true;
	if (argc - optind != 2) {
		fputs("usage: null [-o] DEVICE CIDR\n", stderr);
		return 64;
	}
	open_device(argv[optind], argv[optind + 1]);
	for (;;) {
		int n = read_all();

		for (int i = 0; i < n; i++)
			take(&batch[i], got[i]);
		if (n == BATCH || stream())
			continue;
		/* A client that is silent so long has lost something. */
		if (poll(&(struct pollfd){.fd = tun, .events = POLLIN}, 1,
			 SILENT_MS) == 0)
			bulk.nxt = bulk.una;
	}
}
