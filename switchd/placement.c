/* SPDX-License-Identifier: Apache-2.0 */
#include "switchd/placement.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"

LOG_MODULE("placement");

static void unheeded(const char *what, const char *key, const char *text, const char *wanted)
{
	log_warn_rl("%s: other_config:%s: \"%.60s\" is not %s: it is left out of account", what,
		    key, text, wanted);
}

static bool number(const char **p, int base, uint64_t *x)
{
	char *end;

	if (!isxdigit((unsigned char)**p))
		return false;
	errno = 0;
	*x = strtoull(*p, &end, base);
	if (errno)
		return false;
	*p = end;
	return true;
}

static int placement_of(const struct db_row *row, const struct db_column *c, const char *what)
{
	const char *text = db_get_map_string(row, c, "offload-policy", NULL);
	int placement = text ? placement_parse(text) : -1;

	if (text && placement < 0)
		unheeded(what, "offload-policy", text, "one of greedy, rate and pinned");
	return placement;
}

/* A whole number up to max, into *ret when it is there. */
static void whole(const struct db_row *row, const struct db_column *c, const char *what,
		  const char *key, uint32_t max, uint32_t *ret)
{
	const char *text = db_get_map_string(row, c, key, NULL), *p = text;
	char wanted[64];
	uint64_t x;

	if (!text)
		return;
	if (isdigit((unsigned char)*p) && number(&p, 10, &x) && !*p && x <= max) {
		*ret = (uint32_t)x;
		return;
	}
	(void)snprintf(wanted, sizeof(wanted), "a whole number up to %u", max);
	unheeded(what, key, text, wanted);
}

void sw_placement_switch(const struct db_row *root, const struct db_column *c,
			 struct engine_config *cfg)
{
	static const char what[] = "Open_vSwitch";
	int placement = placement_of(root, c, what);

	if (placement >= 0)
		cfg->placement = (enum placement)placement;
	whole(root, c, what, "offload-max-entries", UINT32_MAX, &cfg->max_entries);
	whole(root, c, what, "offload-max-total", UINT32_MAX, &cfg->max_total);
	whole(root, c, what, "offload-fair-share", 100, &cfg->fair_percent);
	whole(root, c, what, "offload-max-churn", 1000000, &cfg->max_churn_per_s);
	whole(root, c, what, "offload-min-residency", 3600000, &cfg->min_residency_ms);
}

void sw_placement_port(const struct db_row *row, const struct db_column *c, const char *name,
		       struct engine_port_placement *pl)
{
	const char *pin = db_get_map_string(row, c, "offload-pin", NULL);

	*pl = (struct engine_port_placement){ .placement = placement_of(row, c, name) };
	whole(row, c, name, "offload-max-entries", UINT32_MAX, &pl->max_entries);
	pl->pinned = pin && !strcmp(pin, "true");
	if (pin && !pl->pinned && strcmp(pin, "false") != 0)
		unheeded(name, "offload-pin", pin, "true or false");
}

/* cookie=VALUE[/MASK], decimal or with 0x. */
static bool parse_cookie(const char **p, struct xl_pins *pins)
{
	uint64_t cookie, mask = UINT64_MAX;

	if (strncmp(*p, "cookie=", 7) != 0)
		return false;
	*p += 7;
	if (!number(p, 0, &cookie))
		return false;
	if (**p == '/') {
		++*p;
		if (!number(p, 0, &mask))
			return false;
	}
	if ((**p && **p != ',' && **p != ' ') || pins->n == XL_PINS_MAX)
		return false;
	pins->v[pins->n].cookie = hton64(cookie);
	pins->v[pins->n++].mask = hton64(mask);
	return true;
}

static void add_pins(const struct db_row *row, const struct db_column *c, const char *what,
		     struct xl_pins *pins)
{
	const char *text = db_get_map_string(row, c, "offload-pin", NULL), *p = text;
	struct xl_pins was = *pins;

	if (!text || !strcmp(text, "false"))
		return;
	if (!strcmp(text, "true")) {
		pins->all = true;
		return;
	}
	while (*(p += strspn(p, ", ")))
		if (!parse_cookie(&p, pins)) {
			*pins = was;
			unheeded(what, "offload-pin", text,
				 "true, false or a list of up to 32 cookie=VALUE[/MASK]");
			return;
		}
}

void sw_placement_pins(const struct db_row *row, const struct db_column *c, const char *name,
		       const struct db_row *root, const struct db_column *root_c,
		       struct xl_pins *pins)
{
	*pins = (struct xl_pins){ 0 };
	add_pins(row, c, name, pins);
	if (root)
		add_pins(root, root_c, "Open_vSwitch", pins);
}
