/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/turns.h"

#include "base/lines.h"
#include "duck/duck.h"
#include "sessions/redact.h"
#include "sessions/transcript.h"

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)
/* More of a text than its bytes can be. */
#define LETTERS_MAX 4000

#define READ_MEMORY ((int64_t)1 << 30)
/* A batch takes a second; what takes longer hangs. */
#define READ_MS ((int64_t)5 * 60 * 1000)

/* Of a line, nested or flat; what is of another kind is NULL. */
#define SHAPE                                                                                      \
	"{\"type\":\"VARCHAR\",\"isMeta\":\"BOOLEAN\",\"isSidechain\":\"BOOLEAN\","                \
	"\"isCompactSummary\":\"BOOLEAN\",\"role\":\"VARCHAR\",\"content\":\"JSON\","              \
	"\"message\":{\"role\":\"VARCHAR\",\"content\":\"JSON\"}}"

/* What the harness writes in a user's name begins so. */
#define MACHINE_TALK                                                                               \
	"^(<command-name>|<command-message>|<local-command|<system-reminder>|<task-notification>|" \
	"<bash-|\\[Request interrupted|Caveat: The messages below|"                                \
	"This session is being continued)"

#define LINE   "line_of(text, '" SHAPE "')"
#define CUT    ", " TEXT(LETTERS_MAX) ")"
#define NEWEST "<= " TEXT(TURNS_MAX)

static const char sql_turns[] =
	"WITH parsed AS (SELECT file, line, " LINE " AS j FROM raw_lines()),"
	" said AS (SELECT file, line,"
	" coalesce(j.message.role, j.role) AS role, coalesce(j.message.content, j.content) AS content"
	" FROM parsed WHERE coalesce(j.type, '') NOT IN ('system', 'summary',"
	" 'file-history-snapshot', 'queue-operation', 'progress')"
	" AND NOT coalesce(j.\"isMeta\", false) AND NOT coalesce(j.\"isSidechain\", false)"
	" AND NOT coalesce(j.\"isCompactSummary\", false)),"
	" blocks AS (SELECT file, line, role, CASE json_type(content)"
	" WHEN 'VARCHAR' THEN [content->>'$']"
	" WHEN 'ARRAY' THEN [b.text FOR b IN json_transform(content,"
	" '[{\"type\":\"VARCHAR\",\"text\":\"VARCHAR\"}]') IF b.type = 'text'] END AS texts"
	" FROM said WHERE role IN ('user', 'assistant')),"
	" turns AS (SELECT file, line, role = 'user' AS by_user, left(array_to_string("
	"[t FOR t IN texts IF NOT regexp_matches(t, '" MACHINE_TALK "')], chr(10))" CUT
	" AS text FROM blocks)"
	" SELECT file, line, by_user, text FROM turns WHERE text <> ''"
	" QUALIFY row_number() OVER (PARTITION BY file ORDER BY line DESC) " NEWEST
	" ORDER BY file, line";

void turns_release(struct turns *turns)
{
	for (size_t i = 0; i < turns->n; i++)
		free(turns->v[i].text);
	free(turns->v);
	*turns = (struct turns){ 0 };
}

/* Leaves no half letter behind. */
static struct bytes cut(struct bytes text)
{
	size_t n = text.n < TURN_TEXT_MAX ? text.n : TURN_TEXT_MAX;

	while (n > 0 && n < text.n && ((unsigned char)text.p[n] & 0xC0) == 0x80)
		n--;
	return (struct bytes){ text.p, n };
}

void turns_add(struct turns *turns, bool by_user, struct bytes text, int64_t line)
{
	AUTO_BUF struct buf plain = BUF_INIT(BUF_OWN_MAX);
	struct buf out = BUF_INIT(BUF_OWN_MAX);

	(void)redact_text(cut(text), &plain);
	text_add_lines(&out, buf_bytes(&plain));
	turns->v = xgrow(turns->v, &turns->capacity, turns->n + 1, sizeof(*turns->v));
	turns->v[turns->n++] =
		(struct turn){ .by_user = by_user, .text = buf_take(&out), .line = line };
}

struct reading {
	struct turns *turns;
	size_t n;
};

static int take_turn(void *ctx, const struct json *row, struct err *e)
{
	const struct reading *r = ctx;
	int64_t file = json_int(json_at(row, 0), -1);

	if (file < 0 || (size_t)file >= r->n)
		return err_set(e, ERR_FAILED, "larder-duck answered for a file that is none");
	turns_add(&r->turns[file], json_flag(json_at(row, 2), false), json_bytes(json_at(row, 3)),
		  json_int(json_at(row, 1), 0));
	return 0;
}

int turns_read(const struct session_source *files, size_t n, struct turns *ret_turns, struct err *e)
{
	AUTO_STRV struct strv setup = STRV_INIT, texts = STRV_INIT;
	struct reading reading = { ret_turns, n };
	const struct duck_read request = { .setup = &setup,
					   .texts = &texts,
					   .sql = sql_turns,
					   .memory_bytes = READ_MEMORY,
					   .deadline_ms = READ_MS,
					   .ctx = &reading,
					   .on_row = take_turn };
	int r;

	transcript_add(files, n, &setup, &texts);
	r = duck_read(&request, e);
	for (size_t i = 0; r < 0 && i < n; i++)
		turns_release(&ret_turns[i]);
	return r;
}
