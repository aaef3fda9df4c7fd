#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Breaks one line of the core at a time, and tells which scripts notice.

usage: mutants.py BUILD [NAME...]

Works on a copy of src/; BUILD is for liblull-host.a alone. A mutant that no
script notices, and a script that notices no mutant, fail. With names, only
those mutants are tried. A few minutes; no part of `make check`, where
tests/house/test_mutants.py sees that each can be made.
"""

import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "tests/script").glob("*.lua"))
FLAGS = ["-std=gnu17", "-w", "-O1", "-DLULL_CHECKS=1", "-D_GNU_SOURCE"]

# name, file, what stands there once, what stands there then.
MUTANTS = [
    # ---- the closing states
    ("fin-wait-1-skips-2", "tcp/close.c",
     "lull_tcp_enter(t, tcb, LULL_TCP_FIN_WAIT_2);",
     "lull_tcp_end(t, tcb, 0);"),
    ("no-closing", "tcp/close.c",
     "lull_tcp_enter(t, tcb, LULL_TCP_CLOSING);\n\t\treturn true;",
     "lull_tcp_enter(t, tcb, LULL_TCP_FIN_WAIT_2);\n\t\treturn true;"),
    ("closing-ends-without-time-wait", "tcp/close.c",
     "\tif (tcb->state == LULL_TCP_CLOSING) {\n"
     "\t\tlull_timewait_begin(t, tcb, false);",
     "\tif (tcb->state == LULL_TCP_CLOSING) {\n\t\tlull_tcp_end(t, tcb, 0);"),
    ("last-ack-to-time-wait", "tcp/close.c",
     "\tif (tcb->state == LULL_TCP_LAST_ACK) {\n\t\tlull_tcp_end(t, tcb, 0);",
     "\tif (tcb->state == LULL_TCP_LAST_ACK) {\n"
     "\t\tlull_tcp_enter(t, tcb, LULL_TCP_CLOSED);"),
    ("fin-taken-behind-a-gap", "tcp/close.c",
     "!lull_seq_eq(lull_tcb_cold(t, tcb)->peer_fin, tcb->rcv.nxt))", "false)"),
    ("fin-does-not-wait-for-text", "tcp/output.c",
     "fin = !probe && fin_unsent(tcb) && lull_seq_eq(r.end, tcb->snd.end);",
     "fin = fin_unsent(tcb);"),
    ("fin-lost-on-zero-window", "tcp/output.c",
     "bool in = text || fin_unsent(tcb);", "bool in = text;"),
    ("fin-into-zero-window", "tcp/output.c",
     "if (len == 0 && !(fin && window_left(tcb) > 0))",
     "if (len == 0 && !fin)"),
    ("fin-again-not-answered", "tcp/input.c",
     "answer(t, tcb, lull_seg_len(seg) > 0, skipped);", ";"),
    ("unread-text-is-no-rst", "tcp/close.c", "if (u->text.bytes > 0) {",
     "if (false) {"),
    ("linger-0-is-fin", "tcp/close.c",
     "if (lull_tcb_cold(t, tcb)->linger_s == 0) {", "if (false) {"),
    ("linger-never-over", "tcp/close.c",
     "\tlull_linger_over(t, tcb, 0);\n\tif (tcb->state == LULL_TCP_FIN_WAIT_1)",
     "\tif (tcb->state == LULL_TCP_FIN_WAIT_1)"),
    ("linger-has-no-time", "tcp/close.c",
     "(uint32_t)cold->linger_s * 1000);", "3000000);"),
    ("orphans-without-bound", "tcp/close.c",
     "t->orphans >= t->g->knobs.max_orphans ||", ""),
    ("abort-talks-in-last-ack", "tcp/close.c",
     "if (last && lull_seq_gt(tcb->snd.nxt, tcb->snd.end)) {",
     "if (false) {"),
    ("abort-is-silent", "tcp/close.c",
     "bool quiet = tcb->state == LULL_TCP_SYN_SENT;", "bool quiet = true;"),
    ("close-in-syn-sent-lives-on", "tcp/close.c",
     "if (tcb->state == LULL_TCP_SYN_SENT) {\n\t\tlull_tcp_end(t, tcb, 0);",
     "if (tcb->state == LULL_TCP_SYN_SENT) {\n\t\ttcb->user = u->name = 0;"),
    ("linger2-is-not-seen", "tcp/close.c", "if (linger2_s < 0) {",
     "if (false) {"),
    ("linger2-has-no-time", "tcp/timewait.c",
     "own_s ? (uint32_t)own_s : (uint32_t)t->g->knobs.fin_timeout_s;",
     "(uint32_t)t->g->knobs.fin_timeout_s;"),
    ("fin-timeout-for-time-wait", "tcp/timewait.c",
     "(uint32_t)t->g->knobs.timewait_len_s) * 1000;",
     "(uint32_t)t->g->knobs.fin_timeout_s) * 1000;"),
    ("fin-wait-2-for-59-seconds", "tcp/timewait.c",
     "LULL_TCP_FIN_WAIT_2, len_s * 1000)",
     "LULL_TCP_FIN_WAIT_2, len_s * 1000 - 1000)"),
    ("held-fin-wait-2-has-a-timer", "tcp/close.c",
     "if (!(tcb->flags & LULL_TCB_ORPHAN) ||\n"
     "\t    tcb->state != LULL_TCP_FIN_WAIT_2)",
     "if (tcb->state != LULL_TCP_FIN_WAIT_2 || (tcb->flags & LULL_TCB_TS))"),
    ("text-after-close-is-acked", "tcp/data.c",
     "if (tcb->flags & LULL_TCB_ORPHAN)\n\t\treturn true;",
     "if (tcb->flags & LULL_TCB_ORPHAN)\n\t\treturn false;"),
    ("text-for-a-record-is-acked", "tcp/timewait.c",
     "seg->text_len > 0 &&\n\t\t   current) {",
     "seg->text_len > 0 &&\n\t\t   false) {"),
    ("old-text-for-a-record-is-silent", "tcp/timewait.c",
     "} else if (why == LULL_DROP_RST_SEQ || why == LULL_DROP_NO_ACK) {",
     "} else if (why != LULL_DROP_SYN_CHALLENGE &&\n"
     "\t\t   why != LULL_DROP_RST_CHALLENGE) {"),
    ("syn-opens-fin-wait-2", "tcp/timewait.c",
     "if (seg->flags & LULL_SYN)\n\t\treturn LULL_DROP_SYN_CHALLENGE;",
     "if (seg->flags & LULL_SYN)\n\t\treturn LULL_DROP_RST_SEQ;"),
    ("end-of-file-untold", "tcp/close.c",
     "lull_user_at(t, tcb->user)->flags |= LULL_USER_EOF;", ";"),
    ("text-after-fin-is-taken-for-old", "tcp/data.c",
     "lull_refuse(t, seg, LULL_DROP_TEXT_AFTER_FIN);\n\t\treturn true;",
     "tcb->flags |= LULL_TCB_ACK_NOW;\n\t\tlull_tcp_want(t, tcb);\n"
     "\t\treturn true;"),
    ("two-records-in-one", "tcp/output.c", "\tqueued = record;", "\t;"),
    ("record-not-pushed", "tcp/output.c",
     "ends_record(t, tcb, r->end);", "0;"),
    ("shut-rd-keeps-text", "tcp/data.c",
     "return u->flags & LULL_USER_SHUT_RD &&\n"
     "\t       t->g->profile != LULL_PROFILE_LINUX;", "return false;"),
    # ---- TIME_WAIT
    ("no-time-wait", "tcp/timewait.c",
     "name = lull_closing_put(t, tcb, LULL_TCP_TIME_WAIT,\n"
     "\t\t\t\ttimewait_ms(t, own_s));", "name = 0;"),
    ("fin-again-restarts-nothing", "tcp/timewait.c",
     "if (again || (is_linux(t) &&", "if ((is_linux(t) &&"),
    ("late-segments-restart", "tcp/timewait.c",
     "if (again || (is_linux(t) && (", "if (again || (("),
    ("linux-does-not-restart", "tcp/timewait.c",
     "if (again || (is_linux(t) && (bare", "if (again || (false && (bare"),
    ("fin-again-is-limited", "tcp/timewait.c",
     "bool always = lull_seg_len(seg) > 0 && !(seg->flags & LULL_SYN);",
     "bool always = false;"),
    ("stray-ack-is-answered", "tcp/timewait.c",
     "bool bare = lull_seg_len(seg) == 0 && !old &&",
     "bool bare = lull_seg_len(seg) == 0 && false &&"),
    ("answers-unlimited", "tcp/timewait.c",
     "if (c->answered_ms && (uint16_t)(now - c->answered_ms) < limit)",
     "if (false)"),
    ("rfc1337-not-obeyed", "tcp/timewait.c",
     "if (exact && !t->g->knobs.rfc1337) {", "if (exact) {"),
    ("rst-never-ends-time-wait", "tcp/timewait.c",
     "if (exact && !t->g->knobs.rfc1337) {", "if (false) {"),
    ("any-rst-ends-time-wait", "tcp/timewait.c",
     "if (exact && !t->g->knobs.rfc1337) {",
     "if (!t->g->knobs.rfc1337) {"),
    ("rst-restarts", "tcp/timewait.c", "if (exact && is_linux(t))",
     "if (exact)"),
    ("linux-rst-does-not-restart", "tcp/timewait.c",
     "if (exact && is_linux(t))", "if (false)"),
    ("paws-equal-tick", "tcp/timewait.c",
     "(int32_t)(seg->tsval - c->life.ts_recent) < 0;",
     "(int32_t)(seg->tsval - c->life.ts_recent) <= 0;"),
    ("paws-not-in-time-wait", "tcp/timewait.c",
     "(int32_t)(seg->tsval - c->life.ts_recent) < 0;", "false;"),
    ("paws-for-rst-in-time-wait", "tcp/timewait.c",
     "\telse if (seg->flags & LULL_RST)\n\t\trst_arrives(t, name, seg);",
     "\telse if (seg->flags & LULL_RST && !(seg->has_ts && (int32_t)("
     "seg->tsval - lull_closing_at(t, name)->life.ts_recent) < 0))\n"
     "\t\trst_arrives(t, name, seg);"),
    ("paws-not-modular", "tcp/timewait.c",
     "int32_t newer = (int32_t)(seg->tsval - c->life.ts_recent);",
     "int32_t newer = seg->tsval > c->life.ts_recent ? 1 : -1;"),
    ("stamps-not-noted", "tcp/timewait.c",
     "\tif (bare || again)\n\t\tnote_timestamp(t, c, seg);", ""),
    ("fin-wait-2-stamp-not-noted", "tcp/timewait.c",
     "\t\tnote_timestamp(t, c, seg);\n\t\tlull_closing_fin(",
     "\t\tlull_closing_fin("),
    ("reopened-one-number-later", "tcp/timewait.c",
     "bool above = lull_seq_ge(seg->seq, c->head.rcv_nxt);",
     "bool above = lull_seq_gt(seg->seq, c->head.rcv_nxt);"),
    ("linux-reopened-one-number-earlier", "tcp/timewait.c",
     "above = lull_seq_gt(seg->seq, c->head.rcv_nxt);\n"
     "\t\tif (!old_ts", "above = lull_seq_ge(seg->seq, c->head.rcv_nxt);\n"
     "\t\tif (!old_ts"),
    ("reopened-by-older-stamp", "tcp/timewait.c",
     "return newer > 0 || (newer == 0 && above);",
     "return newer > 0 || above;"),
    ("reopened-without-stamps-below", "tcp/timewait.c",
     "return above && !(c->head.tos & LULL_CLOSING_BACK);", "return true;"),
    ("not-reopened-without-old-stamps", "tcp/timewait.c",
     "\tif (!old_ts)\n\t\treturn true;", "\tif (!old_ts)\n\t\treturn above;"),
    ("isn-not-raised", "tcp/isn.c",
     "if (lull_seq_gt(lull_seq(secret.isn), used))", "if (true)"),
    ("shadow-dropped-early", "tcp/half.c",
     "if (h->shadow) /* RFC 1122 4.2.2.13 (2) */\n"
     "\t\tlull_shadow_return(t, &h->shadow, hash, name);",
     "if (h->shadow)\n\t\tlull_shadow_drop(t, &h->shadow), "
     "lull_table_del(&t->flows, hash, name);"),
    ("shadow-begins-anew", "tcp/half.c",
     "lull_shadow_return(t, &h->shadow, hash, name);",
     "lull_closing_restart(t, h->shadow, 60000), "
     "lull_shadow_return(t, &h->shadow, hash, name);"),
    ("time-wait-echoes-nothing", "tcp/timewait.c",
     "out.tsecr = c->life.ts_recent;", "out.tsecr = 0;"),
    ("time-wait-clock-stands", "tcp/timewait.c",
     "out.tsval = lull_ts_now(t, offset);", "out.tsval = offset;"),
    ("time-wait-numbers", "tcp/timewait.c", ".ack = c->head.rcv_nxt,",
     ".ack = lull_seq_add(c->head.rcv_nxt, 1),"),
    ("last-ack-missing", "tcp/timewait.c",
     "if (ack || tcb->flags & LULL_TCB_ACK_NOW) {", "if (false) {"),
    ("timewait-len-of-socket-ignored", "tcp/timewait.c",
     "return (own_s ? own_s : (uint32_t)t->g->knobs.timewait_len_s) * 1000;",
     "return (uint32_t)t->g->knobs.timewait_len_s * 1000;"),
    # ---- RST, challenges
    ("rst-accepted-in-window", "tcp/input.c",
     "if (lull_seq_eq(seg->seq, tcb->rcv.nxt)) {\n"
     "\t\tlull_tcp_end(t, tcb, reset_error(t, tcb));", "if (true) {\n"
     "\t\tlull_tcp_end(t, tcb, reset_error(t, tcb));"),
    ("rst-never-accepted", "tcp/input.c",
     "if (lull_seq_eq(seg->seq, tcb->rcv.nxt)) {\n"
     "\t\tlull_tcp_end(t, tcb, reset_error(t, tcb));", "if (false) {\n"
     "\t\tlull_tcp_end(t, tcb, reset_error(t, tcb));"),
    ("rst-out-of-window-answered", "tcp/input.c",
     "lull_refuse(t, seg, LULL_DROP_RST_SEQ);",
     "challenge(t, tcb);"),
    ("record-rst-in-window", "tcp/timewait.c",
     "if (why == LULL_DROP_RST_CHALLENGE && exact) {",
     "if (why == LULL_DROP_RST_CHALLENGE) {"),
    ("rst-error-untold", "tcp/input.c", "return ECONNRESET;", "return 0;"),
    ("linux-rst-is-not-epipe", "tcp/input.c", "return EPIPE;",
     "return ECONNRESET;"),
    ("syn-not-challenged", "tcp/input.c",
     "lull_count(t->g, LULL_COUNT_SYN_CHALLENGE);\n\tchallenge(t, tcb);",
     "lull_count(t->g, LULL_COUNT_SYN_CHALLENGE);"),
    ("challenges-unlimited", "tcp/reply.c",
     "if (*last_ms && now - *last_ms < limit)", "if (false)"),
    ("old-acks-taken", "tcp/input.c",
     "if (lull_seq_lt(seg->ack, oldest)) {", "if (false) {"),
    ("acks-of-nothing-taken", "tcp/input.c",
     "if (lull_seq_gt(seg->ack, tcb->snd.nxt)) {", "if (false) {"),
    ("crossing-syn-ack-challenged", "tcp/input.c",
     "if (take_crossing(t, tcb, seg))", "if (false)"),
    ("half-rst-in-window", "tcp/half.c",
     "bool exact = lull_seq_eq(seg->seq, lull_seq_add(h->irs, 1));",
     "bool exact = false;"),
    ("half-bad-ack-silent", "tcp/half.c",
     "lull_refuse(t, seg, LULL_DROP_HALF_ACK);\n\t\tlull_reply_rst(t, seg);",
     "lull_refuse(t, seg, LULL_DROP_HALF_ACK);"),
    ("half-loses-what-comes-with-the-ack", "tcp/half.c",
     "lull_segment_arrives(t, tcb, seg);", "(void)tcb;"),
    ("connect-refused-by-any-rst", "tcp/open.c",
     "\tif (ack)\n\t\tlull_tcp_end(t, tcb, ECONNREFUSED);",
     "\tif (true)\n\t\tlull_tcp_end(t, tcb, ECONNREFUSED);"),
    ("syn-sent-bad-ack-silent", "tcp/open.c",
     "seg->has_ts = false;\n\t\tlull_reply_rst(t, seg);\n\t\treturn false;",
     "return false;"),
    ("both-open-goes-on", "tcp/open.c",
     "lull_tcp_enter(t, tcb, LULL_TCP_SYN_RECEIVED);",
     "lull_tcb_established(t, tcb);"),
    ("closed-syn-rst-without-ack", "tcp/reply.c",
     "out.ack = lull_seq_add(seg->seq, lull_seg_len(seg));", ";"),
    ("rst-without-stamp", "tcp/reply.c",
     "out.tsecr = seg->tsval;", "out.tsecr = 0;"),
    # ---- timers
    ("backoff-linear", "tcp/rtt.c",
     "(uint64_t)tcb->rtt.rto_us << doublings(t, tcb);",
     "(uint64_t)tcb->rtt.rto_us * (1 + doublings(t, tcb));"),
    ("rto-without-floor", "tcp/rtt.c",
     "spread = lull_max(4 * tcb->rtt.rttvar_us, (uint32_t)k->rto_min_us);",
     "spread = 4 * tcb->rtt.rttvar_us;"),
    ("rto-max-ignored", "tcp/rtt.c", "us = us < most_us ? us : most_us;", ";"),
    ("syn-doubles-at-once", "tcp/rtt.c", "n = n > flat ? n - flat : 0;", ";"),
    ("syn-ack-again-flat", "tcp/half.c",
     "LULL_SYN_ACK_MS << lull_min(h->retries, 16);",
     "LULL_SYN_ACK_MS << lull_min(h->retries, 1);"),
    ("half-open-never-reaped", "tcp/half.c",
     "if (h->retries < t->g->knobs.synack_retries)",
     "if (h->retries < 200)"),
    ("orphan-retries-0-is-0", "tcp/timer.c", "return n ? n : 8;",
     "return n ? n : 1;"),
    ("orphans-as-others", "tcp/timer.c",
     "return stuck_ms >= patience_ms(t, orphan_retries(t));",
     "return stuck_ms >= patience_ms(t, (uint32_t)k->retries2);"),
    ("held-as-orphans", "tcp/timer.c",
     "return stuck_ms >= patience_ms(t, (uint32_t)k->retries2);",
     "return stuck_ms >= patience_ms(t, orphan_retries(t));"),
    ("orphan-kept-by-zero-window", "tcp/timer.c", "over = backoff >= most &&",
     "over = false &&"),
    ("probes-without-end", "tcp/timer.c",
     "if (over || tcb->snd.probes >= most) {", "if (over) {"),
    ("probes-not-forgiven", "tcp/timer.c",
     "if (over || tcb->snd.probes >= most) {",
     "if (over || tcb->rtt.backoff >= most / 2) {"),
    ("user-timeout-ignored", "tcp/timer.c",
     "stuck_ms >= cold->user_timeout_ms)\n\t\treturn true;",
     "false)\n\t\treturn true;"),
    ("timeout-untold", "tcp/timer.c",
     "lull_tcp_end(t, tcb, soft ? soft : ETIMEDOUT);",
     "lull_tcp_end(t, tcb, 0);"),
    ("keepalive-not-in-close-wait", "tcp/timer.c",
     "tcb->state < LULL_TCP_ESTABLISHED ||",
     "tcb->state != LULL_TCP_ESTABLISHED ||"),
    ("keepalive-always", "tcp/open.c",
     "\tif (tcb->flags & LULL_TCB_KEEPALIVE)\n"
     "\t\tlull_timer_keepalive(t, tcb);",
     "\ttcb->flags |= LULL_TCB_KEEPALIVE;\n"
     "\tlull_timer_keepalive(t, tcb);"),
    ("keepalive-one-probe-less", "tcp/timer.c",
     "return cold->keep_probes >=", "return cold->keep_probes + 1 >="),
    ("keepalive-not-put-off", "tcp/timer.c",
     "if (!cold->keep_probes &&\n", "if (false &&\n"),
    ("keepalive-not-reset-by-answers", "tcp/input.c",
     "lull_tcb_cold(t, tcb)->keep_probes = 0;", ";"),
    ("keepalive-interval", "tcp/timer.c",
     "(intvl_s ? intvl_s : (uint32_t)k->keepalive_intvl_s) *\n"
     "\t\t\t       1000);",
     "(intvl_s ? intvl_s : (uint32_t)k->keepalive_intvl_s) *\n"
     "\t\t\t       999);"),
    ("keepalive-resets-silently", "tcp/timer.c",
     "lull_tcp_reset(t, tcb, ETIMEDOUT);\n\t\treturn false;",
     "lull_tcp_end(t, tcb, ETIMEDOUT);\n\t\treturn false;"),
    ("probe-at-the-edge", "tcp/output.c",
     "lull_seq(tcb->snd.una.v - 1)", "lull_seq(tcb->snd.una.v)"),
    # ---- timestamps
    ("ts-recent-out-of-order", "tcp/input.c",
     "lull_seq_le(seg->seq, tcb->rcv.acked) &&\n\t    !lull_seq_lt(",
     "!lull_seq_lt("),
    ("ts-recent-before-the-checks", "tcp/input.c",
     "\tif (!check_seq(t, tcb, seg))\n\t\treturn;\n",
     "\ttake_timestamp(t, tcb, seg);\n"
     "\tif (!check_seq(t, tcb, seg))\n\t\treturn;\n"),
    ("ts-recent-of-the-last", "tcp/input.c",
     "lull_seq_le(seg->seq, tcb->rcv.acked) &&\n\t    !lull_seq_lt(",
     "lull_seq_le(seg->seq, tcb->rcv.nxt) &&\n\t    !lull_seq_lt("),
    ("ts-recent-stands-still", "tcp/input.c",
     "tcb->opt.ts_recent = seg->tsval;", ";"),
    ("paws-equal-tick-established", "tcp/input.c",
     "if ((int32_t)(seg->tsval - tcb->opt.ts_recent) >= 0 ||",
     "if ((int32_t)(seg->tsval - tcb->opt.ts_recent) > 0 ||"),
    ("paws-for-rst", "tcp/input.c",
     "if (!(tcb->flags & LULL_TCB_TS) || seg->flags & LULL_RST)",
     "if (!(tcb->flags & LULL_TCB_TS))"),
    ("no-paws", "tcp/input.c",
     "if (!(tcb->flags & LULL_TCB_TS) || seg->flags & LULL_RST)", "if (true)"),
    ("missing-stamp-taken", "tcp/input.c",
     "if (t->g->profile == LULL_PROFILE_LINUX)\n\t\t\treturn true;\n"
     "\t\tlull_refuse(t, seg, LULL_DROP_NO_TIMESTAMP);",
     "if (true)\n\t\t\treturn true;\n"
     "\t\tlull_refuse(t, seg, LULL_DROP_NO_TIMESTAMP);"),
    ("clock-stands", "tcp/output.c",
     "out.tsval = lull_ts_now(t, tcb->opt.ts_offset);",
     "out.tsval = tcb->opt.ts_offset;"),
    ("stamps-never-off", "tcp/listen.c",
     "if (syn->has_ts && k->timestamps)", "if (syn->has_ts)"),
    ("stamps-not-asked-for", "tcp/listen.c",
     "if (syn->has_ts && k->timestamps)", "if (k->timestamps)"),
    # ---- opening, reuse
    ("reuse-without-delay", "tcp/why.c",
     "return age_ms > delay_ms ? 0 : delay_ms + 1 - age_ms;", "return 0;"),
    ("shadow-lets-old-syn-acks-by", "tcp/open.c",
     "if (!(seg->flags & LULL_SYN) || goes_on(t, tcb, seg))",
     "if (true)"),
    ("shadow-answers-without-syn", "tcp/open.c",
     "\t\tif (answered)\n\t\t\tsyn_again(t, tcb);\n", ""),
    ("reuse-of-fin-wait-2", "tcp/why.c",
     "if (c->head.commit != LULL_TCP_TIME_WAIT ||", "if ("),
    ("nobody-takes-a-bound-port", "tcp/ports.c",
     "return s->t->g->profile == LULL_PROFILE_LINUX && s->place->reuseaddr &&",
     "return false &&"),
    ("bound-ports-without-option", "tcp/ports.c",
     "return s->t->g->profile == LULL_PROFILE_LINUX && s->place->reuseaddr &&",
     "return s->t->g->profile == LULL_PROFILE_LINUX &&"),
    ("record-goes-for-a-lost-syn", "tcp/timewait.c",
     "\tif (listener) {",
     "\tif (!listener && syn_is_new(t, c, seg)) {\n"
     "\t\tlull_closing_del(t, name, true);\n\t\treturn;\n\t}\n"
     "\tif (listener) {"),
    ("paws-not-in-fin-wait-2", "tcp/timewait.c",
     "bool fits = is_acceptable(c, seg) && !is_paws_old(c, seg);",
     "bool fits = true;"),
    ("fin-acked-by-its-text", "tcp/ack.c",
     "lull_seq_gt(tcb->snd.una, tcb->snd.end);",
     "lull_seq_ge(tcb->snd.una, tcb->snd.end);"),
    ("ack-beside-the-fin", "tcp/output.c",
     "if (out->flags & LULL_ACK)\n\t\tacked(tcb);",
     "if (out->flags & LULL_ACK && !(out->flags & LULL_FIN))\n"
     "\t\tacked(tcb);"),
    ("close-before-the-handshake-forgotten", "tcp/open.c",
     "if (tcb->flags & LULL_TCB_FIN) /* closed before it was established */",
     "if (false)"),
    ("keepalive-beside-text", "tcp/timer.c",
     "if (!lull_seq_eq(tcb->snd.una, tcb->snd.nxt) ||\n"
     "\t    lull_seq_lt(tcb->snd.nxt, tcb->snd.end)) {", "if (false) {"),
    ("fin-refused-at-a-closed-window", "tcp/input.c",
     "if (lull_seq_eq(seg->seq, tcb->rcv.nxt))\n\t\treturn true;",
     "if (lull_seq_eq(seg->seq, tcb->rcv.nxt) && !lull_seg_len(seg))\n"
     "\t\treturn true;"),
    ("fin-timeout-of-all", "tcp/timewait.c",
     "LULL_TCP_FIN_WAIT_2, len_s * 1000)", "LULL_TCP_FIN_WAIT_2, 60000)"),
    ("ack-later-than-40-ms", "tcp/data.c",
     "lull_timer_set(t, tcb, LULL_TIMER_ACK, LULL_DELAYED_ACK_MS);",
     "lull_timer_set(t, tcb, LULL_TIMER_ACK, LULL_DELAYED_ACK_MS + 1);"),
    ("connect-always-reuses", "tcp/why.c",
     "!(c->head.flags & LULL_CLOSING_TS) || !t->g->knobs.timestamps)\n"
     "\t\treturn in;", "false)\n\t\treturn in;"),
]


def compile_one(source, out, include):
    run = subprocess.run(
        ["cc", *FLAGS, f"-I{ROOT}/include", f"-I{include}", "-c", str(source),
         "-o", str(out)], capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"{source}: {run.stderr}")


def object_of(objects, file):
    return objects / (file.replace("/", "-") + ".o")


def build(work, archive):
    """All objects once. Returns the command that links them."""
    objects = work / "objects"
    objects.mkdir()
    shutil.copytree(ROOT / "src", work / "src")
    jobs = [(p, object_of(objects, str(p.relative_to(work / "src"))))
            for p in sorted((work / "src").rglob("*.c"))]
    lua = subprocess.run(["pkg-config", "--cflags", "lua5.4"], check=True,
                         capture_output=True, text=True).stdout.split()
    runner = sorted((ROOT / "tests/script").glob("*.c"))
    runner.append(ROOT / "sim/sandbox.c")
    FLAGS.extend(lua)
    jobs += [(p, objects / f"runner-{p.stem}.o") for p in runner]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for job in [pool.submit(compile_one, s, o, work / "src")
                    for s, o in jobs]:
            job.result()
    return ["cc", "-o", str(work / "run"), *[str(o) for _, o in jobs],
            str(archive), "-llua5.4", "-lsodium", "-lmnl", "-lm"]


def noticed(program):
    """The scripts that fail."""
    def one(script):
        try:
            run = subprocess.run([program, str(script)], timeout=20,
                                 stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            return None if run.returncode == 0 else script.stem
        except subprocess.TimeoutExpired:
            return script.stem
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return [s for s in pool.map(one, SCRIPTS) if s]


def try_one(work, link, mutant):
    name, file, old, new = mutant
    source = work / "src" / file
    text = source.read_text()
    if text.count(old) != 1:
        sys.exit(f"{name}: {file} has it {text.count(old)} times: {old!r}")
    out = object_of(work / "objects", file)
    keep = out.read_bytes()
    source.write_text(text.replace(old, new))
    try:
        compile_one(source, out, work / "src")
        subprocess.run(link, check=True)
        return noticed(work / "run")
    finally:
        source.write_text(text)
        out.write_bytes(keep)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    archive = pathlib.Path(sys.argv[1]).resolve() / "liblull-host.a"
    if not archive.exists():
        sys.exit(f"{archive} is missing: ninja -C {sys.argv[1]}")
    mutants = [m for m in MUTANTS if not sys.argv[2:] or m[0] in sys.argv[2:]]
    os.nice(10)
    seen, bad = set(), 0
    with tempfile.TemporaryDirectory() as d:
        work = pathlib.Path(d)
        link = build(work, archive)
        subprocess.run(link, check=True)
        broken = noticed(work / "run")
        if broken:
            sys.exit(f"they fail as it is: {' '.join(broken)}")
        for mutant in mutants:
            who = try_one(work, link, mutant)
            seen.update(who)
            bad += not who
            print(f"{'ok' if who else 'NOT NOTICED'} {mutant[0]}: "
                  f"{' '.join(who)}", flush=True)
    blind = [p.stem for p in SCRIPTS if p.stem not in seen]
    if not sys.argv[2:]:
        for name in blind:
            print(f"NOTICES NOTHING: {name}")
        bad += len(blind)
    print(f"{len(mutants)} mutants, {len(SCRIPTS)} scripts, {bad} bad")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
