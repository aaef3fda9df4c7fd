/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_proc.c: rows from /proc/net/tcp and tcp6, for a kernel or a sandbox
 * without sock_diag. Made to look like sock_diag's; there are no attributes.
 *
 * Entry point: ss_proc_dump.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "ss.h"

enum {
	LINE = 512,
	TICK_MS = 10, /* /proc counts in hundredths of a second */
};

/* Words of 32 bits, each printed as the machine holds it. */
static bool take_address(const char *text, __be32 *addr, __be16 *port)
{
	size_t words = strcspn(text, ":") / 8;
	unsigned p;

	if (words != 1 && words != 4)
		return false;
	for (size_t i = 0; i < words; i++)
		if (sscanf(text + 8 * i, "%8x", &addr[i]) != 1)
			return false;
	if (sscanf(text + 8 * words, ":%4x", &p) != 1)
		return false;
	*port = htons((uint16_t)p);
	return true;
}

static bool take_line(const char *line, uint8_t family,
		      struct inet_diag_msg *msg)
{
	unsigned state, tx, rx, timer, retrans, uid, inode;
	unsigned long left;
	char local[48], remote[48];

	*msg = (struct inet_diag_msg){.idiag_family = family};
	if (sscanf(line, "%*d: %47s %47s %x %x:%x %x:%lx %x %u %*d %u", local,
		   remote, &state, &tx, &rx, &timer, &left, &retrans, &uid,
		   &inode) != 10 ||
	    !take_address(local, msg->id.idiag_src, &msg->id.idiag_sport) ||
	    !take_address(remote, msg->id.idiag_dst, &msg->id.idiag_dport))
		return false;
	msg->idiag_state = (uint8_t)state;
	msg->idiag_timer = (uint8_t)timer;
	msg->idiag_retrans = (uint8_t)retrans;
	msg->idiag_expires = timer ? (uint32_t)(left * TICK_MS) : 0;
	msg->idiag_rqueue = rx;
	msg->idiag_wqueue = tx;
	msg->idiag_uid = uid;
	msg->idiag_inode = inode;
	return true;
}

static int dump_file(const char *path, uint8_t family, const struct ss_ask *ask,
		     ss_see *see, void *arg)
{
	__attribute__((aligned(8))) uint8_t space[256];
	FILE *f = fopen(path, "re");
	char line[LINE];
	int e = 0;

	if (!f)
		return -errno;
	if (!fgets(line, sizeof line, f)) /* the headings */
		e = -EPROTO;
	while (e >= 0 && fgets(line, sizeof line, f)) {
		struct nlmsghdr *hdr = mnl_nlmsg_put_header(space);
		struct ss_row row;

		if (!take_line(line, family,
			       mnl_nlmsg_put_extra_header(
				       hdr, sizeof(struct inet_diag_msg))) ||
		    !ss_take_row(hdr, &row))
			e = -EPROTO;
		else if (row.msg.idiag_state < 32 &&
			 ask->states & 1U << row.msg.idiag_state &&
			 ss_filter_match(ask->filter, &row.msg))
			e = see(arg, &row);
	}
	if (e >= 0 && ferror(f))
		e = -EIO;
	fclose(f);
	return e < 0 ? e : 0;
}

int ss_proc_dump(const struct ss_ask *ask, ss_see *see, void *arg)
{
	bool both = ask->ipv4 == ask->ipv6;
	int e = 0;

	if (both || ask->ipv4)
		e = dump_file("/proc/net/tcp", AF_INET, ask, see, arg);
	if (e == 0 && (both || ask->ipv6)) {
		e = dump_file("/proc/net/tcp6", AF_INET6, ask, see, arg);
		if (e == -ENOENT) /* no IPv6 */
			e = 0;
	}
	return e;
}
