/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules_tell.c: what a stack tells of its connections (lull_diag_rows(), and
 * TCP_INFO) must fit what the world knows.
 *
 *	- no round trip is shorter than the path (RFC 6298 3: Karn);
 *	- what timed out has reduced its window (RFC 5681 3.1);
 *	- a FIN that waits for a closed window probes it (3.8.6.1).
 *
 * Entry point: rules_tell.
 */
#include <errno.h>

#include "rules.h"

#define US	 1000ULL
#define SECOND	 1000000000ULL
#define INFINITE (1U << 30) /* ssthresh, before the first loss */

enum {
	ROWS = 64,
	LOSS = 4, /* tcpi_ca_state */
};

static void check_detail(struct rules *r, const struct watch *k,
			 const struct lull_row *row,
			 const struct lull_detail *d)
{
	uint64_t least_us = r->rtt_ns / US;

	if (least_us > 1 && d->info.min_rtt && d->info.min_rtt < least_us - 1)
		rules_fail(r, k, "a round trip of %u us; the path takes %lu",
			   d->info.min_rtt, least_us);
	/* RFC 8201 5.4: too large is no congestion. */
	if (!rules_host_of(r, k->host)->mtu_probing &&
	    !sim_has(r->w, KIND_MTU) && d->info.ca_state == LOSS &&
	    d->info.retransmits > 0 && d->info.unacked > 0 &&
	    row->ssthresh_bytes >= INFINITE)
		rules_fail(r, k, "timed out, and ssthresh is as it was");
}

/* All is acknowledged but the FIN, which was never sent. */
static void check_probe(struct rules *r, const struct watch *k,
			const struct lull_row *row)
{
	uint64_t wait_ns = 2 * (uint64_t)row->rto_us * US + 2 * SECOND;

	if ((k->state == LULL_TCP_FIN_WAIT_1 ||
	     k->state == LULL_TCP_LAST_ACK) &&
	    k->zero && !k->probed && !k->sent_fin &&
	    r->w->now_ns > k->zero_ns + wait_ns &&
	    r->w->now_ns > k->since_ns + wait_ns)
		rules_fail(r, k, "no probe of a closed window for %.3f s",
			   (double)(r->w->now_ns - k->zero_ns) / SECOND);
}

static void tell(struct rules *r, int host, const struct lull_row *row)
{
	struct lull_shard *shard = r->w->host[host].shard;
	struct lull_detail d = {.size = sizeof d};
	const struct watch *k;

	if (!row->is_full || row->state == LULL_TCP_SYN_SENT ||
	    row->state == LULL_TCP_SYN_RECEIVED)
		return;
	k = rules_find(r, host, &row->local, &row->remote);
	if (!k)
		return;
	check_probe(r, k, row);
	if (lull_diag_detail(shard, row->id, &d) == 0)
		check_detail(r, k, row, &d);
}

void rules_tell(struct rules *r)
{
	struct lull_row row[ROWS];

	for (int host = 0; host < r->w->hosts; host++) {
		uint64_t cursor = 0;
		int n;

		if (!r->w->host[host].shard ||
		    r->w->host[host].awake_ns > r->w->now_ns)
			continue;
		do {
			n = lull_diag_rows(r->w->host[host].shard, &cursor, row,
					   ROWS);
			for (int i = 0; i < n; i++)
				tell(r, host, &row[i]);
		} while (n > 0 || n == -EAGAIN);
	}
}
