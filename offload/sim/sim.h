/* SPDX-License-Identifier: Apache-2.0 */
/* The sim provider: a NIC in software.
 *
 * It stands at its ports' ingress, ahead of the datapath (struct port_ingress), with a parser, a
 * rule table, actions and counters of its own; what it has no rule for it leaves to the datapath.
 * What it can do and how fast is a profile (profile.h), so that placement can be tried, and tested,
 * against NICs that differ.
 *
 * A port belongs to one by other_config:offload="sim:PROFILE" or "sim:PROFILE/INSTANCE" of its
 * Interface: ports with the same text share a NIC, which goes by that text.
 *
 * Exactness: a rule's final reading is taken a grace period after its removal, when no worker can
 * be counting on it any more.  A reset keeps the counters of the rules that it drops until they
 * have been read once.
 *
 * Commands (engine_device_command(), `shuntctl offload device NAME …`), one fault at a time or
 * many:
 *
 *   fault full [N]               the table takes no rule beyond N (now held, when not given)
 *   fault slow MS                each request takes so much longer (at most 10000)
 *   fault refuse field NAME      refuses rules that match the field, which caps promised
 *   fault refuse action NAME     refuses rules with the action
 *   fault refuse shape NAME,…    refuses rules that have all of these fields and actions
 *   fault reset                  drops all rules; a new epoch
 *   fault forget UFID|any        drops one rule silently
 *   fault alter UFID|any         makes one rule drop what it should send
 *   fault mute UFID|any          one rule is shown as held, and never hits
 *   fault rewind UFID|any        one rule's counter starts from zero again
 *   fault clear                  ends full, slow and refuse, and announces new capabilities
 *   status                       what it holds, and the faults that are on
 *
 * What each leads to is in docs/FAULTS.md.
 *
 * Threads: as provider.h says; the ingress runs in the datapath's workers, under RCU, without locks
 * or allocation.  Commands: any thread; reset blocks for a grace period. */
#pragma once

/* Registers the provider; at start-up. */
void sim_register(void);
