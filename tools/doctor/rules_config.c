/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules_config.c: what is set, here and in files: D21 to D23, D30; and what
 * only lull knows: L1 to L4.
 */
#include <stdio.h>

#include "rules.h"

JUDGE(rule_d21)
{
	const struct file_line *line = NULL;
	bool on = known(f->knob[K_TW_RECYCLE]) && f->knob[K_TW_RECYCLE] != 0;
	struct finding *n;
	char where[LINE];

	for (int i = 0; i < f->files && !line; i++)
		if (f->file[i].recycle)
			line = &f->file[i];
	if (!on && !line) {
		if (f->origin == FROM_TEXT && !(f->advice & 1U << NO_RECYCLE))
			not_known(s, "net.ipv4.tcp_tw_recycle of that host");
		return;
	}
	n = find(s, on ? CRITICAL : INFO, "net.ipv4.tcp_tw_recycle is %s",
		 on ? "on" : "in a file, and does nothing");
	cause(n, "%s",
	      on ? "This kernel still has it. It drops SYNs of clients that "
		   "share an address behind a NAT, silently."
		 : "Linux has not had it since 4.12; sysctl -p complains, "
		   "and ends with 1.");
	evidence_knob(n, f, K_TW_RECYCLE);
	if (line) {
		snprintf(where, sizeof where, "%s, line %u", line->file,
			 line->line);
		evidence(n, where, 1, "line with tcp_tw_recycle");
		safe(n, "sed -i --follow-symlinks '/tcp_tw_recycle/d' %s",
		     line->file);
	}
	if (on)
		safe(n, "sysctl -w net.ipv4.tcp_tw_recycle=0");
	if (line)
		safe(n, "lull sysctl lint tells what else such files do");
	dont(n, NO_RECYCLE);
}

JUDGE(rule_d22)
{
	struct finding *n = NULL;

	if (!f->files_read) {
		not_known(s, "files of sysctl.conf(5)");
		return;
	}
	for (int i = 0; i < f->files; i++) {
		const struct file_line *l = &f->file[i];

		if (!l->unknown || l->recycle)
			continue;
		if (!n) {
			n = find(s, INFO,
				 "files set what this kernel does not "
				 "have");
			cause(n, "Misspelt, or of another kernel: these lines "
				 "do nothing, and sysctl -p ends with 1.");
			safe(n, "lull sysctl lint tells what was meant");
		}
		evidence(n, l->file, l->line, "is the line that sets %s",
			 l->name);
	}
}

JUDGE(rule_d23)
{
	struct finding *n;

	if (!known(f->knob[K_TIMESTAMPS])) {
		not_known(s, "net.ipv4.tcp_timestamps");
		return;
	}
	if (f->knob[K_TIMESTAMPS] != 0)
		return;
	n = find(s, WARN, "net.ipv4.tcp_timestamps is 0");
	cause(n, "Without timestamps there is no PAWS, no reuse of TIME_WAITs "
		 "and no good RTT. They have not told the uptime since Linux "
		 "4.10.");
	evidence_knob(n, f, K_TIMESTAMPS);
	safe(n, "sysctl -w net.ipv4.tcp_timestamps=1 (undo: =0)");
	dont(n, NO_TIMESTAMPS);
}

JUDGE(rule_d30)
{
	struct finding *n;

	if (!f->spaces_read) {
		not_known(s, "other network namespaces: root may look into "
			     "them");
		return;
	}
	if (!f->spaces)
		return;
	n = find(s, INFO, "other network namespaces have other values");
	cause(n, "A container starts with the kernel's defaults, not with the "
		 "host's values.");
	for (int i = 0; i < f->spaces; i++) {
		const struct space *p = &f->space[i];
		char source[LINE];

		snprintf(source, sizeof source, "%s; here it is %lld", p->name,
			 (long long)p->ours);
		evidence(n, source, (double)p->theirs, "is %s", p->knob);
	}
	safe(n, "set them where the container is described: docker run "
		"--sysctl, securityContext.sysctls of a pod");
}

/* ---- lull ---- */

JUDGE(rule_l1)
{
	double tw = facts_rate(f, C_LULL_TW_EVICTED),
	       fin = facts_rate(f, C_LULL_FW2_EVICTED);
	struct finding *n;

	if (f->origin != FROM_LULL)
		return;
	if (tw < 0 || fin < 0) {
		not_known(s, "TWEvicted and FinWait2Evicted, at two times");
		return;
	}
	if (tw <= 0 && fin <= 0)
		return;
	n = find(s, WARN, "records of closing connections are given up early");
	cause(n, "There is no room for more; lull lets the oldest go, and "
		 "keeps the youngest. What is old may come again to a "
		 "successor.");
	evidence_rate(n, f, C_LULL_TW_EVICTED);
	evidence_rate(n, f, C_LULL_FW2_EVICTED);
	evidence_knob(n, f, K_MAX_TW);
	safe(n, "start the program with more room: net.ipv4."
		"tcp_max_tw_buckets, limits.timewait");
	dont(n, NO_BUCKETS);
}

JUDGE(rule_l2)
{
	struct finding *n;

	if (f->origin != FROM_LULL)
		return;
	for (int i = 0; i < f->dests; i++) {
		const struct dest *d = &f->dest[i];
		char text[ADDR_TEXT];

		if (!d->no_reuse)
			continue;
		facts_addr(d->dst, d->dport, text, sizeof text);
		n = find(s, INFO, "%s refused the pair of a TIME_WAIT", text);
		cause(n, "Its clock, or that of a NAT before it, went back; so "
			 "lull takes no pair of a TIME_WAIT towards it any "
			 "more. Its ports last 60 s each.");
		evidence(n, "control socket, no_reuse", 1,
			 "destination that refused");
		evidence_rate(n, f, C_LULL_REUSE_REFUSED);
		evidence(n, "control socket", d->used[1],
			 "ports in use towards it");
		who(n, "the destination %s", text);
		safe(n, "keep connections to it open for many requests");
		dont(n, NO_LINGER);
		return;
	}
}

JUDGE(rule_l3)
{
	struct finding *n;

	if (f->origin != FROM_LULL)
		return;
	if (!known(f->pools_empty)) {
		not_known(s, "the pools");
		return;
	}
	if (!f->pools_empty)
		return;
	n = find(s, WARN, "the pool %s was empty when it was asked", f->pool);
	cause(n, "A limit of struct lull_limits was reached; what wanted an "
		 "object was refused.");
	evidence(n, "control socket, pools", (double)f->pools_empty,
		 "requests refused between the samples");
	who(n, "the pool %s", f->pool);
	safe(n, "give the program larger limits");
}

JUDGE(rule_l4)
{
	int64_t broken = f->counter[C_LULL_BROKEN][1];
	struct finding *n;

	if (f->origin != FROM_LULL)
		return;
	if (!known(broken)) {
		not_known(s, "the counter Broken");
		return;
	}
	if (!broken)
		return;
	n = find(s, CRITICAL, "lull gave up %lld connections as broken",
		 (long long)broken);
	cause(n, "Their state made no sense: it is a bug of lull.");
	evidence(n, "control socket, counter Lull Broken", (double)broken,
		 "connections since its start");
	safe(n, "report it, with the output of lull doctor --json");
}
