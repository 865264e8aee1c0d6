/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of transcripts, in SQL; usage.h says how the parts go together. */
#include "sessions/usage.h"

/* Of a content block: what a tool was asked, what a result says. */
#define BLOCKS                                                                                     \
	"[{\"type\":\"VARCHAR\",\"id\":\"VARCHAR\",\"name\":\"VARCHAR\",\"tool_use_id\":"          \
	"\"VARCHAR\",\"is_error\":\"BOOLEAN\",\"input\":{\"skill\":\"VARCHAR\",\"name\":"          \
	"\"VARCHAR\",\"subagent_type\":\"VARCHAR\"}}]"
#define TOKENS                                                                                     \
	"{\"input_tokens\":\"BIGINT\",\"output_tokens\":\"BIGINT\",\"cache_read_input_tokens\":"   \
	"\"BIGINT\",\"cache_creation_input_tokens\":\"BIGINT\"}"
/* Of a line, nested or flat; what is of another kind is NULL. */
#define SHAPE                                                                                      \
	"{\"type\":\"VARCHAR\",\"uuid\":\"VARCHAR\",\"parentUuid\":\"VARCHAR\",\"sessionId\":"     \
	"\"VARCHAR\",\"isSidechain\":\"BOOLEAN\",\"isMeta\":\"BOOLEAN\",\"isApiErrorMessage\":"    \
	"\"BOOLEAN\",\"timestamp\":\"VARCHAR\",\"cwd\":\"VARCHAR\",\"requestId\":\"VARCHAR\","     \
	"\"role\":\"VARCHAR\",\"model\":\"VARCHAR\",\"content\":" BLOCKS ",\"usage\":" TOKENS      \
	",\"tool_use_result\":{\"tool_use_id\":\"VARCHAR\",\"is_error\":\"BOOLEAN\"},"             \
	"\"message\":{\"id\":\"VARCHAR\",\"role\":\"VARCHAR\",\"model\":\"VARCHAR\","              \
	"\"content\":" BLOCKS ",\"usage\":" TOKENS "}}"

/* No request takes a thousandth of it; and so many of them never overflow a sum. */
#define TOKENS_OF(column) "least(greatest(" column ", 0), 1000000000000) AS " column

/*
 * One row for each line that matters, and one of kind 'file' for each file, so that a file without
 * any replaces what it gave before, too. What one user writes must not spoil the tables of all: a
 * time that cannot be is none, texts have an end.
 */
const char usage_sql_extract[] =
	"WITH parsed AS (SELECT file, line, line_of(text, '" SHAPE "') AS j,"
	" CASE WHEN contains(text, 'command-name>') THEN regexp_extract(text,"
	" '<command-name>(?:\\\\?/)?([A-Za-z0-9_.:-]{1,100})<', 1) END AS command"
	" FROM raw_lines()),"
	" flat AS (SELECT file, line, j.uuid AS uuid, j.\"parentUuid\" AS parent_uuid,"
	" j.\"sessionId\" AS session_id, coalesce(j.\"isSidechain\", false) AS side,"
	" coalesce(j.\"isMeta\", false) AS meta,"
	" coalesce(j.\"isApiErrorMessage\", false) AS failed,"
	" TRY_CAST(j.timestamp AS TIMESTAMPTZ)::TIMESTAMP AS moment, left(j.cwd, 1000) AS cwd,"
	" j.\"requestId\" AS request_id, j.message.id AS message_id,"
	" coalesce(j.message.role, j.role, j.type) AS role,"
	" left(coalesce(j.message.model, j.model), 200) AS model,"
	" coalesce(j.message.content, j.content, []) AS content,"
	" coalesce(j.message.usage, j.usage) AS usage, j.tool_use_result AS legacy, command"
	" FROM parsed WHERE coalesce(j.type, 'user') IN ('user', 'assistant', 'message')"
	" AND coalesce(j.message.role, j.role, j.type) IN ('user', 'assistant')),"
	" results AS (SELECT *, list_concat([{'id': b.tool_use_id, 'is_error':"
	" coalesce(b.is_error, false)} FOR b IN content"
	" IF b.type = 'tool_result' AND b.tool_use_id IS NOT NULL],"
	" CASE WHEN legacy.tool_use_id IS NULL THEN [] ELSE [{'id': legacy.tool_use_id,"
	" 'is_error': coalesce(legacy.is_error, false)}] END) AS results FROM flat)"
	" SELECT 'line' AS kind, f.session, f.username, r.line, r.role, r.uuid, r.parent_uuid,"
	" r.session_id, r.side, r.meta, r.failed OR coalesce(r.model, '') = '<synthetic>' AS failed,"
	" CASE WHEN r.moment BETWEEN '2000-01-01' AND '2100-01-01' THEN r.moment END AS moment,"
	" r.cwd, r.request_id, r.message_id, r.model,"
	" r.usage.input_tokens AS input_tokens, r.usage.output_tokens AS output_tokens,"
	" r.usage.cache_read_input_tokens AS cache_read_tokens,"
	" r.usage.cache_creation_input_tokens AS cache_creation_tokens,"
	" [{'id': b.id, 'name': left(b.name, 200), 'skill': left(CASE WHEN b.name = 'Skill' THEN"
	" coalesce(b.input.skill, b.input.name) END, 200), 'subagent':"
	" left(b.input.subagent_type, 200)}"
	" FOR b IN r.content IF b.type = 'tool_use' AND b.name IS NOT NULL] AS tools, r.results,"
	" CASE WHEN r.role = 'user' AND len(r.results) = 0 THEN nullif(r.command, '') END AS command"
	" FROM results r JOIN file f ON f.file = r.file"
	" UNION ALL BY NAME SELECT 'file' AS kind, session, username, 0 AS line FROM file"
	" ORDER BY session, line";

/* All extracts, of each session its newest; then without what a resumed or forked file repeats. */
static const char *const steps[] = {
	"CREATE TEMP TABLE newest AS SELECT session, max(number) AS number"
	" FROM extracted WHERE kind = 'file' AND session NOT IN (SELECT session FROM gone)"
	" GROUP BY session",
	/* Where a line is first at home: in the file that bears its session's name. */
	"CREATE TEMP TABLE line AS WITH own AS ("
	"SELECT e.*, regexp_replace(regexp_replace(split_part(e.session, '/', -1),"
	" '\\.jsonl$', ''), '\\.agent-.*$', '') AS owner"
	" FROM extracted e JOIN newest USING (session, number) WHERE e.kind = 'line')"
	" SELECT * EXCLUDE (kind, number) FROM own QUALIFY uuid IS NULL OR row_number() OVER"
	" (PARTITION BY username, uuid ORDER BY session_id = owner DESC NULLS LAST, session,"
	" line DESC) = 1",
	/* A request counts once; of its lines the last has the final figures. */
	"CREATE TEMP TABLE answer AS SELECT username, owner, session, moment, model,"
	" " TOKENS_OF("input_tokens") ", " TOKENS_OF("output_tokens") ", " TOKENS_OF("cache_read_tokens") ", " TOKENS_OF(
		"cache_creation_tokens") " FROM line"
					 " WHERE role = 'assistant' AND NOT failed"
					 " QUALIFY (request_id IS NULL AND message_id IS NULL) OR row_number() OVER"
					 " (PARTITION BY username, request_id, message_id"
					 " ORDER BY session_id = owner DESC NULLS LAST, session, line DESC) = 1",
	"CREATE TEMP TABLE outcome AS SELECT username, r.id AS id, bool_or(r.is_error) AS"
	" is_error FROM (SELECT username, unnest(results) AS r FROM line) GROUP BY ALL",
	"CREATE TEMP TABLE tool_call AS SELECT *, t.id AS tool_id FROM"
	" (SELECT l.* EXCLUDE (tools), unnest(l.tools) AS t FROM line l)"
	" QUALIFY t.id IS NULL OR row_number() OVER (PARTITION BY username, t.id"
	" ORDER BY session_id = owner DESC NULLS LAST, session, line) = 1",
	"CREATE TEMP TABLE event AS WITH both_kinds AS ("
	"SELECT owner AS session_id, session AS session_file, c.username, uuid, parent_uuid,"
	" tool_id, t.name AS tool_name, t.skill AS skill_name,"
	" CASE WHEN t.name IN ('Task', 'Agent') THEN t.subagent END AS subagent_type,"
	" NULL::VARCHAR AS command_name, coalesce(o.is_error, false) AS is_error, model, cwd,"
	" moment, side, CASE WHEN t.name IN ('Task', 'Agent') THEN 'subagent'"
	" WHEN starts_with(t.name, 'mcp__') THEN 'mcp_call' ELSE 'tool_use' END AS event_type"
	" FROM tool_call c LEFT JOIN outcome o ON o.username = c.username AND o.id = c.tool_id"
	" UNION ALL SELECT owner, session, username, uuid, parent_uuid, NULL, NULL, NULL,"
	" NULL, command, false, model, cwd, moment, side, 'slash_command' FROM line"
	" WHERE command IS NOT NULL)"
	" SELECT *, CASE WHEN event_type = 'mcp_call' THEN 'mcp' WHEN contains(coalesce("
	"skill_name, subagent_type, command_name, ''), ':') THEN 'plugin' ELSE 'builtin' END AS"
	" source, CASE WHEN event_type = 'mcp_call' THEN split_part(tool_name, '__', 2)"
	" WHEN contains(coalesce(skill_name, subagent_type, command_name, ''), ':') THEN"
	" split_part(coalesce(skill_name, subagent_type, command_name), ':', 1) END AS ref_id"
	" FROM both_kinds",
};

static void add_gone(struct buf *sql, const struct strv *gone)
{
	buf_adds(sql, "CREATE TEMP TABLE gone AS SELECT unnest([''");
	for (size_t i = 0; i < gone->n; i++) {
		buf_adds(sql, ", ");
		sql_quote_text(sql, gone->v[i]);
	}
	buf_adds(sql, "]) AS session");
}

static void add_extracts(struct buf *sql, const struct strv *extracts)
{
	buf_adds(sql, "CREATE TEMP VIEW extracted AS ");
	for (size_t i = 0; i < extracts->n; i++) {
		buf_addf(sql, "%sSELECT %zu AS number, * FROM read_parquet(",
			 i ? " UNION ALL " : "", i);
		sql_quote_text(sql, extracts->v[i]);
		buf_adds(sql, ", hive_partitioning = false)");
	}
}

void usage_add_views(struct strv *setup, const struct strv *extracts, const struct strv *gone)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	add_gone(&sql, gone);
	strv_add(setup, buf_str(&sql));
	buf_clear(&sql);
	add_extracts(&sql, extracts);
	strv_add(setup, buf_str(&sql));
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		strv_add(setup, steps[i]);
}

const char usage_sql_merged[] = "SELECT e.* EXCLUDE (number) FROM extracted e"
				" JOIN newest USING (session, number) ORDER BY session, line";

const char usage_sql_events[] =
	"SELECT sha256(concat_ws('|', username, session_id, coalesce(uuid, session_file || '#' || moment::VARCHAR),"
	" coalesce(tool_id, ''), event_type, coalesce(tool_name, ''), coalesce(command_name, '')))"
	" AS id, session_id, session_file, username, uuid AS event_uuid, parent_uuid, event_type,"
	" tool_name, skill_name, subagent_type, command_name, is_error, source, ref_id, model, cwd,"
	" side AS is_subagent, moment AS occurred_at FROM event"
	" ORDER BY moment NULLS FIRST, username, session_file, id, tool_id";

/* Work is what lies less than ten minutes apart. */
const char usage_sql_sessions[] =
	"WITH beat AS (SELECT *, moment - lag(moment) OVER (PARTITION BY username, owner ORDER BY moment) AS gap"
	" FROM line), base AS (SELECT username, owner, min(moment) AS started_at, max(moment) AS ended_at,"
	" coalesce(sum(CASE WHEN gap < INTERVAL 10 MINUTE THEN epoch_ms(gap) END), 0) AS active_ms,"
	" count(*) FILTER (role = 'user' AND NOT meta AND NOT side AND len(results) = 0)"
	" AS user_messages FROM beat GROUP BY ALL),"
	" answers AS (SELECT username, owner, count(*) AS assistant_messages,"
	" sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,"
	" sum(cache_read_tokens) AS cache_read_tokens,"
	" sum(cache_creation_tokens) AS cache_creation_tokens FROM answer GROUP BY ALL),"
	" models AS (SELECT username, owner, model FROM answer WHERE model IS NOT NULL"
	" GROUP BY username, owner, model"
	" QUALIFY row_number() OVER (PARTITION BY username, owner ORDER BY count(*) DESC, model) = 1),"
	" events AS (SELECT username, session_id AS owner,"
	" count(*) FILTER (tool_name IS NOT NULL) AS tool_calls,"
	" count(*) FILTER (tool_name IS NOT NULL AND is_error) AS tool_errors,"
	" count(*) FILTER (skill_name IS NOT NULL) AS skill_calls,"
	" count(*) FILTER (event_type = 'subagent') AS subagent_calls,"
	" count(*) FILTER (event_type = 'mcp_call') AS mcp_calls,"
	" count(*) FILTER (event_type = 'slash_command') AS slash_commands,"
	" count(DISTINCT tool_name) AS distinct_tools,"
	" count(DISTINCT skill_name) AS distinct_skills FROM event GROUP BY ALL)"
	" SELECT b.owner AS session_id, b.username || '/' || b.owner || '.jsonl' AS session_file,"
	" b.username, b.started_at, b.ended_at,"
	" round(epoch_ms(b.ended_at - b.started_at) / 1000)::BIGINT AS wall_seconds,"
	" round(b.active_ms / 1000)::BIGINT AS active_seconds, b.user_messages,"
	" coalesce(a.assistant_messages, 0) AS assistant_messages,"
	" coalesce(e.tool_calls, 0) AS tool_calls, coalesce(e.tool_errors, 0) AS tool_errors,"
	" coalesce(e.skill_calls, 0) AS skill_calls,"
	" coalesce(e.subagent_calls, 0) AS subagent_calls, coalesce(e.mcp_calls, 0) AS mcp_calls,"
	" coalesce(e.slash_commands, 0) AS slash_commands,"
	" coalesce(e.distinct_tools, 0) AS distinct_tools,"
	" coalesce(e.distinct_skills, 0) AS distinct_skills, m.model AS primary_model,"
	" coalesce(a.input_tokens, 0)::BIGINT AS input_tokens,"
	" coalesce(a.output_tokens, 0)::BIGINT AS output_tokens,"
	" coalesce(a.cache_read_tokens, 0)::BIGINT AS cache_read_tokens,"
	" coalesce(a.cache_creation_tokens, 0)::BIGINT AS cache_creation_tokens"
	" FROM base b LEFT JOIN answers a USING (username, owner)"
	" LEFT JOIN models m USING (username, owner) LEFT JOIN events e USING (username, owner)"
	" ORDER BY b.started_at NULLS FIRST, b.username, b.owner";

const char usage_sql_tools[] =
	"SELECT moment::DATE AS day, tool_name AS tool, source, count(*) AS invocations,"
	" count(*) FILTER (is_error) AS error_count, count(DISTINCT username) AS distinct_users,"
	" count(DISTINCT (username, session_id)) AS distinct_sessions FROM event"
	" WHERE tool_name IS NOT NULL AND moment IS NOT NULL GROUP BY ALL ORDER BY ALL";
