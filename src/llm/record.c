/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <folder>/<SHA-256>.json: a question as it was sent, and its answer. The name is the hash of the
 * question, model included, so that another prompt or model asks anew. Only good answers are kept:
 * of a question that needed a repair, the repaired one.
 */
#include "base/file.h"
#include "base/hash.h"
#include "base/time.h"
#include "llm/llm-internal.h"
#include <fcntl.h>

#define RECORD_MAX (LLM_REQUEST_MAX * 2 + LLM_ANSWER_MAX * 2)

void llm_recorded_release(struct llm_recorded *r)
{
	free(r->text);
	free(r->model);
	*r = (struct llm_recorded){ 0 };
}

void llm_record_key(const struct llm_settings *s, const struct llm_question *q, struct buf *out)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	char hex[HASH_HEX_MAX];

	buf_addf(&body, "%s\n", s->dialect->word);
	s->dialect->build(s, q, false, &body);
	hash_text(HASH_SHA256, buf_bytes(&body), hex);
	buf_adds(out, hex);
}

static int read_record(const char *path, struct llm_recorded *ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(RECORD_MAX);
	AUTO_JSON struct json *doc = NULL;
	const char *answer, *model;
	int r = file_read(AT_FDCWD, path, RECORD_MAX, &text, e);

	if (r == 0)
		r = json_parse(buf_bytes(&text), RECORD_MAX, &doc, e);
	if (r < 0)
		return r;
	answer = json_text(json_get(doc, "answer"));
	model = json_text(json_get(doc, "answered_by"));
	if (!answer)
		return err_set(e, ERR_CORRUPT, "it has no answer");
	*ret = (struct llm_recorded){
		.text = xstrdup(answer),
		.model = model ? xstrdup(model) : NULL,
	};
	return 0;
}

int llm_record_find(const struct llm_settings *s, const char *key, struct llm_recorded *ret,
		    struct err *e)
{
	AUTO_FREE char *path = NULL;
	int r;

	if (!s->record)
		return 0;
	path = xasprintf("%s/%s.json", s->record, key);
	r = read_record(path, ret, e);
	if (r == ERR_NOT_FOUND && !s->replay_only)
		return 0;
	if (r == ERR_NOT_FOUND) {
		(void)err_set(e, ERR_NOT_FOUND, "'%s' holds no answer to this question (%.12s)",
			      s->record, key);
		return err_hint(e, "without LARDER_LLM_REPLAY the model is asked");
	}
	return r < 0 ? err_in(e, "the recorded answer '%s'", path) : 1;
}

int llm_record_keep(const struct llm_settings *s, const struct llm_question *q, const char *key,
		    const struct llm_recorded *answer, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(RECORD_MAX);
	AUTO_BUF struct buf question = BUF_INIT(RECORD_MAX);
	AUTO_FREE char *path = NULL;
	struct json_out o = json_out(&text);
	char now[TIME_TEXT_MAX];
	int r;

	if (!s->record)
		return 0;
	path = xasprintf("%s/%s.json", s->record, key);
	s->dialect->build(s, q, false, &question);
	json_open(&o, NULL, '{');
	json_add_text(&o, "at", time_format_iso(time_now(), now));
	json_add_text(&o, "purpose", q->request->purpose);
	json_add_text(&o, "kind", s->dialect->word);
	json_add_raw(&o, "question", buf_bytes(&question));
	json_add_text(&o, "answer", answer->text);
	json_add_text(&o, "answered_by", answer->model);
	json_open(&o, "usage", '{');
	json_add_int(&o, "input_tokens", answer->usage.input_tokens);
	json_add_int(&o, "output_tokens", answer->usage.output_tokens);
	json_close(&o);
	json_close(&o);
	/* Prompts quote what people said. */
	r = dir_make(AT_FDCWD, s->record, 0700, e);
	if (r == 0)
		r = file_replace(AT_FDCWD, path, buf_bytes(&text), 0600, e);
	return r < 0 ? err_in(e, "record the model's answer") : 0;
}
