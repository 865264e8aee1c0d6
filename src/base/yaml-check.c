/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include <yaml.h>

static void parser_release(yaml_parser_t *p)
{
	yaml_parser_delete(p);
}

static int not_yaml(const yaml_parser_t *p, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "line %zu: %s", p->problem_mark.line + 1,
		       p->problem ? p->problem : "not YAML");
}

int yaml_check(struct bytes text, struct err *e)
{
	AUTO(parser_release) yaml_parser_t p = { 0 };
	bool any = false, mapping = false;
	yaml_event_type_t type = YAML_NO_EVENT;

	if (text.n > YAML_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "%zu bytes, the limit is %zu", text.n, YAML_BYTES_MAX);
	if (!yaml_parser_initialize(&p))
		return err_set(e, ERR_FAILED, "no memory for a YAML parser");
	yaml_parser_set_input_string(&p, (const unsigned char *)text.p, text.n);
	while (type != YAML_STREAM_END_EVENT) {
		yaml_event_t event = { 0 };

		if (!yaml_parser_parse(&p, &event))
			return not_yaml(&p, e);
		type = event.type;
		yaml_event_delete(&event);
		if (!any && type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
		    type != YAML_STREAM_END_EVENT) {
			any = true;
			mapping = type == YAML_MAPPING_START_EVENT;
		}
	}
	return any && !mapping ? err_set(e, ERR_CORRUPT, "line 1: no 'key: value'") : 0;
}
