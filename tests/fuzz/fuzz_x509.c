/* SPDX-License-Identifier: MIT
 *
 * Fuzzes what reads keys and certificates: the bytes as PEM text, and, under each label, as the DER
 * inside. What pem_only keeps reads as the whole did, and is kept whole the next time.
 */
#include "host/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_text(struct arena *a, struct str pem)
{
	struct key_info key;
	struct cert_info cert;
	if (key_read(a, pem, &key) && key.curve && (key.type != KEY_EC || key.bits == 0))
		panic("%s of %d bits", key.curve, key.bits);
	if (!cert_read(a, pem, &cert))
		return;
	if (cert.n_names > CERT_NAMES_MAX)
		panic("%zu names", cert.n_names);
	for (size_t i = 0; i < cert.n_names; i++)
		if (strncmp(cert.names[i], "DNS:", 4) != 0 && strncmp(cert.names[i], "IP:", 3) != 0)
			panic("the name '%s'", cert.names[i]);
	if (strlen(cert.common_name) > pem.n)
		panic("a name longer than its certificate");
}

static void read_der(struct arena *a, const uint8_t *data, size_t size)
{
	static const char *const labels[] = {
		"CERTIFICATE", "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"};
	struct str body = base64(a, data, size);

	for (size_t i = 0; i < ARRAY_LEN(labels); i++)
		read_text(a, str_printf(a, "-----BEGIN %s-----\n%s\n-----END %s-----\n", labels[i],
				     body.p, labels[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct str text = str_dup(a, (const char *)data, size), only = pem_only(a, text);
	read_text(a, text);
	read_text(a, only);
	if (!str_eq(pem_only(a, only), only))
		panic("what was kept is not kept again");
	read_der(a, data, size);
	arena_free(a);
	return 0;
}
