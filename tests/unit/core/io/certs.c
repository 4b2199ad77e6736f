/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/core/io/certs.h"

#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

static FILE *open_file(const char *dir, const char *name, const char *suffix, const char *mode)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s.%s", dir, name, suffix);
	f = fopen(path, mode);
	ck_assert_ptr_nonnull(f);
	return f;
}

static void add_extension(X509 *crt, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	ck_assert_ptr_nonnull(ext);
	ck_assert_int_eq(X509_add_ext(crt, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

static X509 *make_cert(const char *name, EVP_PKEY *key, const X509_NAME *issuer)
{
	X509 *crt = X509_new();
	X509_NAME *subject = X509_get_subject_name(crt);

	ck_assert_int_eq(X509_set_version(crt, 2), 1);
	ck_assert_int_eq(ASN1_INTEGER_set(X509_get_serialNumber(crt), issuer ? 2 : 1), 1);
	ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notBefore(crt), -3600));
	ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notAfter(crt), 3600));
	ck_assert_int_eq(X509_set_pubkey(crt, key), 1);
	ck_assert_int_eq(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
						    (const unsigned char *)name, -1, -1, 0),
			 1);
	ck_assert_int_eq(X509_set_issuer_name(crt, issuer ? issuer : subject), 1);
	if (!issuer)
		add_extension(crt, NID_basic_constraints, "critical,CA:TRUE");
	return crt;
}

void certs_make(const char *dir, const char *name, const char *ca)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *ca_key = key;
	X509 *crt, *ca_crt = NULL;
	FILE *f;

	if (ca) {
		f = open_file(dir, ca, "key", "r");
		ca_key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
		(void)fclose(f);
		f = open_file(dir, ca, "crt", "r");
		ca_crt = PEM_read_X509(f, NULL, NULL, NULL);
		(void)fclose(f);
	}
	crt = make_cert(name, key, ca_crt ? X509_get_subject_name(ca_crt) : NULL);
	ck_assert_int_gt(X509_sign(crt, ca_key, EVP_sha256()), 0);
	f = open_file(dir, name, "key", "w");
	ck_assert_int_eq(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(f);
	f = open_file(dir, name, "crt", "w");
	ck_assert_int_eq(PEM_write_X509(f, crt), 1);
	(void)fclose(f);
	if (ca)
		EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
	X509_free(crt);
	X509_free(ca_crt);
}
