/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_control.c: what the control socket says (host/answer.c) over its client
 * (host/client.c). Who may come and what they may send is test_control_bad.c's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "../unit/test.h"
#include "../../host/answer.h"
#include "served.h"

enum {
	ALL = 0xfff,
	MANY = 10000,
	ROWS_MAX = MANY + 4096,
};

/* ---- rows ---- */

struct row {
	struct inet_diag_msg msg;
	struct tcp_info info;
	struct lull_ctl_listen listen;
	bool has_info, has_listen;
	uint32_t more; /* attributes, by their bits of idiag_ext */
	int shutdown;  /* -1: not said */
	int v6only;    /* -1: not said */
};

struct rows {
	struct row *row;
	int len;
};

static int see_attr(const struct nlattr *attr, void *arg)
{
	struct row *r = arg;
	uint16_t len = mnl_attr_get_payload_len(attr);
	const void *payload = mnl_attr_get_payload(attr);

	switch (mnl_attr_get_type(attr)) {
	case INET_DIAG_INFO:
		assert_true(len >=
			    sizeof r->info); /* this header's may be older */
		memcpy(&r->info, payload, sizeof r->info);
		r->has_info = true;
		break;
	case INET_DIAG_SHUTDOWN:
		assert_int_equal(len, 1);
		r->shutdown = mnl_attr_get_u8(attr);
		break;
	case INET_DIAG_CONG:
	case INET_DIAG_SKMEMINFO:
	case INET_DIAG_MEMINFO:
	case INET_DIAG_TOS:
		r->more |= 1U << (mnl_attr_get_type(attr) - 1);
		break;
	case INET_DIAG_SKV6ONLY:
		r->v6only = mnl_attr_get_u8(attr);
		break;
	case LULL_CTL_ATTR_LISTEN:
		assert_int_equal(len, sizeof r->listen);
		memcpy(&r->listen, payload, len);
		r->has_listen = true;
		break;
	default:
		fail_msg("attribute %d", mnl_attr_get_type(attr));
	}
	return MNL_CB_OK;
}

static int see_row(void *arg, const struct nlmsghdr *hdr)
{
	struct rows *rows = arg;
	struct row *r = &rows->row[rows->len++];

	assert_in_range(rows->len, 1, ROWS_MAX);
	assert_int_equal(hdr->nlmsg_type, SOCK_DIAG_BY_FAMILY);
	assert_true(hdr->nlmsg_flags & NLM_F_MULTI);
	*r = (struct row){.v6only = -1, .shutdown = -1};
	lull_client_take(hdr, &r->msg, sizeof r->msg);
	assert_int_equal(mnl_attr_parse(hdr, sizeof r->msg, see_attr, r),
			 MNL_CB_OK);
	return 0;
}

static struct inet_diag_req_v2 want_all(void)
{
	return (struct inet_diag_req_v2){.sdiag_protocol = IPPROTO_TCP,
					 .idiag_states = ALL};
}

static struct lull_client *client_of(const struct served *w)
{
	struct lull_client *c;

	assert_int_equal(lull_client_open(&c, w->path), 0);
	return c;
}

static int try_rows(struct lull_client *c, const struct inet_diag_req_v2 *want,
		    struct rows *rows)
{
	const struct lull_client_request request = {SOCK_DIAG_BY_FAMILY, want,
						    sizeof *want};

	rows->len = 0;
	return lull_client_dump(c, &request, see_row, rows);
}

static void get_rows(struct lull_client *c, const struct inet_diag_req_v2 *want,
		     struct rows *rows)
{
	assert_int_equal(try_rows(c, want, rows), 0);
}

static struct rows new_rows(void)
{
	struct rows rows = {.row = calloc(ROWS_MAX, sizeof(struct row))};

	assert_non_null(rows.row);
	return rows;
}

static int count_state(const struct rows *rows, uint8_t state)
{
	int n = 0;

	for (int i = 0; i < rows->len; i++)
		n += rows->row[i].msg.idiag_state == state;
	return n;
}

/* The one row in this state. */
static const struct row *in_state(const struct rows *rows, uint8_t state,
				  uint8_t family)
{
	const struct row *found = NULL;

	for (int i = 0; i < rows->len; i++) {
		const struct row *r = &rows->row[i];

		if (r->msg.idiag_state != state ||
		    r->msg.idiag_family != family)
			continue;
		assert_null(found);
		found = r;
	}
	assert_non_null(found);
	return found;
}

/* ---- sockets, as sock_diag(7) has them ---- */

struct fixture {
	struct served *w;
	struct lull_client *c;
	struct rows rows;
};

static struct fixture open_fixture(void)
{
	return (struct fixture){.rows = new_rows()};
}

static int every_state(void **state)
{
	struct fixture *f = malloc(sizeof *f);

	*f = open_fixture();
	f->w = served_open(64);
	served_every_state(f->w);
	served_start(f->w);
	f->c = client_of(f->w);
	*state = f;
	return 0;
}

static int close_fixture(void **state)
{
	struct fixture *f = *state;

	lull_client_close(f->c);
	served_close(f->w);
	free(f->rows.row);
	free(f);
	return 0;
}

static void each_state_has_its_row(void **state)
{
	static const uint8_t one[] = {
		LULL_TCP_ESTABLISHED,  LULL_TCP_SYN_SENT,
		LULL_TCP_SYN_RECEIVED, LULL_TCP_FIN_WAIT_1,
		LULL_TCP_FIN_WAIT_2,   LULL_TCP_TIME_WAIT,
		LULL_TCP_CLOSE_WAIT,   LULL_TCP_LAST_ACK,
		LULL_TCP_CLOSING,
	};
	struct fixture *f = *state;
	const struct inet_diag_req_v2 want = want_all();

	get_rows(f->c, &want, &f->rows);
	assert_int_equal(f->rows.len, sizeof one + 2);
	for (size_t i = 0; i < sizeof one; i++) {
		const struct row *r = in_state(&f->rows, one[i], AF_INET);
		bool ours = one[i] == LULL_TCP_SYN_SENT;

		assert_int_equal(ntohl(r->msg.id.idiag_src[0]), 0x0a090302);
		assert_int_equal(ntohl(r->msg.id.idiag_dst[0]), 0x0a090301);
		assert_int_equal(r->msg.id.idiag_src[1], 0);
		if (ours)
			assert_int_equal(ntohs(r->msg.id.idiag_dport), 9);
		else
			assert_int_equal(ntohs(r->msg.id.idiag_sport),
					 SERVED_PORT);
		assert_int_equal(r->msg.idiag_uid, 0);
		assert_int_equal(r->msg.idiag_inode, 0);
		assert_false(r->has_info);
	}
}

static void timers_are_told_in_milliseconds(void **state)
{
	struct fixture *f = *state;
	const struct inet_diag_req_v2 want = want_all();
	const struct row *r;

	get_rows(f->c, &want, &f->rows);
	r = in_state(&f->rows, LULL_TCP_TIME_WAIT, AF_INET);
	assert_int_equal(r->msg.idiag_timer, LULL_ROW_TIMER_TIMEWAIT);
	/* A millisecond that has begun counts. */
	assert_in_range(r->msg.idiag_expires, 30000, 60001);
	r = in_state(&f->rows, LULL_TCP_FIN_WAIT_1, AF_INET);
	assert_int_equal(r->msg.idiag_timer, LULL_ROW_TIMER_ON);
	r = in_state(&f->rows, LULL_TCP_ESTABLISHED, AF_INET);
	assert_int_equal(r->msg.idiag_timer, LULL_ROW_TIMER_NONE);
}

static void a_listener_on_any_address_is_one_ipv6_row(void **state)
{
	static const uint32_t none[4];
	struct fixture *f = *state;
	const struct inet_diag_req_v2 want = want_all();
	const struct row *r;

	get_rows(f->c, &want, &f->rows);
	assert_int_equal(count_state(&f->rows, LULL_TCP_LISTEN), 1);
	r = in_state(&f->rows, LULL_TCP_LISTEN, AF_INET6);
	assert_memory_equal(r->msg.id.idiag_src, none, sizeof none);
	assert_memory_equal(r->msg.id.idiag_dst, none, sizeof none);
	assert_int_equal(ntohs(r->msg.id.idiag_sport), SERVED_PORT);
	assert_int_equal(r->msg.idiag_wqueue, 100); /* the backlog */
	assert_int_equal(r->v6only, 0);
	assert_false(r->has_listen);
}

static void ipv6_rows_have_sixteen_bytes(void **state)
{
	struct fixture *f = *state;
	const struct inet_diag_req_v2 want = want_all();
	const struct row *r;
	char text[INET6_ADDRSTRLEN];

	get_rows(f->c, &want, &f->rows);
	r = in_state(&f->rows, LULL_TCP_ESTABLISHED, AF_INET6);
	inet_ntop(AF_INET6, r->msg.id.idiag_src, text, sizeof text);
	assert_string_equal(text, "fd00:9:3::2");
	inet_ntop(AF_INET6, r->msg.id.idiag_dst, text, sizeof text);
	assert_string_equal(text, "fd00:9:3::1");
}

static void the_mask_of_states_is_honoured(void **state)
{
	struct fixture *f = *state;
	struct inet_diag_req_v2 want = want_all();
	int sum = 0;

	for (uint8_t i = 0; i < LULL_TCP_STATES; i++) {
		want.idiag_states = 1U << i;
		get_rows(f->c, &want, &f->rows);
		assert_int_equal(count_state(&f->rows, i), f->rows.len);
		sum += f->rows.len;
	}
	assert_int_equal(sum, 11);
	want.idiag_states = 0;
	get_rows(f->c, &want, &f->rows);
	assert_int_equal(f->rows.len, 0);
}

static void family_and_ports_are_honoured(void **state)
{
	struct fixture *f = *state;
	struct inet_diag_req_v2 want = want_all();
	uint16_t port;

	want.sdiag_family = AF_INET;
	get_rows(f->c, &want, &f->rows);
	assert_int_equal(f->rows.len, 9);
	port = in_state(&f->rows, LULL_TCP_TIME_WAIT, AF_INET)
		       ->msg.id.idiag_dport;
	want.sdiag_family = AF_INET6;
	get_rows(f->c, &want, &f->rows);
	assert_int_equal(f->rows.len, 2);

	want.sdiag_family = AF_UNSPEC;
	want.id.idiag_sport = htons(SERVED_PORT);
	get_rows(f->c, &want, &f->rows);
	assert_int_equal(f->rows.len, 10); /* all but SYN-SENT */
	want.id.idiag_dport = port;
	get_rows(f->c, &want, &f->rows);
	assert_int_equal(f->rows.len, 1);
	in_state(&f->rows, LULL_TCP_TIME_WAIT, AF_INET);
	want.id.idiag_sport = htons(SERVED_PORT + 1);
	get_rows(f->c, &want, &f->rows);
	assert_int_equal(f->rows.len, 0);
}

static void info_comes_when_it_is_asked_for(void **state)
{
	struct fixture *f = *state;
	struct inet_diag_req_v2 want = want_all();
	const struct row *r;

	want.idiag_ext = 1 << (INET_DIAG_INFO - 1);
	get_rows(f->c, &want, &f->rows);
	r = in_state(&f->rows, LULL_TCP_ESTABLISHED, AF_INET);
	assert_true(r->has_info);
	assert_int_equal(r->info.tcpi_state, LULL_TCP_ESTABLISHED);
	assert_in_range(r->info.tcpi_snd_mss, 1000, 1460);
	assert_int_equal(r->info.tcpi_snd_cwnd, 10); /* IW10, in segments */
	assert_int_equal(r->info.tcpi_snd_ssthresh, 0x7fffffff);
	assert_in_range(r->info.tcpi_rto, 200000, 1000000);
	assert_in_range(r->info.tcpi_rtt, 1, 1000000);
	r = in_state(&f->rows, LULL_TCP_TIME_WAIT, AF_INET);
	assert_false(r->has_info); /* as Linux: there is no more to tell */
	want.idiag_ext = (uint8_t)~want.idiag_ext; /* all others */
	get_rows(f->c, &want, &f->rows);
	r = in_state(&f->rows, LULL_TCP_ESTABLISHED, AF_INET);
	assert_false(r->has_info);
	assert_int_equal(r->shutdown, 0);
	assert_int_equal(r->more, 0x59); /* MEMINFO, CONG, TOS, SKMEMINFO */
	r = in_state(&f->rows, LULL_TCP_TIME_WAIT, AF_INET);
	assert_int_equal(r->shutdown, -1);
	assert_int_equal(r->more, 0);
}

static void other_protocols_and_families_are_refused(void **state)
{
	struct fixture *f = *state;
	struct inet_diag_req_v2 want = want_all();

	want.sdiag_protocol = IPPROTO_UDP;
	assert_int_equal(try_rows(f->c, &want, &f->rows), -EPROTONOSUPPORT);
	want = want_all();
	want.sdiag_family = AF_UNIX;
	assert_int_equal(try_rows(f->c, &want, &f->rows), -EAFNOSUPPORT);
	want = want_all(); /* and it goes on */
	get_rows(f->c, &want, &f->rows);
	assert_int_equal(f->rows.len, 11);
}

static void states_are_counted(void **state)
{
	const struct lull_client_request request = {.type = LULL_CTL_STATES};
	struct fixture *f = *state;
	const struct inet_diag_req_v2 want = want_all();
	struct lull_ctl_states states;

	assert_int_equal(
		lull_client_call(f->c, &request, &states, sizeof states), 0);
	get_rows(f->c, &want, &f->rows);
	for (uint8_t i = 0; i < LULL_TCP_STATES; i++)
		assert_int_equal(states.count[i], count_state(&f->rows, i));
}

static void ranges_and_prefixes_are_told(void **state)
{
	struct rows rows = new_rows();
	struct inet_diag_req_v2 want = want_all();
	const struct lull_listen l = {.size = sizeof l,
				      .flags = LULL_LISTEN_V6ONLY,
				      .port_lo = 86,
				      .backlog = 1};
	struct lull_client *c;
	struct lull_sock sock;
	struct served *w;
	const struct row *r;

	w = served_open(16);
	(void)served_listen(w, "10.9.3.2/32", 1000, 1999);
	(void)served_listen(w, "10.8.0.0/16", 81, 0);
	(void)served_listen(w, "fd00:8::/32", 82, 83);
	(void)served_listen(w, "0.0.0.0/0", 84, 0);
	/* IPv4 and more: counted from the front of IPv6. */
	(void)served_listen(w, "::ffff:0.0.0.0/64", 85, 0);
	assert_int_equal(lull_sock_listen(w->us, &l, &sock), 0);
	served_start(w);
	c = client_of(w);

	want.id.idiag_sport = htons(1999); /* the end of a range is in it */
	get_rows(c, &want, &rows);
	r = in_state(&rows, LULL_TCP_LISTEN, AF_INET);
	assert_int_equal(rows.len, 1);
	assert_int_equal(ntohs(r->msg.id.idiag_sport), 1000);
	assert_true(r->has_listen);
	assert_int_equal(r->listen.port_hi, 1999);
	assert_int_equal(r->listen.bits, 32);
	want.id.idiag_sport = htons(2000);
	get_rows(c, &want, &rows);
	assert_int_equal(rows.len, 0);
	want.id.idiag_sport = htons(81);
	get_rows(c, &want, &rows);
	r = in_state(&rows, LULL_TCP_LISTEN, AF_INET);
	assert_int_equal(ntohl(r->msg.id.idiag_src[0]), 0x0a080000);
	assert_int_equal(r->listen.bits, 16);
	assert_int_equal(r->listen.port_hi, 81);
	want.id.idiag_sport = htons(82);
	get_rows(c, &want, &rows);
	r = in_state(&rows, LULL_TCP_LISTEN, AF_INET6);
	assert_int_equal(r->listen.bits, 32);
	assert_int_equal(r->listen.port_hi, 83);
	want.id.idiag_sport = htons(84);
	get_rows(c, &want, &rows);
	r = in_state(&rows, LULL_TCP_LISTEN, AF_INET);
	assert_false(r->has_listen);
	want.id.idiag_sport = htons(85);
	get_rows(c, &want, &rows);
	r = in_state(&rows, LULL_TCP_LISTEN, AF_INET6);
	assert_int_equal(r->listen.bits, 64);
	assert_int_equal(r->v6only, 0);
	want.id.idiag_sport = htons(86);
	get_rows(c, &want, &rows);
	r = in_state(&rows, LULL_TCP_LISTEN, AF_INET6);
	assert_false(r->has_listen);
	assert_int_equal(r->v6only, 1);
	lull_client_close(c);
	served_close(w);
	free(rows.row);
	(void)state;
}

/* ---- ten thousand ---- */

struct churn {
	struct served_pair *pair;
	int n;
	int from, to; /* that are reset in this round */
};

/* Some end, new ones come, and the shard runs. */
static void churn(struct served *w, void *arg)
{
	struct churn *c = arg;

	for (int i = c->from; i < c->to; i++) {
		lull_sock_abort(w->us, c->pair[i].us);
		(void)served_connect(w, false);
	}
	served_settle(w);
}

struct reading {
	struct rows rows;
	struct served *w;
	struct churn *churn;
	int next; /* rows until the next piece of churn */
};

static int see_and_churn(void *arg, const struct nlmsghdr *hdr)
{
	struct reading *r = arg;
	struct churn *c = r->churn;
	int e = see_row(&r->rows, hdr);

	/* Every second one of the first half is going to end. */
	if (r->rows.len >= r->next && c->to < c->n / 2) {
		c->from = c->to;
		c->to += 50;
		served_do(r->w, churn, c);
		r->next += 500;
	}
	return e;
}

static int by_port(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->msg.id.idiag_dport - y->msg.id.idiag_dport;
}

/*
 * Every one that lives through the reading is told once; one that comes or goes
 * meanwhile, at most once. (Ports are not used twice within this test.)
 */
static void ten_thousand_rows_while_the_shard_runs(void **state)
{
	const struct inet_diag_req_v2 want = {
		.sdiag_family = AF_INET,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = 1 << LULL_TCP_ESTABLISHED,
	};
	const struct lull_client_request request = {SOCK_DIAG_BY_FAMILY, &want,
						    sizeof want};
	struct churn c = {.pair = calloc(MANY, sizeof *c.pair), .n = MANY};
	struct served *w;
	struct reading r = {.rows = new_rows(), .churn = &c};
	uint16_t *port = calloc(MANY, sizeof *port);
	struct lull_sock_info info = {.size = sizeof info};
	struct lull_client *client;
	int told = 0;

	r.w = w = served_open(2 * MANY);
	for (int i = 0; i < MANY; i++) {
		c.pair[i] = served_connect(w, false);
		assert_int_equal(lull_sock_info(w->us, c.pair[i].us, &info), 0);
		port[i] = info.remote.port;
	}
	served_start(w);
	client = client_of(w);
	r.next = 500;
	assert_int_equal(lull_client_dump(client, &request, see_and_churn, &r),
			 0);
	assert_in_range(c.to, 500, MANY / 2); /* it did happen, in pieces */
	qsort(r.rows.row, (size_t)r.rows.len, sizeof r.rows.row[0], by_port);
	for (int i = 1; i < r.rows.len; i++)
		assert_int_not_equal(
			by_port(&r.rows.row[i - 1], &r.rows.row[i]), 0);
	for (int i = c.to; i < MANY; i++) {
		const struct row key = {.msg.id.idiag_dport = htons(port[i])};

		told += bsearch(&key, r.rows.row, (size_t)r.rows.len,
				sizeof key, by_port) != NULL;
	}
	assert_int_equal(told, MANY - c.to);
	lull_client_close(client);
	served_close(w);
	free(c.pair);
	free(r.rows.row);
	free(port);
	(void)state;
}

/* ---- lull's own ---- */

/* What an older lull does not say is zero, and so is what it can't know. */
static void a_short_payload_is_filled_up(void **state)
{
	uint8_t bytes[NLMSG_HDRLEN + 8] = {0};
	struct lull_ctl_trace_from from = {~0ULL};
	struct nlmsghdr *hdr = mnl_nlmsg_put_header(bytes);

	memset(mnl_nlmsg_put_extra_header(hdr, 4), 1, 4);
	lull_client_take(hdr, &from, sizeof from);
	assert_memory_equal(&from, "\1\1\1\1\0\0\0", 8);
	(void)state;
}

static int see_knob(void *arg, const struct nlmsghdr *hdr)
{
	struct lull_knob_info info;
	struct lull_ctl_knob knob;
	uint32_t *i = arg;

	assert_int_equal(hdr->nlmsg_type, LULL_CTL_SYSCTL_LIST);
	lull_client_take(hdr, &knob, sizeof knob);
	assert_true(lull_diag_knob(NULL, (*i)++, &info));
	assert_string_equal(knob.name, info.name);
	assert_string_equal(knob.help, info.help);
	assert_int_equal(knob.values, info.values);
	assert_true(knob.min == info.min && knob.max == info.max);
	return 0;
}

static void knobs_are_listed(void **state)
{
	const struct lull_client_request request = {LULL_CTL_SYSCTL_LIST, NULL,
						    0};
	struct fixture *f = *state;
	struct lull_knob_info info;
	uint32_t n = 0;

	assert_int_equal(lull_client_dump(f->c, &request, see_knob, &n), 0);
	assert_true(n > 20);
	assert_false(lull_diag_knob(NULL, n, &info));
}

static int get_knob(struct fixture *f, const char *name,
		    struct lull_ctl_knob *knob)
{
	struct lull_ctl_name asked = {{0}};
	const struct lull_client_request request = {LULL_CTL_SYSCTL_GET, &asked,
						    sizeof asked};

	strncpy(asked.name, name, sizeof asked.name);
	return lull_client_call(f->c, &request, knob, sizeof *knob);
}

static struct lull_ctl_set_answer set_knob(struct fixture *f, const char *name,
					   const char *value)
{
	struct lull_ctl_set asked = {{0}, {0}};
	const struct lull_client_request request = {LULL_CTL_SYSCTL_SET, &asked,
						    sizeof asked};
	struct lull_ctl_set_answer answer;

	strncpy(asked.name, name, sizeof asked.name - 1);
	strncpy(asked.value, value, sizeof asked.value - 1);
	assert_int_equal(
		lull_client_call(f->c, &request, &answer, sizeof answer), 0);
	return answer;
}

static void knobs_are_read_and_set(void **state)
{
	static const char name[] = "net.ipv4.tcp_fin_timeout";
	struct fixture *f = *state;
	struct lull_ctl_set_answer a;
	struct lull_ctl_knob knob;

	assert_int_equal(get_knob(f, name, &knob), 0);
	assert_int_equal(knob.value[0], 60);
	assert_int_equal(set_knob(f, name, "17").error, 0);
	assert_int_equal(get_knob(f, name, &knob), 0);
	assert_int_equal(knob.value[0], 17);
	assert_int_equal(knob.defaults[0], 60);

	a = set_knob(f, name, "99999");
	assert_int_equal(a.error, -ERANGE);
	assert_int_equal(a.min, 1);
	assert_int_equal(a.max, 3600);
	assert_int_equal(set_knob(f, name, "x").error, -EINVAL);
	assert_int_equal(set_knob(f, "net.lull.profile", "linux").error,
			 -EPERM);
	assert_int_equal(set_knob(f, "net.none", "1").error, -ENOENT);
	assert_int_equal(get_knob(f, "net.none", &knob), -ENOENT);
	assert_int_equal(get_knob(f, name, &knob), 0);
	assert_int_equal(knob.value[0], 17); /* nothing of it took effect */
}

static int see_counter(void *arg, const struct nlmsghdr *hdr)
{
	struct lull_ctl_counter counter;
	uint64_t *found = arg;

	lull_client_take(hdr, &counter, sizeof counter);
	assert_true(counter.group[0] && counter.name[0]);
	if (strcmp(counter.name, "PassiveOpens") == 0)
		found[0] = counter.value;
	if (strcmp(counter.name, "TW") == 0)
		found[1] = counter.value;
	found[2]++;
	return 0;
}

static void counters_are_listed(void **state)
{
	const struct lull_client_request request = {LULL_CTL_COUNTERS, NULL, 0};
	struct fixture *f = *state;
	uint64_t found[3] = {0};

	assert_int_equal(lull_client_dump(f->c, &request, see_counter, found),
			 0);
	assert_int_equal(found[0], 8); /* the half-open one is none yet */
	assert_int_equal(found[1], 1);
	assert_true(found[2] > 50);
}

static int see_pool(void *arg, const struct nlmsghdr *hdr)
{
	struct lull_ctl_pool pool;
	int *found = arg;

	lull_client_take(hdr, &pool, sizeof pool);
	assert_true(pool.name[0] && pool.used <= pool.limit);
	assert_true(pool.object_bytes > 0);
	(*found)++;
	return 0;
}

static void pools_are_listed(void **state)
{
	const struct lull_client_request request = {LULL_CTL_POOLS, NULL, 0};
	struct fixture *f = *state;
	int found = 0;

	assert_int_equal(lull_client_dump(f->c, &request, see_pool, &found), 0);
	assert_true(found > 10);
}

struct traces {
	uint64_t next;
	int n, closing;
};

static int see_trace(void *arg, const struct nlmsghdr *hdr)
{
	struct traces *t = arg;
	struct lull_ctl_trace trace;

	lull_client_take(hdr, &trace, sizeof trace);
	assert_int_equal(trace.index, t->next++);
	assert_in_range(trace.kind, LULL_TRACE_STATE, LULL_TRACE_DROP);
	if (trace.kind == LULL_TRACE_DROP)
		assert_true(trace.name[0]);
	else if (trace.to == LULL_TCP_CLOSING && trace.lport == SERVED_PORT)
		t->closing++;
	t->n++;
	return 0;
}

static void the_trace_goes_on_from_where_it_was(void **state)
{
	struct lull_ctl_trace_from from = {0};
	const struct lull_client_request request = {LULL_CTL_TRACE, &from,
						    sizeof from};
	struct fixture *f = *state;
	struct traces t = {0};
	int n;

	assert_int_equal(lull_client_dump(f->c, &request, see_trace, &t), 0);
	assert_true(t.n > 20);
	assert_int_equal(t.closing, 1);
	n = t.n;
	from.from = t.next -= 5;
	assert_int_equal(lull_client_dump(f->c, &request, see_trace, &t), 0);
	assert_true(t.n >= n + 5);
	from.from = UINT64_MAX; /* of another run, perhaps */
	n = t.n;
	assert_int_equal(lull_client_dump(f->c, &request, see_trace, &t), 0);
	assert_int_equal(t.n, n);
}

/* Of a ring that was overrun the oldest that is left comes first. */
static void an_overrun_trace_says_so(void **state)
{
	struct lull_ctl_trace_from from = {0};
	const struct lull_client_request request = {LULL_CTL_TRACE, &from,
						    sizeof from};
	struct lull_client *c;
	struct traces t = {0};
	struct served *w;
	uint64_t total = 0;
	struct lull_trace_record records[64];
	int n;

	w = served_open(2000);
	for (int i = 0; i < 2000; i++)
		(void)served_connect(w, false);
	while ((n = lull_diag_trace(w->us, &total, records, 64)) > 0)
		;
	assert_true(total > SERVED_TRACES);
	served_start(w);
	c = client_of(w);
	t.next = total - SERVED_TRACES;
	assert_int_equal(lull_client_dump(c, &request, see_trace, &t), 0);
	assert_int_equal(t.n, SERVED_TRACES);
	lull_client_close(c);
	served_close(w);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WITH(test) \
	cmocka_unit_test_setup_teardown(test, every_state, close_fixture)
		WITH(each_state_has_its_row),
		WITH(timers_are_told_in_milliseconds),
		WITH(a_listener_on_any_address_is_one_ipv6_row),
		WITH(ipv6_rows_have_sixteen_bytes),
		WITH(the_mask_of_states_is_honoured),
		WITH(family_and_ports_are_honoured),
		WITH(info_comes_when_it_is_asked_for),
		WITH(other_protocols_and_families_are_refused),
		WITH(states_are_counted),
		WITH(knobs_are_listed),
		WITH(knobs_are_read_and_set),
		WITH(counters_are_listed),
		WITH(pools_are_listed),
		WITH(the_trace_goes_on_from_where_it_was),
		cmocka_unit_test(a_short_payload_is_filled_up),
		cmocka_unit_test(ranges_and_prefixes_are_told),
		cmocka_unit_test(ten_thousand_rows_while_the_shard_runs),
		cmocka_unit_test(an_overrun_trace_says_so),
	};

	return RUN("control", tests);
}
