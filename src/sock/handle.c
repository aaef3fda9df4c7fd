/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * handle.c: handles, and the news that programs fetch.
 *
 * Entry points: lull_sock_user, lull_sock_handle, lull_sock_take_error,
 * lull_events_get, lull_sock_info.
 */
#include "sock/sock.h"

struct lull_user *lull_sock_user(const struct lull_shard *s,
				 struct lull_sock sock)
{
	struct lull_user *u = lull_user_at(&s->tcp, sock.index);

	if (sock.index == 0 || sock.index >= s->tcp.users.fresh ||
	    u->gen != sock.gen || u->kind == LULL_USER_FREE ||
	    u->flags & (LULL_USER_LINGERS | LULL_USER_WAITING))
		return NULL;
	return u;
}

struct lull_sock lull_sock_handle(const struct lull_shard *s, uint32_t user)
{
	return (struct lull_sock){user, lull_user_at(&s->tcp, user)->gen};
}

int lull_sock_take_error(struct lull_user *u)
{
	int error = -(int)u->error;

	u->error = 0;
	return error;
}

int lull_events_get(struct lull_shard *s, struct lull_event *events, int n)
{
	struct lull_tcp *t = &s->tcp;
	int i;

	for (i = 0; i < n && t->ready.len; i++) {
		uint32_t user = lull_list_pop(&t->ready);
		struct lull_user *u = lull_user_at(t, user);

		u->flags &= (uint8_t)~LULL_USER_READY;
		events[i] = (struct lull_event){
			.sock = lull_sock_handle(s, user),
			.cookie = u->cookie,
			.bits = u->news,
			.error = u->error ? -(int32_t)u->error : 0,
		};
		u->news = 0;
		if (events[i].bits & LULL_EVENT_CLOSED)
			lull_user_free(t, user);
	}
	return i;
}

static void tell_listener(const struct lull_shard *s, const struct lull_user *u,
			  struct lull_sock_info *info)
{
	const struct lull_listener *l =
		lull_listener_at(&s->tcp, lull_name_index(u->name));

	info->state = LULL_TCP_LISTEN;
	info->local.addr = l->local.addr;
	info->local.port = l->port_lo;
	info->rcv_queued = l->accept.len;
}

static void tell_pair(const struct lull_tuple *tuple,
		      struct lull_sock_info *info)
{
	info->local.addr = tuple->local;
	info->local.port = tuple->lport;
	info->remote.addr = tuple->remote;
	info->remote.port = tuple->rport;
}

static void tell_tcb(const struct lull_shard *s, const struct lull_tcb *tcb,
		     struct lull_sock_info *info)
{
	uint32_t una_to_end = lull_seq_gt(tcb->snd.end, tcb->snd.una)
				      ? lull_seq_sub(tcb->snd.end, tcb->snd.una)
				      : 0;

	info->state = tcb->state;
	tell_pair(&tcb->tuple, info);
	info->snd_queued = una_to_end;
	info->snd_room = lull_sendq_room(&s->tcp, tcb);
	info->soft_error = -(int32_t)lull_tcb_cold(&s->tcp, tcb)->soft_error;
	if (!info->soft_error && lull_timer_past_r1(&s->tcp, tcb))
		info->soft_error = -ETIMEDOUT;
}

int lull_sock_info(const struct lull_shard *s, struct lull_sock sock,
		   struct lull_sock_info *info)
{
	const struct lull_user *u = lull_sock_user(s, sock);
	uint32_t i;

	if (!u)
		return -EBADF;
	if (info->size != sizeof *info)
		return -EINVAL;
	*info = (struct lull_sock_info){
		.size = sizeof *info,
		.state = LULL_TCP_CLOSED,
		.rcv_queued = u->text.bytes,
		.rcv_urgent = u->urgent,
	};
	i = lull_name_index(u->name);
	switch (lull_name_kind(u->name)) {
	case LULL_KIND_TCB:
		tell_tcb(s, lull_tcb_at(&s->tcp, i), info);
		break;
	case LULL_KIND_HALF:
		info->state = LULL_TCP_SYN_RECEIVED;
		tell_pair(&lull_half_at(&s->tcp, i)->tuple, info);
		break;
	case LULL_KIND_LISTENER:
		tell_listener(s, u, info);
		break;
	case LULL_KIND_NONE:
	case LULL_KIND_CLOSING4:
	case LULL_KIND_CLOSING6:
	case LULL_KINDS:
		break;
	}
	return 0;
}
