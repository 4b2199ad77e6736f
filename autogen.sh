#!/bin/sh
# Makes ./configure from configure.ac.  Run it once after a checkout.
cd "$(dirname "$0")" && exec autoreconf -fi
