/* SPDX-License-Identifier: Apache-2.0 */
/* The target of a request as the server reads it: the input is the target, up to its NUL. */
#include "net/http-path.h"

#include "net/url.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(const char *path)
{
	assert(path[0] == '/' && strlen(path) <= HTTP_PATH_MAX);
	assert(!strstr(path, "//") && !strchr(path, '\\'));
	assert(!strstr(path, "/./") && !strstr(path, "/../"));
	assert(!str_ends(path, "/.") && !str_ends(path, "/.."));
	assert(text_is_clean(bytes_of(path)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *target = xstrndup((const char *)data, size);
	AUTO_BUF struct buf path = BUF_INIT(BUF_OWN_MAX);
	AUTO_STRV struct strv query = STRV_INIT;
	AUTO_FREE char *server = NULL;
	struct err e = { 0 };

	if (http_path_decode(target, &path) == 0)
		check_accepted(buf_str(&path));
	http_query_decode(target, &query);
	assert(query.n % 2 == 0 && query.n <= 2 * HTTP_QUERY_MAX);
	(void)url_normalise_server(target, &server, &e);
	return 0;
}
