/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules find, and what they leave alone. */
#include "sessions/findings.h"

#include "test.h"

/* "detection|title|content|domain" of what is found; turns alternate, the assistant first. */
static char *found(const char *assistant, const char *user)
{
	AUTO_TURNS struct turns turns = { 0 };
	AUTO_FINDINGS struct findings f = { 0 };
	struct turn two[2] = { { false, xstrdup(assistant), 1 }, { true, xstrdup(user), 2 } };
	struct buf out = BUF_INIT(BUF_OWN_MAX);

	turns.v = xcalloc(2, sizeof(*turns.v));
	memcpy(turns.v, two, sizeof(two));
	turns.n = 2;
	findings_by_rules(&turns, &f);
	for (size_t i = 0; i < f.n; i++) {
		CHECK_INT(f.v[i].line, 2);
		buf_addf(&out, "%s%s|%s|%s", i ? "\n" : "", f.v[i].detection, f.v[i].title,
			 f.v[i].content);
	}
	return buf_take(&out);
}

static void check(const char *assistant, const char *user, const char *wanted)
{
	AUTO_FREE char *got = found(assistant, user);

	if (strcmp(got, wanted) != 0)
		fail_msg("'%s': '%s', not '%s'", user, got, wanted);
}

TEST(a_correction_is_found_with_its_statement)
{
	static const char done[] = "I summed revenue over all orders.";

	check(done, "No, revenue excludes cancelled orders.",
	      "correction|Revenue excludes cancelled orders|Revenue excludes cancelled orders.");
	check(done, "That's wrong. Revenue excludes cancelled orders.",
	      "correction|Revenue excludes cancelled orders|Revenue excludes cancelled orders.");
	check(done, "Actually, amounts in `orders` are in cents.",
	      "correction|Amounts in `orders` are in cents|Amounts in `orders` are in cents.");
	check(done, "No, that's not right: flights.origin joins airports.iata, always.",
	      "correction|Flights.origin joins airports.iata, always|Flights.origin joins "
	      "airports.iata, always.");
	check(done, "no - use net_amount instead of amount",
	      "correction|Use net_amount instead of amount|Use net_amount instead of amount.");
	check(done, "Wrong! Always filter orders by status before you sum them.", "");
	check(done, "Wrong! Always filter orders by status before summing.",
	      "correction|Always filter orders by status before summing|Always filter orders by "
	      "status before summing.");
}

TEST(an_objection_about_the_work_at_hand_is_no_correction)
{
	static const char *const work[] = {
		"No, do it again.",
		"No, I meant the other file.",
		"no, undo that please",
		"Actually, let's stop here.",
		"No, you should look at the second table.",
		"Wrong file.",
		"No.",
		"No, it is in UTC already.",
		"No, this is what we have been doing all along.",
		"No, is that the right table?",
		"Actually, why are there so many rows in that?",
		"Nothing is wrong, it is just slow.",
		"No, go back to the version that is on main.",
		"No, not yet, there are more tables to come.",
		"Actually, the button is still red on the page.",
		"No, the build is failing since yesterday.",
		"Wrong, the test has a bug in the loop.",
	};

	for (size_t i = 0; i < ARRAY_LEN(work); i++)
		check("Done.", work[i], "");
}

TEST(a_correction_needs_something_that_was_said_before)
{
	AUTO_FINDINGS struct findings f = { 0 };
	struct turn one = { true, NULL, 1 };
	struct turns turns = { .v = &one, .n = 1 };
	AUTO_FREE char *text = xstrdup("No, revenue excludes cancelled orders.");

	one.text = text;
	findings_by_rules(&turns, &f);
	CHECK_INT(f.n, 0);
}

TEST(a_definition_is_found_unasked)
{
	check("Hi.", "Churn means that a paying account was lost within the month.",
	      "unprompted_definition|Churn|Churn means that a paying account was lost within the "
	      "month.");
	check("Hi.", "By the way, ARR stands for annual recurring revenue",
	      "unprompted_definition|ARR|ARR stands for annual recurring revenue.");
	check("Hi.", "When we say active user, we mean one with a login within 30 days.",
	      "unprompted_definition|Active user|When we say active user, we mean one with a login "
	      "within 30 days.");
	check("Hi.", "We define the north star metric as weekly active teams.",
	      "unprompted_definition|North star metric|We define the north star metric as weekly "
	      "active teams.");
	check("Hi.", "Remember that the fiscal year starts in February.",
	      "unprompted_definition|The fiscal year starts in February|The fiscal year starts in "
	      "February.");
	check("Hi.", "Please plot it. \"Net churn\" is defined as churn less reactivations.",
	      "unprompted_definition|Net churn|\"Net churn\" is defined as churn less "
	      "reactivations.");
}

TEST(what_only_looks_like_a_definition_is_none)
{
	static const char *const others[] = {
		"That means we have to start over with the import.",
		"What does churn mean in this table?",
		"This error means that the server is down again.",
		"It means nothing.",
		"Churn means?",
		"So X means the thing from before, I guess?",
		"Remember that.",
		"Remember to run the tests.",
		"> Churn means that a paying account was lost.",
		"```\nchurn means that a paying account was lost\n```",
		"| churn means | that a paying account was lost |",
	};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		check("Hi.", others[i], "");
}

TEST(a_confirmation_is_found_with_what_was_asked)
{
	check("I looked at it. Is it correct that orders.amount is in cents?", "Yes.",
	      "confirmation|Orders.amount is in cents|Orders.amount is in cents.");
	check("So test accounts are excluded from revenue, right?", "exactly",
	      "confirmation|Test accounts are excluded from revenue|Test accounts are excluded from "
	      "revenue.");
	check("Test accounts are excluded from revenue, correct?", "That's correct, thanks",
	      "confirmation|Test accounts are excluded from revenue|Test accounts are excluded from "
	      "revenue.");
}

TEST(an_answer_that_confirms_nothing_is_none)
{
	check("Shall I go on?", "Yes.", "");
	check("Is it correct that orders.amount is in cents?", "Yes, but only since May.", "");
	check("Is it correct that orders.amount is in cents?", "No idea.", "");
	check("Is it correct that you want me to start?", "Yes", "");
	check("Is it correct that orders.amount is in cents? I will go on then.", "Yes", "");
	check("Right?", "Yes", "");
}

TEST(the_same_is_found_once_and_not_without_end)
{
	AUTO_FINDINGS struct findings f = { 0 };
	struct turns turns = { 0 };

	turns.v = xcalloc(200, sizeof(*turns.v));
	for (int i = 0; i < 200; i++)
		turns.v[turns.n++] =
			(struct turn){ true,
				       xasprintf("Term%c%c means the thing of number %d here.",
						 'a' + i / 2 / 26, 'a' + i / 2 % 26, i / 2),
				       i + 1 };
	findings_by_rules(&turns, &f);
	CHECK_INT(f.n, FINDINGS_MAX);
	turns_release(&turns);
}

TEST(a_text_that_was_pasted_is_left_alone)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&text, "Churn means that a paying account was lost. ");
	while (text.n < 1600)
		buf_adds(&text, "And so on it goes. ");
	check("Hi.", buf_str(&text), "");
}

TEST(entities_are_names_by_their_shape)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_BUF struct buf all = BUF_INIT(BUF_OWN_MAX);

	finding_add_entities("Revenue in `order lines` of net_amount, orders.amount and the ARR of "
			     "Berlin, e.g. iPhone. Amounts count; berlin again",
			     &names);
	for (size_t i = 0; i < names.n; i++)
		buf_addf(&all, "%s%s", i ? "|" : "", names.v[i]);
	CHECK_STR(buf_str(&all), "order lines|net_amount|orders.amount|ARR|Berlin|e.g|iPhone");
}

TEST(a_domain_is_guessed_by_its_words)
{
	CHECK_STR(finding_guess_domain("Revenue excludes tax and invoices"), "finance");
	CHECK_STR(finding_guess_domain("The cluster is in that region"), "infrastructure");
	CHECK_STR(finding_guess_domain("Nothing tells"), "data");
	CHECK_STR(finding_domain("product"), "product");
	CHECK(!finding_domain("other"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_correction_is_found_with_its_statement),
		CASE(an_objection_about_the_work_at_hand_is_no_correction),
		CASE(a_correction_needs_something_that_was_said_before),
		CASE(a_definition_is_found_unasked),
		CASE(what_only_looks_like_a_definition_is_none),
		CASE(a_confirmation_is_found_with_what_was_asked),
		CASE(an_answer_that_confirms_nothing_is_none),
		CASE(the_same_is_found_once_and_not_without_end),
		CASE(a_text_that_was_pasted_is_left_alone),
		CASE(entities_are_names_by_their_shape),
		CASE(a_domain_is_guessed_by_its_words),
	};

	return RUN(tests);
}
