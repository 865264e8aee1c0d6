/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/list.h"

#include "base/time.h"
#include "sessions/external.h"
#include "sessions/state.h"

struct column {
	struct processor processor;
	char *name;
	struct session_cursor cursor;
};

struct listing {
	const struct session_list_options *o;
	struct db *db;
	struct column *columns;
	size_t n;
	int64_t now;
	const char *only; /* a session; NULL: all */
	bool found;
	struct json_out *out;
};

static void listing_release(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++) {
		session_cursor_close(&l->columns[i].cursor);
		free(l->columns[i].name);
	}
	free(l->columns);
}

static int open_column(struct listing *l, const char *name, struct err *e)
{
	struct column *c = &l->columns[l->n];
	int r = processor_find(l->o->configured, name, &c->processor, e);

	if (r < 0)
		return r;
	c->name = xstrdup(name);
	l->n++;
	return session_cursor_open(&c->cursor, l->db, name, e);
}

static int open_columns(struct listing *l, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = 0;

	if (l->o->processor)
		strv_add(&names, l->o->processor);
	else
		processor_names(l->o->configured, &names);
	l->columns = xcalloc(names.n + 1, sizeof(*l->columns));
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = open_column(l, names.v[i], e);
	return r;
}

static void add_file(struct json_out *o, const struct session_stat *s)
{
	json_add_text(o, "session", s->session);
	json_add_text(o, "user", s->email);
	json_add_int(o, "size", s->size);
	json_add_time(o, "updated_at", s->mtime_ns > 0 ? s->mtime_ns / 1000000 : 0);
}

static void add_state(struct json_out *o, const char *processor, enum session_verdict verdict,
		      const struct session_row *row)
{
	json_add_text(o, "processor", processor);
	json_add_text(o, "state", session_verdict_word(verdict));
	json_add_time(o, "processed_at", row ? row->done_ms : 0);
	json_add_int(o, "items", row && !row->error ? row->items : 0);
	json_add_int(o, "attempts", row ? row->attempts : 0);
	json_add_time(o, "next_at", row && row->error ? row->due_ms : 0);
	json_add_text(o, "error", row ? row->error : NULL);
}

static bool is_wanted(const struct listing *l, const struct session_stat *s)
{
	if (l->only)
		return str_eq(l->only, s->session);
	return !l->o->user || str_eq(l->o->user, s->email);
}

/* Read so soon after it was written that the next run looks at its bytes: nothing that a person
 * need know. */
static enum session_verdict judge(const struct listing *l, const struct column *c,
				  const struct session_stat *s, const struct session_row *row)
{
	enum session_verdict v = session_judge(s, row, c->processor.version, l->now);

	return v == SESSION_DOUBT && row->mtime_ns == s->mtime_ns ? SESSION_STABLE : v;
}

static int list_one(void *ctx, const struct session_stat *s, struct err *e)
{
	struct listing *l = ctx;

	if (!is_wanted(l, s))
		return 0;
	for (size_t i = 0; i < l->n; i++) {
		struct column *c = &l->columns[i];
		const struct session_row *row = NULL;
		enum session_verdict verdict;

		if (session_cursor_find(&c->cursor, s->session, &row, e) < 0)
			return e->code;
		verdict = judge(l, c, s, row);
		if (l->o->state && !str_eq(l->o->state, session_verdict_word(verdict)))
			continue;
		json_open(l->out, NULL, '{');
		add_file(l->out, s);
		add_state(l->out, c->name, verdict, row);
		json_close(l->out);
	}
	return 0;
}

static int check_state(const char *word, struct err *e)
{
	for (int v = SESSION_STABLE; v <= SESSION_ASIDE; v++)
		if (!word || str_eq(word, session_verdict_word((enum session_verdict)v)))
			return 0;
	return err_set(e, ERR_USAGE,
		       "there is no state '%s', only done, new, doubt, retry, waiting and aside",
		       word);
}

int sessions_list(const struct root *root, const struct session_list_options *options,
		  struct json_out *out, struct err *e)
{
	AUTO(listing_release) struct listing l = { .o = options, .db = root_db(root), .out = out };
	int r = check_state(options->state, e);

	l.now = time_now();
	if (r == 0)
		r = open_columns(&l, e);
	return r < 0 ? r : sessions_walk(root_dirfd(root), list_one, &l, e);
}

static int show_one(void *ctx, const struct session_stat *s, struct err *e)
{
	struct listing *l = ctx;
	int r = 0;

	if (!is_wanted(l, s))
		return 0;
	l->found = true;
	add_file(l->out, s);
	json_open(l->out, "processors", '[');
	for (size_t i = 0; r == 0 && i < l->n; i++) {
		struct column *c = &l->columns[i];
		const struct session_row *row = NULL;

		r = session_cursor_find(&c->cursor, s->session, &row, e);
		if (r < 0)
			break;
		json_open(l->out, NULL, '{');
		add_state(l->out, c->name, judge(l, c, s, row), row);
		json_open(l->out, "kept", '[');
		r = external_items(l->db, c->name, s->session, l->out, e);
		json_close(l->out);
		json_close(l->out);
	}
	json_close(l->out);
	return r;
}

int sessions_show(const struct root *root, const struct session_list_options *options,
		  const char *session, struct json_out *out, struct err *e)
{
	AUTO(listing_release)
	struct listing l = { .o = options, .db = root_db(root), .out = out, .only = session };
	int r = open_columns(&l, e);

	l.now = time_now();
	if (r == 0)
		r = sessions_walk(root_dirfd(root), show_one, &l, e);
	if (r == 0 && !l.found)
		r = err_set(e, ERR_NOT_FOUND, "there is no session '%s'", session);
	return r;
}
