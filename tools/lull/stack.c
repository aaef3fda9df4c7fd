/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack.c: see stack.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lull/diag.h>

#include "stack.h"
#include "state.h"

int stack_add_prefix(struct lull_prefix *list, int *len, const char *text,
		     const char *option)
{
	if (*len == STACK_ADDRS)
		return tool_usage("%s %s: %d are enough", option, text,
				  STACK_ADDRS);
	if (lull_prefix_parse(text, &list[*len]) < 0)
		return tool_usage("%s %s: not ADDRESS/BITS, as 10.9.3.2/24",
				  option, text);
	++*len;
	return TOOL_OK;
}

int stack_set_link(struct stack_options *o, const char *text)
{
	if (!strcmp(text, "tap"))
		o->link_type = LULL_LINK_ETHER;
	else if (!strcmp(text, "tun"))
		o->link_type = LULL_LINK_IP;
	else
		return tool_usage("--link %s: tun or tap", text);
	return TOOL_OK;
}

int stack_add_gateway(struct stack_options *o, const char *text)
{
	struct lull_addr addr;
	bool v6;

	if (lull_addr_parse(text, &addr) < 0)
		return tool_usage("--gateway %s: not an address, as 10.9.3.1",
				  text);
	v6 = !lull_addr_is_ipv4(&addr);
	if (o->has_gateway[v6])
		return tool_usage("--gateway %s: one for each version of IP",
				  text);
	o->gateways[v6] = addr;
	o->has_gateway[v6] = true;
	return TOOL_OK;
}

int stack_add_sysctl(struct stack_options *o, const char *text)
{
	if (o->sysctls_len == STACK_SYSCTLS)
		return tool_usage("--sysctl %s: %d are enough", text,
				  STACK_SYSCTLS);
	if (!strchr(text, '='))
		return tool_usage("--sysctl %s: not NAME=VALUE", text);
	o->sysctls[o->sysctls_len++] = text;
	/* The profile is fixed at creation, so it is wanted before. */
	if (!strcmp(text, "net.lull.profile=linux"))
		o->linux_profile = true;
	return TOOL_OK;
}

int stack_set_offload(struct stack_options *o, const char *text)
{
	o->no_offload = !strcmp(text, "off");
	if (o->no_offload || !strcmp(text, "on"))
		return TOOL_OK;
	return tool_usage("--offload %s: on or off", text);
}

/* Linux has it, lull has not: a line that says why, and on. */
static int idle_knob(const char *name)
{
	struct lull_idle_info idle;

	for (uint32_t i = 0; lull_diag_idle(i, &idle); i++) {
		if (strcmp(idle.name, name) != 0)
			continue;
		if (idle.refused)
			return tool_usage("--sysctl %s: refused: %s", name,
					  idle.why);
		tool_error(TOOL_OK, "--sysctl %s: accepted, no effect: %s",
			   name, idle.why);
	}
	return TOOL_OK;
}

static int unknown_knob(const char *name)
{
	struct lull_knob_info knobs[64];
	const char *names[64] = {NULL}, *near;

	for (uint32_t i = 0; i < 63 && lull_diag_knob(NULL, i, &knobs[i]); i++)
		names[i] = knobs[i].name;
	near = tool_nearest(name, names);
	if (near)
		return tool_usage("--sysctl %s: no such knob; did you mean %s?",
				  name, near);
	return tool_usage("--sysctl %s: no such knob", name);
}

static int set_sysctl(struct stack *s, const char *text)
{
	struct lull_sysctl_why why = {.size = sizeof why};
	const char *eq = strchr(text, '=');
	char name[64];
	int e;

	snprintf(name, sizeof name, "%.*s", (int)(eq - text), text);
	if (!strcmp(name, "net.lull.profile") &&
	    (!strcmp(eq + 1, "linux") || !strcmp(eq + 1, "lull")))
		return TOOL_OK;
	e = lull_sysctl_set(s->shard, name, eq + 1, &why);
	if (e == -ENOENT)
		return unknown_knob(name);
	if (e == -EOPNOTSUPP)
		return idle_knob(name);
	if (e == -ERANGE)
		return tool_usage("--sysctl %s: from %lld to %lld", text,
				  (long long)why.min, (long long)why.max);
	if (e < 0)
		return tool_usage("--sysctl %s: %s", text, strerror(-e));
	return TOOL_OK;
}

static int new_shard(struct stack *s, const struct stack_options *o,
		     struct lull_config *config)
{
	int e = lull_key_make(config);

	if (e == 0)
		e = lull_memory_map(&config->limits, &s->memory);
	if (e == 0)
		e = lull_shard_init(&s->shard, config, s->memory,
				    lull_clock_ns(), NULL);
	if (e < 0)
		return tool_error(TOOL_COULD_NOT,
				  "memory for %u connections "
				  "and %u closing records: %s",
				  o->conns, o->closing, strerror(-e));
	return TOOL_OK;
}

/* The kernel's first address of a family, as lull_tun_create() gives it. */
static bool kernel_side(const struct stack_options *o, bool v6,
			struct lull_addr *addr)
{
	for (int i = 0; i < o->peers_len; i++) {
		*addr = o->peers[i].addr;
		if (lull_addr_is_ipv4(addr) != v6)
			return true;
	}
	for (int i = o->peers_len; i < o->addrs_len; i++) {
		*addr = lull_prefix_peer(&o->addrs[i]).addr;
		if (lull_addr_is_ipv4(addr) != v6)
			return true;
	}
	return false;
}

/* On Ethernet what is beyond the link has one way out for each family. */
static int set_gateways(struct stack *s, const struct stack_options *o)
{
	char text[LULL_ADDR_TEXT];
	struct lull_addr addr;

	if (o->link_type != LULL_LINK_ETHER)
		return TOOL_OK;
	for (int v6 = 0; v6 < 2; v6++) {
		/* Where the kernel has none (a prefix of one), so has nobody.
		 */
		if (!o->has_gateway[v6] && kernel_side(o, v6, &addr))
			(void)!lull_gateway_set(s->shard, &addr);
		if (o->has_gateway[v6] &&
		    lull_gateway_set(s->shard, &o->gateways[v6]) < 0)
			return tool_usage(
				"--gateway %s: no --addr has it on its link",
				lull_addr_format(&o->gateways[v6], text));
	}
	return TOOL_OK;
}

static int make_shard(struct stack *s, const struct stack_options *o)
{
	struct lull_config config;
	int e;

	lull_config_init(&config, o->conns, o->closing);
	config.limits.half_open = o->conns;
	config.limits.bufs_64k = 1024;
	config.limits.rx_frames = config.limits.tx_frames = 4096;
	config.link_type = o->link_type;
	config.profile =
		o->linux_profile ? LULL_PROFILE_LINUX : LULL_PROFILE_LULL;
	e = o->state ? state_make_shard(s, o, &config)
		     : new_shard(s, o, &config);
	if (e)
		return e;
	for (int i = 0; i < o->addrs_len; i++)
		if (lull_addr_add(s->shard, o->addrs[i], false) < 0)
			return tool_usage("--addr: not an address that a host "
					  "can have");
	e = set_gateways(s, o);
	for (int i = 0; i < o->sysctls_len && !e; i++)
		e = set_sysctl(s, o->sysctls[i]);
	return e;
}

#define KEPT "lull0" /* the device that stays, by default */

static int tun_error(int e, const struct stack *s,
		     const struct stack_options *o)
{
	char text[LULL_ADDR_TEXT];

	switch (-e) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return tool_error(TOOL_COULD_NOT,
				  "/dev/net/tun is missing; "
				  "modprobe tun, or give the container the "
				  "device");
	case EPERM:
	case EACCES:
		if (s->rootless)
			return tool_error(TOOL_COULD_NOT,
					  "no permission to open /dev/net/tun; "
					  "as root: chmod 666 /dev/net/tun");
		return tool_error(TOOL_COULD_NOT,
				  "no permission for a TUN "
				  "device; it takes root or CAP_NET_ADMIN");
	case EEXIST:
	case EADDRINUSE:
		return tool_error(TOOL_COULD_NOT,
				  "%s, or the kernel's side of "
				  "it, is in use in this namespace; choose "
				  "another --addr or --netns",
				  lull_addr_format(&o->addrs[0].addr, text));
	case EBUSY:
		return tool_error(TOOL_COULD_NOT,
				  "--tun %s: another process has it; choose "
				  "another name, or stop that one",
				  o->tun ? o->tun : KEPT);
	default:
		return tool_error(TOOL_COULD_NOT, "a TUN device%s%s: %s",
				  o->tun ? " " : "", o->tun ? o->tun : "",
				  strerror(-e));
	}
}

/* Without root: in a user namespace, where the kernel lets us. */
static int open_rootless(struct stack *s)
{
	struct lull_userns_why why = {.size = sizeof why};
	int e = lull_userns_enter(&why);

	if (e < 0)
		return tool_error(TOOL_COULD_NOT,
				  "no permission for a network namespace: it "
				  "takes root, or a user namespace, but %s",
				  why.text);
	s->rootless = true;
	e = lull_netns_open(&s->netns, "-");
	if (e < 0)
		return tool_error(TOOL_COULD_NOT, "network namespace: %s",
				  strerror(-e));
	return TOOL_OK;
}

static int open_netns(struct stack *s, const struct stack_options *o)
{
	int e = lull_netns_open(&s->netns, o->netns);

	if ((e == -EPERM || e == -EACCES) && o->may_rootless)
		return open_rootless(s);
	if (e == -EPERM || e == -EACCES)
		return tool_error(TOOL_COULD_NOT,
				  "no permission for network "
				  "namespace %s; it takes root",
				  o->netns);
	if (e < 0)
		return tool_error(TOOL_COULD_NOT, "network namespace %s: %s",
				  o->netns, strerror(-e));
	/* It would go with this process, and the device with it. */
	if (o->state && lull_netns_is_made(s->netns))
		return tool_error(TOOL_COULD_NOT,
				  "--netns %s: there is none; with --state it "
				  "must outlive the server: ip netns add %s",
				  o->netns, o->netns);
	return TOOL_OK;
}

static int make_link(struct stack *s, const struct stack_options *o)
{
	struct lull_tun_config tun = {
		.size = sizeof tun,
		.name = o->state && !o->tun ? KEPT : o->tun,
		.keep = o->state != NULL,
		.no_offload = o->no_offload,
		.addrs = o->addrs,
		.addrs_len = o->addrs_len,
		.peers = o->peers,
		.peers_len = o->peers_len,
		.link_type = o->link_type,
	};
	int e;

	tun.netns = s->netns;
	e = lull_tun_create(&s->tun, &tun);
	if (e < 0)
		return tun_error(e, s, o);
	s->link = s->tun;
	if (!o->pcap)
		return TOOL_OK;
	s->pcap_path = o->pcap;
	e = lull_pcap_create(&s->pcap, o->pcap, o->link_type);
	if (e == 0)
		e = lull_pcap_wrap(s->pcap, s->tun, &s->wrapped);
	if (e < 0)
		return tool_error(TOOL_COULD_NOT, "--pcap %s: %s", o->pcap,
				  strerror(-e));
	s->link = s->wrapped;
	return TOOL_OK;
}

int stack_open(struct stack *s, const struct stack_options *o)
{
	int code;

	memset(s, 0, sizeof *s);
	code = open_netns(s, o);
	if (code == TOOL_OK)
		code = make_shard(s, o);
	if (code == TOOL_OK && s->state)
		code = state_keep_quiet(s, o);
	if (code == TOOL_OK)
		code = make_link(s, o);
	if (code != TOOL_OK)
		(void)stack_close(s);
	return code;
}

int stack_close(struct stack *s)
{
	int code = TOOL_OK, e;

	if (s->wrapped)
		lull_link_destroy(s->wrapped);
	if (s->tun)
		lull_link_destroy(s->tun);
	if (s->pcap) {
		e = lull_pcap_destroy(s->pcap);
		if (e < 0)
			code = tool_error(TOOL_COULD_NOT,
					  "--pcap %s: not "
					  "written whole: %s",
					  s->pcap_path, strerror(-e));
	}
	lull_netns_close(s->netns);
	lull_memory_unmap(&s->memory);
	lull_state_close(s->state);
	memset(s, 0, sizeof *s);
	return code;
}

/* Also one that is not there yet, as mkdir(2) would make it. */
static bool may_write(const char *dir, const char *parent)
{
	if (access(dir, F_OK) == 0)
		return access(dir, W_OK | X_OK) == 0;
	return access(parent, W_OK | X_OK) == 0;
}

void stack_ctl_default(char *path, size_t size)
{
	const char *own = getenv("XDG_RUNTIME_DIR");

	if (!own || *own != '/' || may_write("/run/lull", "/run"))
		own = "/run";
	snprintf(path, size, "%s/lull/%d.sock", own, (int)getpid());
}

int stack_control(struct lull_control **control, struct lull_loop *loop,
		  const struct stack *s, const char *path)
{
	int e = lull_control_create(control, loop, s->shard, path);

	if (e == -EADDRINUSE)
		return tool_error(TOOL_COULD_NOT,
				  "%s: another lull answers "
				  "there; choose another --ctl",
				  path);
	if (e == -EEXIST)
		return tool_error(TOOL_COULD_NOT,
				  "--ctl %s: there is something else, which "
				  "stays; choose another --ctl",
				  path);
	if (e < 0)
		return tool_error(TOOL_COULD_NOT, "--ctl %s: %s", path,
				  strerror(-e));
	return TOOL_OK;
}

void stack_url(const struct lull_addr *addr, uint16_t port, char *out,
	       size_t size)
{
	char text[LULL_ADDR_TEXT], suffix[8] = "";
	bool v4 = lull_addr_is_ipv4(addr);

	if (port != 80)
		snprintf(suffix, sizeof suffix, ":%u", port);
	snprintf(out, size, "http://%s%s%s%s/", v4 ? "" : "[",
		 lull_addr_format(addr, text), v4 ? "" : "]", suffix);
}
