/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the TC provider stand on, in a guest of the lab: veth devices, near0, near1, … as
 * ports and far0, far1, … behind them, frames out and in, and the commands of iproute2 as
 * witnesses.
 */
#pragma once

#include "core/packet/parse.h"
#include "core/port/port.h"
#include "offload/provider.h"

#define TC_LAB_NEAR "near"
#define TC_LAB_FAR "far"

/* As the kernel's datapath has them, neither rx nor tx, or as the user datapath does. */
struct tc_lab_port {
	struct port up;
	int ifindex;
};

/* False, with a line that says so: this is no guest of the lab. */
bool tc_lab_in_guest(void);
/* "near0"; storage that four calls share. */
const char *tc_lab_near(unsigned i);
const char *tc_lab_far(unsigned i);
void tc_lab_veth(unsigned i);
void tc_lab_veth_gone(unsigned i);
/* user: as the user datapath has it, with an rx. */
void tc_lab_port_open(struct tc_lab_port *p, uint32_t no, const char *device, bool user);
/* The provider takes the port, which it must, and has its capabilities; the device. */
struct offload_device *tc_lab_attach(struct tc_lab_port *p);

/* Two ports of the kernel's datapath, numbers 1 and 2, at near0 and near1. */
struct tc_lab_pair {
	const struct offload_provider_ops *ops;
	struct offload_device *dev;
	struct tc_lab_port ports[2];
	int marks; /* at near0 */
};
void tc_lab_pair_begin(struct tc_lab_pair *l);
void tc_lab_pair_end(struct tc_lab_pair *l);
/* What a restart does to them: detached, and attached to another device. */
void tc_lab_pair_anew(struct tc_lab_pair *l);
/* n frames of this key come in at near0, and have been dealt with. */
void tc_lab_pair_send(struct tc_lab_pair *l, const struct flow_key *key, unsigned n);
/* UDP over IPv4 that comes in at port 1, and the least that a rule for it looks at. */
void tc_lab_udp(struct flow_key *key, struct flow_key *mask);

/* Runs a command and fails the test when it fails. */
void tc_lab_run(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* What a command prints; storage of the next call. */
const char *tc_lab_read(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* A frame out of a device, done with when this returns. */
void tc_lab_send(const char *device, const void *frame, size_t len);

/* A socket for tc_lab_settle() at a near device. */
int tc_lab_marks(const char *device);
/* What was sent out of the far device before has been dealt with, and what that led to, too: the
 * kernel may have put it off.  Frames of Ethertype 0x88b5 show it. */
void tc_lab_settle(const char *far, int marks);
/* A socket that gets every frame that comes in at a device, from now on. */
int tc_lab_listen(const char *device);
/* The next frame, or 0: none has come.  A tag that the kernel keeps beside it is put back. */
size_t tc_lab_receive(int fd, void *frame, size_t size);
