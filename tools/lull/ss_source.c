/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_source.c: where the rows of `lull ss` come from: the kernel by sock_diag,
 * or a lull by its control socket, which speaks the same; /proc/net/tcp where
 * the kernel has no sock_diag. A filter is the kernel's work where it can be.
 *
 * Entry points: ss_source_open, _close, _dump, _failed; ss_take_row, ss_attr,
 * ss_seen.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "diag.h"
#include "ss.h"

/* BOUND_INACTIVE: sockets that are bound and no more, which ss(8) of 6.1 and
 * netstat never show. */
#define BOUND (1U << 13)

/* ---- a row ---- */

bool ss_take_row(const struct nlmsghdr *hdr, struct ss_row *r)
{
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(hdr) < sizeof r->msg)
		return false;
	*r = (struct ss_row){.hdr = hdr};
	memcpy(&r->msg, mnl_nlmsg_get_payload(hdr), sizeof r->msg);
	if (r->msg.idiag_family != AF_INET && r->msg.idiag_family != AF_INET6)
		return false;
	r->listen.port_hi = ntohs(r->msg.id.idiag_sport);
	r->listen.bits = r->msg.idiag_family == AF_INET ? 32 : 128;
	mnl_attr_for_each(attr, hdr, sizeof r->msg)
	{
		int type = mnl_attr_get_type(attr);

		if (type < SS_ATTRS)
			r->attr[type] = attr;
		else if (type == LULL_CTL_ATTR_LISTEN &&
			 mnl_attr_get_payload_len(attr) >= sizeof r->listen)
			memcpy(&r->listen, mnl_attr_get_payload(attr),
			       sizeof r->listen);
	}
	r->v6only = ss_attr(r, INET_DIAG_SKV6ONLY, 1) &&
		    mnl_attr_get_u8(r->attr[INET_DIAG_SKV6ONLY]);
	return true;
}

const void *ss_attr(const struct ss_row *row, int type, size_t len)
{
	const struct nlattr *attr = row->attr[type];

	return attr && mnl_attr_get_payload_len(attr) >= len
		       ? mnl_attr_get_payload(attr)
		       : NULL;
}

bool ss_seen(struct ss_recent *recent, const struct ss_row *row)
{
	uint64_t cookie = row->msg.id.idiag_cookie[0] |
			  (uint64_t)row->msg.id.idiag_cookie[1] << 32;
	uint64_t *last = &recent->cookie[cookie % SS_RECENT];

	if (!cookie || cookie == UINT64_MAX)
		return false;
	if (*last == cookie)
		return true;
	*last = cookie;
	return false;
}

/* ---- a dump ---- */

struct call {
	const struct ss_ask *ask;
	bool filtered; /* by the kernel */
	ss_see *see;
	void *arg;
};

static int see_message(void *arg, const struct nlmsghdr *hdr)
{
	const struct call *call = arg;
	struct ss_row row;

	if (!ss_take_row(hdr, &row))
		return -EPROTO;
	if (!call->filtered && !ss_filter_match(call->ask->filter, &row.msg))
		return 0;
	return call->see(call->arg, &row);
}

static int see_ctl(void *arg, const struct nlmsghdr *hdr)
{
	return hdr->nlmsg_type == SOCK_DIAG_BY_FAMILY ? see_message(arg, hdr)
						      : -EPROTO;
}

static int dump_kernel(struct ss_source *s, struct call *call, uint8_t family)
{
	uint8_t code[SS_FILTER_CODE];
	int len = ss_filter_compile(call->ask->filter, code), e;
	struct diag_ask ask = {
		.family = family,
		.ext = call->ask->ext,
		.states = call->ask->states & ~BOUND,
		.filter = len > 0 ? code : NULL,
		.filter_len = len > 0 ? (size_t)len : 0,
	};

	call->filtered = len >= 0;
	e = diag_dump(s->diag, &ask, see_message, call);
	if (e == -EINVAL && ask.filter) { /* an older kernel: no such word */
		call->filtered = false;
		ask.filter = NULL;
		ask.filter_len = 0;
		e = diag_dump(s->diag, &ask, see_message, call);
	}
	s->torn = s->torn || diag_was_torn(s->diag);
	return e;
}

static int dump_family(struct ss_source *s, struct call *call, uint8_t family)
{
	const struct inet_diag_req_v2 want = {
		.sdiag_family = family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_ext = call->ask->ext,
		.idiag_states = call->ask->states,
	};
	const struct lull_client_request request = {SOCK_DIAG_BY_FAMILY, &want,
						    sizeof want};

	if (s->client)
		return lull_client_dump(s->client, &request, see_ctl, call);
	return dump_kernel(s, call, family);
}

static void use_proc(struct ss_source *s, int error)
{
	diag_close(s->diag);
	s->diag = NULL;
	tool_error(0,
		   "the kernel has no sock_diag for us (%s): reading "
		   "/proc/net/tcp, which is slower and has less",
		   strerror(-error));
}

int ss_source_dump(struct ss_source *s, const struct ss_ask *ask, ss_see *see,
		   void *arg)
{
	struct call call = {.ask = ask, .see = see, .arg = arg};
	bool both = ask->ipv4 == ask->ipv6;
	int e = 0;

	s->torn = false;
	if (!s->client && !s->diag)
		return ss_proc_dump(ask, see, arg);
	if (both && s->one_walk && ask->any_order &&
	    !(ask->filter && ask->filter->len)) {
		e = dump_family(s, &call, AF_UNSPEC);
		if (e != -EPROTONOSUPPORT && e != -EINVAL)
			return e;
		s->one_walk = false;
	}
	if (both || ask->ipv4)
		e = dump_family(s, &call, AF_INET);
	if (e == 0 && (both || ask->ipv6)) {
		e = dump_family(s, &call, AF_INET6);
		/* A kernel without IPv6 has none of its sockets. */
		if (e == -EPROTONOSUPPORT && s->diag && both)
			return 0;
	}
	if (e != -EPROTONOSUPPORT || !s->diag)
		return e;
	/* It has sock_diag, but not that of TCP (CONFIG_INET_DIAG). */
	use_proc(s, e);
	return ss_proc_dump(ask, see, arg);
}

/* ---- opening ---- */

int ss_source_open(struct ss_source *s, const char *ctl)
{
	int e;

	*s = (struct ss_source){.path = ctl, .one_walk = !ctl};
	if (ctl) {
		s->client = ctl_open(ctl);
		return s->client ? 0 : TOOL_COULD_NOT;
	}
	e = diag_open(&s->diag);
	if (e == 0)
		return 0;
	s->diag = NULL;
	use_proc(s, e);
	return 0;
}

void ss_source_close(struct ss_source *s)
{
	if (s->client)
		lull_client_close(s->client);
	diag_close(s->diag);
	*s = (struct ss_source){0};
}

int ss_source_failed(const struct ss_source *s, int error)
{
	if (s->path)
		return ctl_failed(s->path, error);
	if (error == -EPERM || error == -EACCES)
		return tool_error(TOOL_COULD_NOT,
				  "the kernel's sockets: %s; be root",
				  strerror(-error));
	if (error == -ENOENT)
		return tool_error(TOOL_COULD_NOT,
				  "/proc does not have what is needed; is it "
				  "mounted?");
	return tool_error(TOOL_COULD_NOT, "the kernel's sockets: %s; try again",
			  strerror(-error));
}
