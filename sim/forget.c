/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forget.c: what a server of profile linux forgets.
 *
 * A SYN that takes a TIME_WAIT's pair and comes to nothing leaves no TIME_WAIT
 * behind there (docs/timewait.md, D7): for 2MSL nothing keeps the old bytes of
 * that pair from its next connection, whatever the client does. And another SYN
 * in the window ends what waits for its last ACK there, with RST (3.10.7.4,
 * fourth): a client that has its SYN-ACK hears of it later, and one whose own
 * SYN that was, behind an old one, is refused. Nor does it know of numbers
 * before those of the last connection: a SYN below them is taken for its
 * timestamps, and the one after that may have none (docs/timewait.md, "What is
 * not safe").
 *
 * Entry points: scene_state, scene_forgot.
 */
#include "scene.h"

#define LEN_NS 60000000000ULL /* of a TIME_WAIT */

/* Which of the client's ports, as the server sees them without SNAT. */
static bool find_port(uint32_t port, uint32_t *i)
{
	*i = port - SCENE_FIRST_PORT;
	return *i < SCENE_PORTS;
}

void scene_state(struct world *w, int host, const struct lull_trace_record *r)
{
	struct scene *s = (struct scene *)w;
	uint32_t i;
	bool forgets;

	if (host < SCENE_CLIENTS || !s->linux_server ||
	    !find_port(r->remote.port, &i))
		return;
	if (r->to == LULL_TCP_SYN_RECEIVED)
		forgets = s->taken_ns[i] && (int32_t)(r->ack - s->used[i]) < 0;
	else
		forgets = r->what == LULL_END_SYN ||
			  (r->from == LULL_TCP_SYN_RECEIVED &&
			   r->to == LULL_TCP_CLOSED && s->taken_ns[i]);
	if (forgets)
		s->forgot_ns[i] = r->now_ns;
	if (r->from == LULL_TCP_TIME_WAIT && r->what == LULL_END_REUSED) {
		s->taken_ns[i] = r->now_ns;
		s->used[i] = r->ack;
	} else if (r->to == LULL_TCP_ESTABLISHED) {
		s->taken_ns[i] = 0;
	}
}

bool scene_forgot(struct scene *s)
{
	uint32_t i;

	return find_port(s->port, &i) && s->forgot_ns[i] &&
	       s->w.now_ns - s->forgot_ns[i] < LEN_NS;
}
