include dbserver/server/local.mk
include dbserver/engine/local.mk
include dbserver/data/local.mk
dist_pkgdata_DATA += dbserver/vswitch.ovsschema
