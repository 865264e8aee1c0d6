/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include <yaml.h>

static int write_to_buf(void *out, unsigned char *p, size_t n)
{
	buf_add(out, p, n);
	return 1;
}

/* The eight events of a document with one member; each one is given away to the emitter. */
static void emit_member(yaml_emitter_t *emitter, const char *key, const char *value)
{
	yaml_event_t events[8];
	size_t n = 0;
	yaml_scalar_style_t style =
		strchr(value, '\n') ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE;
	int ok = yaml_stream_start_event_initialize(&events[n++], YAML_UTF8_ENCODING);
	unsigned char *texts[] = { (unsigned char *)(uintptr_t)key,
				   (unsigned char *)(uintptr_t)value };

	ok &= yaml_document_start_event_initialize(&events[n++], NULL, NULL, NULL, 1);
	ok &= yaml_mapping_start_event_initialize(&events[n++], NULL, NULL, 1,
						  YAML_BLOCK_MAPPING_STYLE);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		ok &= yaml_scalar_event_initialize(&events[n++], NULL, NULL, texts[i], -1, 1, 1,
						   style);
	ok &= yaml_mapping_end_event_initialize(&events[n++]);
	ok &= yaml_document_end_event_initialize(&events[n++], 1);
	ok &= yaml_stream_end_event_initialize(&events[n++]);
	for (size_t i = 0; i < n && ok; i++)
		ok = yaml_emitter_emit(emitter, &events[i]);
	if (!ok)
		abort(); /* out of memory: the texts are valid UTF-8, the events in order */
}

void yaml_add_text(struct buf *out, const char *key, const char *value)
{
	AUTO(yaml_emitter_delete) yaml_emitter_t emitter = { 0 };
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);

	if (text_is_clean(bytes_of(value)))
		buf_adds(&clean, value);
	else
		text_add_clean(&clean, bytes_of(value));
	if (!yaml_emitter_initialize(&emitter))
		abort(); /* out of memory */
	yaml_emitter_set_output(&emitter, write_to_buf, out);
	yaml_emitter_set_unicode(&emitter, 1);
	yaml_emitter_set_width(&emitter, -1);
	emit_member(&emitter, key, buf_str(&clean));
}
