/* SPDX-License-Identifier: Apache-2.0 */
/* main() of a benchmark that runs in the lab of the engine's tests, whose checks stand under Check.
 */
#pragma once

#include <check.h>

/* Runs `test` in this process and without a time limit, after *n_flows and *seconds have been taken
 * from the command line where they stand there.  The exit status. */
int lab_main(int argc, char *argv[], const TTest *test, unsigned *n_flows, unsigned *seconds);
