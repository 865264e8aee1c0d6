/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of maps in a configuration. */
#include "base/yaml.h"

#include "test.h"

struct job {
	char *name, *path;
	int64_t timeout_s;
	bool off;
	struct strv columns, headers;
};

static void list_job_fields(void *item, struct yaml_field *ret_fields)
{
	struct job *job = item;
	const struct yaml_field fields[] = {
		{ "name", YAML_TEXT, &job->name },
		{ "call.path", YAML_TEXT, &job->path },
		{ "call.timeout", YAML_DURATION, &job->timeout_s, 1, 60, NULL, NULL },
		{ "call.headers", YAML_MAP_OF_TEXT, &job->headers },
		{ "off", YAML_BOOL, &job->off },
		{ "columns", YAML_LIST, &job->columns },
		{ 0 },
	};

	memcpy(ret_fields, fields, sizeof(fields));
}

static int check_job(const void *item, struct err *e)
{
	const struct job *job = item;

	return job->path ? 0 : err_set(e, ERR_USAGE, "job '%s' has no path", job->name);
}

static void release_job(void *item)
{
	struct job *job = item;

	free(job->name);
	free(job->path);
	strv_release(&job->columns);
	strv_release(&job->headers);
}

static const struct yaml_map job_map = { sizeof(struct job), "name", list_job_fields, check_job,
					 release_job };
static const struct yaml_map free_map = { sizeof(struct job), NULL, list_job_fields, NULL,
					  release_job };

static int read_into(struct yaml_maps *jobs, const char *text, struct err *e)
{
	const struct yaml_field fields[] = {
		{ "jobs", YAML_LIST_OF_MAPS, jobs },
		{ NULL },
	};

	return yaml_read(bytes_of(text), "config.yaml", fields, e);
}

static void check_refused(const char *text, const char *part)
{
	AUTO_YAML_MAPS struct yaml_maps jobs = YAML_MAPS_INIT(&job_map);
	struct err e = { 0 };

	if (read_into(&jobs, text, &e) != ERR_USAGE)
		fail_msg("taken: %s", text);
	CHECK_HAS(e.msg, part);
	CHECK_INT(jobs.n, 0);
}

TEST(each_map_of_a_list_fills_a_struct)
{
	static const char text[] = "jobs:\n"
				   "- name: sync\n"
				   "  call:\n"
				   "    path: /api/sync\n"
				   "    timeout: 1m\n"
				   "    headers: {X-A: b}\n"
				   "  columns: [id, day]\n"
				   "- {name: purge, call: {path: /api/purge}, off: true}\n";
	AUTO_YAML_MAPS struct yaml_maps jobs = YAML_MAPS_INIT(&job_map);
	const struct job *job;
	struct err e = { 0 };

	CHECK_OK(read_into(&jobs, text, &e));
	CHECK_INT(jobs.n, 2);
	job = yaml_maps_at(&jobs, 0);
	CHECK_STR(job->name, "sync");
	CHECK_STR(job->path, "/api/sync");
	CHECK_INT(job->timeout_s, 60);
	CHECK(!job->off);
	CHECK_STR(job->headers.v[0], "X-A=b");
	CHECK_STR(job->columns.v[1], "day");
	job = yaml_maps_at(&jobs, 1);
	CHECK_STR(job->name, "purge");
	CHECK(job->off);
	CHECK_INT(job->timeout_s, 0);
}

TEST(a_list_of_maps_is_replaced_as_a_whole_and_may_be_empty)
{
	static const char *const empty[] = { "jobs:\n", "jobs: []\n" };

	for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
		AUTO_YAML_MAPS struct yaml_maps jobs = YAML_MAPS_INIT(&job_map);
		struct err e = { 0 };

		CHECK_OK(read_into(&jobs, "jobs: [{name: a, call: {path: /a}}]\n", &e));
		CHECK_OK(read_into(&jobs, "# nothing\n", &e));
		CHECK_INT(jobs.n, 1);
		CHECK_OK(read_into(&jobs, empty[i], &e));
		CHECK_INT(jobs.n, 0);
		CHECK_OK(read_into(&jobs, "jobs: [{name: a, call: {path: /a}}]\n", &e));
		CHECK_INT(jobs.n, 1);
	}
}

TEST(an_error_in_a_map_has_its_line)
{
	check_refused("jobs:\n- name: a\n  call:\n    pth: /a\n",
		      "'config.yaml', line 4: unknown key 'call.pth'");
	check_refused("jobs:\n- name: a\n  call: {path: /a, timeout: 61}\n",
		      "line 3: 'call.timeout': must be 1 to 60");
	check_refused("jobs:\n- name: a\n  name: b\n", "line 3: the key is there twice");
	check_refused("jobs:\n\n- name: a\n", "line 3: job 'a' has no path");
	check_refused("jobs:\n- call: {path: /a}\n", "line 2: 'name' is missing");
	check_refused("jobs:\n- name: ''\n  call: {path: /a}\n", "line 2: 'name' is missing");
	check_refused("jobs:\n- {name: a, call: {path: /a}}\n- {name: a, call: {path: /b}}\n",
		      "line 3: the name 'a' is there twice");
	check_refused("jobs: {name: a}\n", "line 1: a list must stand here");
	check_refused("jobs: [a]\n", "a mapping must stand here");
	check_refused("jobs: [[a]]\n", "a mapping must stand here");
	check_refused("jobs: [{name: &x a}]\n", "anchors");
	check_refused("jobs: [{name: a, call: {path: /a}}, {name: b\n", "line");
	check_refused("jobs: [{name: a, call: {path: /a}}]\njobs: []\n",
		      "line 2: the key is there");
}

TEST(a_refused_file_leaves_the_list_of_before)
{
	AUTO_YAML_MAPS struct yaml_maps jobs = YAML_MAPS_INIT(&job_map);
	const struct job *job;
	struct err e = { 0 };

	CHECK_OK(read_into(&jobs, "jobs: [{name: a, call: {path: /a}}]\n", &e));
	CHECK_ERR(read_into(&jobs, "jobs: [{name: b, call: {path: /b}}, {name: c}]\n", &e),
		  ERR_USAGE);
	CHECK_INT(jobs.n, 1);
	job = yaml_maps_at(&jobs, 0);
	CHECK_STR(job->name, "a");
}

TEST(maps_need_no_id_and_no_check)
{
	AUTO_YAML_MAPS struct yaml_maps jobs = YAML_MAPS_INIT(&free_map);
	struct err e = { 0 };

	CHECK_OK(read_into(&jobs, "jobs: [{name: a}, {name: a}, {}]\n", &e));
	CHECK_INT(jobs.n, 3);
}

static char *list_of(size_t n)
{
	AUTO_BUF struct buf b = BUF_INIT(YAML_BYTES_MAX);

	buf_adds(&b, "jobs:\n");
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "- {name: job-%zu, call: {path: /a}}\n", i);
	return buf_take(&b);
}

TEST(maps_are_limited)
{
	AUTO_YAML_MAPS struct yaml_maps jobs = YAML_MAPS_INIT(&job_map);
	AUTO_FREE char *most = list_of(YAML_MAPS_MAX);
	AUTO_FREE char *more = list_of(YAML_MAPS_MAX + 1);
	struct err e = { 0 };

	CHECK_OK(read_into(&jobs, most, &e));
	CHECK_INT(jobs.n, YAML_MAPS_MAX);
	check_refused(more, "line 20002: more than 20000");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(each_map_of_a_list_fills_a_struct),
		CASE(a_list_of_maps_is_replaced_as_a_whole_and_may_be_empty),
		CASE(an_error_in_a_map_has_its_line),
		CASE(a_refused_file_leaves_the_list_of_before),
		CASE(maps_need_no_id_and_no_check),
		CASE(maps_are_limited),
	};

	return RUN(tests);
}
