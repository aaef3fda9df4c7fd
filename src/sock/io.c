/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io.c: bytes in and out, and the end.
 *
 * Entry points: lull_sock_send, _recv, _recv_flags, _peek, _consume, _shutdown,
 * _close, _abort; lull_shard_abort.
 */
#include "sock/sock.h"

/* What a dead connection answers: its error once, then as after an end. */
static int dead(struct lull_user *u, int after)
{
	return u->error ? lull_sock_take_error(u) : after;
}

/* May text be queued? 0, or why not. */
static int may_send(struct lull_user *u, const struct lull_tcb *tcb)
{
	if (u->kind != LULL_USER_CONN)
		return u->kind == LULL_USER_SYN ? -EAGAIN : -ENOTCONN;
	if (u->error || u->flags & LULL_USER_SHUT_WR)
		return dead(u, -EPIPE);
	if (!tcb)
		return -EPIPE;
	if (tcb->state == LULL_TCP_ESTABLISHED ||
	    tcb->state == LULL_TCP_CLOSE_WAIT)
		return 0;
	return -EAGAIN; /* WRITE comes when it is established */
}

long lull_sock_send(struct lull_shard *s, struct lull_sock sock,
		    const struct lull_span *spans, int n, int flags)
{
	struct lull_user *u = lull_sock_user(s, sock);
	struct lull_tcb *tcb;
	size_t asked = 0;
	long sent;
	int e;

	if (!u)
		return -EBADF;
	if (n < 0 || flags & ~(LULL_MSG_MORE | LULL_MSG_OOB | LULL_MSG_EOR))
		return -EINVAL;
	tcb = lull_sock_tcb(s, u);
	e = may_send(u, tcb);
	if (e < 0)
		return e;
	for (int i = 0; i < n; i++)
		asked += spans[i].len;
	sent = lull_sendq_put(&s->tcp, tcb, spans, n);
	tcb->flags &= ~(uint64_t)(LULL_TCB_MORE | LULL_TCB_UNPUSHED);
	if (flags & LULL_MSG_MORE)
		tcb->flags |= LULL_TCB_MORE | LULL_TCB_UNPUSHED;
	if (sent > 0 && flags & LULL_MSG_EOR && (size_t)sent == asked)
		lull_sendq_end_record(&s->tcp, tcb);
	if (sent > 0 && flags & LULL_MSG_OOB)
		lull_urgent_mark(&s->tcp, tcb);
	if (sent > 0 || !asked)
		lull_tcp_want(&s->tcp, tcb);
	if ((size_t)sent < asked)
		u->flags |= LULL_USER_WANT_WRITE;
	return sent || !asked ? sent : -EAGAIN;
}

/* Nothing is queued: is that the end, an error, or not yet? */
static int nothing_to_read(struct lull_user *u)
{
	if (u->kind == LULL_USER_LISTENER)
		return -ENOTCONN;
	if (u->error)
		return dead(u, 0);
	if (u->flags & (LULL_USER_EOF | LULL_USER_SHUT_RD))
		return 0;
	return u->name ? -EAGAIN : 0;
}

/* Copy `want` bytes out, without the first one if there is a `hole`. */
static void copy_out(const struct lull_shard *s, const struct lull_user *u,
		     void *buf, uint32_t want, uint32_t hole)
{
	uint32_t done = 0;

	for (uint32_t i = u->text.head; done < want;) {
		const struct lull_buf *b = lull_buf_at(&s->g.bufs, i);
		uint32_t k = lull_min(b->len - hole, want - done);

		memcpy((uint8_t *)buf + done, b->data + b->off + hole, k);
		done += k;
		hole = 0;
		i = b->next;
	}
}

static long recv_urgent(struct lull_shard *s, struct lull_sock sock, void *buf,
			size_t len, int flags)
{
	struct lull_user *u = lull_sock_user(s, sock);
	uint8_t byte;
	int n = lull_urgent_get(&s->tcp, sock.index, &byte,
				flags & LULL_MSG_PEEK || len == 0);

	if (n == -EAGAIN)
		return nothing_to_read(u);
	if (n < 0 || len == 0)
		return n < 0 ? n : 0;
	memcpy(buf, &byte, 1);
	return 1;
}

long lull_sock_recv_flags(struct lull_shard *s, struct lull_sock sock,
			  void *buf, size_t len, int flags)
{
	struct lull_user *u = lull_sock_user(s, sock);
	uint32_t want, hole = 0, most;

	if (!u)
		return -EBADF;
	if (flags & ~(LULL_MSG_PEEK | LULL_MSG_OOB))
		return -EINVAL;
	if (flags & LULL_MSG_OOB)
		return recv_urgent(s, sock, buf, len, flags);
	if (u->urgent && !(flags & LULL_MSG_PEEK))
		lull_urgent_skip(&s->tcp, sock.index);
	if (u->urgent)
		hole = lull_urgent_hole(u);
	most = u->urgent ? lull_urgent_readable(u) - hole : u->text.bytes;
	if (!most)
		return nothing_to_read(u);
	want = len < most ? (uint32_t)len : most;
	copy_out(s, u, buf, want, hole);
	if (!(flags & LULL_MSG_PEEK))
		lull_text_consume(&s->tcp, sock.index, want);
	return want;
}

long lull_sock_recv(struct lull_shard *s, struct lull_sock sock, void *buf,
		    size_t len)
{
	return lull_sock_recv_flags(s, sock, buf, len, 0);
}

int lull_sock_peek(struct lull_shard *s, struct lull_sock sock,
		   struct lull_span *spans, int n)
{
	struct lull_user *u = lull_sock_user(s, sock);
	uint32_t left;
	int k = 0;

	if (!u)
		return -EBADF;
	lull_urgent_skip(&s->tcp, sock.index);
	left = lull_urgent_readable(u);
	if (!left)
		return nothing_to_read(u);
	for (uint32_t i = u->text.head; left && k < n;) {
		const struct lull_buf *b = lull_buf_at(&s->g.bufs, i);
		uint32_t len = lull_min(b->len, left);

		spans[k++] = (struct lull_span){b->data + b->off, len};
		left -= len;
		i = b->next;
	}
	return k;
}

int lull_sock_consume(struct lull_shard *s, struct lull_sock sock, size_t len)
{
	const struct lull_user *u = lull_sock_user(s, sock);

	if (!u)
		return -EBADF;
	if (len > u->text.bytes)
		return -EINVAL;
	lull_text_consume(&s->tcp, sock.index, (uint32_t)len);
	return 0;
}

int lull_sock_shutdown(struct lull_shard *s, struct lull_sock sock,
		       enum lull_how how)
{
	struct lull_user *u = lull_sock_user(s, sock);
	struct lull_tcb *tcb;

	if (!u)
		return -EBADF;
	if ((uint32_t)how > LULL_SHUT_RDWR)
		return -EINVAL;
	tcb = lull_sock_tcb(s, u);
	if (!tcb || tcb->state == LULL_TCP_SYN_SENT)
		return -ENOTCONN;
	if (how != LULL_SHUT_WR)
		u->flags |= LULL_USER_SHUT_RD;
	if (how != LULL_SHUT_RD) {
		u->flags |= LULL_USER_SHUT_WR;
		lull_tcp_shutdown(&s->tcp, tcb);
	}
	return 0;
}

static void close_listener(struct lull_shard *s, const struct lull_user *u)
{
	uint32_t i = lull_name_index(u->name);

	if (lull_listener_at(&s->tcp, i)->flags & LULL_LISTEN_TRANSPARENT)
		s->ip.strangers--;
	lull_listener_close(&s->tcp, i);
}

static void let_go(struct lull_shard *s, struct lull_sock sock, bool abort)
{
	struct lull_user *u = lull_sock_user(s, sock);
	struct lull_tcb *tcb;

	if (!u)
		return;
	tcb = lull_sock_tcb(s, u);
	if (u->kind == LULL_USER_LISTENER)
		close_listener(s, u);
	else if (lull_name_kind(u->name) == LULL_KIND_HALF)
		lull_half_abandon(&s->tcp, sock.index);
	else if (tcb && abort)
		lull_tcp_abort(&s->tcp, tcb, 0);
	else if (tcb && lull_tcp_close(&s->tcp, tcb))
		return; /* it lingers */
	lull_user_free(&s->tcp, sock.index);
}

void lull_sock_close(struct lull_shard *s, struct lull_sock sock)
{
	let_go(s, sock, false);
}

void lull_sock_abort(struct lull_shard *s, struct lull_sock sock)
{
	let_go(s, sock, true);
}

static bool abort_tcb(struct lull_shard *s, struct lull_tcb *tcb)
{
	if (!tcb->state || tcb->flags & LULL_TCB_DEAD)
		return false;
	lull_tcp_abort(&s->tcp, tcb, ECONNABORTED);
	lull_count(&s->g, LULL_COUNT_DRAINED);
	return true;
}

static bool abort_half(struct lull_shard *s, uint32_t i)
{
	if (!lull_half_abort(&s->tcp, i, ECONNABORTED))
		return false;
	lull_count(&s->g, LULL_COUNT_DRAINED);
	return true;
}

/* From where the last call stopped, once around: all of it is O(n). */
uint32_t lull_shard_abort(struct lull_shard *s, uint32_t n)
{
	struct lull_tcp *t = &s->tcp;
	uint32_t done = 0;

	for (uint32_t k = t->tcbs.fresh; k > 1 && done < n; k--) {
		if (++s->abort_tcb >= t->tcbs.fresh)
			s->abort_tcb = 1;
		done += abort_tcb(s, lull_tcb_at(t, s->abort_tcb));
	}
	for (uint32_t k = t->halves.fresh; k > 1 && done < n; k--) {
		if (++s->abort_half >= t->halves.fresh)
			s->abort_half = 1;
		done += abort_half(s, s->abort_half);
	}
	return done;
}
