/* SPDX-License-Identifier: Apache-2.0 */
/* OpenFlow errors: one symbol each, with the numbers of every version in one table (OpenFlow 1.0
 * section 5.4.4, OpenFlow 1.3.5 section 7.4.4, and the Nicira extensions where no version has a
 * number).
 *
 * Functions of this layer return 0 or an `enum ofperr`; the connection turns it into the peer's
 * version. */
#pragma once

#include "core/base/types.h"

enum ofperr {
	OFPERR_OK = 0,
	OFPERR_HELLO_INCOMPATIBLE,
	OFPERR_BAD_VERSION,
	OFPERR_BAD_TYPE,
	OFPERR_BAD_STAT,
	OFPERR_BAD_EXPERIMENTER,
	OFPERR_BAD_EXP_TYPE,
	OFPERR_EPERM,
	OFPERR_BAD_LEN,
	OFPERR_BUFFER_EMPTY,
	OFPERR_BUFFER_UNKNOWN,
	OFPERR_BAD_TABLE_ID,
	OFPERR_IS_SLAVE,
	OFPERR_BAD_PORT,
	OFPERR_BAD_PACKET,
	OFPERR_MULTIPART_OVERFLOW,
	/* bad action */
	OFPERR_BAD_ACT_TYPE,
	OFPERR_BAD_ACT_LEN,
	OFPERR_BAD_ACT_EXPERIMENTER,
	OFPERR_BAD_ACT_EXP_TYPE,
	OFPERR_BAD_OUT_PORT,
	OFPERR_BAD_ARGUMENT,
	OFPERR_ACT_EPERM,
	OFPERR_ACT_TOO_MANY,
	OFPERR_BAD_QUEUE,
	OFPERR_BAD_OUT_GROUP,
	OFPERR_MATCH_INCONSISTENT,
	OFPERR_UNSUPPORTED_ORDER,
	OFPERR_BAD_TAG,
	OFPERR_BAD_SET_TYPE,
	OFPERR_BAD_SET_LEN,
	OFPERR_BAD_SET_ARGUMENT,
	OFPERR_BAD_CONJUNCTION,
	OFPERR_CT_UNSUPPORTED, /* the datapath lacks the connection tracker */
	/* bad instruction */
	OFPERR_UNKNOWN_INST,
	OFPERR_UNSUP_INST,
	OFPERR_INST_BAD_TABLE_ID,
	OFPERR_UNSUP_METADATA,
	OFPERR_UNSUP_METADATA_MASK,
	OFPERR_INST_BAD_EXPERIMENTER,
	OFPERR_INST_BAD_LEN,
	OFPERR_DUP_INST,
	/* bad match */
	OFPERR_MATCH_BAD_TYPE,
	OFPERR_MATCH_BAD_LEN,
	OFPERR_MATCH_BAD_TAG,
	OFPERR_MATCH_BAD_WILDCARDS,
	OFPERR_MATCH_BAD_FIELD,
	OFPERR_MATCH_BAD_VALUE,
	OFPERR_MATCH_BAD_MASK,
	OFPERR_MATCH_BAD_PREREQ,
	OFPERR_MATCH_DUP_FIELD,
	/* flow mod failed */
	OFPERR_FM_UNKNOWN,
	OFPERR_FM_TABLE_FULL,
	OFPERR_FM_BAD_TABLE_ID,
	OFPERR_FM_OVERLAP,
	OFPERR_FM_EPERM,
	OFPERR_FM_BAD_TIMEOUT,
	OFPERR_FM_BAD_EMERG_TIMEOUT,
	OFPERR_FM_BAD_COMMAND,
	OFPERR_FM_BAD_FLAGS,
	OFPERR_FM_UNSUPPORTED, /* OpenFlow 1.0: unsupported action list */
	/* group mod failed */
	OFPERR_GM_GROUP_EXISTS,
	OFPERR_GM_INVALID_GROUP,
	OFPERR_GM_WEIGHT_UNSUPPORTED,
	OFPERR_GM_OUT_OF_GROUPS,
	OFPERR_GM_OUT_OF_BUCKETS,
	OFPERR_GM_CHAINING_UNSUPPORTED,
	OFPERR_GM_WATCH_UNSUPPORTED,
	OFPERR_GM_LOOP,
	OFPERR_GM_UNKNOWN_GROUP,
	OFPERR_GM_CHAINED_GROUP,
	OFPERR_GM_BAD_TYPE,
	OFPERR_GM_BAD_COMMAND,
	OFPERR_GM_BAD_BUCKET,
	OFPERR_GM_BAD_WATCH,
	OFPERR_GM_EPERM,
	/* port mod failed */
	OFPERR_PM_BAD_PORT,
	OFPERR_PM_BAD_HW_ADDR,
	OFPERR_PM_BAD_CONFIG,
	OFPERR_PM_BAD_ADVERTISE,
	OFPERR_PM_EPERM,
	/* table mod, queue, switch config, role, meter */
	OFPERR_TM_BAD_TABLE,
	OFPERR_TM_BAD_CONFIG,
	OFPERR_QUEUE_BAD_PORT,
	OFPERR_QUEUE_BAD_QUEUE,
	OFPERR_SC_BAD_FLAGS,
	OFPERR_SC_BAD_LEN,
	OFPERR_ROLE_STALE,
	OFPERR_ROLE_UNSUP,
	OFPERR_ROLE_BAD_ROLE,
	OFPERR_MM_UNKNOWN,
	OFPERR_MM_METER_EXISTS,
	OFPERR_MM_INVALID_METER,
	OFPERR_MM_UNKNOWN_METER,
	OFPERR_MM_BAD_COMMAND,
	OFPERR_MM_BAD_FLAGS,
	OFPERR_MM_BAD_RATE,
	OFPERR_MM_BAD_BURST,
	OFPERR_MM_BAD_BAND,
	OFPERR_MM_BAD_BAND_VALUE,
	OFPERR_MM_OUT_OF_METERS,
	OFPERR_MM_OUT_OF_BANDS,
	OFPERR_TF_EPERM, /* a table-features request that would change tables */
	/* Nicira: malformed extension */
	OFPERR_NXM_INVALID,
	OFPERR_MUST_BE_ZERO,
	OFPERR_BAD_REASON,  /* a reserved or unknown reason */
	OFPERR_UNENCODABLE, /* stands in where a version has no number for the error */
	OFPERR_N
};

/* "OFPBMC_BAD_PREREQ", the specification's name. */
const char *ofperr_name(enum ofperr e);

/* How an error goes over the wire in one version. */
struct ofperr_number {
	uint32_t experimenter; /* 0: type and code are the specification's; else they are its own */
	uint16_t type, code;
};
/* The number in `version` (enum ofp_version); OFPERR_UNENCODABLE's where the version has none.
 * Never fails. */
struct ofperr_number ofperr_to_wire(enum ofperr e, uint8_t version);
/* The reverse; OFPERR_OK when no row has that number. */
enum ofperr ofperr_from_wire(struct ofperr_number n, uint8_t version);
