/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_rows.c: sockets one by one, IPv4 first, as ss(8) of iproute2 6.1 prints
 * them, but that times have the right unit. Keeps no more than a part of a long
 * list; -p keeps the list of processes.
 *
 * Entry points: ss_print_rows, ss_write_dump, ss_row_line, and the texts that
 * the other views share.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ss.h"

/* ---- text ---- */

const char *ss_timer_name(uint8_t timer, char *text)
{
	static const char *const name[] = {"off", "on", "keepalive", "timewait",
					   "persist"};

	if (timer < sizeof name / sizeof name[0])
		return name[timer];
	snprintf(text, SS_TEXT, "%u", timer);
	return text;
}

/* ss's precision: three digits below a second, fewer for longer times. */
const char *ss_time_text(uint32_t ms, char *text)
{
	uint32_t min = ms / 60000, s = ms / 1000 % 60;

	if (min > 9 || (min && !s))
		snprintf(text, SS_TEXT, "%umin", min);
	else if (min)
		snprintf(text, SS_TEXT, "%umin%usec", min, s);
	else if (s > 9 || (s && ms % 1000 == 0))
		snprintf(text, SS_TEXT, "%usec", s);
	else if (s)
		snprintf(text, SS_TEXT, "%u.%03usec", s, ms % 1000);
	else
		snprintf(text, SS_TEXT, "%03ums", ms);
	return text;
}

/* "10.9.3.2", "[fd00::2]"; "*" is any address of both families. */
const char *ss_addr_text(const struct ss_row *r, const void *addr, char *text)
{
	static const uint8_t any[16];
	const uint8_t *b = addr;
	char plain[INET6_ADDRSTRLEN] = "?";

	if (r->msg.idiag_family == AF_INET) {
		snprintf(text, SS_TEXT, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
		return text;
	}
	inet_ntop(AF_INET6, addr, plain, sizeof plain);
	if (!r->v6only && memcmp(addr, any, sizeof any) == 0)
		snprintf(text, SS_TEXT, "*");
	else
		snprintf(text, SS_TEXT, "[%s]", plain);
	return text;
}

const char *ss_dev_text(const struct ss_row *r, char *text)
{
	char name[IF_NAMESIZE];

	if (if_indextoname(r->msg.id.idiag_if, name))
		snprintf(text, SS_TEXT, "%s", tool_plain(name));
	else
		snprintf(text, SS_TEXT, "if%u", r->msg.id.idiag_if);
	return text;
}

bool ss_is_prefix(const struct ss_row *r)
{
	return r->listen.bits < (r->msg.idiag_family == AF_INET ? 32 : 128);
}

bool ss_is_range(const struct ss_row *r)
{
	return r->listen.port_hi != ntohs(r->msg.id.idiag_sport);
}

/* ---- the last column ---- */

/* As ss: who came last stands first. */
static void put_users(struct ss_text *t, const struct ss *ss,
		      const struct ss_row *r)
{
	const struct procs_fd *fd;
	char name[PROCS_NAME];
	pid_t last = 0;
	size_t n;

	fd = procs_find(ss->procs, r->msg.idiag_inode, &n);
	if (!fd)
		return;
	ss_put(t, " users:(");
	for (size_t i = n; i-- > 0;) {
		if (fd[i].pid != last)
			procs_name(ss->procs, fd[i].pid, name);
		last = fd[i].pid;
		ss_put(t, "(\"%s\",pid=%d,fd=%d)%s", name, fd[i].pid, fd[i].fd,
		       i ? "," : "");
	}
	ss_put(t, ")");
}

static void put_timer(struct ss_text *t, const struct inet_diag_msg *msg)
{
	char name[SS_TEXT], time[SS_TEXT];

	if (msg->idiag_timer)
		ss_put(t, " timer:(%s,%s,%u)",
		       ss_timer_name(msg->idiag_timer, name),
		       ss_time_text(msg->idiag_expires, time),
		       msg->idiag_retrans);
}

static bool put_rest(struct ss *ss, const struct ss_row *r)
{
	const struct ss_options *o = &ss->o;
	struct ss_text *t = &ss->rest;

	t->len = 0;
	if (ss->procs)
		put_users(t, ss, r);
	if (o->timers)
		put_timer(t, &r->msg);
	if (o->extended)
		ss_put_details(t, ss, r);
	if (o->memory || o->info)
		ss_put(t, "%s", o->oneline ? "" : "\n\t");
	if (o->memory)
		ss_put_memory(t, r);
	if (o->info)
		ss_put_info(t, ss, r);
	return !t->failed &&
	       table_cell(&ss->table, "%s", t->len ? t->text : "");
}

/* ---- rows ---- */

static bool put_local(struct ss *ss, const struct ss_row *r)
{
	char text[SS_TEXT], bits[8] = "", dev[SS_TEXT + 1] = "";
	uint16_t port = ntohs(r->msg.id.idiag_sport);

	if (ss_is_prefix(r))
		snprintf(bits, sizeof bits, "/%u", r->listen.bits);
	if (r->msg.id.idiag_if) {
		dev[0] = '%';
		ss_dev_text(r, dev + 1);
	}
	if (!table_cell(&ss->table, "%s%s%s:",
			ss_addr_text(r, r->msg.id.idiag_src, text), bits, dev))
		return false;
	if (ss_is_range(r))
		return table_cell(&ss->table, "%u-%u", port, r->listen.port_hi);
	return table_cell(&ss->table, "%s", ss_port_text(ss, port, text));
}

static bool put_header(struct ss *ss)
{
	static const char *const name[TABLE_COLUMNS] = {
		"State", "Recv-Q",	  "Send-Q", "Local Address:",
		"Port",	 "Peer Address:", "Port",   "Process",
	};
	bool fine = true;

	for (int i = 0; i < TABLE_COLUMNS; i++)
		fine = fine && table_cell(&ss->table, "%s",
					  ss->single && !i ? "" : name[i]);
	return fine;
}

static int see_row(void *arg, const struct ss_row *r)
{
	struct ss *ss = arg;
	const struct inet_diag_msg *msg = &r->msg;
	struct table *t = &ss->table;
	char text[SS_TEXT];
	bool fine =
		table_cell(t, "%s",
			   ss->single
				   ? ""
				   : ss_state_text(msg->idiag_state, text)) &&
		table_cell(t, "%-6u", msg->idiag_rqueue) &&
		table_cell(t, "%-6u", msg->idiag_wqueue) && put_local(ss, r) &&
		table_cell(t,
			   "%s:", ss_addr_text(r, msg->id.idiag_dst, text)) &&
		table_cell(t, "%s",
			   ss_port_text(ss, ntohs(msg->id.idiag_dport),
					text)) &&
		put_rest(ss, r);

	ss->rows++;
	return fine ? 0 : -ENOMEM;
}

static int dump_rows(struct ss *ss)
{
	int e = ss->o.no_header || put_header(ss) ? 0 : -ENOMEM;

	return e < 0 ? e : ss_source_dump(&ss->source, &ss->ask, see_row, ss);
}

int ss_print_rows(struct ss *ss)
{
	static const struct table_column columns[TABLE_COLUMNS] = {
		{false, false}, {false, true}, {false, true},  {true, true},
		{false, false}, {true, true},  {false, false}, {false, false},
	};
	struct table_column chosen[TABLE_COLUMNS];
	int e, again = 0;

	memcpy(chosen, columns, sizeof chosen);
	if (ss->single)
		chosen[1].blank = false;
	ss_find_own_ports(ss);
	table_open(&ss->table, chosen);
	do
		e = dump_rows(ss);
	while (e == 0 && ss->source.torn && again++ < SS_AGAIN &&
	       table_restart(&ss->table));
	table_close(&ss->table);
	if (e == 0 && ss->source.torn)
		tool_error(0, "± the kernel's table changed while it was read: "
			      "rows may be missing, or twice there");
	return e;
}

const char *ss_row_line(const struct ss_row *r, char *text, size_t size)
{
	char state[SS_TEXT], src[SS_TEXT], dst[SS_TEXT];

	snprintf(text, size, "%s %s:%u %s:%u",
		 ss_state_text(r->msg.idiag_state, state),
		 ss_addr_text(r, r->msg.id.idiag_src, src),
		 ntohs(r->msg.id.idiag_sport),
		 ss_addr_text(r, r->msg.id.idiag_dst, dst),
		 ntohs(r->msg.id.idiag_dport));
	return text;
}

/* ---- for another ss ---- */

static int write_row(void *arg, const struct ss_row *r)
{
	FILE *f = arg;
	size_t len = NLMSG_ALIGN(r->hdr->nlmsg_len);

	return fwrite(r->hdr, 1, len, f) == len ? 0 : -EIO;
}

/* As TCPDIAG_FILE has it: the kernel's messages, the last is NLMSG_DONE. */
int ss_write_dump(struct ss *ss)
{
	const struct {
		struct nlmsghdr hdr;
		int32_t error;
	} done = {{.nlmsg_len = sizeof done,
		   .nlmsg_type = NLMSG_DONE,
		   .nlmsg_flags = NLM_F_MULTI},
		  0};
	bool to_stdout = strcmp(ss->o.dump, "-") == 0;
	FILE *f = to_stdout ? stdout : fopen(ss->o.dump, "we");
	int e;

	if (!f)
		return tool_error(TOOL_COULD_NOT, "%s: %s", ss->o.dump,
				  strerror(errno));
	e = ss_source_dump(&ss->source, &ss->ask, write_row, f);
	if (e == 0 && fwrite(&done, sizeof done, 1, f) != 1)
		e = -EIO;
	if ((to_stdout ? fflush(f) : fclose(f)) != 0 && e == 0)
		e = -EIO;
	if (e == -EIO)
		return tool_error(TOOL_COULD_NOT,
				  "%s: it could not be written; what is there "
				  "is not whole",
				  ss->o.dump);
	if (e == 0 && ss->source.torn)
		tool_error(0, "± the kernel's table changed while it was read: "
			      "rows may be missing, or twice there");
	return e;
}
