/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_calls.c: what two programs may call, in any order, on two shards over a
 * link in memory that may lose, double and delay.
 *
 * The first byte of the input is the kind of shards and link; then follow steps
 * of eight bytes: a side, a call, a socket, arguments that are right or wrong.
 * The shards count all anew with each turn (LULL_CHECKS); here is looked at
 * what programs read: bytes of the pattern, in order, and none that was not
 * written. At the end all is let go, and every pool must be empty.
 */
#include <stdio.h>

#include "fuzz.h"

enum {
	STEP = 8,
	STEPS_MAX = 120,
	SOCKS = 12, /* that a side remembers */
	TEXT = 8192,
	PORT = 80,
};

struct held {
	struct lull_sock sock;
	uint32_t written, read; /* of the pattern */
};

struct world {
	struct duo d;
	struct held held[2][SOCKS];
	int n[2];
	bool urgent; /* the stream may lack an octet */
	uint64_t written;
};

typedef void call(struct world *w, int side, const uint8_t s[STEP]);

static struct lull_shard *shard_of(struct world *w, int side)
{
	return w->d.shard[side];
}

static void hold(struct world *w, int side, struct lull_sock sock)
{
	if (w->n[side] < SOCKS)
		w->held[side][w->n[side]++] = (struct held){.sock = sock};
	else
		lull_sock_abort(shard_of(w, side), sock);
}

/* One that it holds; now and then any other, or none. */
static struct held *pick(struct world *w, int side, uint8_t which)
{
	static struct held strange;

	strange = (struct held){.sock = {which % 24, which >> 5}};
	if (!w->n[side] || which >= 240)
		return &strange;
	return &w->held[side][which % w->n[side]];
}

static void forget(struct world *w, int side, const struct held *h)
{
	struct held *all = w->held[side];

	if (h >= all && h < all + SOCKS)
		all[h - all] = all[--w->n[side]];
}

/* ---- opening ---- */

static struct lull_addr address(int side, uint8_t how)
{
	struct lull_addr a = duo_addr(side, how & 1);

	if (how & 0x40)
		memset(a.b + (how & 0x20 ? 0 : 12), how & 0x10 ? 0xff : 0, 4);
	return a;
}

static void listen_one(struct world *w, int side, const uint8_t s[STEP])
{
	struct lull_listen l = {
		.size = sizeof l,
		.flags = s[2],
		.local = {address(side, s[3]), s[4]},
		.port_lo = PORT + (s[5] & 3),
		.port_hi = (uint16_t)(s[5] & 4 ? PORT + (s[5] >> 3) : 0),
		.backlog = s[6] & 7,
		.cookie = s[7],
	};
	struct lull_sock sock;

	if (s[6] & 8) /* any address */
		l.local = (struct lull_prefix){{{0}}, 0};
	if (lull_sock_listen(shard_of(w, side), &l, &sock) == 0)
		hold(w, side, sock);
}

static void connect_one(struct world *w, int side, const uint8_t s[STEP])
{
	struct lull_connect c = {
		.size = sizeof c,
		.flags = s[2] & 3,
		.remote = {address(!side, s[3]), (uint16_t)(PORT + (s[4] & 3))},
		.cookie = s[7],
	};
	struct lull_why why = {.size = sizeof why};
	struct lull_sock sock;
	int e;

	if (s[5] & 1)
		c.local.addr = address(side, s[3] & 1);
	if (s[5] & 2)
		c.local.port = (uint16_t)(PORT + (s[6] & 7));
	e = lull_sock_connect(shard_of(w, side), &c, &sock,
			      s[5] & 4 ? &why : NULL);
	MUST(e <= 0);
	if (e == 0)
		hold(w, side, sock);
	else if (s[5] & 4 && c.flags < 2) /* a flag that is none has none */
		MUST(why.reason != LULL_WHY_NONE);
}

static void accept_one(struct world *w, int side, const uint8_t s[STEP])
{
	struct lull_sock sock;

	if (lull_sock_accept(shard_of(w, side), pick(w, side, s[2])->sock, s[3],
			     &sock) == 0)
		hold(w, side, sock);
}

static void answer_one(struct world *w, int side, const uint8_t s[STEP])
{
	(void)!lull_sock_answer(shard_of(w, side), pick(w, side, s[2])->sock,
				(enum lull_answer)(s[3] & 3));
}

/* ---- text ---- */

static void send_some(struct world *w, int side, const uint8_t s[STEP])
{
	static const int flags[] = {
		0, 0, LULL_MSG_EOR, LULL_MSG_MORE, LULL_MSG_OOB, 0x20};
	struct held *h = pick(w, side, s[2]);
	static uint8_t text[TEXT];
	uint32_t len = s[4] * 32U, first = s[5] * 16U;
	struct lull_span span[3] = {{text, 0}};
	int flag = flags[s[3] % (sizeof flags / sizeof flags[0])];
	long n;

	first = first < len ? first : len;
	for (uint32_t i = 0; i < len; i++)
		text[i] = fuzz_byte(h->written + i);
	span[1] = (struct lull_span){text, first};
	span[2] = (struct lull_span){text + first, len - first};
	n = lull_sock_send(shard_of(w, side), h->sock, span, 3, flag);
	MUST(n <= (long)len);
	if (n <= 0)
		return;
	w->urgent |= flag == LULL_MSG_OOB;
	h->written += (uint32_t)n;
	w->written += (uint64_t)n;
}

static void check_read(struct world *w, const struct held *h,
		       const uint8_t *text, long n)
{
	for (long i = 0; i < n && !w->urgent; i++)
		MUST(text[i] == fuzz_byte(h->read + (uint32_t)i));
}

static void receive_some(struct world *w, int side, const uint8_t s[STEP])
{
	static const int flags[] = {0, 0, 0, LULL_MSG_PEEK, LULL_MSG_OOB, 0x20};
	struct held *h = pick(w, side, s[2]);
	static uint8_t text[TEXT];
	int flag = flags[s[3] % (sizeof flags / sizeof flags[0])];
	size_t len = s[4] * 32U;
	long n;

	if (s[5] & 1)
		n = lull_sock_recv(shard_of(w, side), h->sock, text, len);
	else
		n = lull_sock_recv_flags(shard_of(w, side), h->sock, text, len,
					 flag);
	MUST(n <= (long)len);
	if (n <= 0 || (!(s[5] & 1) && flag == LULL_MSG_OOB))
		return;
	check_read(w, h, text, n);
	if (s[5] & 1 || flag != LULL_MSG_PEEK)
		h->read += (uint32_t)n;
}

static void peek_some(struct world *w, int side, const uint8_t s[STEP])
{
	struct held *h = pick(w, side, s[2]);
	struct lull_span span[4];
	int n = lull_sock_peek(shard_of(w, side), h->sock, span, s[3] & 3);
	size_t most = s[4] * 32U, there = 0;
	uint32_t read = h->read;

	for (int i = 0; i < n; i++) {
		check_read(w, h, span[i].ptr, (long)span[i].len);
		h->read += (uint32_t)span[i].len;
		there += span[i].len;
	}
	h->read = read;
	if (s[5] & 1 && most > there && n > 0)
		most = there;
	if (lull_sock_consume(shard_of(w, side), h->sock, most) == 0)
		h->read += (uint32_t)most;
}

/* ---- the end of one ---- */

static void shut_down(struct world *w, int side, const uint8_t s[STEP])
{
	(void)!lull_sock_shutdown(shard_of(w, side), pick(w, side, s[2])->sock,
				  (enum lull_how)(s[3] & 3));
}

static void close_one(struct world *w, int side, const uint8_t s[STEP])
{
	const struct held *h = pick(w, side, s[2]);

	if (s[3] & 1)
		lull_sock_abort(shard_of(w, side), h->sock);
	else
		lull_sock_close(shard_of(w, side), h->sock);
	forget(w, side, h);
}

static void abort_some(struct world *w, int side, const uint8_t s[STEP])
{
	(void)lull_shard_abort(shard_of(w, side), s[2] & 3);
}

/* ---- options and knobs ---- */

static int64_t number(const uint8_t s[2])
{
	static const int64_t odd[] = {-1,	 INT32_MAX, INT32_MIN, 65535,
				      INT64_MAX, INT64_MIN, 4096,      1};

	return s[0] & 0x80 ? odd[s[1] & 7] : (int64_t)s[1] << (s[0] & 31);
}

static void set_option(struct world *w, int side, const uint8_t s[STEP])
{
	enum lull_option option = (enum lull_option)(s[3] % (LULL_OPTIONS + 1));
	struct lull_sock sock = pick(w, side, s[2])->sock;
	struct lull_linger linger = {(int32_t)number(s + 5), s[7]};
	int64_t v = number(s + 5);
	int32_t v32 = (int32_t)v;

	if (option == LULL_OPT_LINGER && s[4] & 1)
		(void)!lull_sock_set(shard_of(w, side), sock, option, &linger,
				     sizeof linger);
	else if (option == LULL_OPT_CONGESTION && s[4] & 1)
		(void)!lull_sock_set(shard_of(w, side), sock, option,
				     s[5] & 1 ? "reno" : "cubic",
				     4 + !(s[5] & 1));
	else if (s[4] & 2)
		(void)!lull_sock_set(shard_of(w, side), sock, option, &v,
				     s[4] >> 2 & 8);
	else
		(void)!lull_sock_set(shard_of(w, side), sock, option, &v32,
				     sizeof v32);
}

static void get_option(struct world *w, int side, const uint8_t s[STEP])
{
	struct lull_sock sock = pick(w, side, s[2])->sock;
	struct lull_sock_info info = {.size = sizeof info};
	uint8_t value[sizeof(struct lull_tcp_info)];

	if (s[5] & 1)
		(void)!lull_sock_info(shard_of(w, side), sock, &info);
	else
		(void)!lull_sock_get(
			shard_of(w, side), sock,
			(enum lull_option)(s[3] % (LULL_OPTIONS + 1)), value,
			s[4] % (sizeof value + 1));
}

/* What was taken can be got; what was not has changed nothing. */
static void set_knob(struct world *w, int side, const uint8_t s[STEP])
{
	struct lull_shard *shard = shard_of(w, side);
	struct lull_sysctl_why why = {.size = sizeof why};
	char before[1024], after[1024], text[80];
	struct lull_knob_info info;
	uint32_t i = s[2];
	int e, had, has;

	while (!lull_diag_knob(shard, i, &info))
		i /= 2;
	if (s[3] & 1)
		snprintf(text, sizeof text, "%lld",
			 (long long)(s[3] & 2 ? info.max : info.min));
	else if (s[3] & 4)
		snprintf(text, sizeof text, "%lld %lld %lld",
			 (long long)number(s + 4), (long long)number(s + 5),
			 (long long)number(s + 6));
	else
		snprintf(text, sizeof text, "%lld", (long long)number(s + 4));
	had = lull_sysctl_get(shard, info.name, before, sizeof before);
	e = lull_sysctl_set(shard, info.name, text, &why);
	has = lull_sysctl_get(shard, info.name, after, sizeof after);
	if (e < 0)
		MUST(e == why.error && had == has &&
		     (has < 0 || strcmp(before, after) == 0));
	else
		MUST(has >= 0 || has == -ENOSPC);
}

/* ---- the rest ---- */

static void take_over(struct world *w, int side, const uint8_t s[STEP])
{
	const struct lull_timewait t = {
		.size = sizeof t,
		.flags = s[2] & 15,
		.local = {address(side, s[3] & 1),
			  (uint16_t)(PORT + (s[4] & 7))},
		.remote = {address(!side, s[3] & 0x11),
			   (uint16_t)(PORT + (s[4] >> 4))},
		.snd_nxt = s[5] * 0x01000001U,
		.rcv_nxt = s[6] * 0x01000001U,
		.left_ms = s[7] * 1000U,
		.wscale = s[2] >> 4,
		.state = s[3] & 2 ? LULL_TCP_FIN_WAIT_2 : LULL_TCP_TIME_WAIT,
	};

	(void)!lull_timewait_put(shard_of(w, side), &t, 1);
}

static void look_at_rows(const struct lull_shard *s)
{
	struct lull_detail detail = {.size = sizeof detail};
	struct lull_dest_row dest[4];
	struct lull_row row[4];
	uint64_t cursor = 0;
	int n, pieces = 0;

	while ((n = lull_diag_rows(s, &cursor, row, 4)) != 0) {
		for (int i = 0; i < n; i++)
			(void)!lull_diag_detail(s, row[i].id, &detail);
		MUST(++pieces < 10000);
	}
	cursor = 0;
	while (lull_diag_dests(s, &cursor, dest, 4) != 0)
		MUST(++pieces < 20000);
}

static void look(struct world *w, int side, const uint8_t s[STEP])
{
	const struct lull_shard *shard = shard_of(w, side);
	struct lull_connect c = {.size = sizeof c,
				 .remote = {address(!side, s[2]), PORT}};
	struct lull_why why = {.size = sizeof why};
	struct lull_trace_record record[8];
	struct lull_counter counter;
	uint64_t cursor = s[3];

	look_at_rows(shard);
	(void)!lull_diag_why(shard, &c, &why);
	(void)lull_diag_trace(shard, &cursor, record, 8);
	(void)lull_diag_counter(shard, s[4], &counter);
}

static void add_address(struct world *w, int side, const uint8_t s[STEP])
{
	struct lull_prefix p = {duo_addr(side, s[2] & 1), s[3]};

	p.addr.b[14] = s[4];
	(void)!lull_addr_add(shard_of(w, side), p, s[2] & 2);
}

static void set_faults(struct world *w, int side, const uint8_t s[STEP])
{
	const struct lull_faults faults = {
		.loss_ppm = s[2] < 128 ? 0 : s[2] * 2000U,
		.dup_ppm = s[3] < 128 ? 0 : s[3] * 1000U,
		.reorder_ppm = s[4] < 128 ? 0 : s[4] * 1000U,
		.reorder_ns = s[5] * 10000000ULL,
		.delay_ns = s[6] * 1000000ULL,
		.jitter_ns = (s[7] & 15) * 1000000ULL,
		.queue_frames = s[7] >> 4,
	};

	(void)side;
	lull_memnet_faults(w->d.net, &faults);
}

static void pass(struct world *w, int side, const uint8_t s[STEP])
{
	static const uint64_t unit_ns[] = {1000000, 40000000, 1000000000,
					   60000000000};

	(void)side;
	duo_pass(&w->d, (1 + s[2] % 64U) * unit_ns[s[3] & 3]);
}

static void settle(struct world *w, int side, const uint8_t s[STEP])
{
	(void)side;
	(void)s;
	duo_settle(&w->d);
}

/* ---- steps ---- */

static void on_event(void *arg, int side, const struct lull_event *e)
{
	struct world *w = arg;

	if (e->bits & LULL_EVENT_SYN)
		hold(w, side, e->sock);
}

static void step(struct world *w, const uint8_t s[STEP])
{
	static call *const calls[] = {
		listen_one, connect_one,  connect_one,	accept_one,
		accept_one, answer_one,	  send_some,	send_some,
		send_some,  receive_some, receive_some, receive_some,
		peek_some,  shut_down,	  close_one,	abort_some,
		set_option, set_option,	  get_option,	set_knob,
		take_over,  look,	  add_address,	set_faults,
		pass,	    pass,	  pass,		settle,
		settle,	    settle,	  settle,	pass,
	};

	calls[s[0] & 31](w, s[1] & 1, s);
	if (s[1] & 2)
		duo_settle(&w->d);
}

static void some_room(struct lull_limits *l)
{
	l->bufs_2k = 160; /* the link keeps 32 of them */
	l->tx_frames = 16;
}

static void let_go(struct world *w)
{
	lull_memnet_faults(w->d.net, &(struct lull_faults){0});
	for (int side = 0; side < 2; side++)
		while (w->n[side])
			lull_sock_close(shard_of(w, side),
					w->held[side][--w->n[side]].sock);
	/* Nobody takes a SYN any more that comes now. */
	w->n[0] = w->n[1] = SOCKS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {.d = {.on_event = on_event}};
	int steps = 0;

	if (!size)
		return 0;
	w.d.arg = &w;
	duo_open(&w.d, data[0] & 1 ? LULL_PROFILE_LINUX : LULL_PROFILE_LULL,
		 data[0] & 2 ? LULL_LINK_TX_CSUM | LULL_LINK_TX_GSO |
				       LULL_LINK_RX_GSO
			     : 0,
		 some_room);
	for (data++, size--; size >= STEP && steps < STEPS_MAX;
	     size -= STEP, data += STEP) {
		step(&w, data);
		steps++;
	}
	let_go(&w);
	duo_close(&w.d);
	return 0;
}
