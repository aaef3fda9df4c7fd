/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_run.c: one script of the lab from its first line to the verdict.
 *
 * Nobody writes a verdict down: a claim has parts, and what was seen of them
 * says whether all of it is so (OK), some (PART) or nothing (WRONG), was so
 * once (OLD) or does harm (DANGER). A script also says which one it expects;
 * another one, or a fact that was not seen, contradicts it.
 *
 * Entry points: lab_run_script, lab_script_judge, lab_script_free.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"
#include "sandbox.h"

static void judge(const struct lab_script *s, struct lab_claim *c)
{
	int parts = 0, held = 0;
	bool was = false, harm = false;

	for (int i = 0; i < s->points; i++) {
		const struct lab_point *p = &s->point[i];

		if (strcmp(p->id, c->id) != 0)
			continue;
		parts += p->kind == LAB_PART;
		held += p->kind == LAB_PART && p->held;
		was |= p->kind == LAB_WAS && p->held;
		harm |= p->kind == LAB_HARM && p->held;
	}
	if (harm)
		strcpy(c->found, "DANGER");
	else if (!parts)
		strcpy(c->found, "");
	else if (held == parts)
		strcpy(c->found, "OK");
	else if (held)
		strcpy(c->found, "PART");
	else
		strcpy(c->found, was ? "OLD" : "WRONG");
}

void lab_script_judge(struct lab_script *s)
{
	for (int i = 0; i < s->claims; i++) {
		judge(s, &s->claim[i]);
		if (strcmp(s->claim[i].found, s->claim[i].verdict) != 0)
			s->contradicted = true;
	}
	for (int i = 0; i < s->points; i++)
		if (s->point[i].kind == LAB_FACT && !s->point[i].held)
			s->contradicted = true;
}

bool lab_script_has_facts(const struct lab_script *s)
{
	for (int i = 0; i < s->points; i++)
		if (s->point[i].kind == LAB_FACT)
			return true;
	return false;
}

void lab_script_free(struct lab_script *s)
{
	for (int i = 0; s->cases && i < s->n; i++)
		lab_log_free(&s->cases[i].log);
	free(s->cases);
	s->cases = NULL;
	s->n = 0;
}

/* A case that an error has ended. */
static void drop_world(struct lab_run *run)
{
	if (!run->world)
		return;
	lab_log_free(&run->world->log);
	lab_world_fini(run->world);
	free(run->world);
	run->world = NULL;
	run->script->n--;
}

/* The script's last line has called the prelude, and is gone from the stack. */
static void name_script(const struct lab_script *s, char *why, size_t size)
{
	size_t len = strlen(s->path);
	char what[1024];

	if (strncmp(why, "...", 3) == 0 ||
	    (strncmp(why, s->path, len) == 0 && why[len] == ':'))
		return;
	snprintf(what, sizeof what, "%s", why);
	snprintf(why, size, "%s: %s", s->path, what);
}

int lab_run_script(struct lab_run *run, char *why, size_t size)
{
	struct lab_script *s = run->script;
	lua_State *L = sandbox_new(run->steps_max ? run->steps_max : LAB_STEPS);
	int e;

	s->cases = calloc(LAB_CASES_MAX, sizeof *s->cases);
	if (!L || !s->cases) {
		sandbox_free(L);
		snprintf(why, size, "%s: no memory", s->path);
		return run->could_not = -ENOMEM;
	}
	lab_lua_open(L, run);
	run->real_start_ns = lull_clock_ns();
	e = sandbox_run_text(L, "=prelude", lab_prelude, strlen(lab_prelude),
			     why, size);
	if (e == 0)
		e = run->text ? sandbox_run_text(L, s->path, run->text,
						 run->text_len, why, size)
			      : sandbox_run(L, s->path, why, size);
	if (e < 0)
		name_script(s, why, size);
	drop_world(run);
	sandbox_free(L);
	if ((run->list_only && run->listed) || s->skipped[0])
		return 0;
	if (e == 0 && !run->listed) {
		snprintf(why, size, "%s:1: about{} is missing", s->path);
		return -EINVAL;
	}
	if (e == 0)
		lab_script_judge(s);
	return e;
}
