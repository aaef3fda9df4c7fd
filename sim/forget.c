/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forget.c: what a server of profile linux forgets.
 *
 * A SYN that takes a TIME_WAIT's pair and comes to nothing leaves no TIME_WAIT
 * behind there (docs/timewait.md, D7): for 2MSL nothing keeps the old bytes of
 * that pair from its next connection, whatever the client does. And another SYN
 * in the window ends what waits for its last ACK there, with RST (3.10.7.4,
 * fourth): a client that has its SYN-ACK hears of it later, and one whose own
 * SYN that was, behind an old one, is refused.
 *
 * Entry points: scene_state, scene_forgot.
 */
#include "scene.h"

#define LEN_NS 60000000000ULL /* of a TIME_WAIT */

/* Of the client's ports, as the server sees them without SNAT; or NULL. */
static uint64_t *at_port(uint64_t *list, uint32_t port)
{
	uint32_t i = port - SCENE_FIRST_PORT;

	return i < SCENE_PORTS ? &list[i] : NULL;
}

void scene_state(struct world *w, int host, const struct lull_trace_record *r)
{
	struct scene *s = (struct scene *)w;
	uint64_t *taken = at_port(s->taken_ns, r->remote.port);

	if (host < SCENE_CLIENTS || !s->linux_server || !taken)
		return;
	if (r->from == LULL_TCP_TIME_WAIT && r->what == LULL_END_REUSED)
		*taken = r->now_ns;
	else if (r->to == LULL_TCP_ESTABLISHED)
		*taken = 0;
	else if (r->what == LULL_END_SYN)
		*at_port(s->forgot_ns, r->remote.port) = r->now_ns;
	else if (r->from == LULL_TCP_SYN_RECEIVED && r->to == LULL_TCP_CLOSED &&
		 *taken)
		*at_port(s->forgot_ns, r->remote.port) = r->now_ns;
}

bool scene_forgot(struct scene *s)
{
	const uint64_t *at = at_port(s->forgot_ns, s->port);

	return at && *at && s->w.now_ns - *at < LEN_NS;
}
