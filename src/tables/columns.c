/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/columns.h"

#include "base/json.h"

int columns_describe(const struct duck_file_info *info, char **ret_text, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(COLUMNS_TEXT_MAX);
	struct json_out o = json_out(&text);

	json_open(&o, NULL, '[');
	for (size_t i = 0; i < info->column_count; i++) {
		json_open(&o, NULL, '{');
		json_add_text(&o, "name", info->columns[i].name);
		json_add_text(&o, "type", info->columns[i].type);
		json_close(&o);
	}
	json_close(&o);
	if (text.full)
		return err_set(e, ERR_LIMIT, "the names of %zu columns are over %zu bytes",
			       info->column_count, COLUMNS_TEXT_MAX);
	*ret_text = buf_take(&text);
	return 0;
}
