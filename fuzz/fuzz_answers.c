/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_answers.c: what may answer `lull ss`, `lull trace` and `lull sysctl`
 * over a control socket, without a socket.
 *
 * The first byte of the input says who asks, the second one with which options;
 * then come messages, well-formed but for what their first bytes say. What is
 * printed goes nowhere: nobody may read behind a message, or never end.
 */
#include <stdio.h>
#include <sys/socket.h>

#include <linux/sock_diag.h>

#include "fuzz.h"

static ssize_t fuzz_recv(int fd, void *buf, size_t len, int flags);
static ssize_t fuzz_send(int fd, const void *buf, size_t len, int flags);

#define recv fuzz_recv
#define send fuzz_send
#include "../host/client.c"
#undef recv
#undef send

#include "../tools/lull/ss.h"
#include "../tools/lull/trace.c"

enum {
	HEAD = 2,
	MESSAGES = 12, /* in a packet */
	PACKETS_MAX = 200,
	PAYLOAD = 1200,
	ASKERS = 7,
};

static struct {
	const uint8_t *at;
	size_t left;
	int packets;
} in;

static struct lull_client client;

static uint8_t take_byte(void)
{
	if (!in.left)
		return 0;
	in.left--;
	return *in.at++;
}

/* ---- the other side ---- */

static ssize_t fuzz_send(int fd, const void *buf, size_t len, int flags)
{
	(void)fd;
	(void)buf;
	(void)flags;
	return (ssize_t)len;
}

/* One message; its aligned length. */
static uint32_t put_message(uint8_t *at)
{
	static const uint16_t types[] = {
		SOCK_DIAG_BY_FAMILY, LULL_CTL_STATES,	   LULL_CTL_SYSCTL_LIST,
		LULL_CTL_SYSCTL_GET, LULL_CTL_SYSCTL_SET,  LULL_CTL_TRACE,
		LULL_CTL_DESTS,	     LULL_CTL_SYSCTL_TEXT, NLMSG_DONE,
		NLMSG_ERROR,	     NLMSG_NOOP,	   0x7777,
	};
	uint8_t how = take_byte(), type = take_byte();
	uint32_t len = take_byte() * 4U, n;
	struct nlmsghdr head = {
		.nlmsg_len = (uint32_t)sizeof head + len,
		.nlmsg_type = types[type % (sizeof types / sizeof types[0])],
		.nlmsg_flags = how & 1 ? 0 : NLM_F_MULTI,
		.nlmsg_seq = how & 2 ? how : client.seq,
	};

	if (how & 0x80)
		head.nlmsg_len += (uint32_t)(int8_t)take_byte();
	n = len < in.left ? len : (uint32_t)in.left;
	memset(at, 0, sizeof head + len);
	memcpy(at, &head, sizeof head);
	memcpy(at + sizeof head, in.at, n);
	in.at += n;
	in.left -= n;
	return (uint32_t)sizeof head + len;
}

static ssize_t fuzz_recv(int fd, void *buf, size_t len, int flags)
{
	uint8_t *p = buf;
	uint32_t n = 0;

	(void)fd;
	(void)flags;
	MUST(len == LULL_CTL_PACKET);
	if (!in.left || ++in.packets > PACKETS_MAX)
		return 0; /* it closed */
	for (int k = take_byte() % MESSAGES; k >= 0 && in.left; k--)
		n += put_message(p + n);
	return n;
}

/* ---- who asks ---- */

static void set_options(struct ss *ss, uint8_t how)
{
	ss->source.client = &client;
	ss->source.path = "ctl";
	ss->o = (struct ss_options){
		.ctl = "ctl",
		.numeric = true,
		.all = true,
		.timers = how & 1,
		.info = how & 2,
		.memory = how & 4,
		.extended = how & 8,
		.oneline = how & 16,
		.prom = how & 32,
	};
	ss->ask.states = ~0U;
	ss->ask.filter = &ss->words.filter;
	ss->ask.ipv4 = how & 64;
	ss->single = how & 128;
}

static void ask_sockets(uint8_t who, uint8_t how)
{
	static const char *const by[] = {"state", "peer", "port", "service"};
	struct ss ss = {0};

	set_options(&ss, how);
	ss.o.json = who == 1;
	ss.o.by = by[how & 3];
	if (who == 0)
		(void)!ss_print_rows(&ss);
	else if (who == 1)
		(void)!ss_print_json(&ss);
	else if (who == 2)
		(void)!ss_print_by(&ss);
	else if (who == 3)
		(void)!ss_print_dests(&ss);
	else
		(void)!ss_print_summary(&ss);
	ss_free_ports(&ss);
	free(ss.rest.text);
}

static void follow_trace(uint8_t how)
{
	static struct follow f;

	f = (struct follow){
		.o = {.json = how & 1, .all = how & 2, .states = how & 4},
		.pairs = trace_pairs_new(),
	};
	MUST(f.pairs);
	for (int i = 0; i < 3 && ask(&f, &client) >= 0; i++)
		;
	MUST(f.told == f.changes + f.refusals);
	(void)!tell_sum(&f);
	free(f.pairs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD)
		return 0;
	in.at = data + HEAD;
	in.left = size - HEAD;
	in.packets = 0;
	client.seq = 0;
	client.fd = -1;
	if (data[0] % ASKERS < 5)
		ask_sockets(data[0] % ASKERS, data[1]);
	else
		follow_trace(data[1]);
	fflush(stdout);
	return 0;
}
