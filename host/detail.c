/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * detail.c: what ss(8) asks for of a row with -i, -m and -e: the attributes
 * of sock_diag, from lull_diag_detail().
 *
 * Entry point: lull_ctl_put_detail.
 */
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "answer.h"

/* Ours goes out as it is: each word stands where Linux has it. */
#define SAME(field)                                                     \
	_Static_assert(offsetof(struct lull_tcp_info, field) ==         \
			       offsetof(struct tcp_info, tcpi_##field), \
		       #field " stands where Linux has it")

SAME(state);
SAME(options);
SAME(rto);
SAME(rcv_mss);
SAME(unacked);
SAME(fackets);
SAME(last_data_sent);
SAME(last_ack_recv);
SAME(pmtu);
SAME(snd_cwnd);
SAME(reordering);
SAME(rcv_space);
SAME(total_retrans);
SAME(pacing_rate);
SAME(bytes_received);
SAME(segs_in);
SAME(min_rtt);
SAME(data_segs_out);
SAME(delivery_rate);
SAME(sndbuf_limited);
SAME(delivered_ce);
SAME(bytes_retrans);
SAME(rcv_ooopack);
SAME(snd_wnd);

#define ASKED(ext, name) ((ext)&1U << (INET_DIAG_##name - 1))

static void put_memory(struct nlmsghdr *hdr, uint8_t ext,
		       const struct lull_detail *d)
{
	const struct inet_diag_meminfo old = {
		.idiag_rmem = d->rcv_alloc,
		.idiag_wmem = d->snd_queued,
	};
	uint32_t m[SK_MEMINFO_VARS] = {0};

	m[SK_MEMINFO_RMEM_ALLOC] = d->rcv_alloc;
	m[SK_MEMINFO_RCVBUF] = d->rcv_buf;
	m[SK_MEMINFO_SNDBUF] = d->snd_buf;
	m[SK_MEMINFO_WMEM_QUEUED] = d->snd_queued;
	if (ASKED(ext, MEMINFO))
		mnl_attr_put(hdr, INET_DIAG_MEMINFO, sizeof old, &old);
	if (ASKED(ext, SKMEMINFO))
		mnl_attr_put(hdr, INET_DIAG_SKMEMINFO, sizeof m, m);
}

void lull_ctl_put_detail(struct nlmsghdr *hdr, const struct lull_shard *s,
			 const struct lull_row *row, uint8_t ext)
{
	struct lull_detail d = {.size = sizeof d};

	if (!row->is_full && row->state != LULL_TCP_LISTEN)
		return;
	mnl_attr_put_u8(hdr, INET_DIAG_SHUTDOWN, row->shut);
	if (!ext || lull_diag_detail(s, row->id, &d) < 0)
		return;
	if (ASKED(ext, TOS))
		mnl_attr_put_u8(hdr, INET_DIAG_TOS, d.tos);
	put_memory(hdr, ext, &d);
	if (ASKED(ext, INFO))
		mnl_attr_put(hdr, INET_DIAG_INFO, sizeof d.info, &d.info);
	if (ASKED(ext, CONG))
		mnl_attr_put_strz(hdr, INET_DIAG_CONG, d.cc);
}
