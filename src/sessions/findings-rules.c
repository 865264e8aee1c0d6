/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings without a model. Meant to be right rather than complete: an admin reads each, and one bad
 * proposal costs more than one that was missed. docs/knowledge.md describes the patterns.
 */
#include "sessions/findings.h"

#include "sessions/sentences.h"

/* Somebody who writes more pasted it. */
#define MESSAGE_MAX   ((size_t)1500)
#define ASSENT_MAX    ((size_t)120)
#define TITLE_BYTES   ((size_t)80)
#define TERM_WORDS    5
#define MEANING_WORDS 3

struct found {
	const char *detection;
	const char *title;
	const char *content;
	const char *quote;
	int64_t line;
};

static void add(struct findings *out, const struct found *f)
{
	AUTO_FREE char *content = xasprintf("%s.", f->content);
	struct finding *new;

	content[0] = (char)(content[0] >= 'a' && content[0] <= 'z' ? content[0] - 32 : content[0]);
	for (size_t i = 0; i < out->n; i++) {
		if (str_eq(out->v[i].content, content))
			return;
	}
	new = findings_next(out);
	if (!new)
		return;
	new->detection = f->detection;
	new->title = sentence_title(f->title, TITLE_BYTES);
	new->content = TAKE(content);
	new->quote = xstrdup(f->quote);
	new->domain = finding_guess_domain(f->content);
	new->line = f->line;
	finding_add_entities(f->content, &new->entities);
}

/* What people say before they say it. */
static const char *skip_openers(const char *sentence)
{
	static const char *const openers[] = { "by the way",
					       "btw",
					       "fyi",
					       "note that",
					       "note",
					       "remember that",
					       "remember",
					       "for us",
					       "in our team",
					       "for the record",
					       "keep in mind that",
					       "for future reference",
					       NULL };

	for (size_t i = 0; openers[i]; i++) {
		const char *rest = sentence_after(sentence, openers[i]);

		if (rest && *rest)
			return rest;
	}
	return sentence;
}

static bool was_opened(const char *sentence)
{
	static const char *const openers[] = { "remember that",
					       "remember",
					       "for the record",
					       "keep in mind that",
					       "for future reference",
					       "note that",
					       NULL };

	for (size_t i = 0; openers[i]; i++) {
		if (sentence_after(sentence, openers[i]))
			return true;
	}
	return false;
}

/* "the `churn rate`" -> "churn rate"; NULL when it is no name of a thing. */
static char *term_of(const char *p, size_t n)
{
	static const char *const no_terms[] = {
		"it",         "this",    "that",      "these", "those", "which", "what",
		"he",         "she",     "they",      "i",     "you",   "we",    "there",
		"here",       "so",      "if",        "when",  "error", "no",    "yes",
		"and",        "but",     "because",   "since", "where", "how",   "why",
		"everything", "nothing", "something", "one",   NULL
	};
	static const char *const articles[] = { "a", "an", "the", NULL };
	AUTO_FREE char *text = NULL;

	while (n > 0 && strchr(" \t,\"'`*", p[n - 1]))
		n--;
	while (n > 0 && strchr(" \t\"'`*", *p)) {
		p++;
		n--;
	}
	text = xstrndup(p, n);
	for (size_t i = 0; no_terms[i]; i++) {
		if (sentence_after(text, no_terms[i]))
			return NULL;
	}
	if (n < 2 || strpbrk(text, ",;:()") || sentence_words(text) > TERM_WORDS)
		return NULL;
	for (size_t i = 0; articles[i]; i++) {
		const char *rest = sentence_after(text, articles[i]);

		if (rest && *rest)
			return term_of(rest, strlen(rest));
	}
	return TAKE(text);
}

/* "T means D" */
static char *defined_by_verb(const char *sentence)
{
	static const char *const verbs[] = { "means",      "is defined as", "are defined as",
					     "stands for", "refers to",     "is short for",
					     NULL };

	for (size_t i = 0; verbs[i]; i++) {
		const char *verb = sentence_find(sentence, verbs[i]);

		if (!verb || verb == sentence)
			continue;
		if (sentence_words(verb + strlen(verbs[i])) < MEANING_WORDS)
			return NULL;
		return term_of(sentence, (size_t)(verb - sentence));
	}
	return NULL;
}

/* "by T we mean D", "when we say T, we mean D", "we define T as D" */
static char *defined_by_us(const char *sentence)
{
	static const struct {
		const char *before, *after;
	} frames[] = {
		{ "by", "we mean" },
		{ "when we say", "we mean" },
		{ "if we say", "we mean" },
		{ "we define", "as" },
	};

	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		const char *term = sentence_after(sentence, frames[i].before);
		const char *after = term ? sentence_find(term, frames[i].after) : NULL;

		if (!after || sentence_words(after + strlen(frames[i].after)) < MEANING_WORDS)
			continue;
		return term_of(term, (size_t)(after - term));
	}
	return NULL;
}

static void find_definition(const struct turn *turn, const char *sentence, struct findings *out)
{
	const char *plain = skip_openers(sentence);
	AUTO_FREE char *term = NULL;
	struct found f = { .detection = "unprompted_definition",
			   .content = plain,
			   .quote = sentence,
			   .line = turn->line };

	if (sentence_is_question(plain) || strlen(plain) > SENTENCE_MAX)
		return;
	term = defined_by_us(plain);
	if (!term)
		term = defined_by_verb(plain);
	f.title = term ? term : plain;
	/* "Remember that X is Y" is meant to be kept, whatever its shape. */
	if (term || (was_opened(sentence) && sentence_is_statement(plain)))
		add(out, &f);
}

/* What follows a word of contradiction; NULL when none stands there. */
static const char *after_objection(const char *sentence)
{
	static const char *const objections[] = { "no",
						  "nope",
						  "wrong",
						  "that's wrong",
						  "that is wrong",
						  "that's not right",
						  "that's not correct",
						  "that's not true",
						  "that is not right",
						  "that is not correct",
						  "that is not true",
						  "that's incorrect",
						  "that is incorrect",
						  "incorrect",
						  "not quite",
						  "actually",
						  "not true",
						  NULL };
	const char *best = NULL;

	for (size_t i = 0; objections[i]; i++) {
		const char *rest = sentence_after(sentence, objections[i]);

		if (rest && (!best || rest > best))
			best = rest;
	}
	return best;
}

/* The statement is in the sentence of the objection, or is the next one. */
static void find_correction(const struct turn *turn, const struct strv *sentences,
			    struct findings *out)
{
	const char *rest = after_objection(sentences->v[0]);
	const char *deeper = rest ? after_objection(rest) : NULL;
	AUTO_FREE char *quote = NULL;
	struct found f = { .detection = "correction", .line = turn->line };

	if (deeper) /* "No, that's wrong: ..." */
		rest = deeper;
	if (!rest)
		return;
	if (!*rest && sentences->n > 1) {
		rest = sentences->v[1];
		quote = xasprintf("%s. %s", sentences->v[0], rest);
	} else {
		quote = xstrdup(sentences->v[0]);
	}
	if (!sentence_is_statement(rest))
		return;
	f.title = f.content = rest;
	f.quote = quote;
	add(out, &f);
}

/* The statement in an assistant's last question, which the caller owns: "Is it correct that X?",
 * "So X, right?" */
static char *asked_about(const char *question)
{
	static const char *const asks[] = { "is it correct that",
					    "is it right that",
					    "am I right that",
					    "am I correct that",
					    "do I understand correctly that",
					    "can you confirm that",
					    "should I assume that",
					    "just to confirm",
					    "to confirm",
					    "so",
					    NULL };
	static const char *const tags[] = { ", right?",
					    ", correct?",
					    ", is that right?",
					    ", is that correct?",
					    " - is that right?",
					    " - is that correct?",
					    "?",
					    NULL };
	const char *rest = NULL;
	bool tagged = false;

	for (size_t i = 0; asks[i] && !rest; i++)
		rest = sentence_after(question, asks[i]);
	for (size_t i = 0; tags[i]; i++) {
		size_t n = strlen(rest ? rest : question) - strlen(tags[i]);

		if (!str_ends(question, tags[i]))
			continue;
		tagged = !str_eq(tags[i], "?");
		return rest || tagged ? xstrndup(rest ? rest : question, n) : NULL;
	}
	return NULL;
}

static bool is_assent(const char *text)
{
	static const char *const words[] = { "yes",
					     "yep",
					     "yeah",
					     "correct",
					     "exactly",
					     "right",
					     "confirmed",
					     "that's right",
					     "that's correct",
					     "that is right",
					     "that is correct",
					     NULL };

	if (strlen(text) > ASSENT_MAX || sentence_find(text, "but") ||
	    sentence_find(text, "except"))
		return false;
	for (size_t i = 0; words[i]; i++) {
		if (sentence_after(text, words[i]))
			return true;
	}
	return false;
}

static void find_confirmation(const struct turn *asked, const struct turn *turn,
			      struct findings *out)
{
	AUTO_STRV struct strv sentences = STRV_INIT;
	AUTO_FREE char *statement = NULL;
	struct found f = { .detection = "confirmation", .quote = turn->text, .line = turn->line };

	if (!is_assent(turn->text))
		return;
	sentences_split(asked->text, &sentences);
	if (sentences.n == 0)
		return;
	statement = asked_about(sentences.v[sentences.n - 1]);
	if (!statement || !sentence_is_statement(statement))
		return;
	f.title = f.content = statement;
	add(out, &f);
}

static void look_at(const struct turn *before, const struct turn *turn, struct findings *out)
{
	AUTO_STRV struct strv sentences = STRV_INIT;

	if (strlen(turn->text) > MESSAGE_MAX)
		return;
	sentences_split(turn->text, &sentences);
	if (sentences.n == 0)
		return;
	if (before && !before->by_user) {
		find_correction(turn, &sentences, out);
		find_confirmation(before, turn, out);
	}
	for (size_t i = 0; i < sentences.n; i++)
		find_definition(turn, sentences.v[i], out);
}

void findings_by_rules(const struct turns *turns, struct findings *out)
{
	for (size_t i = 0; i < turns->n; i++) {
		if (turns->v[i].by_user)
			look_at(i > 0 ? &turns->v[i - 1] : NULL, &turns->v[i], out);
	}
}
