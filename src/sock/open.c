/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open.c: how a program comes to a connection: listen, accept, answer, connect.
 *
 * Entry points: lull_sock_listen, _accept, _answer, _connect; lull_diag_why.
 */
#include "sock/sock.h"

int lull_sock_listen(struct lull_shard *s, const struct lull_listen *listen,
		     struct lull_sock *sock)
{
	uint32_t user;
	int e;

	if (listen->size != sizeof *listen || listen->local.bits > 128 ||
	    listen->port_lo == 0 ||
	    (listen->port_hi && listen->port_hi < listen->port_lo) ||
	    listen->flags & ~(uint32_t)LULL_LISTEN_FLAGS)
		return -EINVAL;
	/* One address must be ours, unless we stand in for others (MUST-43). */
	if (listen->local.bits == 128 &&
	    !(listen->flags & LULL_LISTEN_TRANSPARENT) &&
	    !lull_ip_is_own(&s->ip, &listen->local.addr))
		return -EADDRNOTAVAIL;
	user = lull_user_new(&s->tcp, LULL_USER_LISTENER, listen->cookie);
	if (!user)
		return -ENFILE;
	e = lull_tcp_listen(&s->tcp, listen, user);
	if (e < 0) {
		lull_user_free(&s->tcp, user);
		return e;
	}
	if (listen->flags & LULL_LISTEN_TRANSPARENT)
		s->ip.strangers++;
	*sock = lull_sock_handle(s, user);
	return 0;
}

int lull_sock_accept(struct lull_shard *s, struct lull_sock listener,
		     uint64_t cookie, struct lull_sock *sock)
{
	struct lull_tcp *t = &s->tcp;
	const struct lull_user *lu = lull_sock_user(s, listener);
	struct lull_listener *l;
	struct lull_user *u;
	uint32_t user;

	if (!lu)
		return -EBADF;
	if (lu->kind != LULL_USER_LISTENER)
		return -EINVAL;
	l = lull_listener_at(t, lull_name_index(lu->name));
	user = lull_list_pop(&l->accept);
	if (!user)
		return -EAGAIN;
	u = lull_user_at(t, user);
	u->cookie = cookie;
	u->flags &= (uint8_t)~LULL_USER_WAITING;
	if (u->news) /* what came in while it waited */
		lull_user_news(t, user, 0);
	*sock = lull_sock_handle(s, user);
	return 0;
}

int lull_sock_answer(struct lull_shard *s, struct lull_sock syn,
		     enum lull_answer answer)
{
	const struct lull_user *u = lull_sock_user(s, syn);

	if (!u)
		return -EBADF;
	if (u->kind != LULL_USER_SYN)
		return -EINVAL;
	return lull_half_answer(&s->tcp, syn.index, answer);
}

/* MUST-46: nobody, all, or ourselves: what can't send can't be sent to. */
static bool is_remote(const struct lull_ip *ip, const struct lull_endpoint *e)
{
	return e->port && !lull_ip_is_bad_source(ip, &e->addr);
}

/* Both ends but for our port, which may be 0; our address: MUST-44. */
static int find_ends(const struct lull_shard *s, const struct lull_connect *c,
		     struct lull_tuple *tuple, struct lull_why *why)
{
	bool any = lull_addr_is_any(&c->local.addr);

	tuple->remote = c->remote.addr;
	tuple->rport = c->remote.port;
	tuple->local = c->local.addr;
	tuple->lport = c->local.port;
	if (!is_remote(&s->ip, &c->remote)) {
		why->reason = LULL_WHY_BAD_REMOTE;
		return -EINVAL;
	}
	if (any && !lull_ip_source(&s->ip, &tuple->remote, &tuple->local)) {
		why->reason = LULL_WHY_NO_ROUTE;
		return -ENETUNREACH;
	}
	if (!lull_ip_is_own(&s->ip, &tuple->local) ||
	    lull_addr_is4(&tuple->local) != lull_addr_is4(&tuple->remote)) {
		why->reason = LULL_WHY_NOT_LOCAL;
		return -EADDRNOTAVAIL;
	}
	return 0;
}

static int try_connect(struct lull_shard *s, const struct lull_connect *c,
		       struct lull_sock *sock, struct lull_why *why)
{
	struct lull_place place = {
		.reuseaddr = c->flags & LULL_CONNECT_REUSEADDR,
	};
	uint32_t user;
	int e;

	e = find_ends(s, c, &place.tuple, why);
	if (e == 0)
		e = lull_port_choose(&s->tcp, &place, why);
	if (e < 0)
		return e;
	user = lull_user_new(&s->tcp, LULL_USER_CONN, c->cookie);
	if (!user) {
		why->reason = LULL_WHY_LIMIT_SOCKS;
		return -ENFILE;
	}
	e = lull_tcp_connect(&s->tcp, &place, user);
	if (e < 0) {
		why->reason = LULL_WHY_LIMIT_CONNS;
		lull_user_free(&s->tcp, user);
		return e;
	}
	*sock = lull_sock_handle(s, user);
	return 0;
}

int lull_sock_connect(struct lull_shard *s, const struct lull_connect *connect,
		      struct lull_sock *sock, struct lull_why *why)
{
	struct lull_why unasked = {.size = sizeof unasked};

	if (!why)
		why = &unasked;
	if (connect->size != sizeof *connect ||
	    connect->flags & ~(uint32_t)LULL_CONNECT_REUSEADDR ||
	    why->size != sizeof *why)
		return -EINVAL;
	*why = unasked;
	return try_connect(s, connect, sock, why);
}

int lull_diag_why(const struct lull_shard *s,
		  const struct lull_connect *connect, struct lull_why *why)
{
	struct lull_tuple tuple;
	int e;

	if (connect->size != sizeof *connect || why->size != sizeof *why)
		return -EINVAL;
	*why = (struct lull_why){.size = sizeof *why};
	e = find_ends(s, connect, &tuple, why);
	if (e == 0)
		lull_port_why(&s->tcp, &tuple, why);
	return e;
}
