/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/state.h"

#include "base/str.h"
#include "test.h"

static struct agent_verdict judge(enum agent_status from, enum agent_event event,
				  struct agent_evidence seen)
{
	return agent_judge(from, event, &seen);
}

#define LOOK(...) judge(AGENT_RUNNING, AGENT_LOOK, (struct agent_evidence){ __VA_ARGS__ })
#define EXIT(...) judge(AGENT_RUNNING, AGENT_EXIT, (struct agent_evidence){ __VA_ARGS__ })

#define BECOMES(verdict, to, why)                                                                  \
	do {                                                                                       \
		struct agent_verdict v_ = verdict;                                                 \
		CHECK(v_.legal);                                                                   \
		CHECK_STR(agent_status_word(v_.status), agent_status_word(to));                    \
		CHECK_STR(v_.reason, why);                                                         \
	} while (0)

TEST(what_a_supervisor_saw_decides)
{
	BECOMES(EXIT(.exit_known = true), AGENT_COMPLETED, "finished");
	BECOMES(EXIT(.exit_known = true, .exit_code = 3), AGENT_FAILED, "exit_code");
	BECOMES(EXIT(.exit_known = true, .asked = true), AGENT_BLOCKED, "asked");
	BECOMES(EXIT(.exit_known = true, .exit_code = 1, .asked = true), AGENT_BLOCKED, "asked");
	BECOMES(EXIT(.exit_known = true, .exit_code = 143, .stopped = true), AGENT_FAILED,
		"stopped");
	BECOMES(EXIT(.exit_known = true, .exit_code = 137, .timed_out = true), AGENT_FAILED,
		"timed_out");
}

TEST(a_live_or_unknown_process_is_never_reaped)
{
	static const enum proc_liveness lives[] = { PROC_ALIVE, PROC_UNKNOWN };

	for (size_t i = 0; i < ARRAY_LEN(lives); i++) {
		for (unsigned bits = 0; bits < 1 << 8; bits++) {
			const struct agent_evidence seen = {
				.life = lives[i],
				.startable = bits & 1,
				.spawned = bits & 2,
				.asked = bits & 4,
				.exit_known = bits & 8,
				.exit_code = bits & 16 ? 9 : 0,
				.reported = bits & 32,
				.logged = bits & 64,
				.stopped = bits & 128,
			};

			CHECK_INT(agent_judge(AGENT_RUNNING, AGENT_LOOK, &seen).status,
				  AGENT_RUNNING);
		}
	}
}

TEST(what_a_dead_one_left_is_asked_before_it_is_called_dead)
{
	BECOMES(LOOK(.life = PROC_DEAD, .spawned = true, .asked = true), AGENT_BLOCKED,
		"asked_unwatched");
	BECOMES(LOOK(.life = PROC_DEAD, .spawned = true, .exit_known = true), AGENT_COMPLETED,
		"finished_unwatched");
	BECOMES(LOOK(.life = PROC_DEAD, .spawned = true, .exit_known = true, .exit_code = 2),
		AGENT_FAILED, "exit_code_unwatched");
	BECOMES(LOOK(.life = PROC_DEAD, .spawned = true, .reported = true, .logged = true),
		AGENT_COMPLETED, "reported_unwatched");
	BECOMES(LOOK(.life = PROC_DEAD, .spawned = true, .logged = true), AGENT_FAILED, "died");
	BECOMES(LOOK(.life = PROC_DEAD, .spawned = true), AGENT_FAILED, "no_log");
	BECOMES(LOOK(.life = PROC_DEAD, .spawned = true, .stopped = true), AGENT_FAILED, "stopped");
	BECOMES(LOOK(.life = PROC_DEAD), AGENT_FAILED, "no_log");
}

TEST(work_that_never_began_begins_again)
{
	BECOMES(LOOK(.life = PROC_DEAD, .startable = true), AGENT_QUEUED, "never_started");
}

TEST(only_ended_work_is_resumed)
{
	const struct agent_evidence seen = { .startable = true };

	for (int from = AGENT_QUEUED; from < AGENT_STATUSES; from++) {
		bool may = from == AGENT_BLOCKED || from == AGENT_FAILED || from == AGENT_COMPLETED;

		CHECK_INT(agent_judge((enum agent_status)from, AGENT_WAIT, &seen).legal, may);
	}
	CHECK(!judge(AGENT_FAILED, AGENT_WAIT, (struct agent_evidence){ 0 }).legal);
}

TEST(everything_else_is_refused_and_changes_nothing)
{
	const struct agent_evidence seen = { .startable = true, .exit_known = true };
	static const struct {
		enum agent_event event;
		unsigned legal; /* a bit for each status */
	} cases[] = {
		{ AGENT_SPAWN, 1 << AGENT_QUEUED },
		{ AGENT_EXIT, 1 << AGENT_RUNNING },
		{ AGENT_LOOK, 1 << AGENT_RUNNING },
		{ AGENT_STOP, 1 << AGENT_QUEUED },
		{ AGENT_MERGE, 1 << AGENT_COMPLETED | 1 << AGENT_REVIEW },
		{ AGENT_OFFER, 1 << AGENT_COMPLETED },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (unsigned from = 0; from < AGENT_STATUSES; from++) {
			struct agent_verdict v =
				agent_judge((enum agent_status)from, cases[i].event, &seen);

			CHECK_INT(v.legal, (cases[i].legal >> from) & 1);
			if (!v.legal)
				CHECK_INT(v.status, from);
		}
	}
}

TEST(words_are_those_of_the_contract)
{
	static const char *const words[] = { "queued",    "running", "blocked",         "failed",
					     "completed", "merged",  "ready-for-review" };
	enum agent_status status;
	struct err e = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		CHECK_OK(agent_status_parse(words[i], &status, &e));
		CHECK_INT(status, AGENT_QUEUED + (int)i);
		CHECK_STR(agent_status_word(status), words[i]);
	}
	CHECK_ERR(agent_status_parse("runing", &status, &e), ERR_USAGE);
	CHECK_HAS(e.hint, "'running'");
	CHECK(!agent_is_terminal(AGENT_QUEUED) && !agent_is_terminal(AGENT_RUNNING));
	CHECK(agent_is_terminal(AGENT_BLOCKED) && agent_is_terminal(AGENT_REVIEW));
}

TEST(a_failure_says_why)
{
	const struct agent_evidence seen = { .exit_code = 42 };
	AUTO_BUF struct buf text = BUF_INIT(200);

	agent_explain("exit_code_unwatched", &seen, &text);
	CHECK_STR(buf_str(&text), "exit code 42");
	buf_clear(&text);
	agent_explain("died", &seen, &text);
	CHECK_HAS(buf_str(&text), "dead worker on restart");
	buf_clear(&text);
	agent_explain("finished", &seen, &text);
	CHECK_STR(buf_str(&text), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_a_supervisor_saw_decides),
		CASE(a_live_or_unknown_process_is_never_reaped),
		CASE(what_a_dead_one_left_is_asked_before_it_is_called_dead),
		CASE(work_that_never_began_begins_again),
		CASE(only_ended_work_is_resumed),
		CASE(everything_else_is_refused_and_changes_nothing),
		CASE(words_are_those_of_the_contract),
		CASE(a_failure_says_why),
	};

	return RUN(tests);
}
