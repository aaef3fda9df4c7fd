/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state.c: see state.h.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "state.h"

enum {
	REFUSED = -2, /* as it is; a fresh one would do */
};

/* What is wrong with the file, and the way out; or that it was forgotten. */
static int refused(const struct stack_options *o, const char *what)
{
	if (o->quiet_s) {
		fprintf(stderr, "lull serve: --state %s: %s; forgotten\n",
			o->state, what);
		return REFUSED;
	}
	return tool_error(TOOL_COULD_NOT,
			  "--state %s: %s; --quiet-time forgets it and is "
			  "silent for so long as what is in it might last",
			  o->state, what);
}

static int explain(const struct stack_options *o,
		   const struct lull_state_why *why)
{
	const char *way = "";

	switch (why->reason) {
	case LULL_STATE_FINE:
	case LULL_STATE_ERROR:
		break;
	case LULL_STATE_KIND:
	case LULL_STATE_OWNER:
		way = "; choose another file";
		break;
	case LULL_STATE_MODE:
		way = "; chmod 600, if it is ours";
		break;
	case LULL_STATE_DISK:
		way = "; choose a file on tmpfs, as in /dev/shm, or "
		      "--state-force";
		break;
	case LULL_STATE_ROOM:
		way = "; choose a smaller --closing";
		break;
	case LULL_STATE_HELD:
		way = "; stop it first, or choose another file";
		break;
	case LULL_STATE_FOREIGN:
	case LULL_STATE_VERSION:
	case LULL_STATE_LIMITS:
	case LULL_STATE_CUT:
	case LULL_STATE_BOOT:
		return refused(o, why->text);
	}
	return tool_error(TOOL_COULD_NOT, "--state %s: %s%s", o->state,
			  why->text, way);
}

static void say(const struct stack *s, const struct stack_options *o,
		const struct lull_restore *r, double took_ms)
{
	if (lull_state_quiet_ms(s->state))
		return; /* state_keep_quiet() does */
	if (!lull_state_is_old(s->state))
		printf("state %s new\n", o->state);
	else
		printf("state %s restored TIME-WAIT=%u FIN-WAIT-2=%u ended=%u "
		       "after=%s ms=%.1f\n",
		       o->state, r->time_wait, r->fin_wait_2, r->ended,
		       lull_state_is_clean(s->state) ? "stop" : "kill",
		       took_ms);
	fflush(stdout);
}

static int no_memory(const struct stack_options *o, int e)
{
	return tool_error(TOOL_COULD_NOT,
			  "memory for %u connections and %u closing records: "
			  "%s",
			  o->conns, o->closing, strerror(-e));
}

/* TOOL_OK, REFUSED, or a TOOL_ code. */
static int try(struct stack *s, const struct stack_options *o,
	       struct lull_config *config, bool fresh)
{
	struct lull_state_config file = {
		.size = sizeof file,
		.path = o->state,
		.limits = &config->limits,
		.force = o->state_force,
		.fresh = fresh,
		.quiet_ms = o->quiet_s * 1000,
	};
	struct lull_state_why why = {.size = sizeof why};
	struct lull_restore restore = {.size = sizeof restore};
	uint64_t began_ns = lull_clock_ns();
	char text[96];
	int e = lull_state_open(&s->state, &file, &why);

	if (e < 0 && why.reason == LULL_STATE_FINE)
		return no_memory(o, e);
	if (e < 0)
		return explain(o, &why);
	e = lull_memory_map(&config->limits, &s->memory);
	if (e == 0)
		e = lull_state_lend(s->state, config, &s->memory);
	if (e == 0)
		e = lull_shard_init(
			&s->shard, config, s->memory, lull_clock_ns(),
			lull_state_is_old(s->state) ? &restore : NULL);
	if (e == -EBADMSG) {
		snprintf(text, sizeof text, "%u of its records make no sense",
			 restore.refused);
		return refused(o, text);
	}
	if (e < 0)
		return no_memory(o, e);
	say(s, o, &restore, (double)(lull_clock_ns() - began_ns) / 1e6);
	return TOOL_OK;
}

int state_make_shard(struct stack *s, const struct stack_options *o,
		     struct lull_config *config)
{
	int code = try(s, o, config, false);

	if (code != REFUSED)
		return code;
	lull_memory_unmap(&s->memory);
	lull_state_close(s->state);
	s->state = NULL;
	code = try(s, o, config, true);
	return code == REFUSED ? TOOL_COULD_NOT : code;
}

int state_keep_quiet(const struct stack *s, const struct stack_options *o)
{
	uint32_t ms = lull_state_quiet_ms(s->state);
	sigset_t stop, before;
	int sig = 0;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGHUP);
	if (!ms)
		return TOOL_OK;
	sigprocmask(SIG_BLOCK, &stop, &before);
	printf("state %s fresh quiet=%.1f\n", o->state, ms / 1000.0);
	fflush(stdout);
	while (sig <= 0 && (ms = lull_state_quiet_ms(s->state)) > 0) {
		struct timespec left = {ms / 1000,
					(long)(ms % 1000) * 1000000 + 999999};

		sig = sigtimedwait(&stop, NULL, &left);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return sig > 0 ? STATE_STOPPED : TOOL_OK;
}
