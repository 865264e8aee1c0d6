/* SPDX-License-Identifier: Apache-2.0 */
#include "db/postgres-internal.h"

#include "base/str.h"

/* By the first letters of SQLSTATE (appendix A of PostgreSQL's manual); the first that fits. */
static const struct {
	const char *state;
	enum err_code code;
} codes[] = {
	{ "08", ERR_OFFLINE },      /* connection exception */
	{ "28", ERR_AUTH },         /* invalid authorization */
	{ "3D000", ERR_NOT_FOUND }, /* no such database */
	{ "3F000", ERR_NOT_FOUND }, /* no such schema */
	{ "42501", ERR_DENIED },    /* insufficient privilege */
	{ "42P01", ERR_NOT_FOUND }, /* undefined table */
	{ "42703", ERR_NOT_FOUND }, /* undefined column */
	{ "42", ERR_USAGE },        /* syntax error, access rule */
	{ "21", ERR_USAGE },        /* more rows than one where one is meant */
	{ "22", ERR_USAGE },        /* data exception: division by zero */
	{ "25006", ERR_USAGE },     /* it would change something */
	{ "53", ERR_BUSY },         /* insufficient resources */
	{ "55P03", ERR_BUSY },      /* a lock not available */
	{ "57014", ERR_BUSY },      /* cancelled: a limit of its time */
	{ "57P", ERR_OFFLINE },     /* shutting down, starting up */
	{ "58", ERR_REMOTE },       /* its own system's error */
};

static enum err_code code_of(const char *state)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (str_starts(state, codes[i].state))
			return codes[i].code;
	return ERR_REMOTE;
}

/* The first line, without "ERROR:  " and "FATAL:  ", which our own words say. */
static struct bytes first_line(const char *text)
{
	static const char *const noise[] = { "ERROR:  ", "FATAL:  ", "PANIC:  " };

	for (size_t i = 0; i < ARRAY_LEN(noise); i++)
		if (str_starts(text, noise[i]))
			text += strlen(noise[i]);
	return (struct bytes){ text, strcspn(text, "\n") };
}

int postgres_error(const struct postgres *pg, const PGresult *r, const char *doing, struct err *e)
{
	const char *state = r ? pg->pq->resultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	const char *primary = r ? pg->pq->resultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	struct bytes line = first_line(primary ? primary : pg->pq->errorMessage(pg->connection));
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);

	text_add_clean(&clean, line);
	/* Without a state the connection itself is what failed. */
	return err_set(e, state ? code_of(state) : ERR_OFFLINE, "%s: %.300s", doing,
		       clean.n ? buf_str(&clean) : "the connection was lost");
}
