/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer.h: from what a client of the control socket asked to a packet with the
 * answer. No descriptor, no memory of its own: control.c has both.
 */
#ifndef LULL_HOST_ANSWER_H
#define LULL_HOST_ANSWER_H

#include <linux/inet_diag.h>

#include "control.h"

/* How far a packet of requests is answered. */
struct lull_ctl_job {
	uint32_t at;	      /* in the packet */
	uint32_t told;	      /* of a dump: records of the trace */
	struct nlmsghdr head; /* of its answers; type 0: there is no dump */
	uint64_t cursor;
	struct inet_diag_req_v2 want; /* with SOCK_DIAG_BY_FAMILY */
};

struct lull_ctl_asked {
	struct lull_ctl_job job;
	uint32_t len; /* as it came, perhaps more than bytes[] could hold */
	__attribute__((aligned(8))) uint8_t bytes[LULL_CTL_REQUEST];
};

struct lull_ctl_packet {
	uint64_t until_ns; /* costly rows are put */
	uint32_t len;
	__attribute__((aligned(8))) uint8_t bytes[LULL_CTL_PACKET];
};

/* Is there more to answer? */
bool lull_ctl_is_asked(const struct lull_ctl_asked *asked);
/*
 * Answer so much as one packet holds and one turn allows; perhaps nothing yet.
 * Only here are the peer's bytes looked at.
 */
void lull_ctl_answer(struct lull_shard *shard, struct lull_ctl_asked *asked,
		     struct lull_ctl_packet *packet);

/* The attributes of a row that `ext` asks for, and those that all have. */
void lull_ctl_put_detail(struct nlmsghdr *hdr, const struct lull_shard *shard,
			 const struct lull_row *row, uint8_t ext);

#endif
