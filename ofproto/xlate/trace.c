/* SPDX-License-Identifier: Apache-2.0 */
/* ofproto/trace: one translation with notes, and its result, in the layout that people's scripts
 * read. */
#include <errno.h>
#include <string.h>

#include "ofproto/xlate/xlate_priv.h"

static void format_key(const struct flow_key *key, struct str *out)
{
	struct match m;
	struct flow_key all;

	memset(&all, 0, sizeof(all));
	all.in_port = ~0u;
	all.metadata = key->metadata ? UINT64_MAX : 0;
	for (unsigned i = 0; i < FLOW_N_REGS; i++)
		all.regs[i] = key->regs[i] ? ~0u : 0;
	memset((uint8_t *)&all + offsetof(struct flow_key, dl_dst), 0xff,
	       sizeof(all.dl_dst) + sizeof(all.dl_src));
	all.dl_type = htons(0xffff);
	all.vlans[0].tci = htons(0xffff);
	for (unsigned id = FIELD_TUN_ID; id < FIELD_N_IDS; id++) {
		const struct field *f = field_get((enum field_id)id);
		union field_value v;

		if (id > FIELD_TUN_TP_DST && id < FIELD_ETH_SRC &&
		    (id < FIELD_PKT_MARK || id > FIELD_CT_LABEL))
			continue;
		field_read(f, key, &v);
		if ((f->prereq != FIELD_PRE_NONE || !field_value_is_zero(f, &v)) &&
		    field_prereq_ok(f->prereq, key))
			field_mask_set(f, &all);
	}
	match_init(&m, key, &all);
	match_format(&m, NULL, NULL, out);
}

static void format_result(const struct xlate_out *o, const struct flow_key *key, struct str *out)
{
	struct match mega;
	struct flow_key final = o->final, start = *key;

	final.in_port = start.in_port;
	str_puts(out, "\nFinal flow: ");
	if (flow_key_equal(&final, &start))
		str_puts(out, "unchanged");
	else
		format_key(&o->final, out);
	str_puts(out, "\nMegaflow: recirc_id=0,eth,");
	match_init(&mega, key, &o->mask);
	mega.mask.recirc_id = 0;
	match_format(&mega, NULL, NULL, out);
	str_puts(out, "\nDatapath actions: ");
	dp_actions_format(xlate_actions_for_packet(o), NULL, NULL, out);
	str_putc(out, '\n');
	if (o->error != XLATE_OK)
		str_printf(out, "Translation failed (%s), packet is dropped.\n",
			   xlate_error_text[o->error]);
	if (o->to_controller)
		str_puts(out, "This flow is handled by the userspace slow path because it:\n"
			      "  - Sends \"packet-in\" messages to the OpenFlow controller.\n");
}

int xlate_trace(const struct xl_snapshot *snap, const struct xl_bridge *bridge,
		const struct flow_key *key, const struct packet *packet, struct str *out,
		struct error *err)
{
	struct notes notes = { STR_INIT };
	struct xlate_in in = {
		.snap = snap, .key = *key, .packet = packet, .notes = &notes, .bridge = bridge
	};
	struct xlate_out o;

	if (!bridge && !xl_port_by_dp(snap, flow_in_dp(key)))
		return error_set(err, ENODEV, "in_port", "datapath port %u is in no bridge",
				 flow_in_dp(key).v);
	str_puts(out, "Flow: ");
	format_key(key, out);
	str_putc(out, '\n');
	xlate(&in, &o);
	str_puts(out, str_cstr(&notes.text));
	format_result(&o, key, out);
	if (packet)
		effects_learn(&o.effects);
	xlate_out_done(&o);
	str_done(&notes.text);
	return 0;
}
