/* SPDX-License-Identifier: Apache-2.0 */
/* A CA and certificates of its own for each test run, made with OpenSSL: nothing to expire. */
#pragma once

/* Writes NAME.key and NAME.crt below `dir`, signed by CA's key (`ca` NULL: self-signed, a CA).
 * Aborts the test on failure. */
void certs_make(const char *dir, const char *name, const char *ca);
