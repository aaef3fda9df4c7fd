/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_control_dests.c: destinations over the control socket: counts, times,
 * all of them, and none that holds a turn up.
 */
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "../unit/test.h"
#include "../../host/answer.h"
#include "served.h"

enum {
	MANY_DESTS = 1000,
};

static struct lull_client *client_of(const struct served *w)
{
	struct lull_client *c;

	assert_int_equal(lull_client_open(&c, w->path), 0);
	return c;
}

struct dests {
	struct lull_ctl_dest row[2 * MANY_DESTS];
	int len;
};

static int see_dest(void *arg, const struct nlmsghdr *hdr)
{
	struct dests *d = arg;

	assert_in_range(d->len, 0, 2 * MANY_DESTS - 1);
	assert_int_equal(hdr->nlmsg_type, LULL_CTL_DESTS);
	assert_int_equal(mnl_nlmsg_get_payload_len(hdr),
			 sizeof d->row[0]); /* no hidden padding */
	lull_client_take(hdr, &d->row[d->len++], sizeof d->row[0]);
	return 0;
}

static void get_dests(struct lull_client *c, struct dests *d)
{
	const struct lull_client_request request = {LULL_CTL_DESTS, NULL, 0};

	d->len = 0;
	assert_int_equal(lull_client_dump(c, &request, see_dest, d), 0);
}

static const struct lull_ctl_dest *to_port(const struct dests *d, uint16_t port)
{
	const struct lull_ctl_dest *found = NULL;

	for (int i = 0; i < d->len; i++)
		if (d->row[i].rport == port) {
			assert_null(found); /* once */
			found = &d->row[i];
		}
	assert_non_null(found);
	return found;
}

static struct lull_sock peer_listens(struct served *w)
{
	const struct lull_listen l = {
		.size = sizeof l, .port_lo = 9, .backlog = MANY_DESTS};
	struct lull_sock sock;

	assert_int_equal(lull_sock_listen(w->peer, &l, &sock), 0);
	return sock;
}

/* A connection that we open, and then close first. */
static void leave_time_wait(struct served *w, struct lull_sock listener)
{
	struct lull_sock us = served_begin(w, "10.9.3.1", 9), peer = {0}, last;

	served_settle(w);
	while (lull_sock_accept(w->peer, listener, 0, &last) == 0)
		peer = last;
	lull_sock_close(w->us, us);
	served_settle(w);
	lull_sock_close(w->peer, peer);
	served_settle(w);
}

static void set(struct served *w, const char *name, const char *value)
{
	assert_int_equal(lull_sysctl_set(w->us, name, value, NULL), 0);
}

static void expect_forecast(const struct lull_ctl_dest *d)
{
	uint32_t left = d->ports - d->live - d->closing;

	assert_in_range(d->opens_per_s, 0, d->live + d->closing);
	if (d->opens_per_s) /* 60 s of any rate are more than eight ports */
		assert_int_equal(d->full_in_ns,
				 left * 1000000000UL / d->opens_per_s);
	else
		assert_true(d->full_in_ns == UINT64_MAX);
}

/* Counts, and how the ports stand; of IPv6, too. */
static void destinations_are_told(void **state)
{
	static const uint8_t us[] = {[10] = 0xff, 0xff, 10, 9, 3, 2};
	static struct dests dests;
	const struct lull_ctl_dest *d;
	struct lull_sock listener;
	struct lull_client *c;
	struct served *w;

	w = served_open(64);
	set(w, "net.ipv4.ip_local_port_range", "20000 20007");
	set(w, "net.lull.tcp_tw_reuse_safe", "0");
	listener = peer_listens(w);
	(void)served_connect(w, false); /* accepted: no port of ours */
	leave_time_wait(w, listener);
	leave_time_wait(w, listener);
	for (int i = 0; i < 3; i++)
		(void)served_begin(w, "10.9.3.1", 9);
	served_settle(w);
	served_cut(w);
	(void)served_begin(w, "fd00:9:3::1", 10);
	served_start(w);
	c = client_of(w);
	get_dests(c, &dests);
	assert_int_equal(dests.len, 2);
	d = to_port(&dests, 9);
	assert_memory_equal(d->local, us, sizeof us);
	assert_int_equal(d->remote[15], 1);
	assert_int_equal(d->ports, 8);
	assert_int_equal(d->live, 3);
	assert_int_equal(d->closing, 2);
	assert_int_equal(d->reserved, 0);
	assert_int_equal(d->no_reuse, 0);
	assert_in_range(d->free_in_ns, 30000000000, 60001000000);
	assert_true(d->reuse_in_ns == UINT64_MAX);
	expect_forecast(d);
	d = to_port(&dests, 10);
	assert_int_equal(d->local[0], 0xfd);
	assert_int_equal(d->remote[15], 1);
	assert_int_equal(d->live, 1);
	assert_int_equal(d->closing, 0);
	assert_true(d->free_in_ns == UINT64_MAX);
	expect_forecast(d);
	lull_client_close(c);
	served_close(w);
	(void)state;
}

static void when_a_time_wait_can_be_reused_is_told(void **state)
{
	static struct dests dests;
	struct lull_client *c;
	struct served *w;

	w = served_open(64);
	set(w, "net.ipv4.tcp_tw_reuse", "1");
	leave_time_wait(w, peer_listens(w));
	served_start(w);
	c = client_of(w);
	get_dests(c, &dests);
	assert_int_equal(dests.len, 1);
	assert_in_range(dests.row[0].reuse_in_ns, 0, 1001000000);
	lull_client_close(c);
	served_close(w);
	(void)state;
}

static void many_destinations_come_once_each(void **state)
{
	static struct dests dests;
	struct lull_client *c;
	struct served *w;

	w = served_open(2 * MANY_DESTS);
	served_cut(w);
	for (uint16_t i = 0; i < MANY_DESTS; i++)
		(void)served_begin(w, "10.9.3.1", (uint16_t)(1000 + i));
	served_start(w);
	c = client_of(w);
	get_dests(c, &dests);
	assert_int_equal(dests.len, MANY_DESTS);
	for (uint16_t i = 0; i < MANY_DESTS; i++)
		assert_int_equal(to_port(&dests, (uint16_t)(1000 + i))->live,
				 1);
	lull_client_close(c);
	served_close(w);
	(void)state;
}

/* However costly the rows are and however many ask, a turn ends. */
static void costly_destinations_take_many_turns(void **state)
{
	struct lull_ctl_asked *a = calloc(1, sizeof *a);
	struct lull_ctl_packet *p = calloc(1, sizeof *p);
	const struct nlmsghdr request = {NLMSG_HDRLEN, LULL_CTL_DESTS,
					 NLM_F_REQUEST | NLM_F_DUMP, 1, 0};
	struct lull_sock listener, peer;
	struct lull_dest_row row;
	struct served *w;
	uint64_t cursor = 0;
	uint32_t bytes = 0;
	int turns = 0;

	w = served_open(2 * MANY_DESTS);
	listener = peer_listens(w);
	/* The record stands behind all that live. */
	for (int i = 0; i < MANY_DESTS; i++)
		(void)served_begin(w, "10.9.3.1", 9);
	served_settle(w);
	while (lull_sock_accept(w->peer, listener, 0, &peer) == 0)
		;
	leave_time_wait(w, listener);
	assert_int_equal(lull_diag_dests(w->us, &cursor, &row, 1), 1);
	assert_int_equal(row.closing, 1);
	for (; a->len < sizeof a->bytes; a->len += sizeof request)
		memcpy(a->bytes + a->len, &request, sizeof request);
	while (lull_ctl_is_asked(a)) {
		lull_ctl_answer(w->us, a, p);
		bytes += p->len;
		assert_in_range(++turns, 1, 10000);
	}
	assert_true(turns > 1);
	assert_int_equal(bytes, LULL_CTL_REQUEST / sizeof request *
					(2 * sizeof request + 4 +
					 sizeof(struct lull_ctl_dest)));
	free(a);
	free(p);
	served_close(w);
	(void)state;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(destinations_are_told),
		cmocka_unit_test(when_a_time_wait_can_be_reused_is_told),
		cmocka_unit_test(many_destinations_come_once_each),
		cmocka_unit_test(costly_destinations_take_many_turns),
	};

	return RUN("control_dests", tests);
}
