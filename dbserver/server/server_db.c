/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/server/server_db.h"

#include <stdlib.h>
#include <string.h>

#include "dbserver/data/jsonx.h"
#include "dbserver/engine/view.h"

static const char schema_text[] =
	"{\"name\":\"_Server\",\"version\":\"1.2.0\",\"tables\":{\"Database\":{\"columns\":{"
	"\"name\":{\"type\":\"string\"},"
	"\"model\":{\"type\":{\"key\":{\"type\":\"string\","
	"\"enum\":[\"set\",[\"standalone\",\"clustered\",\"relay\"]]}}},"
	"\"connected\":{\"type\":\"boolean\"},"
	"\"leader\":{\"type\":\"boolean\"},"
	"\"schema\":{\"type\":{\"key\":\"string\",\"min\":0}},"
	"\"cid\":{\"type\":{\"key\":\"uuid\",\"min\":0}},"
	"\"sid\":{\"type\":{\"key\":\"uuid\",\"min\":0}},"
	"\"index\":{\"type\":{\"key\":\"integer\",\"min\":0}}}}}}";

struct db *server_db_new(void)
{
	struct json_object *json = json_parse(schema_text, strlen(schema_text), NULL);
	struct db_schema *schema = db_schema_from_json(json, NULL);

	json_object_put(json);
	if (!schema)
		abort(); /* the text above is a schema */
	return db_new(schema, NULL);
}

void server_db_add(struct db *server_db, const struct db *db)
{
	struct json_object *schema = db_schema_to_json(db->schema);
	struct db_table *t = db_table(server_db, "Database");
	struct db_txn *txn = db_txn_new(server_db, NULL);
	const struct db_row *row = db_txn_insert(txn, t);

	db_txn_set_string(txn, row, db_column(t, "name"), db_name(db));
	db_txn_set_string(txn, row, db_column(t, "model"), "standalone");
	db_txn_set_boolean(txn, row, db_column(t, "connected"), true);
	db_txn_set_boolean(txn, row, db_column(t, "leader"), true);
	db_txn_set_string(txn, row, db_column(t, "schema"),
			  json_object_to_json_string_ext(schema, JSON_C_TO_STRING_PLAIN));
	if (db_txn_commit(txn, NULL) < 0)
		abort(); /* every value above fits */
	json_object_put(schema);
}
