#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A database file that was cut off or damaged opens to its last whole transaction, and a copy of it is kept.
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"

start_shuntd
for n in 1 2 3; do vsctl add-br "br$n"; done
stop_shuntd
cp "$dir/conf.db" "$dir/whole"

# Opens a file made from the whole one; says how many bridges are there.
bridges_with() { # FILE
	cp "$1" "$dir/conf.db"
	: >"$dir/shuntd.log"
	start_shuntd
	vsctl list-br | wc -l
}

# All three, with dirt behind.
{ cat "$dir/whole"; printf 'OVSDB JSON 5 0123456789\n{"a'; } >"$dir/dirty"
bridges_with "$dir/dirty" >"$dir/n"
equal "$(<"$dir/n")" 3 "bridges"
expect grep -q "$dir/conf.db" <<<"$(complaints)"
expect compgen -G "$dir/conf.db?*"
# It goes on from there, and the file is whole again.
vsctl add-br br4
stop_shuntd
: >"$dir/shuntd.log"
start_shuntd
equal "$(vsctl list-br | wc -l)" 4 "bridges"
equal "$(complaints)" "" "the log's complaints"
stop_shuntd

# Cut in the last transactions: fewer, but never none of the early ones, and never a failure to start.
size=$(stat -c %s "$dir/whole")
for cut in 1 20 200 1000; do
	head -c $((size - cut)) "$dir/whole" >"$dir/cut"
	bridges_with "$dir/cut" >"$dir/n"
	expect test "$(<"$dir/n")" -le 3
	stop_shuntd
done

# One byte in the middle is another: what follows is lost, what went before is there.
python3 - "$dir/whole" "$dir/flipped" <<'EOF'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) * 3 // 4] ^= 0x20
open(sys.argv[2], "wb").write(data)
EOF
bridges_with "$dir/flipped" >"$dir/n"
expect alive
expect grep -q . <<<"$(complaints)"
stop_shuntd

# No database at all: refused with the name and the reason, and left as it is.
printf 'this is a letter to my aunt\n' >"$dir/conf.db"
expect_not "$SHUNTD" -vconsole:off 2>"$dir/said"
expect grep -q conf.db "$dir/said"
expect grep -q aunt "$dir/conf.db"
