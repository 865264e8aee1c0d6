/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Debian's libcurl.a asks of libraries that http and https do not need. With it, the archive becomes
 * libcurl-http.so (meson.build beside this), which loads in a third of the time of the system's libcurl.so.4:
 * that one brings forty libraries along, for LDAP, Kerberos, RTMP, SSH and HTTP/2, before a byte is sent.
 *
 * What no request of http-transfer.c can reach ends the process when it is called after all. What a server or a
 * proxy can reach by what it sends fails as the library it stands for would, so that libcurl reports an error. Host
 * names that are not ASCII go on working, by way of libidn2. And OpenSSL, which is there, starts only when it is used.
 *
 * Called by libcurl only, on whichever thread uses it. No header of those libraries is needed, or wanted in a
 * build: a name is all that the linker looks at, and the few with arguments are written out here.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* CURLOPT_PROTOCOLS_STR is "http,https", redirects are not followed: no URL leads to one of these. */
static void __attribute__((used)) unreachable(void)
{
	abort();
}
#define UNREACHABLE(name) void name(void) __attribute__((alias("unreachable")))

/* sftp:, scp:. The first two are called when libcurl starts and ends, the third tells its version. */
int libssh2_init(int flags);
void libssh2_exit(void);
const char *libssh2_version(int at_least);

int libssh2_init(int flags)
{
	(void)flags;
	return 0;
}

void libssh2_exit(void)
{
}

const char *libssh2_version(int at_least)
{
	(void)at_least;
	return "none";
}

UNREACHABLE(libssh2_agent_connect);
UNREACHABLE(libssh2_agent_disconnect);
UNREACHABLE(libssh2_agent_free);
UNREACHABLE(libssh2_agent_get_identity);
UNREACHABLE(libssh2_agent_init);
UNREACHABLE(libssh2_agent_list_identities);
UNREACHABLE(libssh2_agent_userauth);
UNREACHABLE(libssh2_channel_free);
UNREACHABLE(libssh2_channel_read_ex);
UNREACHABLE(libssh2_channel_send_eof);
UNREACHABLE(libssh2_channel_wait_closed);
UNREACHABLE(libssh2_channel_wait_eof);
UNREACHABLE(libssh2_channel_write_ex);
UNREACHABLE(libssh2_hostkey_hash);
UNREACHABLE(libssh2_knownhost_add);
UNREACHABLE(libssh2_knownhost_checkp);
UNREACHABLE(libssh2_knownhost_del);
UNREACHABLE(libssh2_knownhost_free);
UNREACHABLE(libssh2_knownhost_get);
UNREACHABLE(libssh2_knownhost_init);
UNREACHABLE(libssh2_knownhost_readfile);
UNREACHABLE(libssh2_knownhost_writefile);
UNREACHABLE(libssh2_scp_recv2);
UNREACHABLE(libssh2_scp_send64);
UNREACHABLE(libssh2_session_abstract);
UNREACHABLE(libssh2_session_block_directions);
UNREACHABLE(libssh2_session_callback_set);
UNREACHABLE(libssh2_session_disconnect_ex);
UNREACHABLE(libssh2_session_flag);
UNREACHABLE(libssh2_session_free);
UNREACHABLE(libssh2_session_handshake);
UNREACHABLE(libssh2_session_hostkey);
UNREACHABLE(libssh2_session_init_ex);
UNREACHABLE(libssh2_session_last_errno);
UNREACHABLE(libssh2_session_last_error);
UNREACHABLE(libssh2_session_method_pref);
UNREACHABLE(libssh2_session_set_blocking);
UNREACHABLE(libssh2_sftp_close_handle);
UNREACHABLE(libssh2_sftp_init);
UNREACHABLE(libssh2_sftp_last_error);
UNREACHABLE(libssh2_sftp_mkdir_ex);
UNREACHABLE(libssh2_sftp_open_ex);
UNREACHABLE(libssh2_sftp_read);
UNREACHABLE(libssh2_sftp_readdir_ex);
UNREACHABLE(libssh2_sftp_rename_ex);
UNREACHABLE(libssh2_sftp_rmdir_ex);
UNREACHABLE(libssh2_sftp_seek64);
UNREACHABLE(libssh2_sftp_shutdown);
UNREACHABLE(libssh2_sftp_stat_ex);
UNREACHABLE(libssh2_sftp_statvfs);
UNREACHABLE(libssh2_sftp_symlink_ex);
UNREACHABLE(libssh2_sftp_unlink_ex);
UNREACHABLE(libssh2_sftp_write);
UNREACHABLE(libssh2_userauth_authenticated);
UNREACHABLE(libssh2_userauth_keyboard_interactive_ex);
UNREACHABLE(libssh2_userauth_list);
UNREACHABLE(libssh2_userauth_password_ex);
UNREACHABLE(libssh2_userauth_publickey_fromfile_ex);

/* rtmp: and its kin. */
UNREACHABLE(RTMP_Alloc);
UNREACHABLE(RTMP_Close);
UNREACHABLE(RTMP_Connect1);
UNREACHABLE(RTMP_ConnectStream);
UNREACHABLE(RTMP_Free);
UNREACHABLE(RTMP_Init);
UNREACHABLE(RTMP_Read);
UNREACHABLE(RTMP_SetBufferMS);
UNREACHABLE(RTMP_SetupURL);
UNREACHABLE(RTMP_Write);

/* ldap:. The first is asked for the library's version. */
int ldap_get_option(void *session, int option, void *value);

int ldap_get_option(void *session, int option, void *value)
{
	(void)session;
	(void)option;
	(void)value;
	return -1;
}

UNREACHABLE(ber_bvfree);
UNREACHABLE(ber_free);
UNREACHABLE(ber_memfree);
UNREACHABLE(ber_memvfree);
UNREACHABLE(ber_sockbuf_add_io);
UNREACHABLE(ldap_abandon_ext);
UNREACHABLE(ldap_err2string);
UNREACHABLE(ldap_free_urldesc);
UNREACHABLE(ldap_get_attribute_ber);
UNREACHABLE(ldap_get_dn_ber);
UNREACHABLE(ldap_init_fd);
UNREACHABLE(ldap_memfree);
UNREACHABLE(ldap_msgfree);
UNREACHABLE(ldap_msgtype);
UNREACHABLE(ldap_parse_result);
UNREACHABLE(ldap_parse_sasl_bind_result);
UNREACHABLE(ldap_pvt_url_scheme2proto);
UNREACHABLE(ldap_result);
UNREACHABLE(ldap_sasl_bind);
UNREACHABLE(ldap_search_ext);
UNREACHABLE(ldap_set_option);
UNREACHABLE(ldap_start_tls);
UNREACHABLE(ldap_unbind_ext);
UNREACHABLE(ldap_url_parse);

/* Nothing, 0 and NULL, whichever is asked for, for functions of any arguments. */
static long __attribute__((used)) nothing(void)
{
	return 0;
}
#define NOTHING(name) long name(void) __attribute__((alias("nothing")))

/*
 * Content-Encoding and Transfer-Encoding, which a server may send unasked. A decoder that is there and fails at
 * the first byte makes libcurl say that the encoding is bad; one that is not there, that memory ran out.
 */
#define BROTLI_ERROR             0   /* of BrotliDecoderResult */
#define BROTLI_INVALID_ARGUMENTS -20 /* of BrotliDecoderErrorCode: a bad encoding to libcurl */

static char decoder; /* only its address is used */

static void *__attribute__((used)) make_decoder(void)
{
	return &decoder;
}

void *BrotliDecoderCreateInstance(void) __attribute__((alias("make_decoder")));
int BrotliDecoderDecompressStream(void);
int BrotliDecoderGetErrorCode(const void *state);
NOTHING(BrotliDecoderDestroyInstance);
NOTHING(BrotliDecoderVersion);

int BrotliDecoderDecompressStream(void)
{
	return BROTLI_ERROR;
}

int BrotliDecoderGetErrorCode(const void *state)
{
	(void)state;
	return BROTLI_INVALID_ARGUMENTS;
}

void *ZSTD_createDStream(void) __attribute__((alias("make_decoder")));
size_t ZSTD_decompressStream(void);
unsigned ZSTD_isError(size_t code);
NOTHING(ZSTD_freeDStream);
NOTHING(ZSTD_versionNumber);

size_t ZSTD_decompressStream(void)
{
	return (size_t)-1;
}

unsigned ZSTD_isError(size_t code)
{
	return code == (size_t)-1;
}

/*
 * HTTP/2, which is not asked for, but which a server may choose in the TLS handshake all the same. There is never
 * a session, since none can be made.
 */
#define NGHTTP2_NO_MEMORY -901

struct nghttp2_version_text {
	int age, number;
	const char *version, *protocol;
};

static long __attribute__((used)) no_http2(void)
{
	return NGHTTP2_NO_MEMORY;
}
#define NO_HTTP2(name) long name(void) __attribute__((alias("no_http2")))

const char *nghttp2_strerror(int code);
const char *nghttp2_http2_strerror(int code) __attribute__((alias("nghttp2_strerror")));
const struct nghttp2_version_text *nghttp2_version(int at_least);

NO_HTTP2(nghttp2_submit_settings);
NO_HTTP2(nghttp2_submit_rst_stream);
NO_HTTP2(nghttp2_submit_request);
NO_HTTP2(nghttp2_submit_priority);
NO_HTTP2(nghttp2_submit_ping);
NO_HTTP2(nghttp2_session_upgrade2);
NO_HTTP2(nghttp2_session_set_stream_user_data);
NO_HTTP2(nghttp2_session_set_local_window_size);
NO_HTTP2(nghttp2_session_send);
NO_HTTP2(nghttp2_session_resume_data);
NO_HTTP2(nghttp2_session_mem_recv);
NO_HTTP2(nghttp2_session_client_new2);
NO_HTTP2(nghttp2_session_callbacks_new);
NOTHING(nghttp2_pack_settings_payload);
NO_HTTP2(nghttp2_option_new);
NO_HTTP2(nghttp2_is_fatal);
NOTHING(nghttp2_session_want_write);
NOTHING(nghttp2_session_want_read);
NOTHING(nghttp2_session_get_stream_user_data);
NOTHING(nghttp2_session_get_stream_remote_window_size);
NOTHING(nghttp2_session_get_remote_window_size);
NOTHING(nghttp2_session_get_remote_settings);
NOTHING(nghttp2_session_del);
NOTHING(nghttp2_session_check_request_allowed);
NOTHING(nghttp2_session_callbacks_set_send_callback);
NOTHING(nghttp2_session_callbacks_set_on_stream_close_callback);
NOTHING(nghttp2_session_callbacks_set_on_header_callback);
NOTHING(nghttp2_session_callbacks_set_on_frame_recv_callback);
NOTHING(nghttp2_session_callbacks_set_on_data_chunk_recv_callback);
NOTHING(nghttp2_session_callbacks_set_on_begin_headers_callback);
NOTHING(nghttp2_session_callbacks_set_error_callback);
NOTHING(nghttp2_session_callbacks_del);
NOTHING(nghttp2_priority_spec_init);
NOTHING(nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation);
NOTHING(nghttp2_option_del);

const char *nghttp2_strerror(int code)
{
	(void)code;
	return "this libcurl has no HTTP/2";
}

const struct nghttp2_version_text *nghttp2_version(int at_least)
{
	static const struct nghttp2_version_text none = { 1, 0, "none", "" };

	(void)at_least;
	return &none;
}

/* Public suffixes, which limit the cookies that libcurl keeps: we let it keep none. */
const char *psl_get_version(void);
NOTHING(psl_builtin);
NOTHING(psl_free);
NOTHING(psl_is_cookie_domain_acceptable);
NOTHING(psl_latest);

const char *psl_get_version(void)
{
	return "none";
}

/*
 * Kerberos: Negotiate is not among the ways to log in that we allow, nor is GSSAPI to a SOCKS5 proxy
 * (CURLOPT_SOCKS5_AUTH). libcurl asks for the text of an error until it is given one.
 */
#define GSS_FAILURE ((uint32_t)13 << 16)

struct gss_text {
	size_t length;
	void *value;
};

static uint32_t __attribute__((used)) no_gss(uint32_t *minor)
{
	*minor = 0;
	return GSS_FAILURE;
}
#define NO_GSS(name) uint32_t name(uint32_t *minor) __attribute__((alias("no_gss")))

extern void *GSS_C_NT_HOSTBASED_SERVICE;
void *GSS_C_NT_HOSTBASED_SERVICE = NULL;
uint32_t gss_display_status(uint32_t *minor, uint32_t status, int type, void *mechanism,
			    uint32_t *more, struct gss_text *text);
NO_GSS(gss_display_name);
NO_GSS(gss_import_name);
NO_GSS(gss_init_sec_context);
NO_GSS(gss_inquire_context);
NO_GSS(gss_unwrap);
NO_GSS(gss_wrap);
NOTHING(gss_delete_sec_context);
NOTHING(gss_release_buffer);
NOTHING(gss_release_name);

uint32_t gss_display_status(uint32_t *minor, uint32_t status, int type, void *mechanism,
			    uint32_t *more, struct gss_text *text)
{
	static char none[] = "this libcurl has no Kerberos";

	(void)status;
	(void)type;
	(void)mechanism;
	*minor = 0;
	*more = 0;
	*text = (struct gss_text){ sizeof(none) - 1, none };
	return 0;
}

/*
 * curl_global_init() has OpenSSL read its configuration and fill its tables of names: more work than loading all of
 * this library. OpenSSL does the same by itself where it is first needed (OPENSSL_init_crypto(3)), which over http it
 * never is. It is only told not to take everything apart at exit, which the kernel does better. The linker puts
 * this in the place of the real one (--wrap).
 */
#define OPENSSL_NO_ATEXIT 0x00080000 /* OPENSSL_INIT_NO_ATEXIT */

int OPENSSL_init_crypto(uint64_t options, const void *settings);
int __wrap_OPENSSL_init_ssl(uint64_t options, const void *settings);

int __wrap_OPENSSL_init_ssl(uint64_t options, const void *settings)
{
	(void)options;
	(void)settings;
	return OPENSSL_init_crypto(OPENSSL_NO_ATEXIT, NULL);
}

/*
 * Host names that are not ASCII: libidn2, loaded when the first of them comes. It comes with libcurl4; without
 * it, such a URL is a bad one. The real function reads the name in the charset of the locale, of which we
 * set none: our texts are UTF-8.
 */
#define IDN_FAILED -100 /* any but 0 */

static struct {
	const char *(*check_version)(const char *at_least);
	int (*lookup_u8)(const char *name, char **ret_ascii, int flags);
	void (*free)(void *p);
} idn; /* written inside pthread_once and only read after it */

static void find(void *library, const char *name, void *ret_function)
{
	void *found = dlsym(library, name);

	memcpy(ret_function, &found, sizeof(found));
}

static void load_idn(void)
{
	void *library = dlopen("libidn2.so.0", RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return;
	find(library, "idn2_lookup_u8", &idn.lookup_u8);
	find(library, "idn2_free", &idn.free);
	if (idn.lookup_u8 && idn.free) /* the one that is asked for */
		find(library, "idn2_check_version", &idn.check_version);
}

const char *idn2_check_version(const char *at_least);
int idn2_lookup_ul(const char *name, char **ret_ascii, int flags);
void idn2_free(void *p);

/* libcurl calls this one before the others, and does not when it gives NULL. */
const char *idn2_check_version(const char *at_least)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, load_idn);
	return idn.check_version ? idn.check_version(at_least) : NULL;
}

int idn2_lookup_ul(const char *name, char **ret_ascii, int flags)
{
	return idn.check_version ? idn.lookup_u8(name, ret_ascii, flags) : IDN_FAILED;
}

void idn2_free(void *p)
{
	if (idn.free)
		idn.free(p);
}
