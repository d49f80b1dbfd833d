/* SPDX-License-Identifier: MIT
 *
 * HTTP by libcurl, which is loaded on first use: it depends on some fifteen libraries, and loading
 * them takes longer than the check of a small site. Does not follow redirections.
 */
#include "net/http.h"
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>

enum { CONNECT_S = 5, WHOLE_S = 15 };
#define LIBCURL "libcurl.so.4"

/* The functions of libcurl used here, by name. */
static struct {
	__typeof__(&curl_easy_init) init;
	__typeof__(&curl_easy_setopt) setopt;
	__typeof__(&curl_easy_perform) perform;
	__typeof__(&curl_easy_strerror) strerror;
	__typeof__(&curl_easy_getinfo) getinfo;
	__typeof__(&curl_easy_cleanup) cleanup;
} curl;

static bool find_functions(void *lib)
{
	const struct {
		const char *name;
		void *at;
	} functions[] = {{"curl_easy_init", &curl.init}, {"curl_easy_setopt", &curl.setopt},
		{"curl_easy_perform", &curl.perform}, {"curl_easy_strerror", &curl.strerror},
		{"curl_easy_getinfo", &curl.getinfo}, {"curl_easy_cleanup", &curl.cleanup}};

	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		void *function = dlsym(lib, functions[i].name);
		if (!function)
			return false;
		memcpy(functions[i].at, &function, sizeof(function));
	}
	return true;
}

static bool load_curl(struct err *e)
{
	static void *lib;
	if (lib)
		return true;
	lib = dlopen(LIBCURL, RTLD_NOW | RTLD_LOCAL);
	if (lib && find_functions(lib))
		return true;
	err_set(e, ERR_PERMANENT, "cannot be asked: %s (install the package libcurl4)", dlerror());
	if (lib)
		dlclose(lib);
	lib = NULL;
	return false;
}

static size_t take_bytes(char *p, size_t size, size_t n, void *ctx)
{
	struct buf *b = ctx;
	buf_add(b, p, size * n);
	return b->over ? 0 : size * n;
}

static bool perform_request(CURL *c, struct buf *answer, const char *why, struct err *e)
{
	long status = 0;
	CURLcode code = curl.perform(c);
	if (code != CURLE_OK)
		return err_set(e, ERR_TRANSIENT, "does not answer: %s",
			answer->over ? "too long an answer"
			: why[0]     ? why
				     : curl.strerror(code));
	curl.getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	return status == 200 || err_set(e, ERR_TRANSIENT, "answers with status %ld", status);
}

bool http_get(const char *url, const char *protocols, struct buf *answer, struct err *e)
{
	char why[CURL_ERROR_SIZE] = "";
	if (!load_curl(e))
		return false;
	CURL *c = curl.init();
	if (!c)
		return err_set(e, ERR_PERMANENT, "cannot be asked: libcurl cannot be set up");
	curl.setopt(c, CURLOPT_URL, url);
	curl.setopt(c, CURLOPT_PROTOCOLS_STR, protocols);
	curl.setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl.setopt(c, CURLOPT_TIMEOUT, (long)WHOLE_S);
	curl.setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl.setopt(c, CURLOPT_WRITEFUNCTION, take_bytes);
	curl.setopt(c, CURLOPT_WRITEDATA, answer);
	curl.setopt(c, CURLOPT_ERRORBUFFER, why);
	curl.setopt(c, CURLOPT_USERAGENT, "provision/" VERSION);
	bool ok = perform_request(c, answer, why, e);
	curl.cleanup(c);
	return ok;
}
