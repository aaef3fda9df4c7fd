/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diag.c: see diag.h.
 *
 * A dump is read in the pieces that the kernel sends, and never kept: memory
 * is the same for ten sockets and for a million.
 *
 * Entry points: diag_open, _close, _dump, _was_torn, _destroy.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include "diag.h"

enum {
	PIECE = 1 << 18, /* the kernel fills 32 KiB at most, so far */
};

struct diag {
	struct mnl_socket *nl;
	uint32_t seq;
	bool torn;
	__attribute__((aligned(8))) uint8_t piece[PIECE];
};

int diag_open(struct diag **diag)
{
	struct diag *d = malloc(sizeof *d);
	int e;

	if (!d)
		return -ENOMEM;
	d->seq = 0;
	d->torn = false;
	d->nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	if (!d->nl || mnl_socket_bind(d->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		e = -errno;
		diag_close(d);
		return e;
	}
	*diag = d;
	return 0;
}

void diag_close(struct diag *diag)
{
	if (!diag)
		return;
	if (diag->nl)
		mnl_socket_close(diag->nl);
	free(diag);
}

/* ---- a dump ---- */

struct talk {
	struct diag *diag;
	diag_see *see;
	void *arg;
	int result; /* of `see` */
};

static int show(const struct nlmsghdr *hdr, void *arg)
{
	struct talk *t = arg;

	if (hdr->nlmsg_flags & NLM_F_DUMP_INTR)
		t->diag->torn = true;
	if ((hdr->nlmsg_type != SOCK_DIAG_BY_FAMILY &&
	     hdr->nlmsg_type != TCPDIAG_GETSOCK) ||
	    mnl_nlmsg_get_payload_len(hdr) < sizeof(struct inet_diag_msg))
		return MNL_CB_OK;
	/* Once it has had enough the rest is only read. */
	if (t->result >= 0)
		t->result = t->see(t->arg, hdr);
	return MNL_CB_OK;
}

static int end(const struct nlmsghdr *hdr, void *arg)
{
	struct talk *t = arg;

	if (hdr->nlmsg_flags & NLM_F_DUMP_INTR)
		t->diag->torn = true;
	return MNL_CB_STOP;
}

/* The kernel's answer of its own, when there is nothing to dump for it. */
static int refuse(const struct nlmsghdr *hdr, void *arg)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(hdr);

	(void)arg;
	if (mnl_nlmsg_get_payload_len(hdr) < sizeof *err) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	errno = -err->error;
	return err->error ? MNL_CB_ERROR : MNL_CB_STOP;
}

static int listen_to(struct diag *d, struct talk *t)
{
	static mnl_cb_t control[NLMSG_MIN_TYPE] = {
		[NLMSG_DONE] = end,
		[NLMSG_ERROR] = refuse,
	};
	int more = MNL_CB_OK;
	ssize_t n;

	while (more == MNL_CB_OK) {
		n = mnl_socket_recvfrom(d->nl, d->piece, sizeof d->piece);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		more = mnl_cb_run2(d->piece, (size_t)n, d->seq,
				   mnl_socket_get_portid(d->nl), show, t,
				   control, NLMSG_MIN_TYPE);
	}
	if (more < 0)
		return -errno;
	return t->result < 0 ? t->result : 0;
}

static struct nlmsghdr *request(struct diag *d, uint16_t type, uint16_t flags,
				const struct inet_diag_req_v2 *req)
{
	struct nlmsghdr *hdr = mnl_nlmsg_put_header(d->piece);

	hdr->nlmsg_type = type;
	hdr->nlmsg_flags = NLM_F_REQUEST | flags;
	hdr->nlmsg_seq = ++d->seq;
	memcpy(mnl_nlmsg_put_extra_header(hdr, sizeof *req), req, sizeof *req);
	return hdr;
}

/* The request that sock_diag(7) came to replace, the only one that takes
 * AF_UNSPEC. */
static struct nlmsghdr *old_request(struct diag *d, const struct diag_ask *ask)
{
	struct nlmsghdr *hdr = mnl_nlmsg_put_header(d->piece);
	struct inet_diag_req *req;

	hdr->nlmsg_type = TCPDIAG_GETSOCK;
	hdr->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	hdr->nlmsg_seq = ++d->seq;
	req = mnl_nlmsg_put_extra_header(hdr, sizeof *req);
	req->idiag_family = AF_UNSPEC;
	req->idiag_ext = ask->ext;
	req->idiag_states = ask->states;
	return hdr;
}

int diag_dump(struct diag *diag, const struct diag_ask *ask, diag_see *see,
	      void *arg)
{
	const struct inet_diag_req_v2 req = {
		.sdiag_family = ask->family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_ext = ask->ext,
		.idiag_states = ask->states,
	};
	struct nlmsghdr *hdr =
		ask->family == AF_UNSPEC
			? old_request(diag, ask)
			: request(diag, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &req);
	struct talk t = {.diag = diag, .see = see, .arg = arg};
	int e;

	if (ask->filter_len > PIECE / 2)
		return -EMSGSIZE;
	if (ask->filter)
		mnl_attr_put(hdr, INET_DIAG_REQ_BYTECODE, ask->filter_len,
			     ask->filter);
	diag->torn = false;
	if (mnl_socket_sendto(diag->nl, hdr, hdr->nlmsg_len) < 0)
		return -errno;
	e = listen_to(diag, &t);
	/* There is no such family or protocol; unless it was `see` that said
	 * so. */
	return e == -ENOENT && t.result >= 0 ? -EPROTONOSUPPORT : e;
}

bool diag_was_torn(const struct diag *diag)
{
	return diag->torn;
}

/* ---- the end of one ---- */

int diag_destroy(struct diag *diag, const struct inet_diag_msg *msg)
{
	const struct inet_diag_req_v2 req = {
		.sdiag_family = msg->idiag_family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = 1U << msg->idiag_state,
		.id = msg->id,
	};
	struct nlmsghdr *hdr = request(diag, SOCK_DESTROY, NLM_F_ACK, &req);
	struct talk t = {.diag = diag};

	if (mnl_socket_sendto(diag->nl, hdr, hdr->nlmsg_len) < 0)
		return -errno;
	return listen_to(diag, &t);
}
