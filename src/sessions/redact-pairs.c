/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/redact-pairs.h"

#include "base/str.h"
#include "sessions/redact-shape.h"
#include <ctype.h>

#define PASSWORD_MIN ((size_t)4)
#define SECRET_MIN   ((size_t)8)
#define TAKEN_OUT    "[redacted:"

enum state {
	READING, /* words, one of which may be a name */
	BETWEEN, /* a name was read: quotes, blanks, then '=' or ':' */
	OPENING, /* blanks and quotes before the value */
	VALUE,
	SWALLOWING, /* the rest of a value that is too long to be held */
	URL_USER,   /* behind "://" */
	URL_VALUE,  /* behind "://user:" */
};

static const struct {
	const char *ending;
	bool secret;
} names[] = {
	{ "password", false },  { "passwd", false },      { "passphrase", false },
	{ "pwd", false },       { "secret", true },       { "secret_key", true },
	{ "secretkey", true },  { "api_key", true },      { "api-key", true },
	{ "apikey", true },     { "access_key", true },   { "accesskey", true },
	{ "auth_token", true }, { "access_token", true }, { "refresh_token", true },
	{ "_token", true },     { "-token", true },
};

static void put(struct pairs *p, const char *text, size_t n)
{
	if (n > 0)
		p->put(p->ctx, (struct bytes){ text, n });
}

static bool ends_in(struct bytes word, const char *ending)
{
	size_t n = strlen(ending);

	return word.n >= n && strncasecmp(word.p + word.n - n, ending, n) == 0;
}

/* The word is over: was it a name? */
static bool is_name(struct pairs *p)
{
	struct bytes word = { p->name, p->n };

	if (p->n == 0 || p->n > sizeof(p->name))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!ends_in(word, names[i].ending))
			continue;
		p->secret = names[i].secret;
		p->blank = p->n > 2 && memcmp(p->name, "--", 2) == 0;
		return true;
	}
	return false;
}

static bool is_placeholder(struct bytes v)
{
	static const char *const words[] = { "null", "true", "false", "none", "undefined" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (v.n == strlen(words[i]) && strncasecmp(v.p, words[i], v.n) == 0)
			return true;
	if (v.p[0] == '$' && v.n > 1)
		return v.p[1] == '{' || v.p[1] == '(' || v.p[1] == '_' ||
		       isupper((unsigned char)v.p[1]);
	/* Paths (PWD=/work), what is to be filled in, what was taken out. */
	return strchr("/~<*%", v.p[0]) != NULL ||
	       (v.n >= strlen(TAKEN_OUT) && memcmp(v.p, TAKEN_OUT, strlen(TAKEN_OUT)) == 0);
}

static bool has_digit(struct bytes v)
{
	for (size_t i = 0; i < v.n; i++)
		if (isdigit((unsigned char)v.p[i]))
			return true;
	return false;
}

static bool is_prose(struct bytes v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!islower((unsigned char)v.p[i]) && v.p[i] != '.')
			return false;
	return true;
}

static bool is_secret(const struct pairs *p)
{
	struct bytes v = { p->value, p->length };
	const char *kind;

	if (v.n < (p->secret ? SECRET_MIN : PASSWORD_MIN) || is_placeholder(v))
		return false;
	if (p->secret && !has_digit(v))
		return false;
	/* A number of JSON stays one. */
	if (p->colon && !p->quote && (p->quoted_name || is_prose(v)))
		return false;
	if (p->dashes && v.p[0] == '-')
		return false;
	return shape_match(v, &kind) == 0;
}

static void give_up(struct pairs *p)
{
	p->state = READING;
	p->n = 0;
	p->slashes = 0;
}

static void take_out(struct pairs *p)
{
	static const char text[] = TAKEN_OUT "password]";

	put(p, text, sizeof(text) - 1);
	p->count++;
	p->length = 0;
}

static void end_value(struct pairs *p)
{
	if (is_secret(p))
		take_out(p);
	else
		put(p, p->value, p->length);
	p->length = 0;
	give_up(p);
}

static bool ends_value(const struct pairs *p, char c)
{
	if (c == '\\' || (unsigned char)c < 0x20)
		return true;
	if (p->quote) /* and whatever quotes there are, a string of JSON around it ends */
		return c == p->quote || c == '"';
	return strchr(" \"'`,;&|(){}]<>", c) != NULL;
}

static void read_word(struct pairs *p, char c)
{
	/* "://" begins what may be a name and a password. */
	if (c == ':' && p->n > 0 && p->slashes == 0)
		p->slashes = 1;
	else
		p->slashes = c == '/' && p->slashes > 0 ? p->slashes + 1 : 0;
	if (shape_is_word(c)) {
		if (p->n < sizeof(p->name))
			p->name[p->n] = c;
		p->n += p->n <= sizeof(p->name);
		return;
	}
	if (p->slashes == 3) {
		p->state = URL_USER;
		p->length = 0;
		return;
	}
	if (is_name(p)) {
		p->state = BETWEEN;
		p->escaped = p->colon = p->quoted_name = false;
		p->dashes = p->blank;
		p->quote = '\0';
	}
	if (p->slashes == 0)
		p->n = 0;
}

/* True when the byte is still one of those between a name and its value. */
static bool is_between(struct pairs *p, char c)
{
	if (p->blank && c == ' ') {
		p->state = OPENING;
		return true;
	}
	if (c == '=' || c == ':') {
		p->state = OPENING;
		p->colon = c == ':';
		return true;
	}
	if (c == ' ' || c == '\\')
		return true;
	p->quoted_name = c == '"' || c == '\'';
	return p->quoted_name;
}

/* The same before the value: a backslash must be that of a quote. */
static bool is_opening(struct pairs *p, char c)
{
	if (c == '\\') {
		p->escaped = true;
		return !p->quote;
	}
	if (c == '"' || c == '\'' || c == '`') {
		if (p->quote)
			return false;
		p->quote = c;
		p->escaped = false;
		return true;
	}
	return c == ' ' && !p->quote && !p->escaped;
}

static void begin_value(struct pairs *p, char c)
{
	/* Behind a quote that ended something, there is no value. */
	if (p->escaped || ends_value(p, c) || c == '=' || c == ':' ||
	    (p->quote && strchr(",]} ", c))) {
		give_up(p);
		read_word(p, c);
		put(p, &c, 1);
		return;
	}
	p->state = VALUE;
	p->value[0] = c;
	p->length = 1;
}

static void add_value(struct pairs *p, char c)
{
	if (ends_value(p, c)) {
		end_value(p);
		read_word(p, c);
		put(p, &c, 1);
		return;
	}
	if (p->length == sizeof(p->value)) {
		if (!is_secret(p)) { /* a word that long is not held for a guess */
			end_value(p);
			put(p, &c, 1);
			return;
		}
		take_out(p);
		p->state = SWALLOWING;
		return;
	}
	p->value[p->length++] = c;
}

static bool ends_url(char c)
{
	return isspace((unsigned char)c) || strchr("/\"'`\\<>()[]{}?#", c) != NULL;
}

static void add_user(struct pairs *p, char c)
{
	put(p, &c, 1);
	if (c == ':') {
		p->state = URL_VALUE;
		p->length = 0;
	} else if (ends_url(c) || c == '@' || ++p->length > PAIRS_NAME_MAX) {
		give_up(p);
	}
}

static void add_url_value(struct pairs *p, char c)
{
	bool over = ends_url(c) || p->length == sizeof(p->value);
	struct bytes v = { p->value, p->length };
	const char *kind;

	if (c == '@' && v.n > 0 && !is_placeholder(v) && shape_match(v, &kind) == 0) {
		take_out(p);
	} else if (c != '@' && !over) {
		p->value[p->length++] = c;
		return;
	}
	put(p, p->value, p->length);
	p->length = 0;
	put(p, &c, 1);
	give_up(p);
}

static void add_byte(struct pairs *p, char c)
{
	switch ((enum state)p->state) {
	case BETWEEN:
		if (!is_between(p, c)) {
			give_up(p);
			read_word(p, c);
		}
		put(p, &c, 1);
		break;
	case OPENING:
		if (is_opening(p, c))
			put(p, &c, 1);
		else
			begin_value(p, c);
		break;
	case VALUE:
		add_value(p, c);
		break;
	case SWALLOWING:
		if (!ends_value(p, c))
			break;
		give_up(p);
		put(p, &c, 1);
		break;
	case URL_USER:
		add_user(p, c);
		break;
	case URL_VALUE:
		add_url_value(p, c);
		break;
	case READING:
	default:
		read_word(p, c);
		/* The byte that ended a name may already stand for the value to come. */
		if (p->state == BETWEEN && !is_between(p, c))
			give_up(p);
		put(p, &c, 1);
	}
}

void pairs_add(struct pairs *p, struct bytes piece)
{
	for (size_t i = 0; i < piece.n; i++)
		add_byte(p, piece.p[i]);
}

void pairs_end(struct pairs *p)
{
	if (p->state == VALUE)
		end_value(p);
	put(p, p->value, p->state == URL_VALUE ? p->length : 0);
	p->length = 0;
	give_up(p);
}
