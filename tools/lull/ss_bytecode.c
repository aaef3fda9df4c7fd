/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_bytecode.c: a filter's tree as the kernel's bytecode.
 *
 * An operation goes on with the next one (`yes`), or jumps forward (`no`): to
 * the end, which accepts the socket, or 4 bytes behind it, which refuses it.
 * So the code is written from its end to its beginning: where a condition is
 * written, both places to go to are already there. A place is its distance
 * from the end.
 *
 * Entry point: ss_filter_compile.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "ss_filter.h"

enum {
	ACCEPT = 0,
	REFUSE = -4,
	OP = sizeof(struct inet_diag_bc_op),
};

struct code {
	uint8_t *end;
	int len; /* what is written */
};

/* `rest` follows the operation; ports to compare look like one more. */
static int put(struct code *c, uint8_t op, const void *rest, int len, int no)
{
	struct inet_diag_bc_op head = {.code = op, .yes = (uint8_t)(OP + len)};

	if (c->len + OP + len > SS_FILTER_CODE)
		return -E2BIG;
	c->len += OP + len;
	if (c->len - no > UINT16_MAX)
		return -E2BIG;
	head.no = (uint16_t)(c->len - no);
	memcpy(c->end - c->len, &head, sizeof head);
	if (len)
		memcpy(c->end - c->len + OP, rest, (size_t)len);
	return 0;
}

static int put_jump(struct code *c, int to)
{
	return to == c->len ? 0 : put(c, INET_DIAG_BC_JMP, NULL, 0, to);
}

static int put_host(struct code *c, const struct ss_node *n, int no)
{
	struct inet_diag_hostcond head;
	int len = n->family == AF_INET ? 4 : n->family == AF_INET6 ? 16 : 0;
	uint8_t cond[sizeof head + 16];

	memset(&head, 0, sizeof head); /* its padding goes to the kernel too */
	head.family = n->family;
	head.prefix_len = n->bits;
	head.port = n->port;
	memcpy(cond, &head, sizeof head);
	memcpy(cond + sizeof head, n->addr, (size_t)len);
	return put(c,
		   n->op == SS_SRC ? INET_DIAG_BC_S_COND : INET_DIAG_BC_D_COND,
		   cond, (int)sizeof head + len, no);
}

static int put_port(struct code *c, uint8_t op, const struct ss_node *n, int no)
{
	const struct inet_diag_bc_op port = {.no = (uint16_t)n->port};

	return put(c, op, &port, sizeof port, no);
}

static int put_leaf(struct code *c, const struct ss_node *n, int no)
{
	const uint32_t dev = (uint32_t)n->port;

	switch (n->op) {
	case SS_SRC:
	case SS_DST:
		return put_host(c, n, no);
	case SS_SPORT_GE:
		return put_port(c, INET_DIAG_BC_S_GE, n, no);
	case SS_SPORT_LE:
		return put_port(c, INET_DIAG_BC_S_LE, n, no);
	case SS_DPORT_GE:
		return put_port(c, INET_DIAG_BC_D_GE, n, no);
	case SS_DPORT_LE:
		return put_port(c, INET_DIAG_BC_D_LE, n, no);
	case SS_DEV:
		return put(c, INET_DIAG_BC_DEV_COND, &dev, sizeof dev, no);
	case SS_AND:
	case SS_OR:
	case SS_NOT:
		break;
	}
	return -EINVAL;
}

static int write_node(struct code *c, const struct ss_filter *f, int i, int yes,
		      int no)
{
	const struct ss_node *n = &f->node[i];
	int e;

	switch (n->op) {
	case SS_AND:
		e = write_node(c, f, n->b, yes, no);
		return e < 0 ? e : write_node(c, f, n->a, c->len, no);
	case SS_OR:
		e = write_node(c, f, n->b, yes, no);
		return e < 0 ? e : write_node(c, f, n->a, yes, c->len);
	case SS_NOT:
		return write_node(c, f, n->a, no, yes);
	case SS_SRC:
	case SS_DST:
	case SS_SPORT_GE:
	case SS_SPORT_LE:
	case SS_DPORT_GE:
	case SS_DPORT_LE:
	case SS_DEV:
		break;
	}
	e = put_jump(c, yes);
	return e < 0 ? e : put_leaf(c, n, no);
}

int ss_filter_compile(const struct ss_filter *f, uint8_t code[SS_FILTER_CODE])
{
	struct code c = {.end = code + SS_FILTER_CODE};
	int e = f && f->len ? write_node(&c, f, f->root, ACCEPT, REFUSE) : 0;

	if (e < 0)
		return e;
	memmove(code, c.end - c.len, (size_t)c.len);
	return c.len;
}
