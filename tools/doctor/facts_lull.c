/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * facts_lull.c: facts of a running lull, by its control socket: states, rows,
 * destinations with their forecast, counters, pools, knobs.
 *
 * Entry point: facts_from_lull.
 */
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <libmnl/libmnl.h>

#include "../lull/ctl.h"
#include "gather.h"
#include "rows.h"
#include "tables.h"

struct look {
	struct facts *f;
	struct scan *scan;
	struct lull_client *client;
	uint64_t empty[2]; /* requests that pools refused, all together */
	uint64_t worst;
	int sample;
};

static int ask(struct look *look, uint16_t type, lull_client_see *see)
{
	const struct lull_client_request request = {type, NULL, 0};

	return lull_client_dump(look->client, &request, see, look);
}

/* ---- what it tells ---- */

static int see_knob(void *arg, const struct nlmsghdr *hdr)
{
	struct facts *f = ((struct look *)arg)->f;
	struct lull_ctl_knob k;

	lull_client_take(hdr, &k, sizeof k);
	k.name[sizeof k.name - 1] = 0;
	if (k.values == 2 && !strcmp(k.name, "net.ipv4.ip_local_port_range")) {
		f->range_lo = k.value[0];
		f->range_hi = k.value[1];
	}
	for (int i = 0; i < KNOBS_ALL && k.values == 1; i++)
		if (!strcmp(k.name, facts_knob_name((enum knob)i)))
			f->knob[i] = k.value[0];
	return 0;
}

static int see_counter(void *arg, const struct nlmsghdr *hdr)
{
	struct look *look = arg;
	struct lull_ctl_counter c;

	lull_client_take(hdr, &c, sizeof c);
	c.group[sizeof c.group - 1] = c.name[sizeof c.name - 1] = 0;
	for (int i = 0; i < COUNTERS_ALL; i++) {
		const char *group, *name;

		facts_counter_name((enum counter)i, &group, &name);
		if (!strcmp(group, c.group) && !strcmp(name, c.name))
			look->f->counter[i][look->sample] = (int64_t)c.value;
	}
	return 0;
}

static int see_pool(void *arg, const struct nlmsghdr *hdr)
{
	struct look *look = arg;
	struct lull_ctl_pool p;

	lull_client_take(hdr, &p, sizeof p);
	look->empty[look->sample] += p.empty;
	if (p.empty > look->worst) {
		look->worst = p.empty;
		snprintf(look->f->pool, sizeof look->f->pool, "%.15s", p.name);
	}
	return 0;
}

static int64_t in_ms(uint64_t ns)
{
	return ns == UINT64_MAX ? UNKNOWN : (int64_t)(ns / 1000000);
}

static int see_dest(void *arg, const struct nlmsghdr *hdr)
{
	struct facts *f = ((struct look *)arg)->f;
	struct lull_ctl_dest c;
	struct dest d = {0};

	if (hdr->nlmsg_type != LULL_CTL_DESTS)
		return -EPROTO;
	lull_client_take(hdr, &c, sizeof c);
	memcpy(d.src, c.local, sizeof d.src);
	memcpy(d.dst, c.remote, sizeof d.dst);
	d.dport = c.rport;
	d.no_reuse = c.no_reuse != 0;
	d.used[0] = d.used[1] = c.live + c.closing;
	d.tw = c.closing;
	d.ports = (int64_t)c.ports - c.reserved;
	d.full_in_ms = in_ms(c.full_in_ns);
	f->client_rows += d.used[1];
	f->dests_all++;
	dests_rank(f, &d);
	return 0;
}

static int see_row(void *arg, const struct nlmsghdr *hdr)
{
	struct look *look = arg;
	struct lull_ctl_listen listen = {0};
	const struct nlattr *attr;
	struct row r;

	if (mnl_nlmsg_get_payload_len(hdr) < sizeof(struct inet_diag_msg))
		return -EPROTO;
	row_take(mnl_nlmsg_get_payload(hdr), &r);
	if (r.state != LISTEN)
		return scan_row(look->scan, &r);
	mnl_attr_for_each(attr, hdr, sizeof(struct inet_diag_msg)) if (
		mnl_attr_get_type(attr) == LULL_CTL_ATTR_LISTEN &&
		mnl_attr_get_payload_len(attr) >= sizeof listen)
		memcpy(&listen, mnl_attr_get_payload(attr), sizeof listen);
	return scan_listener(look->scan, &r, listen.port_hi);
}

/* ---- a sample ---- */

static int ask_rows(struct look *look, uint32_t states)
{
	const struct inet_diag_req_v2 req = {.sdiag_family = AF_UNSPEC,
					     .sdiag_protocol = IPPROTO_TCP,
					     .idiag_states = states};
	const struct lull_client_request request = {SOCK_DIAG_BY_FAMILY, &req,
						    sizeof req};

	return lull_client_dump(look->client, &request, see_row, look);
}

static int take_sample(struct look *look, int sample)
{
	int e;

	look->sample = sample;
	look->worst = 0;
	scan_begin(look->scan, sample);
	e = ask(look, LULL_CTL_COUNTERS, see_counter);
	if (e == 0)
		e = ask(look, LULL_CTL_POOLS, see_pool);
	if (e == 0)
		e = ask_rows(look, 1U << LISTEN);
	if (e == 0)
		e = ask_rows(look, 0xfffU & ~(1U << LISTEN));
	return e;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int look_twice(struct look *look, double seconds)
{
	double first = now();
	int e = take_sample(look, 0);

	if (e < 0)
		return e;
	row_pause(seconds);
	look->f->seconds = now() - first;
	e = take_sample(look, 1);
	if (e == 0)
		scan_finish(look->scan);
	look->f->client_rows = look->f->dests_all = 0;
	if (e == 0)
		e = ask(look, LULL_CTL_DESTS, see_dest);
	return e;
}

int facts_from_lull(struct facts *f, const char *path, double seconds)
{
	struct look look = {.f = f};
	int e;

	look.client = ctl_open(path);
	if (!look.client)
		return TOOL_COULD_NOT;
	f->origin = FROM_LULL;
	e = ask(&look, LULL_CTL_SYSCTL_LIST, see_knob);
	look.scan = e == 0 ? scan_new(f) : NULL;
	if (e == 0)
		e = look.scan ? look_twice(&look, seconds) : -ENOMEM;
	if (e == 0)
		f->pools_empty = (int64_t)(look.empty[1] - look.empty[0]);
	scan_free(look.scan);
	lull_client_close(look.client);
	return e < 0 ? ctl_failed(path, e) : TOOL_OK;
}
