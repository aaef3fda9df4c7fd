/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer.c: the answers of the control socket (control.h, docs/control.md).
 *
 * A dump goes on from its cursor with every call, a bounded piece of it. Never
 * trusts a length, a number or a text of the peer's, and keeps nothing of a
 * request but struct lull_ctl_asked.
 *
 * Entry points: lull_ctl_answer, lull_ctl_is_asked.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include <lull/host.h>

#include "answer.h"

enum {
	BATCH = 64,  /* rows, or records, of one look into the shard */
	WORK = 1024, /* rows looked at in a piece ... */
	LOOK = 128,  /* ... and what a look costs: it may skip thousands */
	BITS_MAPPED = 96,
	TRACES = 65536,	   /* of one dump: it ends, however fast they come */
	DESTS_NS = 200000, /* of destinations, in one packet */
	MESSAGE_MAX = 512, /* no message of ours is longer ... */
	ANSWER_MAX = 1088, /* ... but one text */
	ROW_MAX = 128,	   /* ... and a row of which no more is asked is this */
	DETAIL_MAX = 112,  /* its attributes, but INET_DIAG_INFO */
	TRACE_MAX = sizeof(struct nlmsghdr) + sizeof(struct lull_ctl_trace),
	END_MAX = 64, /* nor one that ends a dump, or refuses */
};

_Static_assert(sizeof(struct nlmsghdr) + sizeof(struct inet_diag_msg) +
			       sizeof(struct lull_tcp_info) + DETAIL_MAX <=
		       MESSAGE_MAX,
	       "a row with all its attributes fits");
_Static_assert(sizeof(struct nlmsghdr) + sizeof(struct inet_diag_msg) + 32 <=
		       ROW_MAX,
	       "a row with three small ones fits");
_Static_assert(sizeof(struct nlmsghdr) + sizeof(struct lull_ctl_knob) <=
		       MESSAGE_MAX,
	       "a knob fits, and so does all that is shorter");
_Static_assert(sizeof(struct nlmsghdr) + sizeof(struct lull_ctl_text) <=
		       ANSWER_MAX,
	       "a text fits");
_Static_assert(sizeof(struct nlmsghdr) + sizeof(struct lull_ctl_put) <=
		       LULL_CTL_REQUEST,
	       "the longest request fits");
_Static_assert(sizeof(struct nlmsghdr) + sizeof(struct nlmsgerr) <= END_MAX,
	       "an error fits");

static bool has_room(const struct lull_ctl_packet *p)
{
	return p->len + ANSWER_MAX + END_MAX <= LULL_CTL_PACKET;
}

/* ---- messages ---- */

static struct nlmsghdr *begin(struct lull_ctl_packet *p,
			      const struct nlmsghdr *head, const void *body,
			      size_t len)
{
	struct nlmsghdr *hdr = mnl_nlmsg_put_header(p->bytes + p->len);

	*hdr = *head;
	hdr->nlmsg_len = NLMSG_HDRLEN;
	memcpy(mnl_nlmsg_put_extra_header(hdr, len), body, len);
	return hdr;
}

static void end(struct lull_ctl_packet *p, const struct nlmsghdr *hdr)
{
	p->len += NLMSG_ALIGN(hdr->nlmsg_len);
}

static void put(struct lull_ctl_packet *p, const struct nlmsghdr *head,
		const void *body, size_t len)
{
	end(p, begin(p, head, body, len));
}

/* The head of the answers to a request. */
static struct nlmsghdr head_of(const struct nlmsghdr *request, uint16_t type,
			       uint16_t flags)
{
	return (struct nlmsghdr){.nlmsg_type = type,
				 .nlmsg_flags = flags,
				 .nlmsg_seq = request->nlmsg_seq,
				 .nlmsg_pid = request->nlmsg_pid};
}

static void put_one(struct lull_ctl_packet *p, const struct nlmsghdr *request,
		    const void *body, size_t len)
{
	const struct nlmsghdr head = head_of(request, request->nlmsg_type, 0);

	put(p, &head, body, len);
}

static void put_error(struct lull_ctl_packet *p, const struct nlmsghdr *request,
		      int error)
{
	const struct nlmsghdr head =
		head_of(request, NLMSG_ERROR, NLM_F_CAPPED);
	const struct nlmsgerr body = {error, *request};

	put(p, &head, &body, sizeof body);
}

static void put_done(struct lull_ctl_packet *p, struct lull_ctl_job *job)
{
	const int32_t error = 0;

	job->head.nlmsg_type = NLMSG_DONE;
	put(p, &job->head, &error, sizeof error);
	job->head.nlmsg_type = 0;
}

/* ---- sockets ---- */

/* A listener on any address, of both families, counts as IPv6: as on Linux. */
static uint8_t family_of(const struct lull_row *row)
{
	return lull_addr_is_ipv4(&row->local.addr) &&
			       row->local_bits >= BITS_MAPPED
		       ? AF_INET
		       : AF_INET6;
}

static bool is_wanted(const struct inet_diag_req_v2 *want,
		      const struct lull_row *row)
{
	uint16_t sport = ntohs(want->id.idiag_sport);
	uint16_t dport = ntohs(want->id.idiag_dport);

	return want->idiag_states & 1U << row->state &&
	       (want->sdiag_family == AF_UNSPEC ||
		want->sdiag_family == family_of(row)) &&
	       (!sport ||
		(sport >= row->local.port && sport <= row->local_port_hi)) &&
	       (!dport || dport == row->remote.port);
}

static void set_id(struct inet_diag_sockid *id, const struct lull_row *row,
		   uint8_t family)
{
	size_t skip = family == AF_INET ? 12 : 0;

	id->idiag_sport = htons(row->local.port);
	id->idiag_dport = htons(row->remote.port);
	memcpy(id->idiag_src, row->local.addr.b + skip, 16 - skip);
	memcpy(id->idiag_dst, row->remote.addr.b + skip, 16 - skip);
	id->idiag_cookie[0] = (uint32_t)row->id;
	id->idiag_cookie[1] = (uint32_t)(row->id >> 32);
}

static void put_listener(struct nlmsghdr *hdr, const struct lull_row *row,
			 uint8_t family)
{
	uint8_t bits = row->local_bits;
	uint8_t whole = family == AF_INET ? 32 : 128;
	struct lull_ctl_listen more = {.port_hi = row->local_port_hi};

	if (family == AF_INET6)
		mnl_attr_put_u8(hdr, INET_DIAG_SKV6ONLY, row->v6only);
	else
		bits = (uint8_t)(bits - BITS_MAPPED);
	more.bits = bits;
	/* Linux's own rows have none of these. */
	if (more.port_hi != row->local.port || (bits && bits != whole))
		mnl_attr_put(hdr, LULL_CTL_ATTR_LISTEN, sizeof more, &more);
}

static void put_row(const struct lull_shard *s, struct lull_ctl_packet *p,
		    const struct lull_ctl_job *job, const struct lull_row *row)
{
	uint8_t family = family_of(row);
	struct inet_diag_msg msg = {
		.idiag_family = family,
		.idiag_state = row->state,
		.idiag_timer = row->timer,
		.idiag_retrans = row->retries,
		.idiag_expires = row->timer_ms,
		.idiag_rqueue = row->rqueue,
		.idiag_wqueue = row->wqueue,
	};
	struct nlmsghdr *hdr;

	set_id(&msg.id, row, family);
	hdr = begin(p, &job->head, &msg, sizeof msg);
	if (row->state == LULL_TCP_LISTEN)
		put_listener(hdr, row, family);
	lull_ctl_put_detail(hdr, s, row, job->want.idiag_ext);
	end(p, hdr);
}

/* true: that was the last piece. */
static bool go_on_rows(const struct lull_shard *s, struct lull_ctl_job *job,
		       struct lull_ctl_packet *p)
{
	struct lull_row rows[BATCH];
	int row_max = job->want.idiag_ext ? MESSAGE_MAX : ROW_MAX;

	for (int work = WORK; work > 0; work -= LOOK) {
		int room = (LULL_CTL_PACKET - END_MAX - (int)p->len) / row_max;
		int n;

		if (room == 0)
			return false;
		n = lull_diag_rows(s, &job->cursor, rows,
				   room < BATCH ? room : BATCH);
		if (n == 0)
			return true;
		for (int i = 0; i < n; i++)
			if (is_wanted(&job->want, &rows[i]))
				put_row(s, p, job, &rows[i]);
		work -= n > 0 ? n : 0; /* -EAGAIN: nothing lives there */
	}
	return false;
}

/* ---- lists ---- */

union item {
	struct lull_ctl_knob knob;
	struct lull_ctl_counter counter;
	struct lull_ctl_pool pool;
};

static void set_knob(struct lull_ctl_knob *knob,
		     const struct lull_knob_info *info)
{
	_Static_assert(sizeof knob->name == sizeof info->name &&
			       sizeof knob->unit == sizeof info->unit &&
			       sizeof knob->words == sizeof info->words &&
			       sizeof knob->help == sizeof info->help,
		       "the texts fit");
	memcpy(knob->name, info->name, sizeof knob->name);
	memcpy(knob->unit, info->unit, sizeof knob->unit);
	memcpy(knob->words, info->words, sizeof knob->words);
	memcpy(knob->help, info->help, sizeof knob->help);
	knob->values = (uint32_t)info->values;
	knob->fixed = info->fixed;
	knob->min = info->min;
	knob->max = info->max;
	memcpy(knob->defaults, info->defaults, sizeof knob->defaults);
	memcpy(knob->value, info->value, sizeof knob->value);
}

/* The i-th one, and its size; 0: there is none. */
static size_t get_knob(const struct lull_shard *s, uint32_t i, union item *item)
{
	struct lull_knob_info info;

	if (!lull_diag_knob(s, i, &info))
		return 0;
	set_knob(&item->knob, &info);
	return sizeof item->knob;
}

static size_t get_counter(const struct lull_shard *s, uint32_t i,
			  union item *item)
{
	struct lull_counter c;

	if (!lull_diag_counter(s, i, &c))
		return 0;
	memcpy(item->counter.group, c.group, sizeof item->counter.group);
	memcpy(item->counter.name, c.name, sizeof item->counter.name);
	memcpy(item->counter.help, c.help, sizeof item->counter.help);
	item->counter.value = c.value;
	return sizeof item->counter;
}

static size_t get_pool(const struct lull_shard *s, uint32_t i, union item *item)
{
	struct lull_pool p;

	if (!lull_diag_pool(s, i, &p))
		return 0;
	memcpy(item->pool.name, p.name, sizeof item->pool.name);
	item->pool.object_bytes = p.object_bytes;
	item->pool.used = p.used;
	item->pool.peak = p.peak;
	item->pool.limit = p.limit;
	item->pool.empty = p.empty;
	return sizeof item->pool;
}

static bool go_on_list(const struct lull_shard *s, struct lull_ctl_job *job,
		       struct lull_ctl_packet *p,
		       size_t (*get)(const struct lull_shard *s, uint32_t i,
				     union item *item))
{
	while (has_room(p)) {
		union item item = {0};
		size_t len = get(s, (uint32_t)job->cursor, &item);

		if (!len)
			return true;
		put(p, &job->head, &item, len);
		job->cursor++;
	}
	return false;
}

/* ---- the trace ---- */

static void put_trace(struct lull_ctl_packet *p, const struct lull_ctl_job *job,
		      const struct lull_trace_record *r, uint64_t index)
{
	struct lull_ctl_trace trace = {
		.index = index,
		.now_ns = r->now_ns,
		.kind = r->kind,
		.from = r->from,
		.to = r->to,
		.what = r->what,
		.lport = r->local.port,
		.rport = r->remote.port,
		.seq = r->seq,
		.ack = r->ack,
	};

	memcpy(trace.local, r->local.addr.b, sizeof trace.local);
	memcpy(trace.remote, r->remote.addr.b, sizeof trace.remote);
	if (r->kind == LULL_TRACE_DROP)
		strncpy(trace.name, lull_drop_name(r->what),
			sizeof trace.name - 1);
	put(p, &job->head, &trace, sizeof trace);
}

static bool go_on_trace(const struct lull_shard *s, struct lull_ctl_job *job,
			struct lull_ctl_packet *p)
{
	struct lull_trace_record records[BATCH];
	int n;

	while (p->len + BATCH * TRACE_MAX + END_MAX <= LULL_CTL_PACKET) {
		n = lull_diag_trace(s, &job->cursor, records, BATCH);
		for (int i = 0; i < n; i++)
			put_trace(p, job, &records[i],
				  job->cursor - (uint64_t)(n - i));
		job->told += (uint32_t)n;
		if (n == 0 || job->told >= TRACES)
			return true;
	}
	return false;
}

/* ---- destinations ---- */

static void put_dest(const struct lull_shard *s, struct lull_ctl_packet *p,
		     const struct lull_ctl_job *job,
		     const struct lull_dest_row *row)
{
	const struct lull_connect to = {
		.size = sizeof to,
		.remote = row->remote,
		.local.addr = row->local,
	};
	struct lull_why why = {.size = sizeof why};
	struct lull_ctl_dest dest = {
		.rport = row->remote.port,
		.no_reuse = row->no_reuse,
		.live = row->live,
		.closing = row->closing,
		.opens_per_s = row->opens_per_s,
	};

	/* It was connected to from there, so it can be. */
	if (lull_diag_why(s, &to, &why) < 0)
		why.free_in_ns = why.reuse_in_ns = why.full_in_ns = UINT64_MAX;
	memcpy(dest.local, row->local.b, sizeof dest.local);
	memcpy(dest.remote, row->remote.addr.b, sizeof dest.remote);
	dest.ports = why.ports;
	dest.reserved = why.ports_reserved;
	dest.free_in_ns = why.free_in_ns;
	dest.reuse_in_ns = why.reuse_in_ns;
	dest.full_in_ns = why.full_in_ns;
	put(p, &job->head, &dest, sizeof dest);
}

/*
 * What a row costs differs a hundredfold: its records are looked at for the
 * times. So the clock ends a piece, also one of many requests for short lists.
 */
static bool go_on_dests(const struct lull_shard *s, struct lull_ctl_job *job,
			struct lull_ctl_packet *p)
{
	struct lull_dest_row row;

	while (has_room(p) && lull_clock_ns() < p->until_ns) {
		int n = lull_diag_dests(s, &job->cursor, &row, 1);

		if (n == 0)
			return true;
		if (n > 0) /* -EAGAIN: nothing lives there */
			put_dest(s, p, job, &row);
	}
	return false;
}

/* ---- requests with one answer ---- */

static void states(const struct lull_shard *s, struct lull_ctl_packet *p,
		   const struct nlmsghdr *request)
{
	struct lull_ctl_states answer;

	lull_diag_states(s, answer.count);
	put_one(p, request, &answer, sizeof answer);
}

static void get(const struct lull_shard *s, struct lull_ctl_packet *p,
		const struct nlmsghdr *request)
{
	const struct lull_ctl_name *asked = mnl_nlmsg_get_payload(request);
	struct lull_ctl_knob answer;
	struct lull_knob_info info;

	for (uint32_t i = 0; lull_diag_knob(s, i, &info); i++) {
		if (strncmp(info.name, asked->name, sizeof info.name) != 0)
			continue;
		set_knob(&answer, &info);
		put_one(p, request, &answer, sizeof answer);
		return;
	}
	put_error(p, request, -ENOENT);
}

static void text(const struct lull_shard *s, struct lull_ctl_packet *p,
		 const struct nlmsghdr *request)
{
	struct lull_ctl_name asked;
	struct lull_ctl_text answer = {{0}};
	int e = -ENOENT;

	memcpy(&asked, mnl_nlmsg_get_payload(request), sizeof asked);
	if (memchr(asked.name, 0, sizeof asked.name))
		e = lull_sysctl_get(s, asked.name, answer.text,
				    sizeof answer.text);
	if (e < 0)
		put_error(p, request, e == -ENOSPC ? -EMSGSIZE : e);
	else
		put_one(p, request, &answer, sizeof answer);
}

/* Both ways to set one begin with the name; the value is the rest. */
static void set(struct lull_shard *s, struct lull_ctl_packet *p,
		const struct nlmsghdr *request)
{
	const char *name = mnl_nlmsg_get_payload(request);
	size_t name_len = sizeof((struct lull_ctl_set *)0)->name;
	const char *value = name + name_len;
	size_t len = request->nlmsg_len - NLMSG_HDRLEN - name_len;
	struct lull_sysctl_why why = {.size = sizeof why};
	struct lull_ctl_set_answer answer = {0};

	if (!memchr(name, 0, name_len) || !memchr(value, 0, len)) {
		put_error(p, request, -EINVAL);
		return;
	}
	answer.error = lull_sysctl_set(s, name, value, &why);
	answer.min = why.min;
	answer.max = why.max;
	put_one(p, request, &answer, sizeof answer);
}

/* ---- a request ---- */

/* How long the payload must be; -1: there is no such request. */
static int payload_of(uint16_t type)
{
	switch (type) {
	case SOCK_DIAG_BY_FAMILY:
		return sizeof(struct inet_diag_req_v2);
	case LULL_CTL_SYSCTL_GET:
		return sizeof(struct lull_ctl_name);
	case LULL_CTL_SYSCTL_SET:
		return sizeof(struct lull_ctl_set);
	case LULL_CTL_SYSCTL_TEXT:
		return sizeof(struct lull_ctl_name);
	case LULL_CTL_SYSCTL_PUT:
		return sizeof(struct lull_ctl_put);
	case LULL_CTL_TRACE:
		return sizeof(struct lull_ctl_trace_from);
	case LULL_CTL_STATES:
	case LULL_CTL_SYSCTL_LIST:
	case LULL_CTL_COUNTERS:
	case LULL_CTL_POOLS:
	case LULL_CTL_DESTS:
		return 0;
	default:
		return -1;
	}
}

/* Begin a dump. 0, or why not. */
static int start(struct lull_ctl_job *job, const struct nlmsghdr *request)
{
	const struct inet_diag_req_v2 *want = &job->want;

	*job = (struct lull_ctl_job){.at = job->at};
	if ((request->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		return -EOPNOTSUPP;
	if (request->nlmsg_type == LULL_CTL_TRACE)
		memcpy(&job->cursor, mnl_nlmsg_get_payload(request),
		       sizeof job->cursor);
	if (request->nlmsg_type == SOCK_DIAG_BY_FAMILY) {
		memcpy(&job->want, mnl_nlmsg_get_payload(request),
		       sizeof job->want);
		if (want->sdiag_protocol != IPPROTO_TCP)
			return -EPROTONOSUPPORT;
		if (want->sdiag_family != AF_UNSPEC &&
		    want->sdiag_family != AF_INET &&
		    want->sdiag_family != AF_INET6)
			return -EAFNOSUPPORT;
	}
	job->head = head_of(request, request->nlmsg_type, NLM_F_MULTI);
	return 0;
}

static void answer_one(struct lull_shard *s, struct lull_ctl_job *job,
		       struct lull_ctl_packet *p,
		       const struct nlmsghdr *request)
{
	uint16_t type = request->nlmsg_type;
	int len = (int)(request->nlmsg_len - NLMSG_HDRLEN);
	int need = payload_of(type), e = 0;

	if (type < NLMSG_MIN_TYPE) /* NLMSG_NOOP and such */
		return;
	if (need < 0)
		e = -EOPNOTSUPP;
	else if (!(request->nlmsg_flags & NLM_F_REQUEST) || len < need)
		e = -EINVAL;
	else if (len > need) /* attributes that would be ignored */
		e = -EOPNOTSUPP;
	else if (type == LULL_CTL_STATES)
		states(s, p, request);
	else if (type == LULL_CTL_SYSCTL_GET)
		get(s, p, request);
	else if (type == LULL_CTL_SYSCTL_TEXT)
		text(s, p, request);
	else if (type == LULL_CTL_SYSCTL_SET || type == LULL_CTL_SYSCTL_PUT)
		set(s, p, request);
	else
		e = start(job, request);
	if (e < 0)
		put_error(p, request, e);
}

/* The next message of the packet; NULL: what is left of it is none. */
static const struct nlmsghdr *next(struct lull_ctl_asked *asked,
				   struct nlmsghdr *head)
{
	const uint8_t *at = asked->bytes + asked->job.at;
	uint32_t left = asked->len - asked->job.at, len;

	*head = (struct nlmsghdr){0};
	if (asked->len > sizeof asked->bytes)
		left = 0;
	if (left >= sizeof *head)
		memcpy(head, at, sizeof *head);
	len = head->nlmsg_len;
	if (len < sizeof *head || len > left) {
		asked->job.at = asked->len;
		return NULL;
	}
	asked->job.at += NLMSG_ALIGN(len); /* perhaps behind the end */
	return (const void *)at;
}

static bool go_on(const struct lull_shard *s, struct lull_ctl_job *job,
		  struct lull_ctl_packet *p)
{
	switch (job->head.nlmsg_type) {
	case SOCK_DIAG_BY_FAMILY:
		return go_on_rows(s, job, p);
	case LULL_CTL_SYSCTL_LIST:
		return go_on_list(s, job, p, get_knob);
	case LULL_CTL_COUNTERS:
		return go_on_list(s, job, p, get_counter);
	case LULL_CTL_POOLS:
		return go_on_list(s, job, p, get_pool);
	case LULL_CTL_TRACE:
		return go_on_trace(s, job, p);
	case LULL_CTL_DESTS:
		return go_on_dests(s, job, p);
	default:
		return true;
	}
}

/* ---- entry points ---- */

bool lull_ctl_is_asked(const struct lull_ctl_asked *asked)
{
	return asked->job.head.nlmsg_type || asked->job.at < asked->len;
}

void lull_ctl_answer(struct lull_shard *shard, struct lull_ctl_asked *asked,
		     struct lull_ctl_packet *packet)
{
	struct lull_ctl_job *job = &asked->job;
	const struct nlmsghdr *request;
	struct nlmsghdr head;

	packet->len = 0;
	packet->until_ns = lull_clock_ns() + DESTS_NS;
	while (lull_ctl_is_asked(asked) && has_room(packet)) {
		if (job->head.nlmsg_type) {
			if (!go_on(shard, job, packet))
				return;
			put_done(packet, job);
			continue;
		}
		request = next(asked, &head);
		if (request)
			answer_one(shard, job, packet, request);
		else
			put_error(packet, &head, -EINVAL);
	}
}
