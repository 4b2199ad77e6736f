/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel datapath on veth pairs: what every datapath must do, with each way in which the kernel
 * may choose a handler's socket. */
#include <stdlib.h>
#include <string.h>

#include "core/datapath/kernel/dp_kernel.h"
#include "core/datapath/kernel/kernel.h"
#include "tests/conform/dp_conform.h"
#include "tests/conform/wire.h"

static int ends[DP_ENV_PORTS] = { -1, -1, -1, -1 };

static struct dp_port port_add(struct dp *dp, unsigned i)
{
	char name[8], peer[8];
	struct port_config cfg = { .name = name, .type = "" };
	struct error err = ERROR_INIT;
	struct dp_port no;

	(void)snprintf(name, sizeof(name), "v%u", i);
	(void)snprintf(peer, sizeof(peer), "w%u", i);
	ck_assert_msg(!dp->ops->port_add(dp, &cfg, (struct dp_port){ DP_PORT_NONE }, &no, &err),
		      "%s", err.cause);
	if (ends[i] < 0)
		ends[i] = wire_open(peer);
	return no;
}

static void send_to(unsigned i, const struct packet *p)
{
	wire_send(ends[i], p->data, p->len);
}

static struct packet *recv_from(unsigned i, unsigned ms)
{
	struct pollfd pfd = { .fd = ends[i], .events = POLLIN };
	static uint8_t frame[65536];
	char aux[128];
	struct iovec iov = { frame, sizeof(frame) - 4 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = aux, .msg_controllen = sizeof(aux)
	};
	ssize_t n;

	if (poll(&pfd, 1, (int)ms) != 1)
		return NULL;
	n = recvmsg(ends[i], &m, 0);
	ck_assert_int_gt(n, 14);
	return packet_new(frame, wire_retag(&m, frame, (size_t)n), 0);
}

static const struct dp_env env = {
	.type = "system",
	.port_add = port_add,
	.send = send_to,
	.recv = recv_from,
	.takes_turns = true,
	.used_tick_ns = 20000000, /* two ticks at 100 Hz */
};

static int run(void)
{
	SRunner *r = srunner_create(dp_conform_suite(&env));
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed;
}

/* The kernels of the laboratory have all of this. */
static int features(void)
{
	struct dp *dp;
	struct str text = STR_INIT;
	bool all;

	if (dp_type_find("system")->open("probe", &dp, NULL))
		return 1;
	dp_features_format(&dp->features, &text);
	printf("%s", str_cstr(&text));
	all = dp->features.actions ==
		      (UINT32_MAX >> (32 - DP_ACT_N_KINDS) & ~(1u << DP_ACT_DROP)) &&
	      dp->features.max_vlans == 2 && dp->features.max_mpls == 3 && dp->features.ct_label &&
	      dp->features.ct_orig_tuple6 && dp->features.ct_state_nat && dp->features.ct_timeout &&
	      dp->features.recirc && dp->features.set_masked && dp->features.sample_depth >= 8 &&
	      dp->features.tunnels;
	dp->ops->close(dp, false);
	str_done(&text);
	return !all;
}

int main(void)
{
	int failed;

	netns_enter();
	must("for i in 0 1 2 3; do ip link add v$i type veth peer name w$i && ip link set v$i up "
	     "&& "
	     "ip link set w$i up || exit 1; done");
	dp_kernel_init();
	failed = features();
	failed += run();
	kdp_may_per_cpu = false;
	failed += run();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
