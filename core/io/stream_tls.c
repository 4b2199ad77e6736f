/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for streams: an SSL_CTX, counted. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "core/base/xalloc.h"
#include "core/io/stream_priv.h"

struct stream_tls {
	SSL_CTX *ctx; /* owned */
	unsigned int refs;
	bool verifies; /* has a CA */
};

static int refuse(struct error *err, const char *file, const char *what)
{
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_reason_error_string(code);

	ERR_clear_error();
	return error_set(err, EINVAL, file, "%s (%s)", what, reason ? reason : "unknown reason");
}

static int load(struct stream_tls *t, const char *cert, const char *key, const char *ca,
		struct error *err)
{
	if (cert && SSL_CTX_use_certificate_chain_file(t->ctx, cert) != 1)
		return refuse(err, cert, "cannot use the certificate");
	if (key && SSL_CTX_use_PrivateKey_file(t->ctx, key, SSL_FILETYPE_PEM) != 1)
		return refuse(err, key, "cannot use the private key");
	if (cert && key && SSL_CTX_check_private_key(t->ctx) != 1)
		return refuse(err, key, "the private key does not belong to the certificate");
	if (!ca)
		return 0;
	if (SSL_CTX_load_verify_file(t->ctx, ca) != 1)
		return refuse(err, ca, "cannot use the CA certificate");
	SSL_CTX_set_client_CA_list(t->ctx, SSL_load_client_CA_file(ca));
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	t->verifies = true;
	return 0;
}

struct stream_tls *stream_tls_new(const char *cert, const char *key, const char *ca,
				  struct error *err)
{
	struct stream_tls *t = xzalloc(sizeof(*t));

	t->refs = 1;
	ERR_clear_error();
	t->ctx = SSL_CTX_new(TLS_method());
	if (!t->ctx || SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION) != 1) {
		(void)refuse(err, "ssl", "cannot set up TLS");
		stream_tls_unref(t);
		return NULL;
	}
	/* Connections are few and long: resumption would only widen what must be right. */
	(void)SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	/* Messages are framed above, so a peer that just closes has cut nothing off unseen. */
	(void)SSL_CTX_set_options(t->ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
						  SSL_OP_NO_COMPRESSION |
						  SSL_OP_IGNORE_UNEXPECTED_EOF);
	if (load(t, cert, key, ca, err)) {
		stream_tls_unref(t);
		return NULL;
	}
	return t;
}

struct stream_tls *stream_tls_ref(struct stream_tls *t)
{
	if (t)
		t->refs++;
	return t;
}

void stream_tls_unref(struct stream_tls *t)
{
	if (!t || --t->refs)
		return;
	SSL_CTX_free(t->ctx);
	free(t);
}

SSL *stream_tls_session(struct stream_tls *t)
{
	return SSL_new(t->ctx);
}

bool stream_tls_verifies(const struct stream_tls *t)
{
	return t->verifies;
}
