/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sink.c: a lull on a TUN device that does one thing with each connection, and
 * prints a line about it; the tests beside this are its peers.
 *
 *	sink MODE NETNS CTL	10.9.3.2 and fd00:9:3::2, port 9
 *
 *	hash	  read to the FIN; send the digest of what came, close
 *	halfclose send a line and FIN at once, then read to the peer's FIN
 *	abort	  RST at the first byte
 *	unread	  close while the first bytes are still unread: RST as well
 *	urgent	  tell what each read gives; answer the first with urgent text
 *
 * Lines: "ready"; "fin SHA256 BYTES", "aborted", "closed", "error NAME",
 * "urgent BYTES", "text BYTES".
 * SIGTERM ends it.
 */
#include <error.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lull/host.h>
#include <sodium.h>

enum mode {
	HASH,
	HALFCLOSE,
	ABORT,
	UNREAD,
	URGENT,
	MODES,
};

enum {
	PORT = 9,
	SPANS = 16,
	LINE = 128,
};

static const char *const mode_name[] = {"hash", "halfclose", "abort", "unread",
					"urgent"};
static const char greeting[] = "half-closed\n";

struct conn {
	crypto_hash_sha256_state hash;
	uint64_t bytes;
};

static struct lull_loop_config run = {.size = sizeof run};
static struct lull_loop *loop;
static struct lull_sock listener;
static int mode;

static void must(int result, const char *what)
{
	if (result < 0)
		error(3, -result, "%s", what);
}

static void say(const char *line)
{
	puts(line);
	fflush(stdout);
}

static void send_line(struct lull_sock sock, const char *line)
{
	struct lull_span span = {(void *)(uintptr_t)line, strlen(line)};

	if (lull_sock_send(run.shard, sock, &span, 1, 0) != (long)span.len)
		say("error send");
}

/* ---- one connection ---- */

static void finish(struct lull_sock sock, struct conn *c)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof digest + 1], line[LINE];

	crypto_hash_sha256_final(&c->hash, digest);
	sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
	snprintf(line, sizeof line, "fin %s %llu", hex,
		 (unsigned long long)c->bytes);
	say(line);
	if (mode == HASH)
		send_line(sock, hex);
	lull_sock_close(run.shard, sock);
	free(c);
}

static void read_on(struct lull_sock sock, struct conn *c)
{
	struct lull_span spans[SPANS];
	int n;

	while ((n = lull_sock_peek(run.shard, sock, spans, SPANS)) > 0) {
		size_t len = 0;

		for (int i = 0; i < n; i++) {
			crypto_hash_sha256_update(&c->hash, spans[i].ptr,
						  spans[i].len);
			len += spans[i].len;
		}
		c->bytes += len;
		must(lull_sock_consume(run.shard, sock, len), "consume");
	}
	if (n == 0)
		finish(sock, c);
}

static void tell_urgent(struct lull_sock sock)
{
	struct lull_sock_info info = {.size = sizeof info};
	char line[LINE];

	must(lull_sock_info(run.shard, sock, &info), "info");
	if (!info.rcv_urgent)
		return;
	snprintf(line, sizeof line, "urgent %u", info.rcv_urgent);
	say(line);
}

static void tell_reads(struct lull_sock sock, struct conn *c)
{
	struct lull_span span = {(void *)(uintptr_t) "ab!", 3};
	char line[LINE], text[16];
	long n;

	while ((n = lull_sock_recv(run.shard, sock, text, sizeof text)) > 0) {
		snprintf(line, sizeof line, "text %.*s", (int)n, text);
		say(line);
		if (!c->bytes && lull_sock_send(run.shard, sock, &span, 1,
						LULL_MSG_OOB) != 3)
			say("error send");
		c->bytes += (uint64_t)n;
	}
	if (n < 0)
		return;
	lull_sock_close(run.shard, sock);
	free(c);
}

static void on_read(struct lull_sock sock, struct conn *c)
{
	struct lull_span span;

	if (mode == URGENT) {
		tell_urgent(sock);
		tell_reads(sock, c);
		return;
	}

	if (mode == HASH || mode == HALFCLOSE) {
		read_on(sock, c);
		return;
	}
	if (lull_sock_peek(run.shard, sock, &span, 1) <= 0)
		return;
	if (mode == ABORT)
		lull_sock_abort(run.shard, sock);
	else
		lull_sock_close(run.shard, sock);
	say(mode == ABORT ? "aborted" : "closed");
	free(c);
}

static void on_accept(void)
{
	struct lull_sock sock;

	while (lull_sock_accept(run.shard, listener, 0, &sock) == 0) {
		struct conn *c = calloc(1, sizeof *c);
		uint64_t cookie = (uintptr_t)c;

		if (!c)
			abort();
		crypto_hash_sha256_init(&c->hash);
		must(lull_sock_set(run.shard, sock, LULL_OPT_COOKIE, &cookie,
				   sizeof cookie),
		     "cookie");
		if (mode == HALFCLOSE) {
			send_line(sock, greeting);
			must(lull_sock_shutdown(run.shard, sock, LULL_SHUT_WR),
			     "shutdown");
		}
		on_read(sock, c);
	}
}

static void on_events(void *arg, const struct lull_event *e, int n)
{
	char line[LINE];

	(void)arg;
	for (; n > 0; n--, e++) {
		struct conn *c = (struct conn *)(uintptr_t)e->cookie;

		if (e->bits & LULL_EVENT_ACCEPT) {
			on_accept();
		} else if (e->bits & LULL_EVENT_ERROR) {
			snprintf(line, sizeof line, "error %s",
				 strerrorname_np(-e->error));
			say(line);
			lull_sock_close(run.shard, e->sock);
			free(c);
		} else if (e->bits & LULL_EVENT_READ) {
			on_read(e->sock, c);
		}
	}
}

/* ---- the stack ---- */

static void on_signal(int number)
{
	(void)number;
	lull_loop_stop(loop);
}

static void make_shard(struct lull_memory *memory)
{
	struct lull_config config;

	lull_config_init(&config, 1000, 10000);
	must(lull_key_make(&config), "key");
	must(lull_memory_map(&config.limits, memory), "memory");
	must(lull_shard_init(&run.shard, &config, *memory, lull_clock_ns(),
			     NULL),
	     "shard");
}

static void listen_on(struct lull_prefix *addrs)
{
	struct lull_listen listen = {
		.size = sizeof listen,
		.port_lo = PORT,
		.backlog = 128,
	};

	must(lull_prefix_parse("10.9.3.2/24", &addrs[0]), "address");
	must(lull_prefix_parse("fd00:9:3::2/64", &addrs[1]), "address");
	must(lull_addr_add(run.shard, addrs[0], false), "address");
	must(lull_addr_add(run.shard, addrs[1], false), "address");
	must(lull_sock_listen(run.shard, &listen, &listener), "listen");
}

int main(int argc, char **argv)
{
	struct lull_prefix addrs[2];
	struct lull_tun_config tun = {
		.size = sizeof tun, .addrs = addrs, .addrs_len = 2};
	struct lull_control *control;
	struct lull_memory memory;

	while (argc == 4 && mode < MODES &&
	       strcmp(argv[1], mode_name[mode]) != 0)
		mode++;
	tun.no_offload = argc == 5 && !strcmp(argv[4], "plain");
	if (argc != 4 + tun.no_offload || mode == MODES)
		error(64, 0, "usage: sink MODE NETNS CTL [plain]");
	make_shard(&memory);
	listen_on(addrs);
	must(lull_netns_open(&tun.netns, argv[2]), argv[2]);
	must(lull_tun_create(&run.link, &tun), "TUN device");
	run.on_events = on_events;
	must(lull_loop_create(&loop, &run), "loop");
	must(lull_control_create(&control, loop, run.shard, argv[3]), argv[3]);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	say("ready");
	must(lull_loop_run(loop), "run");
	lull_control_destroy(control);
	lull_loop_destroy(loop);
	lull_link_destroy(run.link);
	lull_netns_close(tun.netns);
	lull_memory_unmap(&memory);
	return 0;
}
