/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client.c: the other side of the control socket, for the tools (control.h).
 *
 * Blocks, but never for longer than PATIENCE_S without a word from there.
 * Checks every length before a message is shown to the caller.
 *
 * Entry points: lull_client_open, _close, _dump, _call, _take.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "control.h"

enum {
	PATIENCE_S = 5,
};

struct lull_client {
	int fd;
	uint32_t seq;
	__attribute__((aligned(8))) uint8_t packet[LULL_CTL_PACKET];
};

/* ---- a packet there, a packet back ---- */

static int send_request(struct lull_client *c,
			const struct lull_client_request *r, uint16_t flags)
{
	__attribute__((aligned(8))) uint8_t bytes[LULL_CTL_REQUEST];
	struct nlmsghdr *hdr = mnl_nlmsg_put_header(bytes);
	ssize_t n;

	if (r->len > sizeof bytes - NLMSG_HDRLEN)
		return -EINVAL;
	hdr->nlmsg_type = r->type;
	hdr->nlmsg_flags = NLM_F_REQUEST | flags;
	hdr->nlmsg_seq = ++c->seq;
	if (r->len)
		memcpy(mnl_nlmsg_put_extra_header(hdr, r->len), r->payload,
		       r->len);
	do
		n = send(c->fd, hdr, hdr->nlmsg_len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	/* It closed on us: perhaps it has said why. */
	return n < 0 && errno != EPIPE ? -errno : 0;
}

/* Bytes in c->packet. */
static int receive(struct lull_client *c)
{
	ssize_t n;

	do
		n = recv(c->fd, c->packet, sizeof c->packet, MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (n == 0)
		return -ECONNRESET;
	return (size_t)n <= sizeof c->packet ? (int)n : -EPROTO;
}

/* ---- a conversation ---- */

struct talk {
	lull_client_see *see;
	void *arg;
	int result; /* of `see` */
};

static int show(const struct nlmsghdr *hdr, void *arg)
{
	struct talk *t = arg;

	t->result = t->see(t->arg, hdr);
	if (t->result < 0)
		return MNL_CB_STOP;
	return hdr->nlmsg_flags & NLM_F_MULTI ? MNL_CB_OK : MNL_CB_STOP;
}

/* Every message of a packet is whole, and nothing is left over. Not by
 * mnl_nlmsg_ok(), for which a length from 2^31 on is below 0, and fits. */
static bool is_whole(const struct lull_client *c, size_t left)
{
	const uint8_t *at = c->packet;
	struct nlmsghdr hdr;

	while (left >= sizeof hdr) {
		memcpy(&hdr, at, sizeof hdr);
		if (hdr.nlmsg_len < sizeof hdr || hdr.nlmsg_len > left ||
		    NLMSG_ALIGN(hdr.nlmsg_len) > left)
			return false;
		at += NLMSG_ALIGN(hdr.nlmsg_len);
		left -= NLMSG_ALIGN(hdr.nlmsg_len);
	}
	return left == 0;
}

static int listen_to(struct lull_client *c, struct talk *t)
{
	int more = MNL_CB_OK, n;

	while (more == MNL_CB_OK) {
		n = receive(c);
		if (n < 0)
			return n;
		if (!is_whole(c, (size_t)n))
			return -EPROTO;
		more = mnl_cb_run(c->packet, (size_t)n, c->seq, 0, show, t);
	}
	if (more < 0)
		return -errno;
	return t->result < 0 ? t->result : 0;
}

struct one {
	uint16_t type;
	void *answer;
	size_t len;
};

static int take_one(void *arg, const struct nlmsghdr *hdr)
{
	struct one *one = arg;

	if (hdr->nlmsg_type != one->type)
		return -EPROTO;
	lull_client_take(hdr, one->answer, one->len);
	return 0;
}

/* ---- entry points ---- */

void lull_client_take(const struct nlmsghdr *hdr, void *into, size_t len)
{
	size_t there = mnl_nlmsg_get_payload_len(hdr);

	memset(into, 0, len);
	memcpy(into, mnl_nlmsg_get_payload(hdr), there < len ? there : len);
}

int lull_client_dump(struct lull_client *client,
		     const struct lull_client_request *request,
		     lull_client_see *see, void *arg)
{
	struct talk t = {.see = see, .arg = arg};
	int e = send_request(client, request, NLM_F_DUMP);

	return e < 0 ? e : listen_to(client, &t);
}

int lull_client_call(struct lull_client *client,
		     const struct lull_client_request *request, void *answer,
		     size_t len)
{
	struct one one = {request->type, answer, len};
	struct talk t = {.see = take_one, .arg = &one};
	int e = send_request(client, request, 0);

	return e < 0 ? e : listen_to(client, &t);
}

static int reach(struct lull_client *c, const char *path)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	size_t len = strlen(path);

	if (len >= sizeof at.sun_path)
		return -ENAMETOOLONG;
	memcpy(at.sun_path, path, len);
	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (c->fd < 0 ||
	    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof patience) < 0 ||
	    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
		       sizeof patience) < 0)
		return -errno;
	if (connect(c->fd, (const void *)&at, sizeof at) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return 0;
}

int lull_client_open(struct lull_client **client, const char *path)
{
	struct lull_client *c = calloc(1, sizeof *c);
	int e;

	if (!c)
		return -ENOMEM;
	c->fd = -1;
	e = reach(c, path);
	if (e < 0) {
		lull_client_close(c);
		return e;
	}
	*client = c;
	return 0;
}

void lull_client_close(struct lull_client *client)
{
	if (!client)
		return;
	if (client->fd >= 0)
		close(client->fd);
	free(client);
}
