/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_http.c: what a client may send to `lull serve`.
 *
 * The first byte of the input says in how large pieces the rest is sent, the
 * second one how the server is set up and how the client ends. Each answer must
 * be one; what lies outside of the directory never comes; when the client has
 * gone the server holds no connection.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#include "../tools/lull/http.h"

enum {
	PORT = 80,
	BACKLOG = 4,
	ANSWERS_MAX = 1 << 18, /* bytes, then the client has enough */
	HEAD = 2,
};

/* Of the second byte. */
enum {
	BENCH = 1,
	CLIENT_CLOSES = 2,
	FEW_REQUESTS = 4,
	SHUTS_DOWN = 16,
	SLOWLY = 32, /* reads nothing before all is sent */
};

static char dir[] = "/tmp/lull-fuzz-http.XXXXXX";
static char inside[64], secret[64], token[32];
static struct store *store;

static struct duo d;
static struct http *http;
static struct lull_sock sock;
static bool over, slowly, seen, bench;
static uint8_t tail[sizeof token]; /* of what came */
static uint64_t answered;

/* ---- files ---- */

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	MUST(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void clean_up(void)
{
	char path[96];

	snprintf(path, sizeof path, "%s/index.html", inside);
	unlink(path);
	snprintf(path, sizeof path, "%s/link", inside);
	unlink(path);
	unlink(secret);
	rmdir(inside);
	rmdir(dir);
}

static void prepare(void)
{
	char path[96];

	MUST(mkdtemp(dir));
	atexit(clean_up);
	snprintf(inside, sizeof inside, "%s/in", dir);
	snprintf(secret, sizeof secret, "%s/out", dir);
	snprintf(token, sizeof token, "no%lx%x.", (unsigned long)time(NULL),
		 (unsigned)getpid());
	write_file(secret, token);
	MUST(mkdir(inside, 0700) == 0);
	snprintf(path, sizeof path, "%s/index.html", inside);
	write_file(path, "good morning\n");
	snprintf(path, sizeof path, "%s/link", inside);
	MUST(symlink("../out", path) == 0);
	MUST(store_open(&store, inside) == 0);
}

/* ---- the client ---- */

/* It never comes, not in two pieces either. */
static void look_for_secret(const uint8_t *p, size_t len)
{
	size_t keep = strlen(token) - 1, n = len < keep ? len : keep;
	uint8_t seam[2 * sizeof token];

	MUST(!memmem(p, len, token, strlen(token)));
	memcpy(seam, tail, keep);
	memcpy(seam + keep, p, n);
	MUST(!memmem(seam, keep + n, token, strlen(token)));
	if (n == keep)
		memcpy(tail, p + len - keep, keep);
	else
		memcpy(tail, seam + n, keep);
}

static void read_on(void)
{
	static uint8_t text[16384];
	long n;

	while ((n = lull_sock_recv(d.shard[0], sock, text, sizeof text)) > 0) {
		if (!seen && !bench) /* whose zeros have no head */
			MUST(n >= 9 && memcmp(text, "HTTP/1.1 ", 9) == 0);
		seen = true;
		look_for_secret(text, (size_t)n);
		answered += (uint64_t)n;
		if (answered > ANSWERS_MAX) {
			lull_sock_abort(d.shard[0], sock);
			over = true;
			return;
		}
	}
	over |= n == 0 || (n < 0 && n != -EAGAIN);
}

static void on_event(void *arg, int side, const struct lull_event *e)
{
	(void)arg;
	if (side == 1)
		http_events(http, e, 1);
	else if (!slowly)
		read_on();
}

static void send_all(const uint8_t *data, size_t size, size_t piece)
{
	while (size && !over) {
		size_t n = size < piece ? size : piece;
		struct lull_span span = {(void *)(uintptr_t)data, n};
		long sent = lull_sock_send(d.shard[0], sock, &span, 1, 0);

		duo_settle(&d);
		if (sent == -EAGAIN)
			duo_pass(&d, 1000000000);
		if (sent <= 0 && sent != -EAGAIN)
			return;
		if (sent < 0 && slowly) /* it waits for us to read */
			return;
		data += sent > 0 ? sent : 0;
		size -= sent > 0 ? (size_t)sent : 0;
	}
}

static void connect_one(void)
{
	const struct lull_connect c = {
		.size = sizeof c,
		.remote = {duo_addr(1, false), PORT},
	};

	MUST(lull_sock_connect(d.shard[0], &c, &sock, NULL) == 0);
	duo_settle(&d);
}

static void leave(uint8_t how)
{
	slowly = false;
	if (!over)
		read_on();
	if (how & SHUTS_DOWN && !over) {
		(void)!lull_sock_shutdown(d.shard[0], sock, LULL_SHUT_WR);
		duo_settle(&d);
		read_on();
	}
	lull_sock_abort(d.shard[0], sock);
	duo_settle(&d);
}

static void some_room(struct lull_limits *l)
{
	l->bufs_2k = 256;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_options options = {.keepalive_s = 60};
	uint8_t how;

	if (size < HEAD)
		return 0;
	if (!store)
		prepare();
	how = data[1];
	over = seen = false;
	slowly = how & SLOWLY;
	answered = 0;
	memset(tail, 0, sizeof tail);
	d.on_event = on_event;
	duo_open(&d, LULL_PROFILE_LULL, 0, some_room);
	options.shard = d.shard[1];
	options.store = store;
	options.bench = bench = how & BENCH;
	options.client_closes = how & CLIENT_CLOSES;
	options.keepalive_most = how & FEW_REQUESTS ? 2 : 0;
	MUST(http_create(&http, &options) == 0);
	MUST(http_listen(http, PORT, BACKLOG) == 0);
	connect_one();
	send_all(data + HEAD, size - HEAD, 1 + data[0] * 4U);
	leave(how);
	http_tick(http);
	MUST(http_drain(http));
	http_destroy(http);
	duo_close(&d);
	return 0;
}
