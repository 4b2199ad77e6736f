# The server's facade comes with server/; this fragment only gathers the folders.
include dbserver/engine/local.mk
include dbserver/data/local.mk
EXTRA_DIST += dbserver/dbserver.h
