/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_filter.c: filters of `lull ss` and `lull trace`, addresses and prefixes.
 *
 * The input is text; a byte of 0 divides arguments. A filter that is taken must
 * choose the same sockets by its tree and by its bytecode, which is carried out
 * here as the kernel does it. An address that is taken must be read again from
 * its own text.
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "../tools/lull/ss_filter.h"
#include "../tools/lull/trace.h"

enum {
	WORDS = 16,
	TEXT = 1024,
	SAMPLES = 48,
};

/* ---- the kernel's way ---- */

static bool same_prefix(const uint8_t *a, const uint8_t *b, int bits)
{
	for (int i = 0; i < bits; i++)
		if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

static bool host_holds(const struct inet_diag_msg *m, const uint8_t *at,
		       bool src)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const void *own = src ? m->id.idiag_src : m->id.idiag_dst;
	int port = ntohs(src ? m->id.idiag_sport : m->id.idiag_dport);
	struct inet_diag_hostcond c;
	const uint8_t *addr = own;

	memcpy(&c, at, sizeof c);
	at += sizeof c;
	if (c.port != -1 && c.port != port)
		return false;
	if (c.family != AF_UNSPEC && c.family != m->idiag_family) {
		/* An IPv4 peer of an IPv6 socket is one all the same. */
		return m->idiag_family == AF_INET6 && c.family == AF_INET &&
		       memcmp(addr, mapped, sizeof mapped) == 0 &&
		       same_prefix(addr + 12, at, c.prefix_len);
	}
	return same_prefix(addr, at, c.prefix_len);
}

static bool holds(const struct inet_diag_msg *m, const uint8_t *at)
{
	int sport = ntohs(m->id.idiag_sport), dport = ntohs(m->id.idiag_dport);
	struct inet_diag_bc_op op, more;
	uint32_t dev;

	memcpy(&op, at, sizeof op);
	memcpy(&more, at + sizeof op, sizeof more);
	memcpy(&dev, at + sizeof op, sizeof dev);
	switch (op.code) {
	case INET_DIAG_BC_S_GE:
		return sport >= more.no;
	case INET_DIAG_BC_S_LE:
		return sport <= more.no;
	case INET_DIAG_BC_D_GE:
		return dport >= more.no;
	case INET_DIAG_BC_D_LE:
		return dport <= more.no;
	case INET_DIAG_BC_S_COND:
		return host_holds(m, at + sizeof op, true);
	case INET_DIAG_BC_D_COND:
		return host_holds(m, at + sizeof op, false);
	case INET_DIAG_BC_DEV_COND:
		return m->id.idiag_if == dev;
	default:
		MUST(op.code == INET_DIAG_BC_JMP);
		return false;
	}
}

/* Jumps go forward, to an operation or the end; 4 bytes behind it refuses. */
static bool carry_out(const struct inet_diag_msg *m, const uint8_t *code,
		      int len)
{
	while (len > 0) {
		struct inet_diag_bc_op op;
		int by;

		MUST(len >= (int)sizeof op);
		memcpy(&op, code, sizeof op);
		by = holds(m, code) ? op.yes : op.no;
		MUST(by >= 4 && by % 4 == 0 && by <= len + 4);
		code += by;
		len -= by;
	}
	return len == 0;
}

/* ---- samples ---- */

/* Sockets that the filter speaks of, and others: made of its own numbers. */
static void sample(const struct ss_filter *f, int i, struct inet_diag_msg *m)
{
	const struct ss_node *n = &f->node[i % f->len];
	const struct ss_node *o = &f->node[i / 3 % f->len];
	uint8_t *src = (void *)m->id.idiag_src, *dst = (void *)m->id.idiag_dst;

	memset(m, 0, sizeof *m);
	m->idiag_family = i & 1 ? AF_INET6 : AF_INET;
	m->idiag_state = 1;
	m->id.idiag_sport = htons((uint16_t)(n->port + (i >> 1 & 3) - 1));
	m->id.idiag_dport = htons((uint16_t)(o->port + (i >> 3 & 3) - 1));
	m->id.idiag_if = (uint32_t)o->port;
	if (m->idiag_family == AF_INET6 && n->family == AF_INET && i & 2) {
		memset(src + 10, 0xff, 2);
		memset(dst + 10, 0xff, 2);
		src += 12;
		dst += 12;
	}
	memcpy(src, n->addr, 4);
	memcpy(dst, o->addr, 4);
	if (m->idiag_family == AF_INET6 && !(i & 2)) {
		memcpy(src, n->addr, 16);
		memcpy(dst, o->addr, 16);
	}
	src[i % 4] ^= (uint8_t)(i >> 4 & 1);
}

static void compare(const struct ss_filter *f)
{
	static uint8_t code[SS_FILTER_CODE];
	int len = ss_filter_compile(f, code);
	struct inet_diag_msg m;

	if (len == -E2BIG || !f->len)
		return;
	MUST(len > 0 && len <= SS_FILTER_CODE && len % 4 == 0);
	for (int i = 0; i < SAMPLES; i++) {
		sample(f, i, &m);
		MUST(ss_filter_match(f, &m) == carry_out(&m, code, len));
	}
}

/* ---- text ---- */

static void try_filter(char **words, int n)
{
	static struct ss_filter_words f;
	char why[SS_FILTER_WHY];

	if (ss_filter_parse(&f, words, n, why)) {
		MUST(!why[0] && f.filter.len <= SS_FILTER_NODES);
		compare(&f.filter);
	} else {
		MUST(why[0] && memchr(why, 0, sizeof why));
	}
}

static void try_address(const char *text)
{
	struct lull_addr addr, again;
	struct trace_filter filter;
	struct lull_prefix prefix;
	char out[LULL_ADDR_TEXT];

	if (lull_addr_parse(text, &addr) == 0) {
		lull_addr_format(&addr, out);
		MUST(lull_addr_parse(out, &again) == 0);
		MUST(memcmp(&addr, &again, sizeof addr) == 0);
	}
	if (lull_prefix_parse(text, &prefix) == 0)
		MUST(prefix.bits <= 128);
	if (trace_filter(text, &filter) == 0)
		MUST(filter.prefix.bits <= 128);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT + 1], *words[WORDS];
	int n = 0;

	if (size > TEXT)
		size = TEXT;
	memcpy(text, data, size);
	text[size] = 0;
	for (size_t at = 0; at < size && n < WORDS; at += strlen(text + at) + 1)
		words[n++] = text + at;
	for (int i = 0; i < n; i++)
		try_address(words[i]);
	try_filter(words, n);
	return 0;
}
