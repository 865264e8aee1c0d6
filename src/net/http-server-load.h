/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd, loaded when a server is started: with its TLS library it would cost every other
 * command 1.6 ms at start. Only http-server*.c include this. Loaded once, never unloaded. Threads:
 * any.
 */
#ifndef LARDER_NET_HTTP_SERVER_LOAD_H
#define LARDER_NET_HTTP_SERVER_LOAD_H

#include "base/err.h"
#include <microhttpd.h>

struct mhd_library {
	struct MHD_Daemon *(*start_daemon)(unsigned flags, uint16_t port,
					   MHD_AcceptPolicyCallback policy, void *policy_ctx,
					   MHD_AccessHandlerCallback handler, void *ctx, ...);
	MHD_socket (*quiesce_daemon)(struct MHD_Daemon *daemon);
	void (*stop_daemon)(struct MHD_Daemon *daemon);
	const union MHD_ConnectionInfo *(*get_connection_info)(struct MHD_Connection *connection,
							       enum MHD_ConnectionInfoType type,
							       ...);
	const char *(*lookup_connection_value)(struct MHD_Connection *connection,
					       enum MHD_ValueKind kind, const char *key);
	int (*get_connection_values)(struct MHD_Connection *connection, enum MHD_ValueKind kind,
				     MHD_KeyValueIterator look, void *ctx);
	struct MHD_Response *(*create_response_from_buffer)(size_t size, void *buffer,
							    enum MHD_ResponseMemoryMode mode);
	struct MHD_Response *(*create_response_from_buffer_with_free_callback_cls)(
		size_t size, void *buffer, MHD_ContentReaderFreeCallback done, void *ctx);
	struct MHD_Response *(*create_response_from_callback)(uint64_t size, size_t block,
							      MHD_ContentReaderCallback read,
							      void *ctx,
							      MHD_ContentReaderFreeCallback done);
	struct MHD_Response *(*create_response_from_fd_at_offset64)(uint64_t size, int fd,
								    uint64_t offset);
	enum MHD_Result (*add_response_header)(struct MHD_Response *response, const char *name,
					       const char *value);
	enum MHD_Result (*queue_response)(struct MHD_Connection *connection, unsigned status,
					  struct MHD_Response *response);
	void (*destroy_response)(struct MHD_Response *response);
	void (*suspend_connection)(struct MHD_Connection *connection);
	void (*resume_connection)(struct MHD_Connection *connection);
};

int mhd_library_load(const struct mhd_library **ret_library, struct err *e);

#endif
