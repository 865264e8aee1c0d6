/* SPDX-License-Identifier: Apache-2.0 */
/* The table of jobs, and what schedulers and hubs say to each other. */
#include "clock/jobs-environment.h"
#include "clock/jobs.h"
#include "clock/wire.h"
#include "test.h"

TEST(seconds_become_a_schedule_that_is_never_sooner)
{
	static const struct {
		int64_t seconds;
		const char *schedule;
	} table[] = { { 1, "every 1m" },     { 30, "every 1m" },    { 60, "every 1m" },
		      { 61, "every 2m" },    { 90, "every 2m" },    { 150, "every 3m" },
		      { 1020, "every 17m" }, { 3600, "every 1h" },  { 3601, "every 61m" },
		      { 7200, "every 2h" },  { 86400, "every 24h" } };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		AUTO_FREE char *text = clock_every(table[i].seconds);

		CHECK_STR(text, table[i].schedule);
	}
}

static int seconds(const char *text, enum number_rule rule, int64_t *ret, struct err *e)
{
	(void)setenv("CLOCK_TEST", text, 1);
	return environment_seconds("CLOCK_TEST", 7, rule, ret, e);
}

TEST(variables_are_read_as_leniently_and_refused_as_strictly_as_ever)
{
	static const char *const bad[] = {
		"",  " ",  "abc", "1.5",  "0x10", "1 0", "+",
		"-", "_1", "1_",  "1__0", "+-1",  "1e3", "9999999999999"
	};
	struct err e = { 0 };
	int64_t value = 0;

	CHECK_OK(seconds("900", NUMBER_POSITIVE, &value, &e));
	CHECK_INT(value, 900);
	CHECK_OK(seconds(" +1_000\n", NUMBER_POSITIVE, &value, &e));
	CHECK_INT(value, 1000);
	CHECK_OK(seconds("007", NUMBER_POSITIVE, &value, &e));
	CHECK_INT(value, 7);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CHECK_ERR(seconds(bad[i], NUMBER_ANY, &value, &e), ERR_USAGE);
		CHECK_HAS(e.msg, "CLOCK_TEST");
	}
	CHECK_ERR(seconds("0", NUMBER_POSITIVE, &value, &e), ERR_USAGE);
	CHECK_ERR(seconds("-5", NUMBER_POSITIVE, &value, &e), ERR_USAGE);
	CHECK_OK(seconds("0", NUMBER_NOT_NEGATIVE, &value, &e));
	CHECK_ERR(seconds("-1", NUMBER_NOT_NEGATIVE, &value, &e), ERR_USAGE);
	CHECK_OK(seconds("-1", NUMBER_ANY, &value, &e));
	CHECK_INT(value, -1);
	(void)unsetenv("CLOCK_TEST");
	CHECK_OK(environment_seconds("CLOCK_TEST", 7, NUMBER_POSITIVE, &value, &e));
	CHECK_INT(value, 7);
}

static int64_t first_in(const char *schedule, int64_t jitter_s, uint32_t random)
{
	struct clock_job job = { .schedule = (char *)(uintptr_t)schedule, .jitter_s = jitter_s };
	struct err e = { 0 };
	int64_t ms = 0;

	CHECK_OK(clock_first_in(&job, 60, random, &ms, &e));
	return ms;
}

TEST(a_first_run_waits_for_the_grace_or_for_its_part_of_the_first_interval)
{
	CHECK_INT(first_in("every 15m", 0, 5), 60000);
	CHECK_INT(first_in("daily 03:00", 0, 5), 60000);
	CHECK_INT(first_in("daily 03:00", 900, 5), 60000);
	CHECK_INT(first_in("every 4h", 900, 0), 4 * 3600 * 1000);
	CHECK_INT(first_in("every 4h", 900, 900000), (4 * 3600 - 900) * 1000);
	CHECK_INT(first_in("every 4h", 900, 900001), 4 * 3600 * 1000);
	for (uint32_t random = 0; random < 4000000000U; random += 12345677) {
		int64_t ms = first_in("every 4h", 900, random);

		CHECK(ms >= (4 * 3600 - 900) * 1000 && ms <= 4 * 3600 * 1000);
		CHECK(first_in("every 5m", 86400, random) >= 60000); /* never before the grace */
	}
}

TEST(a_table_is_written_for_the_hub_without_what_is_disabled)
{
	AUTO_YAML_MAPS struct yaml_maps jobs = YAML_MAPS_INIT(&clock_job_map);
	const struct yaml_field fields[] = { { "jobs", YAML_LIST_OF_MAPS, &jobs }, { 0 } };
	AUTO_CLOCK_TABLE struct clock_table table = { 0 };
	AUTO_BUF struct buf text = BUF_INIT(CLOCK_CLAIM_MAX);
	AUTO_JSON struct json *doc = NULL;
	struct json_out o = json_out(&text);
	const struct json *list, *last;
	struct err e = { 0 };

	CHECK_OK(yaml_read(bytes_of("jobs:\n- {name: marketplaces, disabled: true}\n"
				    "- {name: mine, path: '/x?y=1', schedule: every 5s}\n"),
			   "config.yaml", fields, &e));
	CHECK_OK(clock_table_build(&jobs, &table, &e));
	CHECK_INT(table.n, 13);
	json_open(&o, NULL, '{');
	CHECK_OK(clock_add_jobs(&o, &table, &e));
	json_close(&o);
	CHECK_OK(json_parse(buf_bytes(&text), CLOCK_CLAIM_MAX, &doc, &e));
	list = json_get(doc, "jobs");
	CHECK_INT(json_size(list), 12);
	last = json_at(list, 11);
	CHECK_STR(json_text(json_get(last, "name")), "mine");
	CHECK_STR(json_text(json_get(json_get(last, "call"), "method")), "POST");
	CHECK_STR(json_text(json_get(json_get(last, "call"), "path")), "/x?y=1");
	CHECK_INT(json_int(json_get(json_get(last, "call"), "timeout_s"), 0), CLOCK_TIMEOUT_S);
	CHECK_INT(json_int(json_get(last, "first_in_ms"), 0), 60000);
}

static int read_answer(const char *text, struct err *ret_e)
{
	struct err e = { 0 };
	AUTO_JSON struct json *doc = NULL;
	struct clock_answer a;

	CHECK_OK(json_parse(bytes_of(text), 10000, &doc, &e));
	return clock_read_answer(doc, &a, ret_e);
}

TEST(an_answer_that_is_none_is_refused)
{
	static const char *const bad[] = {
		"{}",
		"{\"leader\": \"yes\", \"wait_ms\": 5}",
		"{\"leader\": true, \"wait_ms\": 5}",
		"{\"leader\": false}",
		"{\"leader\": false, \"wait_ms\": -1}",
	};
	struct err e = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_ERR(read_answer(bad[i], &e), ERR_REMOTE);
	CHECK_OK(read_answer("{\"leader\": false, \"wait_ms\": 5}", &e));
	CHECK_OK(read_answer("{\"leader\": true, \"token\": \"t\", \"wait_ms\": 0}", &e));
}

static int read_run(const char *text, struct err *ret_e)
{
	struct err e = { 0 };
	AUTO_JSON struct json *doc = NULL;
	struct clock_run run;

	CHECK_OK(json_parse(bytes_of(text), 10000, &doc, &e));
	return clock_read_run(doc, &run, ret_e);
}

TEST(a_run_that_cannot_be_called_is_refused)
{
	static const char *const bad[] = {
		"{}",
		"{\"id\":1,\"job\":\"a\"}",
		"{\"id\":0,\"job\":\"a\",\"call\":{\"method\":\"GET\",\"path\":\"/\",\"timeout_s\":1}}",
		"{\"id\":1,\"job\":\"a\",\"call\":{\"method\":\"GET\",\"path\":\"x\",\"timeout_s\":1}}",
		"{\"id\":1,\"job\":\"a\",\"call\":{\"method\":\"GET\",\"path\":\"/\",\"timeout_s\":0}}",
		("{\"id\":1,\"job\":\"a\",\"call\":{\"method\":\"GET\",\"path\":\"/\","
		 "\"timeout_s\":86401}}"),
	};
	struct err e = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_ERR(read_run(bad[i], &e), ERR_REMOTE);
	CHECK_OK(read_run("{\"id\":1,\"job\":\"a\",\"call\":{\"method\":\"GET\",\"path\":\"/\","
			  "\"timeout_s\":86400}}",
			  &e));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(seconds_become_a_schedule_that_is_never_sooner),
		CASE(variables_are_read_as_leniently_and_refused_as_strictly_as_ever),
		CASE(a_first_run_waits_for_the_grace_or_for_its_part_of_the_first_interval),
		CASE(a_table_is_written_for_the_hub_without_what_is_disabled),
		CASE(an_answer_that_is_none_is_refused),
		CASE(a_run_that_cannot_be_called_is_refused),
	};

	return RUN(tests);
}
