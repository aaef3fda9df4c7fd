/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control.h: what is said over the control socket, and a client for it.
 *
 * Netlink's message format (RFC 3549) over AF_UNIX, SOCK_SEQPACKET: packets of
 * at most LULL_CTL_PACKET bytes, each with one or more messages. Sockets are
 * asked for and told as sock_diag(7) has it; all else is lull's own, from
 * 0x6c00, in host byte order. docs/control.md tells the rules.
 */
#ifndef LULL_HOST_CONTROL_H
#define LULL_HOST_CONTROL_H

#include <linux/netlink.h>

#include <lull/diag.h>

enum {
	LULL_CTL_PACKET = 32768, /* bytes of an answer, at most */
	LULL_CTL_REQUEST = 1024, /* bytes of a packet of requests, at most */
	LULL_CTL_CLIENTS = 32,	 /* at once; the next one gets -EBUSY */
};

enum lull_ctl_type {		       /* request: answer */
	LULL_CTL_STATES = 0x6c00,      /* nothing: struct lull_ctl_states */
	LULL_CTL_SYSCTL_LIST = 0x6c01, /* dump: struct lull_ctl_knob */
	LULL_CTL_SYSCTL_GET = 0x6c02,  /* lull_ctl_name: lull_ctl_knob */
	LULL_CTL_SYSCTL_SET = 0x6c03,  /* lull_ctl_set: lull_ctl_set_answer */
	LULL_CTL_COUNTERS = 0x6c04,    /* dump: struct lull_ctl_counter */
	LULL_CTL_POOLS = 0x6c05,       /* dump: struct lull_ctl_pool */
	LULL_CTL_TRACE = 0x6c06,       /* dump, lull_ctl_trace_from: _trace */
	LULL_CTL_DESTS = 0x6c07,       /* dump: struct lull_ctl_dest */
	/* For knobs that are lists, and any other: */
	LULL_CTL_SYSCTL_TEXT = 0x6c10, /* lull_ctl_name: lull_ctl_text */
	LULL_CTL_SYSCTL_PUT = 0x6c11,  /* lull_ctl_put: lull_ctl_set_answer */
};

/* An attribute of a listener's row that is more than one address and port. */
#define LULL_CTL_ATTR_LISTEN 0x2c00

struct lull_ctl_listen {
	uint16_t port_hi; /* the end of its range */
	uint8_t bits;	  /* of its prefix: 0..32, or 0..128 with AF_INET6 */
	uint8_t unused;
};

struct lull_ctl_states {
	uint64_t count[LULL_TCP_STATES]; /* by enum lull_tcp_state */
};

struct lull_ctl_name {
	char name[48];
};

/* As struct lull_knob_info. */
struct lull_ctl_knob {
	char name[48], unit[16], words[48], help[112];
	uint32_t values, fixed;
	int64_t min, max, defaults[3], value[3];
};

struct lull_ctl_set {
	char name[48], value[80];
};

/* A value as text, and a longer one to set. */
struct lull_ctl_text {
	char text[1024];
};

struct lull_ctl_put {
	char name[48], value[904];
};

struct lull_ctl_set_answer {
	int32_t error; /* 0, or as in struct lull_sysctl_why */
	uint32_t unused;
	int64_t min, max; /* with -ERANGE */
};

struct lull_ctl_counter {
	char group[12], name[28], help[88];
	uint64_t value;
};

struct lull_ctl_pool {
	char name[16];
	uint32_t object_bytes, used, peak, limit;
	uint64_t empty;
};

struct lull_ctl_trace_from {
	uint64_t from; /* records before this one are known already */
};

struct lull_ctl_trace {
	uint64_t index; /* since creation; one that is left out was overrun */
	uint64_t now_ns;
	uint8_t kind, from, to, what; /* as struct lull_trace_record */
	uint16_t lport, rport;
	uint8_t local[16], remote[16];
	uint32_t seq, ack;
	char name[32]; /* of a drop */
};

/* As struct lull_dest_row, and what lull_diag_why() says of it. */
struct lull_ctl_dest {
	uint8_t local[16], remote[16];
	uint16_t rport;
	uint16_t no_reuse; /* 1: its peer refused a TIME_WAIT's pair */
	uint32_t ports, live, closing, reserved, opens_per_s;
	uint64_t free_in_ns, reuse_in_ns, full_in_ns; /* UINT64_MAX: never */
};

/* ---- the client ---- */

struct lull_client;

/*
 * -ENOENT: no such path; -ECONNREFUSED: nobody listens there; -EACCES; others
 * of connect(2).
 */
LULL_MUST_CHECK int lull_client_open(struct lull_client **client,
				     const char *path);
void lull_client_close(struct lull_client *client);

/* Sees one message of a dump. Below 0 ends it, and is what it returns. */
typedef int lull_client_see(void *arg, const struct nlmsghdr *hdr);

struct lull_client_request {
	uint16_t type; /* SOCK_DIAG_BY_FAMILY, or of enum lull_ctl_type */
	const void *payload;
	uint32_t len;
};

/*
 * Ask, and see each answer until the last. What the other side answers, or
 * -ETIMEDOUT, -ECONNRESET (it went), -EPROTO (it is no lull). After a failure
 * the conversation is out of step: close it, unless the answer was an error.
 */
LULL_MUST_CHECK int lull_client_dump(struct lull_client *client,
				     const struct lull_client_request *request,
				     lull_client_see *see, void *arg);
/* Ask for one answer, of `len` bytes. */
LULL_MUST_CHECK int lull_client_call(struct lull_client *client,
				     const struct lull_client_request *request,
				     void *answer, size_t len);
/*
 * The payload of a message, as far as `len`; zeroes behind a shorter one, that
 * of an older lull.
 */
void lull_client_take(const struct nlmsghdr *hdr, void *into, size_t len);

#endif
