/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl, loaded when the first request is made: even ours, of which nothing but http is left, costs
 * `larder --version` more than the rest of the program together. Only http-client*.c include this.
 *
 *	const struct curl_library *curl = NULL;
 *	if (curl_library_load(&curl, e) < 0) ...
 *	curl->easy_perform(handle)
 *
 * Which file it is: what LARDER_LIBCURL names or else libcurl-http.so of this installation, unless built with
 * -Dcurl=system; if that does not load, the system's. Loaded once, never unloaded. Threads: any.
 */
#ifndef LARDER_NET_HTTP_CLIENT_LOAD_H
#define LARDER_NET_HTTP_CLIENT_LOAD_H

#include "base/err.h"
#include <curl/curl.h>

struct curl_library {
	CURLcode (*global_init)(long flags);
	CURL *(*easy_init)(void);
	void (*easy_cleanup)(CURL *handle);
	void (*easy_reset)(CURL *handle);
	CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
	CURLcode (*easy_perform)(CURL *handle);
	CURLcode (*easy_getinfo)(CURL *handle, CURLINFO info, ...);
	const char *(*easy_strerror)(CURLcode code);
	CURLM *(*multi_init)(void);
	CURLMcode (*multi_cleanup)(CURLM *multi);
	CURLMcode (*multi_setopt)(CURLM *multi, CURLMoption option, ...);
	CURLMcode (*multi_add_handle)(CURLM *multi, CURL *handle);
	CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *handle);
	CURLMcode (*multi_socket_action)(CURLM *multi, curl_socket_t socket, int events,
					 int *running);
	CURLMsg *(*multi_info_read)(CURLM *multi, int *left);
	const char *(*multi_strerror)(CURLMcode code);
	struct curl_slist *(*slist_append)(struct curl_slist *list, const char *line);
	void (*slist_free_all)(struct curl_slist *list);
};

int curl_library_load(const struct curl_library **ret_library, struct err *e);

#endif
