/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pair.c: how long each pair of endpoints is left alone, as the wire shows it.
 *
 * Sees each segment as it leaves a stack. A pair rests from the client's last
 * ACK on, for 2MSL; it has lapped when the client had sent 2^30 bytes. It is
 * one client's, which closes first; nothing but the client's port tells pairs
 * apart.
 *
 * Entry points: scene_pair_sees, scene_pair_end.
 */
#include "scene.h"

#define SECOND	     1000000000ULL
#define TIMEWAIT_NS  (60 * SECOND) /* 2MSL, by default */
#define LAPPED_BYTES (1ULL << 30)

/* The first SYN of a connection. */
static void begin(struct scene *s, struct pair *p, const struct view *v)
{
	uint64_t rest_ns = s->w.now_ns - p->ended_ns;
	bool early = p->ended_ns && rest_ns < TIMEWAIT_NS;
	bool lapped = p->ended_ns && p->sent >= LAPPED_BYTES;

	if (early && lapped)
		scene_harm(s,
			   "port %u has sent %lu bytes, and comes again after "
			   "%.6f s",
			   v->port[0], p->sent, (double)rest_ns / SECOND);
	else if (early && s->reuse == REUSE_OFF)
		sim_fail(&s->w, "port %u comes again after %.6f s", v->port[0],
			 (double)rest_ns / SECOND);
	s->early += early;
	s->lapped_again |= lapped;
	*p = (struct pair){
		.used = true,
		.isn = v->seq,
		.next = v->seq + 1,
		.begun_ns = s->w.now_ns,
	};
}

/* The client's FIN and the server's are there, and this is the last ACK. */
static void end(struct scene *s, struct pair *p, const struct view *v)
{
	uint64_t took_ns = s->w.now_ns - p->begun_ns;

	p->ended_ns = s->w.now_ns;
	if (p->sent < LAPPED_BYTES)
		return;
	/* Within 2MSL: all of it may still be under way. */
	if (took_ns >= TIMEWAIT_NS)
		sim_fail(&s->w, "%lu bytes took as long as %.0f s", p->sent,
			 (double)took_ns / SECOND);
	sim_trace(&s->w, "port %u has sent %lu bytes in %.3f s", v->port[0],
		  p->sent, (double)took_ns / SECOND);
}

static void by_client(struct scene *s, struct pair *p, const struct view *v)
{
	uint32_t next = v->seq + v->text_len + !!(v->flags & FIN);

	if (v->flags & SYN) {
		if (!p->used || v->seq != p->isn)
			begin(s, p, v);
		return;
	}
	if ((int32_t)(next - p->next) > 0) {
		p->sent += next - p->next;
		p->next = next;
	}
	p->fin[0] |= v->flags & FIN;
	if (!p->ended_ns && p->fin[0] && p->fin[1] && v->ack == p->last_ack)
		end(s, p, v);
}

void scene_pair_sees(struct scene *s, bool client, const struct view *v)
{
	uint32_t i = v->port[!client] - SCENE_FIRST_PORT;

	if (i >= SCENE_PORTS) {
		sim_fail(&s->w, "a segment of nobody's port");
	} else if (client) {
		by_client(s, &s->pair[i], v);
	} else if (v->flags & FIN) {
		s->pair[i].fin[1] = true;
		s->pair[i].last_ack = v->seq + v->text_len + 1;
	}
}

/* All the others may come early, or not one has shown anything. */
void scene_pair_end(struct scene *s)
{
	sim_trace(&s->w, "%u times a pair came again within 2MSL", s->early);
	if (s->reuse == REUSE_SAFE && !s->early)
		sim_fail(&s->w, "no pair came again within 2MSL");
}
