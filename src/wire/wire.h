/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire.h: bytes <-> structures. The only place that knows byte order.
 *
 * Parsing validates: what a parser fills can be believed to be well-formed,
 * though not to be true. Nothing here keeps state or knows a connection.
 */
#ifndef LULL_WIRE_WIRE_H
#define LULL_WIRE_WIRE_H

#include "base/base.h"

/* ---- IP (RFC 791, RFC 8200) ---- */

enum {
	LULL_PROTO_ICMP = 1,
	LULL_PROTO_TCP = 6,
	LULL_PROTO_UDP = 17, /* never taken; but its header is known */
	LULL_PROTO_ICMPV6 = 58,
	LULL_PROTO_NONE = 59, /* IPv6: no next header */
};

struct lull_ip_hdr {
	struct lull_addr src, dst;
	bool v6;
	bool fragment;
	uint8_t proto, tos, ttl;
	uint32_t hdr_len; /* bytes before the payload, extensions included */
	uint32_t len; /* bytes of the packet; the rest of a frame is padding */
	uint32_t proto_at; /* where the protocol's number stands */
	/* Of a fragment: where its bytes belong, whose they are, and where the
	 * header that says so stands, with the number that leads to it. */
	uint32_t frag_off, frag_id;
	bool frag_more;
	uint32_t frag_at, frag_next_at;
	/* Refused, and an ICMP parameter problem is due: where and how. */
	bool tell;
	uint8_t tell_code;
	uint32_t tell_at;
};

/* 0, or why not. `ip` is filled as far as the parser came. */
enum lull_drop lull_ip_parse(const uint8_t *p, uint32_t len,
			     struct lull_ip_hdr *ip);
/* The same for a packet of `len` bytes, of which the first `have` are at `p`:
 * all headers must be among them. */
enum lull_drop lull_ip_parse_front(const uint8_t *p, uint32_t have,
				   uint32_t len, struct lull_ip_hdr *ip);

/* The same for what an ICMP error quotes of a packet of ours: it is cut short.
 */
enum lull_drop lull_ip_parse_quote(const uint8_t *p, uint32_t len,
				   struct lull_ip_hdr *ip);

/*
 * The same for the whole packet of which `p` is the first fragment: do all its
 * headers stand there (RFC 7112, RFC 8200 4.5), and the transport's?
 */
bool lull_ip_has_headers(const uint8_t *p, const struct lull_ip_hdr *ip);

/* Bytes of header that the whole packet of a first fragment has. */
uint32_t lull_ip_whole_hdr(const struct lull_ip_hdr *first);
/* Make the header of a first fragment that of the whole packet of `len` bytes;
 * `ce`: a router marked one of its fragments (RFC 3168 5.3). */
void lull_ip_make_whole(uint8_t *p, const struct lull_ip_hdr *first,
			uint32_t len, bool ce);

/* Put the header in front of a packet to send. */
void lull_ip_emit(struct lull_tx *tx, uint16_t id);

/* A piece of a packet that is larger than the link takes. */
struct lull_ip_piece {
	uint32_t id, off; /* bytes; of all but the last a multiple of 8 */
	bool more;
};

#define LULL_IP6_FRAGMENT_HDR 8
/* The same, as a fragment. */
void lull_ip_emit_piece(struct lull_tx *tx, struct lull_ip_piece piece);
/* ---- Ethernet (RFC 894, RFC 2464) and ARP (RFC 826) ---- */

enum {
	LULL_ETHER_HDR = 14,
	LULL_ETHER_IP4 = 0x0800,
	LULL_ETHER_ARP = 0x0806,
	LULL_ETHER_IP6 = 0x86dd,
};

struct lull_ether_hdr {
	struct lull_mac dst, src;
	uint16_t type;
};

/* 0, or why not. What follows is of its type, and a packet for one station
 * did not come for a group. */
enum lull_drop lull_ether_parse(const uint8_t *p, uint32_t len,
				struct lull_ether_hdr *ether);
/* Put the header in front of a packet to send. */
void lull_ether_emit(struct lull_tx *tx, const struct lull_ether_hdr *ether);

struct lull_arp {
	struct lull_addr sender_ip, target_ip;
	struct lull_mac sender_mac, target_mac;
	bool request; /* else a reply */
};

enum lull_drop lull_arp_parse(const uint8_t *p, uint32_t len,
			      struct lull_arp *arp);
/* The whole message, in front of nothing. */
void lull_arp_emit(struct lull_tx *tx, const struct lull_arp *arp);

/* ---- Neighbor Discovery (RFC 4861 4.3, 4.4) ---- */

struct lull_nd {
	struct lull_addr target;
	bool advert; /* an advertisement, else a solicitation */
	bool router, solicited, override;
	bool has_mac; /* the option: of the source, or of the target */
	struct lull_mac mac;
};

/* A solicitation or an advertisement; 0, or why not. */
enum lull_drop lull_nd_parse(const uint8_t *p, uint32_t len,
			     const struct lull_ip_hdr *ip, struct lull_nd *nd);
/* The whole message with its checksum; needs local and remote, sets ttl. */
void lull_nd_emit(struct lull_tx *tx, const struct lull_nd *nd);
/* ff02::1:ffXX:XXXX (RFC 4291 2.7.1) of an address. */
void lull_nd_group(const struct lull_addr *of, struct lull_addr *group);
/* Where packets for an IPv6 group go (RFC 2464 7). */
void lull_nd_group_mac(const struct lull_addr *group, struct lull_mac *mac);

/* ---- TCP (3.1) ---- */

enum {
	LULL_FIN = 1,
	LULL_SYN = 2,
	LULL_RST = 4,
	LULL_PSH = 8,
	LULL_ACK = 16,
	LULL_URG = 32,
	LULL_ECE = 64,
	LULL_CWR = 128,
};

#define LULL_NO_WSCALE	 255
#define LULL_TCP_HDR_MAX 60
#define LULL_TS_BYTES	 12 /* the timestamp option with its padding */

/* The SACK option of `n` blocks, with its padding. */
static inline uint32_t lull_sack_bytes(uint32_t n)
{
	return n ? 4 + 8 * n : 0;
}

/* RFC 2018: 40 bytes of options hold four blocks, or three and a timestamp. */
#define LULL_SACKS_MAX 4

/* Text [start, end) that has arrived ahead of a gap; or twice (RFC 2883). */
struct lull_sack {
	struct lull_seq start, end;
};

/* A segment, in or out, in the words of 3.3.1: SEG.SEQ, SEG.ACK, ... */
struct lull_seg {
	struct lull_tuple tuple; /* "local" is us */
	struct lull_seq seq, ack;
	uint32_t text_len; /* bytes of data */
	uint16_t wnd;	   /* as on the wire, unscaled */
	uint16_t up;	   /* SEG.UP, from SEG.SEQ; means nothing without URG */
	uint16_t mss;	   /* of a SYN; 0: no option */
	uint8_t flags;
	uint8_t wscale; /* of a SYN; LULL_NO_WSCALE: no option */
	uint8_t tos;
	bool has_ts;
	bool ours;     /* it came in for an address of our own */
	bool sack_ok;  /* of a SYN: SACK permitted */
	uint8_t sacks; /* how many of sack[] it brings, not checked */
	uint32_t tsval, tsecr;
	/* Of one that came in: */
	uint32_t hdr_len;
	uint32_t hash; /* of the flow */
	uint32_t buf;  /* a chain that holds the text; 0 once somebody keeps it
			*/
	uint32_t tail; /* the last buffer of the chain, as it came */
	uint32_t segs; /* that it stands for: large frames, coalesced ones */
	struct lull_sack sack[LULL_SACKS_MAX];
};

/* SEG.LEN: data, SYN and FIN all take numbers (3.4). */
static inline uint32_t lull_seg_len(const struct lull_seg *seg)
{
	return seg->text_len + !!(seg->flags & LULL_SYN) +
	       !!(seg->flags & LULL_FIN);
}

/* Parse header and options of `len` bytes of TCP. 0, or why not. */
enum lull_drop lull_tcp_parse(const uint8_t *p, uint32_t len,
			      struct lull_seg *seg);

/*
 * Put header and options in front of a packet whose payload is there already,
 * and finish the checksum, or leave it to the link with `partial`.
 */
void lull_tcp_emit(struct lull_tx *tx, const struct lull_seg *seg,
		   const struct lull_bufs *bufs, bool partial);

/* One segment of a large packet. */
struct lull_cut {
	uint32_t off, len; /* its bytes of the payload */
	uint32_t sum;	   /* of them; not with `partial` */
	uint32_t link_hdr; /* bytes in front of the IP header */
	bool partial;	   /* the link finishes the checksum */
	uint8_t *hdr;	   /* in: room for LULL_TX_HDR bytes */
};

/* Make its headers, as long as the packet's, which has its IP header. */
void lull_cut(const struct lull_tx *tx, struct lull_cut *cut);

/* What lies in the first eight bytes, which is all that an ICMP error quotes.
 */
void lull_tcp_peek(const uint8_t p[8], uint16_t *sport, uint16_t *dport,
		   uint32_t *seq);

/* ---- ICMP (RFC 792) and ICMPv6 (RFC 4443) ---- */

enum lull_icmp_kind {
	LULL_ICMP_OTHER,
	LULL_ICMP_ECHO,
	LULL_ICMP_UNREACHABLE, /* code says how */
	LULL_ICMP_TOO_BIG,     /* mtu says what fits; 0: it didn't say */
	LULL_ICMP_TIME_EXCEEDED,
	LULL_ICMP_PARAMETER,
	LULL_ICMP_QUENCH, /* RFC 6633: ignored */
	/* RFC 4861: */
	LULL_ICMP_NEIGHBOUR, /* a solicitation or an advertisement */
	LULL_ICMP_ROUTER,    /* the same for routers */
	LULL_ICMP_REDIRECT,  /* ICMPv6's */
};

struct lull_icmp {
	enum lull_icmp_kind kind;
	uint8_t code;
	uint32_t mtu;
	uint32_t quote; /* of an error: where the quoted packet begins */
};

/* An error about a segment of ours, checked for form but not for truth. */
struct lull_icmp_error {
	struct lull_tuple tuple; /* of the connection: "local" sent it */
	struct lull_seq seq;	 /* of the quoted segment */
	struct lull_icmp icmp;
	bool v6;
	bool found_out; /* by ourselves: nobody told it, so it is true */
};

enum lull_drop lull_icmp_parse(const uint8_t *p, uint32_t len, bool v6,
			       struct lull_icmp *icmp);

/* Does this type ask, or answer, and is no error (RFC 1122 3.2.2, 4443 2.1)? */
bool lull_icmp_is_query(uint8_t type, bool v6);

/* Turn the packet in tx's payload, an echo request, into the reply to it. */
void lull_icmp_echo(struct lull_tx *tx, const uint8_t *request,
		    const struct lull_bufs *bufs, bool v6);

/* Put an ICMP error's header in front of the quoted packet. */
void lull_icmp_emit(struct lull_tx *tx, enum lull_icmp_kind kind, uint8_t code,
		    uint32_t pointer, const struct lull_bufs *bufs);

#endif
