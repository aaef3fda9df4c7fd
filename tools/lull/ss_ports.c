/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ss_ports.c: ports as text, and which of them this side chooses itself.
 *
 * services(5) is read once: to ask for each port would take longer than all the
 * rest of a long list.
 *
 * Entry points: ss_find_own_ports, ss_free_ports, ss_port_text, ss_port_range.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ss.h"

enum {
	PORTS = 65536,
};

/* The first name of a port is the one that counts. */
static void read_services(struct ss *ss)
{
	const struct servent *s;

	ss->service = calloc(PORTS, sizeof *ss->service);
	if (!ss->service) /* then they are numbers */
		return;
	setservent(1);
	while ((s = getservent())) {
		char **name = &ss->service[ntohs((uint16_t)s->s_port)];

		if (strcmp(s->s_proto, "tcp") == 0 && !*name)
			*name = strdup(s->s_name);
	}
	endservent();
}

void ss_free_ports(struct ss *ss)
{
	for (int i = 0; ss->service && i < PORTS; i++)
		free(ss->service[i]);
	free(ss->service);
	ss->service = NULL;
}

const char *ss_port_text(const struct ss *ss, uint16_t port, char *text)
{
	const char *name = NULL;

	if (ss->service && (port < ss->own_lo || port > ss->own_hi))
		name = ss->service[port];
	if (!port)
		snprintf(text, SS_TEXT, "*");
	else if (name)
		snprintf(text, SS_TEXT, "%s", name);
	else
		snprintf(text, SS_TEXT, "%u", port);
	return text;
}

static bool range_of_kernel(int64_t *lo, int64_t *hi)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	long long a, b;
	bool fine = f && fscanf(f, "%lld %lld", &a, &b) == 2;

	if (f)
		fclose(f);
	if (fine) {
		*lo = a;
		*hi = b;
	}
	return fine;
}

bool ss_port_range(struct ss *ss, int64_t *lo, int64_t *hi)
{
	const struct lull_ctl_name name = {"net.ipv4.ip_local_port_range"};
	const struct lull_client_request request = {LULL_CTL_SYSCTL_GET, &name,
						    sizeof name};
	struct lull_ctl_knob knob;

	if (!ss->source.client)
		return range_of_kernel(lo, hi);
	if (lull_client_call(ss->source.client, &request, &knob, sizeof knob) <
	    0)
		return false;
	*lo = knob.value[0];
	*hi = knob.value[1];
	return true;
}

/* As ss: a port that this side may have chosen is no service. */
void ss_find_own_ports(struct ss *ss)
{
	ss->own_lo = 0;
	ss->own_hi = -1;
	if (ss->o.numeric || ss->o.json)
		return;
	ss_port_range(ss, &ss->own_lo, &ss->own_hi);
	if (!ss->service)
		read_services(ss);
}
