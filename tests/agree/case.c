/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/agree/case.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"

void agree_case_init(struct agree_case *c)
{
	c->n_lines = c->n_packets = 0;
	c->wrong_sums = false;
}

void agree_case_done(struct agree_case *c)
{
	for (unsigned i = 0; i < c->n_lines; i++)
		free(c->line[i]);
	agree_case_init(c);
}

void agree_case_copy(struct agree_case *dst, const struct agree_case *src)
{
	*dst = *src;
	for (unsigned i = 0; i < src->n_lines; i++)
		dst->line[i] = xstrdup(src->line[i]);
}

void agree_case_add_line(struct agree_case *c, const char *line)
{
	if (c->n_lines < AGREE_LINES)
		c->line[c->n_lines++] = xstrdup(line);
}

void agree_case_set_line(struct agree_case *c, unsigned i, const char *text)
{
	free(c->line[i]);
	if (text) {
		c->line[i] = xstrdup(text);
		return;
	}
	c->n_lines--;
	memmove(&c->line[i], &c->line[i + 1], (c->n_lines - i) * sizeof(c->line[0]));
}

bool agree_case_tracks(const struct agree_case *c)
{
	for (unsigned i = 0; i < c->n_lines; i++)
		if (strstr(c->line[i], "ct(") || strstr(c->line[i], "ct_clear"))
			return true;
	return false;
}

void agree_case_drop_packet(struct agree_case *c, unsigned i)
{
	c->n_packets--;
	memmove(&c->packet[i], &c->packet[i + 1], (c->n_packets - i) * sizeof(c->packet[0]));
}

/* --- text --- */

static int hex_digit(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10
					    : -1;
}

static int parse_packet(struct agree_case *c, const char *text, struct error *err)
{
	struct agree_packet *p = &c->packet[c->n_packets];
	int at = 0;

	*p = (struct agree_packet){ .port = 0 };
	if (c->n_packets == AGREE_PACKETS)
		return error_set(err, EINVAL, NULL, "more than %d packets", AGREE_PACKETS);
	if (sscanf(text, "%u %n", &p->port, &at) != 1 || !p->port || p->port > AGREE_PORTS)
		return error_set(err, EINVAL, NULL, "a port from 1 to %d comes first: %s",
				 AGREE_PORTS, text);
	text += at;
	p->partial = !strncmp(text, "partial ", 8);
	text += p->partial ? 8 : 0;
	for (; *text; text += 2) {
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || p->len == AGREE_FRAME)
			return error_set(err, EINVAL, NULL, "not the bytes of a frame: %s", text);
		p->data[p->len++] = (uint8_t)(high << 4 | low);
	}
	c->n_packets++;
	return 0;
}

static int parse_line(struct agree_case *c, const char *line, struct error *err)
{
	if (!*line || *line == '#')
		return 0;
	if (!strcmp(line, "wrong-sums")) {
		c->wrong_sums = true;
		return 0;
	}
	if (!strncmp(line, "packet ", 7))
		return parse_packet(c, line + 7, err);
	if (strncmp(line, "flow ", 5) && strncmp(line, "group ", 6) && strncmp(line, "port ", 5))
		return error_set(err, EINVAL, NULL, "neither port, group, flow nor packet: %s",
				 line);
	if (c->n_lines == AGREE_LINES)
		return error_set(err, EINVAL, NULL, "more than %d lines", AGREE_LINES);
	agree_case_add_line(c, line);
	return 0;
}

int agree_case_parse(struct agree_case *c, const char *text, struct error *err)
{
	char *copy = xstrdup(text), *rest = copy, *line;
	int rc = 0;

	agree_case_init(c);
	while (!rc && (line = strsep(&rest, "\n")))
		rc = parse_line(c, line, err);
	free(copy);
	if (rc)
		agree_case_done(c);
	return rc;
}

int agree_case_read(struct agree_case *c, const char *file, struct error *err)
{
	FILE *f = fopen(file, "re");
	struct str s = STR_INIT;
	char some[4096];
	size_t n;
	int rc;

	if (!f)
		return error_set(err, errno, NULL, "%s: %s", file, strerrordesc_np(errno));
	while ((n = fread(some, 1, sizeof(some), f)))
		str_put(&s, some, n);
	(void)fclose(f); /* read */
	rc = agree_case_parse(c, str_cstr(&s), err);
	str_done(&s);
	return rc;
}

void agree_hex(struct str *s, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		str_printf(s, "%02x", ((const uint8_t *)data)[i]);
}

void agree_case_format(const struct agree_case *c, struct str *out)
{
	if (c->wrong_sums)
		str_puts(out, "wrong-sums\n");
	for (unsigned i = 0; i < c->n_lines; i++)
		str_printf(out, "%s\n", c->line[i]);
	for (unsigned i = 0; i < c->n_packets; i++) {
		const struct agree_packet *p = &c->packet[i];

		str_printf(out, "packet %u %s", p->port, p->partial ? "partial " : "");
		agree_hex(out, p->data, p->len);
		str_puts(out, "\n");
	}
}
