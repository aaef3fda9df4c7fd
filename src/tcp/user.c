/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * user.c: what the program sees of a connection, and how it gets news.
 *
 * Never calls the program: a user with news waits in `ready`.
 *
 * Entry points: lull_user_new, _free, _news, _hush, _ended.
 */
#include "tcp/tcp.h"

uint32_t lull_user_new(struct lull_tcp *t, enum lull_user_kind kind,
		       uint64_t cookie)
{
	uint32_t i = lull_slab_get(&t->users);
	struct lull_user *u = lull_user_at(t, i);

	if (!i)
		return 0;
	/* The generation goes on, so that no handle comes back; 0 is none. */
	*u = (struct lull_user){
		.gen = u->gen + 1 ? u->gen + 1 : 1,
		.cookie = cookie,
		.kind = (uint8_t)kind,
		.urgent_flags = t->g->profile == LULL_PROFILE_LINUX
					? LULL_URGENT_APART
					: 0,
	};
	return i;
}

void lull_user_hush(struct lull_tcp *t, uint32_t i)
{
	struct lull_user *u = lull_user_at(t, i);

	u->news = 0;
	if (u->flags & LULL_USER_READY)
		lull_list_del(&t->ready, i);
	u->flags &= (uint8_t)~LULL_USER_READY;
}

void lull_user_free(struct lull_tcp *t, uint32_t i)
{
	struct lull_user *u = lull_user_at(t, i);

	LULL_ASSERT(u->kind != LULL_USER_FREE && u->name == 0);
	lull_user_hush(t, i);
	lull_text_free(t, u);
	u->kind = LULL_USER_FREE;
	lull_slab_put(&t->users, i);
}

void lull_user_news(struct lull_tcp *t, uint32_t i, uint32_t bits)
{
	struct lull_user *u = lull_user_at(t, i);

	u->news |= (uint16_t)bits;
	if (u->flags & (LULL_USER_READY | LULL_USER_WAITING))
		return;
	u->flags |= LULL_USER_READY;
	lull_list_push(&t->ready, i);
}

void lull_user_ended(struct lull_tcp *t, uint32_t i, int error)
{
	struct lull_user *u = lull_user_at(t, i);

	u->name = 0;
	if (u->flags & LULL_USER_LINGERS) {
		u->error = (uint16_t)error;
		lull_user_news(t, i, LULL_EVENT_CLOSED);
	} else if (error) {
		u->error = (uint16_t)error;
		u->flags |= LULL_USER_EOF;
		lull_user_news(t, i, LULL_EVENT_ERROR);
	}
}
