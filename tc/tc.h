/* SPDX-License-Identifier: Apache-2.0 */
/* The TC provider: rules as filters of the kernel's flower classifier, which hands them to the
 * NIC's driver, carries them out itself, or both.
 *
 * Ports.  A Linux device is one of ours when its driver can take rules (the feature hw-tc-offload
 * is on), when it is a tunnel's in the kernel's datapath, whose packets a NIC may take apart, or
 * when the user asks for it ("tc"): a port of the kernel's datapath then has its rules in TC's
 * software, ahead of that.  Ports of the user datapath get rules that skip software and no others:
 * a packet that TC has sent on would have been seen by the datapath's socket already.  Ports with
 * one switch id share an offload_device, which is called tc:SWITCHID; a port whose driver takes
 * rules and that has none is a device by itself, tc:NAME; tunnel devices share tc:tunnels, whose
 * rules the kernel shows to every NIC's driver (indirect blocks), so that only a rule's echo says
 * where it is; all others share tc:software.
 *
 * A bond (the kernel's bonding) belongs to the NIC that all of its slaves are of, or is a device by
 * itself; its filters stand at its slaves (bond.c).  It need not be asked for: a slave whose driver
 * takes rules may come at any time.
 *
 * Filters hang on a clsact (or ingress) qdisc, made when the first rule of a port comes and taken
 * away when no filter has been there for a while and it was ours.  In what names rules are ours:
 * filter.h.
 *
 * Tiers.  in_hw is the kernel's own flag (TCA_CLS_FLAGS_IN_HW), read from the echo of the request,
 * which must say what was asked for.  A rule without it is in TC's software.
 *
 * Counters.  What TC counts in software is the packet from its network header on, without a tag
 * that the kernel keeps beside it; the rule's match says what is missing, and bytes are made frames
 * without FCS again, in a chain by what was done to the length before (chains.h).  A driver's
 * counters are taken as frames.  A large segment (TSO, GRO) counts as the packets that it will be.
 * The last reading comes with the removal.
 *
 * Chains are recirc_ids; see flower.h.  Unknown to the kernel's datapath unless it was told to
 * share them (OVS_DP_F_TC_RECIRC_SHARING): then there are none.
 *
 * Commands (engine_device_command()): `status`.
 *
 * Threads: as provider.h says, and of its own: for what others do to our rules, for the ways to
 * tunnels' far ends, and for what rules have sampled (samples.h). */
#pragma once

/* Registers the provider; at start-up. */
void tc_register(void);
