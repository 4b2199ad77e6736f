/* SPDX-License-Identifier: Apache-2.0 */
/* OpenFlow messages in a form that no version leaks into: what tables, bridges and connections work
 * with.  The codecs (codec.h) turn bytes of OpenFlow 1.0 and 1.3 into these structs and back.
 *
 * Everything here is plain data; action lists are borrowed from the buffer that the decoder filled.
 */
#pragma once

#include "core/packet/match.h"
#include "ofproto/wire/ofpact.h"
#include "ofproto/wire/ofperr.h"

enum ofp_version { OFP10 = 1, OFP11 = 2, OFP12 = 3, OFP13 = 4, OFP14 = 5, OFP15 = 6 };

enum ofp_flow_mod_command {
	OFPFC_ADD_ = 0,
	OFPFC_MODIFY_ = 1,
	OFPFC_MODIFY_STRICT_ = 2,
	OFPFC_DELETE_ = 3,
	OFPFC_DELETE_STRICT_ = 4
};
#define OFPFF_SEND_FLOW_REM_ 0x01
#define OFPFF_CHECK_OVERLAP_ 0x02
#define OFPFF_RESET_COUNTS_ 0x04
#define OFPFF_NO_PKT_COUNTS_ 0x08
#define OFPFF_NO_BYT_COUNTS_ 0x10
#define OFPFF_EMERG_ 0x100 /* OpenFlow 1.0 */

struct ofp_flow_mod {
	uint8_t command; /* enum ofp_flow_mod_command */
	uint8_t table;   /* 255: all (delete), or the switch's choice (1.0 add: 0) */
	uint16_t priority, idle_timeout, hard_timeout, importance, flags; /* OFPFF_*_ */
	be64 cookie;     /* what the flow gets: by add, and by modify when set_cookie */
	bool set_cookie; /* modify gives the flow `cookie` too (OpenFlow 1.0, also with NXM) */
	/* modify and delete touch only flows with (their cookie ^ filter_cookie) & filter_mask == 0
	 */
	be64 filter_cookie, filter_mask;
	uint32_t buffer_id;
	struct ofp_port out_port; /* filter of delete; OFPP_NONE_: none */
	uint32_t out_group;       /* OFPG_ANY: none */
	struct match match;
	struct ofpacts actions;
};
#define OFPG_MAX_ 0xffffff00u
#define OFPG_ALL_ 0xfffffffcu
#define OFPG_ANY_ 0xffffffffu
#define OFPTT_ALL_ 0xff
#define OFP_NO_BUFFER_ 0xffffffffu

enum ofp_removed_reason {
	OFPRR_IDLE_TIMEOUT_,
	OFPRR_HARD_TIMEOUT_,
	OFPRR_DELETE_,
	OFPRR_GROUP_DELETE_,
	OFPRR_EVICTION_
};
struct ofp_flow_removed {
	struct match match;
	be64 cookie;
	uint16_t priority, idle_timeout, hard_timeout;
	uint8_t reason, table;
	uint64_t duration_ns, packets, bytes;
};

struct ofp_flow_stats_request {
	bool aggregate;
	uint8_t table;
	struct ofp_port out_port;
	uint32_t out_group;
	be64 cookie, cookie_mask;
	struct match match;
};
struct ofp_flow_stats {
	uint8_t table;
	uint16_t priority, idle_timeout, hard_timeout, flags;
	be64 cookie;
	uint64_t duration_ns, packets, bytes; /* UINT64_MAX: unknown */
	uint64_t idle_age_s, hard_age_s;      /* UINT64_MAX: unknown */
	struct match match;
	struct ofpacts actions;
};

enum ofp_packet_in_reason { OFPR_NO_MATCH_, OFPR_ACTION_, OFPR_INVALID_TTL_ };
struct ofp_packet_in {
	const uint8_t *data;
	size_t len; /* bytes in data, already cut to max_len */
	uint32_t total_len;
	uint32_t buffer_id;
	uint8_t reason, table;
	be64 cookie;
	struct flow_key md; /* metadata words: in_port, metadata, registers, tunnel, marks */
};
struct ofp_packet_out {
	uint32_t buffer_id;
	const uint8_t *data;
	size_t len;
	struct ofp_port in_port;
	struct ofpacts actions;
};

struct ofp_phy_port {
	struct ofp_port no;
	struct eth_addr mac;
	char name[32];   /* NUL-terminated; cut to 15 characters on the wire */
	uint32_t config; /* OFPPC_*: PORT_DOWN 1, NO_RECV 4, NO_FWD 0x20, NO_PACKET_IN 0x40; 1.0
			    also NO_STP 2, NO_RECV_STP 8, NO_FLOOD 0x10 */
	uint32_t state;  /* OFPPS_*: LINK_DOWN 1, BLOCKED 2, LIVE 4 */
	uint32_t curr, advertised, supported, peer; /* OFPPF_* of 1.3 */
	uint32_t curr_kbps, max_kbps;
};
struct ofp_port_mod {
	struct ofp_port no;
	struct eth_addr mac;
	uint32_t config, mask, advertise;
};
enum ofp_port_reason { OFPPR_ADD_, OFPPR_DELETE_, OFPPR_MODIFY_ };
struct ofp_port_stats {
	struct ofp_port no;
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_dropped, tx_dropped, rx_errors,
		tx_errors, rx_frame_err, rx_over_err, rx_crc_err,
		collisions; /* UINT64_MAX: unknown */
	uint64_t duration_ns;
};
struct ofp_queue_stats {
	struct ofp_port port;
	uint32_t queue;
	uint64_t tx_bytes, tx_packets, tx_errors, duration_ns;
};

/* ADD_OR_MODIFY is 0x8000 on the wire, what ovs-ofctl(8) mod-group --may-create sends. */
enum ofp_group_command { OFPGC_ADD_, OFPGC_MODIFY_, OFPGC_DELETE_, OFPGC_ADD_OR_MODIFY_ };
enum ofp_group_type { OFPGT_ALL_, OFPGT_SELECT_, OFPGT_INDIRECT_, OFPGT_FF_ };
struct ofp_bucket {
	uint16_t weight;
	struct ofp_port watch_port; /* OFPP_NONE_: none */
	uint32_t watch_group;       /* OFPG_ANY_: none */
	struct ofpacts actions;
};
struct ofp_group_mod {
	uint16_t command;
	uint8_t type;
	uint32_t id;
	struct ofp_bucket *buckets; /* borrowed from the decoder */
	size_t n_buckets;
};
struct ofp_bucket_stats {
	uint64_t packets, bytes;
};
struct ofp_group_stats {
	uint32_t id, ref_count;
	uint64_t packets, bytes, duration_ns;
	const struct ofp_bucket_stats *buckets;
	size_t n_buckets;
};

struct ofp_table_stats {
	uint8_t table;
	char name[32];
	uint32_t active, max_entries;
	uint64_t lookups, matched;
};

/* One table in a table-features reply.  The codec lists fields and actions from its own tables. */
struct ofp_table_features {
	uint8_t table;
	uint8_t n_tables; /* goto_table reaches table + 1 .. n_tables - 1 */
	char name[32];
	uint64_t metadata_match, metadata_write;
	uint32_t config, max_entries;
	bool (*match_ok)(enum field_id); /* NULL: every field with an OXM code */
	bool (*set_ok)(enum field_id);   /* NULL: every writable one */
};
struct ofp_table_mod {
	uint8_t table; /* 255: all */
	uint32_t config;
};

struct ofp_group_features { /* by enum ofp_group_type */
	uint32_t types, capabilities;
	uint32_t max_groups[4], actions[4];
};
/* OpenFlow 1.3.5 section 7.3.4.4. */
enum ofp_meter_command { OFPMC_ADD_, OFPMC_MODIFY_, OFPMC_DELETE_ };
#define OFPM_MAX_ 0xffff0000u
#define OFPM_ALL_ 0xffffffffu
#define OFPMF_KBPS_ 0x1
#define OFPMF_PKTPS_ 0x2
#define OFPMF_BURST_ 0x4
#define OFPMF_STATS_ 0x8
#define OFPMF_ALL_ 0xf
enum ofp_meter_band_type { OFPMBT_DROP_ = 1, OFPMBT_DSCP_REMARK_ = 2 };
struct ofp_meter_band {
	uint16_t type; /* enum ofp_meter_band_type */
	uint8_t prec_level;
	uint8_t pad;
	uint32_t rate, burst; /* burst: with OFPMF_BURST_ */
};
struct ofp_meter_mod { /* also an entry of a meter-config reply */
	uint16_t command, flags;
	uint32_t id;
	const struct ofp_meter_band *bands; /* borrowed from the decoder */
	size_t n_bands;
};
struct ofp_band_stats {
	uint64_t packets, bytes;
};
struct ofp_meter_stats {
	uint32_t id, n_flows;
	uint64_t packets, bytes, duration_ns;
	const struct ofp_band_stats *bands;
	size_t n_bands;
};
struct ofp_meter_features {
	uint32_t max_meter, band_types, capabilities;
	uint8_t max_bands, max_color;
};
/* meter, meter-config, group and queue statistics requests: what to answer about */
struct ofp_id_request {
	struct ofp_port port; /* port and queue requests; OFPP_NONE_: all */
	uint32_t id;          /* queue, group or meter; OFPG_ALL_, OFP_ALL_IDS_: all */
};
#define OFP_ALL_IDS_ 0xffffffffu /* all queues, all meters */
struct ofp_queue_config {
	uint32_t queue;
	uint16_t min_rate, max_rate; /* tenths of a percent; 0xffff: unset */
};

struct ofp_switch_desc {
	char mfr[256], hw[256], sw[256], serial[32], dp[256];
};
struct ofp_switch_features {
	uint64_t datapath_id;
	uint32_t n_buffers, capabilities; /* OFPC_* of 1.3; codec maps for 1.0 */
	uint8_t n_tables, auxiliary_id;
	uint32_t of10_actions; /* OpenFlow 1.0: bit per OFPAT_* */
};
struct ofp_switch_config {
	uint16_t flags, miss_send_len; /* flags: enum ofp_frags and OFPC_INVALID_TTL_ */
};
/* Fragments (OpenFlow 1.0 section 5.3.2; ovs-fields(7), "IPv4/IPv6 Fragment Field"): their ports
 * taken for zero; dropped; put together first; or matched as they are, a first fragment by its
 * ports. */
enum ofp_frags { OFPC_FRAG_NORMAL_, OFPC_FRAG_DROP_, OFPC_FRAG_REASM_, OFPC_FRAG_NX_MATCH_ };
#define OFPC_FRAG_MASK_ 0x3
#define OFPC_INVALID_TTL_ 0x4 /* before OpenFlow 1.3: packet-ins for TTLs that ran out */
enum ofp_role { OFPCR_NOCHANGE_, OFPCR_EQUAL_, OFPCR_MASTER_, OFPCR_SLAVE_ };
struct ofp_error_msg {
	enum ofperr code; /* OFPERR_OK: a number that no row of the table has */
	uint16_t type, subcode;
	const uint8_t *data; /* borrowed from the message */
	size_t len;
};

#define OFP_PACKET_IN_STANDARD 0 /* OFPT_PACKET_IN of the connection's version */
#define OFP_PACKET_IN_NXT 1      /* NXT_PACKET_IN */
#define OFP_PACKET_IN_NXT2 2     /* NXT_PACKET_IN2 */

/* What one connection has negotiated, as far as bytes depend on it. */
struct ofp_proto {
	uint8_t version;   /* enum ofp_version */
	bool nxm;          /* OpenFlow 1.0: NXT_SET_FLOW_FORMAT chose NXM */
	bool table_id;     /* NXT_FLOW_MOD_TABLE_ID: a flow-mod's command carries the table */
	uint8_t packet_in; /* OFP_PACKET_IN_* */
};

struct ofp_role_msg {
	uint32_t role;
	uint64_t generation;
	bool nicira; /* came, or goes, as NXT_ROLE_REQUEST */
	bool have_generation;
};
struct ofp_async { /* bits by reason; [0] for master/equal, [1] for slave */
	uint32_t packet_in[2], port_status[2], flow_removed[2];
};
