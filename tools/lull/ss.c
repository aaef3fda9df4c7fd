/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss.c: `lull ss`: sockets of a running lull, as ss(8) prints them, or counted.
 *
 * Asks in the kernel's words (sock_diag(7)) over the control socket, IPv4
 * first, as ss does; what it prints is what ss 6.1 prints of the same rows, but
 * that times have the right unit. Keeps no more than a part of a long list.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <jansson.h>
#include <libmnl/libmnl.h>

#include "ss.h"

enum {
	/* As ss without -a and -l: what is neither a listener nor over, nor
	 * half open. */
	HIDDEN = 1 << LULL_TCP_LISTEN | 1 << LULL_TCP_CLOSED |
		 1 << LULL_TCP_TIME_WAIT | 1 << LULL_TCP_SYN_RECEIVED,
	LISTENING = 1 << LULL_TCP_LISTEN | 1 << LULL_TCP_CLOSED,
};

struct row {
	struct inet_diag_msg msg;
	struct lull_ctl_listen listen; /* of a plain one, made up */
	bool v6only;
};

/* ---- a row from a message ---- */

static bool take_row(const struct nlmsghdr *hdr, struct row *r)
{
	const struct nlattr *attr;

	if (hdr->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    mnl_nlmsg_get_payload_len(hdr) < sizeof r->msg)
		return false;
	*r = (struct row){0};
	lull_client_take(hdr, &r->msg, sizeof r->msg);
	if (r->msg.idiag_family != AF_INET && r->msg.idiag_family != AF_INET6)
		return false;
	r->listen.port_hi = ntohs(r->msg.id.idiag_sport);
	r->listen.bits = r->msg.idiag_family == AF_INET ? 32 : 128;
	mnl_attr_for_each(attr, hdr, sizeof r->msg)
	{
		uint16_t len = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == INET_DIAG_SKV6ONLY && len)
			r->v6only = mnl_attr_get_u8(attr);
		if (mnl_attr_get_type(attr) == LULL_CTL_ATTR_LISTEN &&
		    len >= sizeof r->listen)
			memcpy(&r->listen, mnl_attr_get_payload(attr),
			       sizeof r->listen);
	}
	return true;
}

static bool is_prefix(const struct row *r)
{
	return r->listen.bits < (r->msg.idiag_family == AF_INET ? 32 : 128);
}

static bool is_range(const struct row *r)
{
	return r->listen.port_hi != ntohs(r->msg.id.idiag_sport);
}

/* ---- text ---- */

/* As ss says it; of a number that nobody knows, the number. */
static const char *state_text(uint8_t state, char *text)
{
	if (state > 0 && state < LULL_TCP_STATES)
		return lull_state_name((enum lull_tcp_state)state);
	snprintf(text, SS_TEXT, "%u", state);
	return text;
}

static const char *timer_name(uint8_t timer, char *text)
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
static const char *addr_text(const struct row *r, const void *addr, char *text)
{
	static const uint8_t any[16];
	char plain[INET6_ADDRSTRLEN] = "?";

	inet_ntop(r->msg.idiag_family, addr, plain, sizeof plain);
	if (r->msg.idiag_family == AF_INET)
		snprintf(text, SS_TEXT, "%s", plain);
	else if (!r->v6only && memcmp(addr, any, sizeof any) == 0)
		snprintf(text, SS_TEXT, "*");
	else
		snprintf(text, SS_TEXT, "[%s]", plain);
	return text;
}

const char *ss_port_text(const struct ss *ss, uint16_t port, char *text)
{
	const struct servent *service = NULL;

	if (!ss->o.numeric && port && (port < ss->own_lo || port > ss->own_hi))
		service = getservbyport(htons(port), "tcp");
	if (!port)
		snprintf(text, SS_TEXT, "*");
	else if (service)
		snprintf(text, SS_TEXT, "%s", service->s_name);
	else
		snprintf(text, SS_TEXT, "%u", port);
	return text;
}

static bool put_local(struct ss *ss, const struct row *r)
{
	char text[SS_TEXT], bits[8] = "";
	uint16_t port = ntohs(r->msg.id.idiag_sport);

	if (is_prefix(r))
		snprintf(bits, sizeof bits, "/%u", r->listen.bits);
	if (!table_cell(&ss->table,
			"%s%s:", addr_text(r, r->msg.id.idiag_src, text), bits))
		return false;
	if (is_range(r))
		return table_cell(&ss->table, "%u-%u", port, r->listen.port_hi);
	return table_cell(&ss->table, "%s", ss_port_text(ss, port, text));
}

static bool put_timer(struct ss *ss, const struct inet_diag_msg *msg)
{
	char name[SS_TEXT], time[SS_TEXT];

	if (!ss->o.timers || !msg->idiag_timer)
		return table_cell(&ss->table, "%s", "");
	return table_cell(&ss->table, " timer:(%s,%s,%u)",
			  timer_name(msg->idiag_timer, name),
			  ss_time_text(msg->idiag_expires, time),
			  msg->idiag_retrans);
}

static bool put_header(struct ss *ss)
{
	static const char *const name[TABLE_COLUMNS] = {
		"State", "Recv-Q",	  "Send-Q", "Local Address:",
		"Port",	 "Peer Address:", "Port",   "Process",
	};
	bool fine = true;

	for (int i = 0; i < TABLE_COLUMNS; i++)
		fine = fine && table_cell(&ss->table, "%s", name[i]);
	return fine;
}

static bool put_row(struct ss *ss, const struct row *r)
{
	const struct inet_diag_msg *msg = &r->msg;
	struct table *t = &ss->table;
	char text[SS_TEXT];

	return table_cell(t, "%s", state_text(msg->idiag_state, text)) &&
	       table_cell(t, "%-6u", msg->idiag_rqueue) &&
	       table_cell(t, "%-6u", msg->idiag_wqueue) && put_local(ss, r) &&
	       table_cell(t, "%s:", addr_text(r, msg->id.idiag_dst, text)) &&
	       table_cell(t, "%s",
			  ss_port_text(ss, ntohs(msg->id.idiag_dport), text)) &&
	       put_timer(ss, msg);
}

/* ---- JSON ---- */

static json_t *endpoint_json(const struct row *r, const void *addr, __be16 port)
{
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(r->msg.idiag_family, addr, text, sizeof text);
	return json_pack("{s:s, s:i}", "address", text, "port", ntohs(port));
}

static json_t *local_json(const struct row *r)
{
	json_t *json =
		endpoint_json(r, r->msg.id.idiag_src, r->msg.id.idiag_sport);

	if (json && is_prefix(r))
		json_object_set_new(json, "bits", json_integer(r->listen.bits));
	if (json && is_range(r))
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
			 timer_name(msg->idiag_timer, name), "ms",
			 (json_int_t)msg->idiag_expires, "retrans",
			 msg->idiag_retrans);
}

static bool put_row_json(struct ss *ss, const struct row *r)
{
	const struct inet_diag_msg *msg = &r->msg;
	char state[SS_TEXT];
	json_t *json = json_pack(
		"{s:s, s:I, s:I, s:o, s:o, s:o}", "state",
		state_text(msg->idiag_state, state), "recv_q",
		(json_int_t)msg->idiag_rqueue, "send_q",
		(json_int_t)msg->idiag_wqueue, "local", local_json(r), "peer",
		endpoint_json(r, msg->id.idiag_dst, msg->id.idiag_dport),
		"timer", timer_json(msg));

	if (!json)
		return false;
	fputs(ss->rows ? ",\n" : "\n", stdout);
	json_dumpf(json, stdout, JSON_COMPACT);
	json_decref(json);
	return true;
}

/* ---- rows ---- */

static int see_row(void *arg, const struct nlmsghdr *hdr)
{
	struct ss *ss = arg;
	struct row r;

	if (!take_row(hdr, &r))
		return -EPROTO;
	if (!(ss->o.json ? put_row_json(ss, &r) : put_row(ss, &r)))
		return -ENOMEM;
	ss->rows++;
	return 0;
}

static uint32_t states_of(const struct ss_options *o)
{
	if (o->all)
		return ~0U;
	return o->listening ? LISTENING : ~(uint32_t)HIDDEN;
}

static int dump_family(struct ss *ss, struct lull_client *client,
		       uint8_t family)
{
	const struct inet_diag_req_v2 want = {
		.sdiag_family = family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = states_of(&ss->o),
	};
	const struct lull_client_request request = {SOCK_DIAG_BY_FAMILY, &want,
						    sizeof want};

	return lull_client_dump(client, &request, see_row, ss);
}

static int dump(struct ss *ss, struct lull_client *client)
{
	bool both = ss->o.ipv4 == ss->o.ipv6;
	int e = 0;

	if (ss->o.ipv4 || both)
		e = dump_family(ss, client, AF_INET);
	if (e == 0 && (ss->o.ipv6 || both))
		e = dump_family(ss, client, AF_INET6);
	return e;
}

/* As ss: a port that this side may have chosen is no service. */
void ss_find_own_ports(struct ss *ss, struct lull_client *client)
{
	const struct lull_ctl_name name = {"net.ipv4.ip_local_port_range"};
	const struct lull_client_request request = {LULL_CTL_SYSCTL_GET, &name,
						    sizeof name};
	struct lull_ctl_knob knob;

	ss->own_hi = -1;
	if (ss->o.numeric || ss->o.json)
		return;
	if (lull_client_call(client, &request, &knob, sizeof knob) == 0) {
		ss->own_lo = knob.value[0];
		ss->own_hi = knob.value[1];
	}
}

static int print_rows(struct ss *ss, struct lull_client *client)
{
	static const struct table_column columns[TABLE_COLUMNS] = {
		{false, false}, {false, true}, {false, true},  {true, true},
		{false, false}, {true, true},  {false, false}, {false, false},
	};
	int e;

	ss_find_own_ports(ss, client);
	if (ss->o.json) {
		fputs("{\"schema\":1,\"sockets\":[", stdout);
		e = dump(ss, client);
		if (e == 0) /* else it shall not look whole */
			fputs(ss->rows ? "\n]}\n" : "]}\n", stdout);
		return e;
	}
	table_open(&ss->table, columns);
	e = ss->o.no_header || put_header(ss) ? 0 : -ENOMEM;
	if (e == 0)
		e = dump(ss, client);
	table_close(&ss->table);
	return e;
}

/* ---- the summary ---- */

static void print_states(const struct lull_ctl_states *states)
{
	uint64_t total = 0;

	for (int i = 1; i < LULL_TCP_STATES; i++) {
		printf("%-10s %10llu\n",
		       lull_state_name((enum lull_tcp_state)i),
		       (unsigned long long)states->count[i]);
		total += states->count[i];
	}
	printf("%-10s %10llu\n", "Total", (unsigned long long)total);
}

static int print_states_json(const struct lull_ctl_states *states)
{
	json_t *by_name = json_object(), *json;

	for (int i = 1; i < LULL_TCP_STATES; i++)
		json_object_set_new(by_name,
				    lull_state_name((enum lull_tcp_state)i),
				    json_integer((json_int_t)states->count[i]));
	json = json_pack("{s:i, s:o}", "schema", 1, "states", by_name);
	if (!json)
		return -ENOMEM;
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
	return 0;
}

static int print_summary(const struct ss *ss, struct lull_client *client)
{
	const struct lull_client_request request = {LULL_CTL_STATES, NULL, 0};
	struct lull_ctl_states states;
	int e = lull_client_call(client, &request, &states, sizeof states);

	if (e < 0)
		return e;
	if (ss->o.json)
		return print_states_json(&states);
	print_states(&states);
	return 0;
}

/* ---- the command ---- */

static int help(void)
{
	puts("usage: lull ss [-aHlnost46] [--json] --ctl PATH\n"
	     "       lull ss --by destination [-Hno46] [--json] --ctl PATH\n\n"
	     "Sockets of a running lull, as ss(8) prints them: connections, "
	     "without those\nhalf open or in TIME-WAIT.\n\n"
	     "  -a, --all         all of them, with listeners\n"
	     "  -l, --listening   listeners only\n"
	     "  -s, --summary     how many are in each state\n"
	     "  -o, --options     the timer that runs\n"
	     "  -n, --numeric     ports as numbers\n"
	     "  -H, --no-header   no headings\n"
	     "  -4, --ipv4        IPv4 only\n"
	     "  -6, --ipv6        IPv6 only\n"
	     "  -t, --tcp         TCP; there is nothing else\n"
	     "      --by WORD     destination: how the local ports stand "
	     "towards each\n"
	     "                    that connections were opened to\n"
	     "      --json        one JSON object\n"
	     "      --ctl PATH    the control socket of the program\n\n"
	     "Exit: 0 fine; 3 could not; 64 usage. See lull-ss(1).");
	return TOOL_OK;
}

/* Below 0: go on; else the exit code. */
static int parse(int argc, char **argv, struct ss_options *o)
{
	enum {
		CTL = 256,
		JSON,
		BY,
	};
	static const struct option long_options[] = {
		{"all", no_argument, NULL, 'a'},
		{"listening", no_argument, NULL, 'l'},
		{"summary", no_argument, NULL, 's'},
		{"options", no_argument, NULL, 'o'},
		{"numeric", no_argument, NULL, 'n'},
		{"no-header", no_argument, NULL, 'H'},
		{"ipv4", no_argument, NULL, '4'},
		{"ipv6", no_argument, NULL, '6'},
		{"tcp", no_argument, NULL, 't'},
		{"json", no_argument, NULL, JSON},
		{"ctl", required_argument, NULL, CTL},
		{"by", required_argument, NULL, BY},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	bool *const flag[128] = {
		['a'] = &o->all,     ['l'] = &o->listening,
		['s'] = &o->summary, ['o'] = &o->timers,
		['n'] = &o->numeric, ['H'] = &o->no_header,
		['4'] = &o->ipv4,    ['6'] = &o->ipv6,
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":alsonHt46h", long_options,
				NULL)) >= 0) {
		if (c == 'h')
			return help();
		if (c == '?' || c == ':')
			return tool_bad_option(c, argv);
		if (c == CTL)
			o->ctl = optarg;
		else if (c == JSON)
			o->json = true;
		else if (c == BY && strcmp(optarg, "destination") == 0)
			o->by_destination = true;
		else if (c == BY)
			return tool_usage("--by %s: there is no such word, "
					  "only: destination",
					  optarg);
		else if (flag[c])
			*flag[c] = true;
	}
	if (optind < argc)
		return tool_usage("%s: there are no filters yet; use grep(1), "
				  "or --json",
				  argv[optind]);
	if (o->summary && (o->ipv4 || o->ipv6))
		return tool_usage("-s counts both families; leave -4 and -6 "
				  "out");
	if (o->by_destination && (o->summary || o->listening))
		return tool_usage("--by destination counts connections that "
				  "we opened; leave -l and -s out");
	return o->ctl ? -1 : ctl_needed();
}

static int print(struct ss *ss, struct lull_client *client)
{
	if (ss->o.by_destination)
		return ss_print_dests(ss, client);
	return ss->o.summary ? print_summary(ss, client)
			     : print_rows(ss, client);
}

int cmd_ss(int argc, char **argv)
{
	struct ss ss = {.o = {0}};
	struct lull_client *client;
	int code = parse(argc, argv, &ss.o), e;

	if (code >= 0)
		return code;
	client = ctl_open(ss.o.ctl);
	if (!client)
		return TOOL_COULD_NOT;
	e = print(&ss, client);
	lull_client_close(client);
	code = ctl_finish(TOOL_OK);
	return e < 0 ? ctl_failed(ss.o.ctl, e) : code;
}
