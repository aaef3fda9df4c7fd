/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * temper.h: hosts that are not as lull is. What a knob can't do is done to
 * their packets between their stack's door and the network.
 */
#ifndef LULL_TEMPER_H
#define LULL_TEMPER_H

#include "sim.h"
#include "wire.h"

/* Knobs are noted; the rest is drawn. */
void temper_draw(struct world *w, int host);
/* A packet that has passed wire_out(). */
void temper_out(struct world *w, struct wire_end *e, struct view *v);
/* One that comes, before wire_in(). false: the host takes no notice of it. */
bool temper_in(struct world *w, struct wire_end *e, struct view *v);

#endif
