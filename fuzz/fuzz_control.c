/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_control.c: requests over the control socket, without a socket.
 *
 * The input is a list of packets. The first byte of each says what it is: bytes
 * as they stand, or a few requests that are well-formed but for what the next
 * bytes say. Each is answered to its end; answers must be whole messages with
 * the number of the request, and a dump must end.
 */
#include "fuzz.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>

#include "../host/answer.h"

enum {
	PIECES_MAX = 10000, /* of the answers to one packet */
	HEAD = 4,
	REQUESTS = 12,
	PORT = 80,
};

struct input {
	const uint8_t *at;
	size_t left;
};

static struct duo d;
static struct lull_knobs knobs;

static uint8_t take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static void take_bytes(struct input *in, void *to, size_t len)
{
	size_t n = len < in->left ? len : in->left;

	memcpy(to, in->at, n);
	in->at += n;
	in->left -= n;
}

/* ---- what is to be told ---- */

static void on_event(void *arg, int side, const struct lull_event *e)
{
	struct lull_sock sock;

	(void)arg;
	(void)e;
	/* Every other one stays in the queue. */
	if (side == 1 && lull_diag_conns(d.shard[1]) % 2)
		(void)!lull_sock_accept(d.shard[1], (struct lull_sock){1, 1}, 0,
					&sock);
}

static void connect_some(bool v6, struct lull_sock *sock)
{
	const struct lull_connect c = {
		.size = sizeof c,
		.remote = {duo_addr(1, v6), PORT},
	};

	for (int i = 0; i < 3; i++) {
		MUST(lull_sock_connect(d.shard[0], &c, &sock[i], NULL) == 0);
		duo_settle(&d);
	}
}

/* Listeners, connections in some states, records, a neighbour that is away. */
static void prepare(void)
{
	static const uint16_t ports[][2] = {{PORT, 0}, {90, 99}};
	struct lull_timewait t = {
		.size = sizeof t,
		.local = {duo_addr(0, false), 1},
		.remote = {duo_addr(1, false), 2},
		.flags = LULL_TIMEWAIT_ACTIVE,
		.left_ms = 60000,
		.state = LULL_TCP_TIME_WAIT,
	};
	struct lull_sock sock[2][3];

	d.on_event = on_event;
	duo_open(&d, LULL_PROFILE_LULL, 0, NULL);
	for (int side = 0; side < 2; side++)
		for (int i = 0; i < 2; i++) {
			const struct lull_listen l = {
				.size = sizeof l,
				.local = {duo_addr(side, i), i ? 64 : 0},
				.port_lo = ports[i][0],
				.port_hi = ports[i][1],
				.backlog = 4,
			};

			MUST(lull_sock_listen(d.shard[side], &l, &sock[0][0]) ==
			     0);
		}
	MUST(lull_timewait_put(d.shard[0], &t, 1) == 1);
	for (int v6 = 0; v6 < 2; v6++)
		connect_some(v6, sock[v6]);
	MUST(lull_sock_shutdown(d.shard[0], sock[0][0], LULL_SHUT_WR) == 0);
	lull_sock_close(d.shard[0], sock[1][0]);
	duo_settle(&d);
	knobs = d.shard[0]->g.knobs;
}

/* ---- requests ---- */

static size_t payload_of(uint16_t type)
{
	switch (type) {
	case SOCK_DIAG_BY_FAMILY:
		return sizeof(struct inet_diag_req_v2);
	case LULL_CTL_SYSCTL_GET:
	case LULL_CTL_SYSCTL_TEXT:
		return sizeof(struct lull_ctl_name);
	case LULL_CTL_SYSCTL_SET:
		return sizeof(struct lull_ctl_set);
	case LULL_CTL_SYSCTL_PUT:
		return sizeof(struct lull_ctl_put);
	case LULL_CTL_TRACE:
		return sizeof(struct lull_ctl_trace_from);
	default:
		return 0;
	}
}

/* A name that there is, and a value of the input. */
static void put_text(struct input *in, uint8_t *payload, size_t len)
{
	struct lull_knob_info info;
	uint32_t i = take(in);
	size_t n = take(in);

	while (!lull_diag_knob(d.shard[0], i, &info))
		i /= 2;
	memcpy(payload, info.name, sizeof info.name);
	if (len <= sizeof info.name)
		return;
	len -= sizeof info.name;
	take_bytes(in, payload + sizeof info.name, n < len ? n : len);
}

static void put_want(struct input *in, uint8_t *payload)
{
	static const uint8_t family[] = {AF_UNSPEC, AF_INET, AF_INET6, 77};
	struct inet_diag_req_v2 want = {
		.sdiag_family = family[take(in) & 3],
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_ext = take(in),
		.idiag_states = take(in) * 0x01010101U,
	};

	if (take(in) & 1)
		want.id.idiag_sport = htons(PORT);
	memcpy(payload, &want, sizeof want);
}

/* One request at `at`, of which so many bytes are left; its aligned length. */
static uint32_t put_request(struct input *in, uint8_t *at, size_t room)
{
	static const uint16_t types[REQUESTS] = {
		SOCK_DIAG_BY_FAMILY,  LULL_CTL_STATES,	   LULL_CTL_SYSCTL_LIST,
		LULL_CTL_SYSCTL_GET,  LULL_CTL_SYSCTL_SET, LULL_CTL_COUNTERS,
		LULL_CTL_POOLS,	      LULL_CTL_TRACE,	   LULL_CTL_DESTS,
		LULL_CTL_SYSCTL_TEXT, LULL_CTL_SYSCTL_PUT, 0x6c20,
	};
	uint16_t type = types[take(in) % REQUESTS];
	uint8_t how = take(in);
	size_t len = payload_of(type);
	struct nlmsghdr head = {
		.nlmsg_len = (uint32_t)(sizeof head + len),
		.nlmsg_type = type,
		.nlmsg_flags = NLM_F_REQUEST | (how & 1 ? 0 : NLM_F_DUMP),
		.nlmsg_seq = how,
	};
	uint8_t payload[LULL_CTL_REQUEST] = {0};

	if (type == SOCK_DIAG_BY_FAMILY)
		put_want(in, payload);
	else if (len >= sizeof(struct lull_ctl_name) && !(how & 2))
		put_text(in, payload, len);
	else
		take_bytes(in, payload, len);
	if (how & 0x80) /* it says another length */
		head.nlmsg_len += (uint32_t)(int8_t)take(in);
	if (sizeof head + len > room)
		return 0;
	memcpy(at, &head, sizeof head);
	memcpy(at + sizeof head, payload, len);
	return NLMSG_ALIGN((uint32_t)(sizeof head + len));
}

/* ---- answers ---- */

static void check_answer(const struct lull_ctl_packet *p)
{
	const struct nlmsghdr *hdr = (const void *)p->bytes;
	uint32_t left = p->len;

	MUST(p->len <= sizeof p->bytes);
	while (left) {
		MUST(left >= sizeof *hdr && hdr->nlmsg_len >= sizeof *hdr &&
		     NLMSG_ALIGN(hdr->nlmsg_len) <= left);
		if (hdr->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *e = NLMSG_DATA(hdr);

			MUST(hdr->nlmsg_len >= NLMSG_LENGTH(sizeof *e));
			MUST(e->error < 0);
		}
		left -= NLMSG_ALIGN(hdr->nlmsg_len);
		hdr = (const void *)((const uint8_t *)hdr +
				     NLMSG_ALIGN(hdr->nlmsg_len));
	}
}

static void ask(struct lull_ctl_asked *asked)
{
	static struct lull_ctl_packet packet;
	int pieces = 0;

	while (lull_ctl_is_asked(asked)) {
		lull_ctl_answer(d.shard[0], asked, &packet);
		check_answer(&packet);
		MUST(++pieces < PIECES_MAX);
	}
}

static void one_packet(struct input *in)
{
	static struct lull_ctl_asked asked;
	uint8_t how = take(in);
	uint32_t len;

	asked.job = (struct lull_ctl_job){0};
	asked.len = 0;
	if (how & 0x40) {
		len = take(in) * 8U;
		asked.len = len < in->left ? len : (uint32_t)in->left;
		take_bytes(in, asked.bytes,
			   asked.len < sizeof asked.bytes ? asked.len
							  : sizeof asked.bytes);
		/* Perhaps more came than there was room for. */
		asked.len = how & 0x20 ? len : asked.len;
	} else {
		for (int n = how & 7; n >= 0; n--)
			asked.len +=
				put_request(in, asked.bytes + asked.len,
					    sizeof asked.bytes - asked.len);
	}
	ask(&asked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};

	if (!d.net)
		prepare();
	while (in.left)
		one_packet(&in);
	/* What was set acts on the connections that are there. */
	duo_settle(&d);
	d.shard[0]->g.knobs = knobs;
	return 0;
}
