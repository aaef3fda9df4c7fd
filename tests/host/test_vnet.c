/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_vnet.c: offload over a TUN device: frames of many segments and checksums
 * that are not finished, both ways, and without them where it is refused.
 *
 * A shard and the kernel's sockets, turn by turn in one thread.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <lull/host.h>

#include "../unit/test.h"
#include "need.h"

enum {
	BYTES = 3000000, /* of a transfer */
	BATCH = 16,
	PIECE = 65536,
	MTU = 1500,
	TURNS = 200000, /* that a transfer may take; nothing waits for them */
};

/* ---- a kernel that refuses ---- */

static bool refuse_vnet, refuse_offload, refuse_ecn;

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if ((request == TUNGETFEATURES && refuse_vnet) ||
	    (request == TUNSETOFFLOAD && refuse_offload && arg) ||
	    (request == TUNSETOFFLOAD && refuse_ecn &&
	     (uintptr_t)arg & TUN_F_TSO_ECN)) {
		errno = EINVAL;
		return -1;
	}
	return __real_ioctl(fd, request, arg);
}

/* ---- both sides ---- */

struct pair {
	struct lull_memory memory;
	struct lull_shard *shard;
	struct lull_link *link;
	struct lull_sock sock;
	int fd; /* the kernel's socket */
	bool accepted;
	struct lull_frame rx[BATCH];
	int empty;
	/* What was seen, both ways. */
	uint32_t largest_in, largest_out;
	uint64_t partial_in, partial_out, gso_in, gso_out;
};

static struct lull_prefix prefix(const char *text)
{
	struct lull_prefix p;

	assert_int_equal(lull_prefix_parse(text, &p), 0);
	return p;
}

static void open_shard(struct pair *p, const struct lull_prefix *addr)
{
	struct lull_listen listen = {
		.size = sizeof listen, .port_lo = 80, .backlog = 8};
	struct lull_config config;
	struct lull_sock unused;

	lull_config_init(&config, 64, 64);
	assert_int_equal(lull_key_make(&config), 0);
	assert_int_equal(lull_memory_map(&config.limits, &p->memory), 0);
	assert_int_equal(lull_shard_init(&p->shard, &config, p->memory,
					 lull_clock_ns(), NULL),
			 0);
	assert_int_equal(lull_addr_add(p->shard, *addr, false), 0);
	assert_int_equal(lull_sock_listen(p->shard, &listen, &unused), 0);
	p->sock = unused;
	lull_link_use(p->shard, p->link->ops->cap(p->link));
}

static void note_in(struct pair *p, const struct lull_frame *f)
{
	p->largest_in = f->len > p->largest_in ? f->len : p->largest_in;
	p->partial_in += !!(f->flags & LULL_FRAME_CSUM_PARTIAL);
	p->gso_in += f->gso_size != 0;
	if (f->gso_size)
		assert_true(f->len > f->gso_size);
	else
		assert_true(f->len <= MTU);
}

static void note_out(struct pair *p, const struct lull_frame *f)
{
	p->largest_out = f->len > p->largest_out ? f->len : p->largest_out;
	p->partial_out += !!(f->flags & LULL_FRAME_CSUM_PARTIAL);
	p->gso_out += f->gso_size != 0;
}

/* As a run loop does it. */
static void turn(struct pair *p)
{
	struct lull_frame tx[BATCH];
	struct lull_event events[BATCH];
	int n;

	p->empty += lull_rx_get(p->shard, p->rx + p->empty, BATCH - p->empty);
	assert_true(lull_rx_widen(p->shard, p->rx, 2) == 2);
	n = p->link->ops->rx(p->link, p->rx, p->empty);
	assert_true(n >= 0);
	for (int i = 0; i < n; i++)
		note_in(p, &p->rx[i]);
	assert_int_equal(lull_rx_put(p->shard, p->rx, n), n);
	memmove(p->rx, p->rx + n, (size_t)(p->empty - n) * sizeof p->rx[0]);
	p->empty -= n;
	(void)lull_shard_run(p->shard, lull_clock_ns());
	while (lull_events_get(p->shard, events, BATCH) == BATCH)
		;
	(void)lull_shard_run(p->shard, lull_clock_ns());
	while ((n = lull_tx_peek(p->shard, tx, BATCH)) > 0) {
		for (int i = 0; i < n; i++)
			note_out(p, &tx[i]);
		assert_int_equal(p->link->ops->tx(p->link, tx, n), n);
		lull_tx_done(p->shard, n);
	}
}

static void connect_kernel(struct pair *p, const struct lull_prefix *addr)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6,
				  .sin6_port = htons(80)};
	struct lull_sock listener = p->sock;
	int off = 0;

	memcpy(&at.sin6_addr, addr->addr.b, 16);
	p->fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(p->fd >= 0);
	assert_int_equal(setsockopt(p->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off,
				    sizeof off),
			 0);
	assert_int_equal(connect(p->fd, (void *)&at, sizeof at), -1);
	assert_int_equal(errno, EINPROGRESS);
	for (int i = 0; !p->accepted && i < TURNS; i++) {
		turn(p);
		p->accepted =
			lull_sock_accept(p->shard, listener, 1, &p->sock) == 0;
	}
	assert_true(p->accepted);
}

static void open_pair(struct pair *p, struct lull_tun_config *config,
		      const char *addr)
{
	struct lull_prefix own = prefix(addr);

	memset(p, 0, sizeof *p);
	config->size = sizeof *config;
	config->addrs = &own;
	config->addrs_len = 1;
	assert_int_equal(lull_tun_create(&p->link, config), 0);
	open_shard(p, &own);
	connect_kernel(p, &own);
}

static void close_pair(struct pair *p)
{
	for (int i = 0; i < p->empty; i++)
		p->rx[i].len = 0;
	assert_int_equal(lull_rx_put(p->shard, p->rx, p->empty), p->empty);
	close(p->fd);
	lull_link_destroy(p->link);
	lull_memory_unmap(&p->memory);
}

/* ---- transfers ---- */

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 31 + i / 251);
}

static void check(const uint8_t *p, size_t len, size_t at)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != byte_at(at + i))
			fail_msg("byte %zu is another", at + i);
}

static void fill(uint8_t *p, size_t len, size_t at)
{
	for (size_t i = 0; i < len; i++)
		p[i] = byte_at(at + i);
}

/* From the kernel to the shard. */
static void pull(struct pair *p)
{
	static uint8_t piece[PIECE];
	size_t sent = 0, got = 0;
	long n;

	for (int i = 0; got < BYTES && i < TURNS; i++) {
		size_t left = BYTES - sent;

		fill(piece, left < PIECE ? left : PIECE, sent);
		n = write(p->fd, piece, left < PIECE ? left : PIECE);
		sent += n > 0 ? (size_t)n : 0;
		turn(p);
		while ((n = lull_sock_recv(p->shard, p->sock, piece, PIECE)) >
		       0) {
			check(piece, (size_t)n, got);
			got += (size_t)n;
		}
	}
	assert_int_equal(got, BYTES);
}

/* From the shard to the kernel. */
static void push(struct pair *p)
{
	static uint8_t piece[PIECE];
	size_t sent = 0, got = 0;
	long n;

	for (int i = 0; got < BYTES && i < TURNS; i++) {
		size_t left = BYTES - sent;
		struct lull_span span = {piece, left < PIECE ? left : PIECE};

		fill(piece, span.len, sent);
		n = lull_sock_send(p->shard, p->sock, &span, 1, 0);
		sent += n > 0 ? (size_t)n : 0;
		turn(p);
		while ((n = read(p->fd, piece, PIECE)) > 0) {
			check(piece, (size_t)n, got);
			got += (size_t)n;
		}
	}
	assert_int_equal(got, BYTES);
}

static void large_both_ways(struct pair *p)
{
	pull(p);
	assert_true(p->largest_in > 16 * MTU);
	assert_true(p->gso_in > 0);
	assert_true(p->partial_in >= p->gso_in);
	push(p);
	assert_true(p->largest_out > 16 * MTU);
	assert_true(p->gso_out > 0);
	assert_true(p->partial_out >= p->gso_out);
}

static void small_both_ways(struct pair *p)
{
	pull(p);
	push(p);
	assert_true(p->largest_in <= MTU);
	assert_true(p->largest_out <= MTU);
	assert_int_equal(p->partial_in + p->partial_out, 0);
	assert_int_equal(p->gso_in + p->gso_out, 0);
}

enum {
	ALL = LULL_LINK_TX_CSUM | LULL_LINK_TX_GSO | LULL_LINK_RX_GSO,
};

static const char *const family[] = {"10.9.3.2/24", "fd09::2/64"};

static void with_offload_frames_are_large(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct lull_tun_config config = {0};
		struct pair p;

		open_pair(&p, &config, family[v6]);
		assert_int_equal(p.link->ops->cap(p.link), ALL);
		large_both_ways(&p);
		close_pair(&p);
	}
}

static void without_offload_they_are_the_wires(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct lull_tun_config config = {.no_offload = true};
		struct pair p;

		open_pair(&p, &config, family[v6]);
		assert_int_equal(p.link->ops->cap(p.link), 0);
		small_both_ways(&p);
		close_pair(&p);
	}
}

/* What one left does not bind the next: with the header, and without it. */
static void a_kept_device_changes(void **state)
{
	for (int i = 0; i < 4; i++) {
		struct lull_tun_config config = {
			.name = "lullk",
			.keep = true,
			.no_offload = i % 2,
		};
		struct pair p;

		open_pair(&p, &config, family[0]);
		if (i % 2)
			small_both_ways(&p);
		else
			large_both_ways(&p);
		close_pair(&p);
	}
}

static void a_kernel_without_the_header(void **state)
{
	struct lull_tun_config config = {0};
	struct pair p;

	refuse_vnet = true;
	open_pair(&p, &config, family[0]);
	refuse_vnet = false;
	assert_int_equal(p.link->ops->cap(p.link), 0);
	small_both_ways(&p);
	close_pair(&p);
}

/* It takes large frames all the same: it is asked only for what it sends. */
static void a_kernel_that_sends_none(void **state)
{
	struct lull_tun_config config = {0};
	struct pair p;

	refuse_offload = true;
	open_pair(&p, &config, family[0]);
	refuse_offload = false;
	assert_int_equal(p.link->ops->cap(p.link),
			 LULL_LINK_TX_CSUM | LULL_LINK_TX_GSO);
	pull(&p);
	assert_true(p.largest_in <= MTU);
	push(&p);
	assert_true(p.largest_out > 16 * MTU);
	close_pair(&p);
}

static void a_kernel_without_ecn_in_large_frames(void **state)
{
	struct lull_tun_config config = {0};
	struct pair p;

	refuse_ecn = true;
	open_pair(&p, &config, family[0]);
	refuse_ecn = false;
	assert_int_equal(p.link->ops->cap(p.link), ALL);
	large_both_ways(&p);
	close_pair(&p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_offload_frames_are_large),
		cmocka_unit_test(without_offload_they_are_the_wires),
		cmocka_unit_test(a_kernel_without_the_header),
		cmocka_unit_test(a_kernel_that_sends_none),
		cmocka_unit_test(a_kernel_without_ecn_in_large_frames),
		/* Last: the device is there until this namespace goes. */
		cmocka_unit_test(a_kept_device_changes),
	};

	SKIP_UNLESS_OWN_WORLD();
	return RUN("host/vnet", tests);
}
