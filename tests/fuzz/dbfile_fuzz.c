/* SPDX-License-Identifier: Apache-2.0 */
/* The database file.  An input that begins with 'R' is the file itself after that letter; any other
 * is lines of JSON, each of which becomes a record with its right length and checksum (without that
 * the fuzzer would hardly get past the checksum).  A file that opens must open again with nothing
 * lost and the same rows. */
#include <json-c/json.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "core/base/str.h"
#include "dbserver/engine/record.h"
#include "dbserver/engine/store.h"
#include "tests/fuzz/db_schema.h"
#include "tests/fuzz/fuzz.h"

static char dir[64], path[96], schema[96];

static void write_file(const char *name, const void *data, size_t n)
{
	FILE *f = fopen(name, "wb");

	FUZZ_CHECK(f && fwrite(data, 1, n, f) == n && !fclose(f));
}

static void remove_dir(void)
{
	char rm[128];

	(void)snprintf(rm, sizeof(rm), "rm -rf %s", dir);
	(void)!system(rm);
}

static void set_up(void)
{
	(void)snprintf(dir, sizeof(dir), "%s/dbfile_fuzz.XXXXXX",
		       access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	FUZZ_CHECK(mkdtemp(dir));
	(void)atexit(remove_dir);
	(void)snprintf(path, sizeof(path), "%s/f.db", dir);
	(void)snprintf(schema, sizeof(schema), "%s/f.schema", dir);
	write_file(schema, fuzz_schema_text, strlen(fuzz_schema_text));
}

static void add_record(struct str *file, const char *line, size_t n)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	struct str body = STR_INIT;

	str_put(&body, line, n);
	str_putc(&body, '\n');
	FUZZ_CHECK(EVP_Digest(body.s, body.len, md, &len, EVP_sha1(), NULL) == 1);
	str_printf(file, "OVSDB JSON %zu ", body.len);
	for (unsigned int i = 0; i < len; i++)
		str_printf(file, "%02x", md[i]);
	str_putc(file, '\n');
	str_put(file, body.s, body.len);
	str_done(&body);
}

static void write_records(const char *p, const char *end)
{
	struct str file = STR_INIT;

	if (p < end && *p == 'S') /* begins with the schema that fits */
		add_record(&file, fuzz_schema_text, strlen(fuzz_schema_text)), p++;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);

		add_record(&file, p, n);
		p += n + 1;
	}
	write_file(path, str_cstr(&file), file.len);
	str_done(&file);
}

static struct json_object *open_rows(struct dbserver_open_report *report, bool *opened)
{
	struct db_store *s = db_store_open(path, schema, NULL, report, NULL);
	struct json_object *rows = s ? record_from_rows(db_store_db(s)) : NULL;

	*opened = s != NULL;
	if (rows)
		json_object_object_del(rows, "_date");
	db_store_close(s);
	return rows;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dbserver_open_report report;
	struct json_object *rows, *again;
	bool opened;

	if (!dir[0])
		set_up();
	if (size && data[0] == 'R')
		write_file(path, data + 1, size - 1);
	else
		write_records((const char *)data, (const char *)data + size);
	rows = open_rows(&report, &opened);
	if (report.saved_as[0])
		(void)unlink(report.saved_as);
	if (opened) {
		again = open_rows(&report, &opened);
		FUZZ_CHECK(opened && !report.lost_bytes && !report.upgraded);
		FUZZ_CHECK(json_object_equal(rows, again));
		json_object_put(again);
	}
	json_object_put(rows);
	return 0;
}
