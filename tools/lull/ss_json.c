/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_json.c: sockets as JSON objects, one line each, printed as they come.
 *
 * Entry points: ss_print_json, ss_open_json.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>
#include <libmnl/libmnl.h>

#include "ss.h"

static json_t *endpoint_json(const struct ss_row *r, const void *addr,
			     __be16 port)
{
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(r->msg.idiag_family, addr, text, sizeof text);
	return json_pack("{s:s, s:i}", "address", text, "port", ntohs(port));
}

static json_t *local_json(const struct ss_row *r)
{
	char dev[SS_TEXT];
	json_t *json =
		endpoint_json(r, r->msg.id.idiag_src, r->msg.id.idiag_sport);

	if (json && ss_is_prefix(r))
		json_object_set_new(json, "bits", json_integer(r->listen.bits));
	if (json && r->msg.id.idiag_if)
		json_object_set_new(json, "interface",
				    json_string(ss_dev_text(r, dev)));
	if (json && ss_is_range(r))
		json_object_set_new(json, "port_hi",
				    json_integer(r->listen.port_hi));
	return json;
}

static json_t *timer_json(const struct inet_diag_msg *msg)
{
	char name[SS_TEXT];

	if (!msg->idiag_timer)
		return json_null();
	return json_pack("{s:s, s:I, s:i}", "name",
			 ss_timer_name(msg->idiag_timer, name), "ms",
			 (json_int_t)msg->idiag_expires, "retrans",
			 msg->idiag_retrans);
}

static json_t *users_json(const struct ss *ss, const struct ss_row *r)
{
	size_t n;
	const struct procs_fd *fd =
		procs_find(ss->procs, r->msg.idiag_inode, &n);
	json_t *list = json_array();
	char name[PROCS_NAME];

	for (size_t i = 0; fd && i < n; i++) {
		json_t *user = json_pack("{s:s, s:i, s:i}", "name",
					 procs_name(ss->procs, fd[i].pid, name),
					 "pid", (int)fd[i].pid, "fd", fd[i].fd);

		json_array_append_new(list, user);
	}
	return list;
}

/* The numbers that people ask for; ss(8)'s line has more. */
static json_t *info_json(const struct ss_row *r)
{
	const struct nlattr *attr = r->attr[INET_DIAG_INFO];
	struct tcp_info i = {0};
	size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;

	if (!attr)
		return json_null();
	memcpy(&i, mnl_attr_get_payload(attr), len < sizeof i ? len : sizeof i);
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}",
			 "rtt_us", (json_int_t)i.tcpi_rtt, "rto_us",
			 (json_int_t)i.tcpi_rto, "mss",
			 (json_int_t)i.tcpi_snd_mss, "cwnd",
			 (json_int_t)i.tcpi_snd_cwnd, "unacked",
			 (json_int_t)i.tcpi_unacked, "retrans_total",
			 (json_int_t)i.tcpi_total_retrans, "bytes_sent",
			 (json_int_t)i.tcpi_bytes_sent, "bytes_acked",
			 (json_int_t)i.tcpi_bytes_acked, "bytes_received",
			 (json_int_t)i.tcpi_bytes_received, "last_send_ms",
			 (json_int_t)i.tcpi_last_data_sent, "last_receive_ms",
			 (json_int_t)i.tcpi_last_data_recv, "last_ack_ms",
			 (json_int_t)i.tcpi_last_ack_recv);
}

/* The members of skmem, by ss(8)'s letters in long. */
static json_t *memory_json(const struct ss_row *r)
{
	static const char *const name[SK_MEMINFO_VARS] = {
		"rcv_alloc",  "rcv_buf", "snd_alloc", "snd_buf", "fwd_alloc",
		"snd_queued", "optmem",	 "backlog",   "drops",
	};
	const struct nlattr *attr = r->attr[INET_DIAG_SKMEMINFO];
	size_t n = attr ? mnl_attr_get_payload_len(attr) / 4 : 0;
	uint32_t m[SK_MEMINFO_VARS];
	json_t *json;

	if (!n)
		return json_null();
	n = n < SK_MEMINFO_VARS ? n : SK_MEMINFO_VARS;
	memcpy(m, mnl_attr_get_payload(attr), n * sizeof *m);
	json = json_object();
	for (size_t i = 0; i < n; i++)
		if (name[i])
			json_object_set_new(json, name[i], json_integer(m[i]));
	return json;
}

static void add_options(const struct ss *ss, const struct ss_row *r,
			json_t *json)
{
	const struct inet_diag_msg *m = &r->msg;

	if (ss->procs)
		json_object_set_new(json, "users", users_json(ss, r));
	if (ss->o.info)
		json_object_set_new(json, "info", info_json(r));
	if (ss->o.memory)
		json_object_set_new(json, "memory", memory_json(r));
	if (!ss->o.extended)
		return;
	json_object_set_new(json, "uid", json_integer(m->idiag_uid));
	json_object_set_new(json, "inode", json_integer(m->idiag_inode));
	json_object_set_new(
		json, "cookie",
		json_integer(
			(json_int_t)((uint64_t)m->id.idiag_cookie[1] << 32 |
				     m->id.idiag_cookie[0])));
}

static int see_row(void *arg, const struct ss_row *r)
{
	struct ss *ss = arg;
	const struct inet_diag_msg *msg = &r->msg;
	char state[SS_TEXT];
	json_t *json = json_pack(
		"{s:s, s:I, s:I, s:o, s:o, s:o}", "state",
		ss_state_text(msg->idiag_state, state), "recv_q",
		(json_int_t)msg->idiag_rqueue, "send_q",
		(json_int_t)msg->idiag_wqueue, "local", local_json(r), "peer",
		endpoint_json(r, msg->id.idiag_dst, msg->id.idiag_dport),
		"timer", timer_json(msg));

	if (!json)
		return -ENOMEM;
	add_options(ss, r, json);
	if (ss->rows++)
		putchar(',');
	if (!ss->netns) /* there it is an object a line */
		putchar('\n');
	json_dumpf(json, stdout, JSON_COMPACT);
	json_decref(json);
	return 0;
}

/* Up to the list's beginning. */
void ss_open_json(const struct ss *ss, const char *list)
{
	json_t *netns = ss->netns ? json_string(ss->netns) : NULL;

	fputs("{\"schema\":1,", stdout);
	if (netns) {
		fputs("\"netns\":", stdout);
		json_dumpf(netns, stdout, JSON_ENCODE_ANY);
		putchar(',');
		json_decref(netns);
	}
	printf("\"%s\":[", list);
}

int ss_print_json(struct ss *ss)
{
	int e;

	ss_open_json(ss, "sockets");
	e = ss_source_dump(&ss->source, &ss->ask, see_row, ss);
	if (e == 0) /* else it shall not look whole */
		printf("%s]%s}\n", ss->rows && !ss->netns ? "\n" : "",
		       ss->source.torn ? ",\"torn\":true" : "");
	return e;
}
