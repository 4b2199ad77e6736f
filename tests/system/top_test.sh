#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The live view in a real terminal, 80 and 200 columns wide, with traffic on a NIC whose table is too small for it: each line
# fits, columns align, figures agree with each other and with the switch's own; keys; the terminal is as before at the end.
command -v tmux >/dev/null || { echo "skipped: tmux is not installed"; exit 77; }
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"

export LC_ALL=C.UTF-8
profiles=$SHUNT_PROFILE_DIR
mkdir "$dir/profiles"
sed 's/^table_size.*/table_size = 24/' "$profiles/generic.conf" >"$dir/profiles/tiny.conf"
export SHUNT_PROFILE_DIR=$dir/profiles
start_shuntd
host a 10.0.0.1/24
host b 10.0.0.2/24
vsctl add-br br0 -- set Bridge br0 datapath_type=netdev
for h in a b; do vsctl add-port br0 p$h -- set Interface p$h other_config:offload=sim:tiny; done
ofctl del-flows br0
ofctl -O OpenFlow13 add-group br0 group_id=1,type=select,bucket=output:2
ofctl -O OpenFlow13 add-flow br0 "priority=10,udp,actions=group:1"
ofctl add-flow br0 "priority=1,actions=NORMAL"
eventually reaches a 10.0.0.2

# Forty streams, some of them busy, until it is killed.
(exec ip netns exec a python3 -) <<-'EOP' &
	import random, socket, time
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	while True:
	    for _ in range(10):
	        try:
	            s.sendto(b"x" * 200, ("10.0.0.2", 2000 + min(int(random.paretovariate(0.7)), 40)))
	        except ConnectionRefusedError:
	            pass
	    time.sleep(0.02)
EOP
traffic=$!

term() { tmux -S "$dir/tmux" -f /dev/null "$@"; }
screen() { term capture-pane -p >"$dir/screen"; }
shows() { screen && grep -qE "$1" "$dir/screen"; }
on_fail() { cat "$dir/screen" || true; }
key() { term send-keys "$@"; }

# What a screen must be, whatever the moment.
cat >"$dir/check.py" <<-'EOP'
	import json, re, sys
	lines, width = open(sys.argv[1]).read().split("\n"), int(sys.argv[2])
	unit = {"": 1, "K": 1e3, "M": 1e6, "G": 1e9}

	def number(s):
	    m = re.fullmatch(r"([0-9.]+) ?([KMGk]?)(?:/s|b/s)?", s)
	    return float(m[1]) * unit[m[2].upper()]

	for l in lines:
	    assert len(l) <= width, f"wider than {width}: {l}"
	# a column: cells that end where its head ends, with a blank before each
	def column(table, head):
	    end = table[0].index(head) + len(head)
	    cells = []
	    for row in table[1:]:
	        cell = re.search(r"(?:^|  )((?:\S+ )?\S+)$", row[:end])
	        assert cell and (len(row) == end or row[end] == " "), f"{head} does not align:\n" + "\n".join(table)
	        cells.append(number(cell[1].strip()))
	    return cells
	def table(first):
	    at = next(i for i, l in enumerate(lines) if l.startswith(first))
	    end = at + 1
	    while end < len(lines) and lines[end] and not re.match(r" *[A-Z]{2}", lines[end]):
	        end += 1
	    return lines[at:end]

	tiers = table("SWITCHED BY")
	for head in ("FLOWS", "RATE", "BITS", "PACKETS"):
	    *parts, total = column(tiers, head)
	    assert abs(sum(parts) - total) <= 0.02 * total + 1, f"{head}: {parts} are not {total}"
	share = [float(re.search(r"([0-9.]+)%", l)[1]) for l in tiers[1:-1]]
	assert abs(sum(share) - 100) < 1, share
	for first, heads in (("DEVICE", ("RATE", "ENTRIES")), ("PORT", ("FLOWS", "IN HW", "RATE", "BITS")), ("WHY IN", ("FLOWS", "RATE"))):
	    for head in heads:
	        column(table(first), head)
	flows = next(l for l in lines if re.match(" *RATE", l))
	at = lines.index(flows)
	column([l for l in lines[at:] if l], "RATE")
	assert any(re.match(r"MOVES +installed \S+/s  removed \S+/s  lost \S+/s  refused \S+/s", l) for l in lines)
EOP
fits() { screen && grep -q "SHARE NOW" "$dir/screen" && python3 "$dir/check.py" "$dir/screen" "$1"; }

term new-session -d -x 80 -y 24 "stty -a >$dir/stty.before; $SHUNTCTL offload top -i 0.5; echo \"status \$?\"; stty -a >$dir/stty.after; sleep 1000"
eventually shows "hardware  .*[1-9][0-9.K]*/s"
eventually shows "not_worth|evicted|table_full"
eventually shows " (evicting|refused|hardware) "
for _ in 1 2 3; do
	eventually fits 80
	sleep 0.5
done
equal "$(wc -l <"$dir/screen")" 24 "the number of lines"

# Other sizes, and back.
term resize-window -x 200 -y 50
eventually shows UFID
for _ in 1 2; do
	eventually fits 200
	sleep 0.6
done
term resize-window -x 80 -y 24
eventually fits 80

# Keys: alone, sorting, help, stop.
key m
eventually shows "^MOVES"
expect_not shows "^PORT"
key m
eventually shows "^PORT"
key s
eventually shows "by bits"
key s
eventually shows "PACKETS +STATE"
key h
eventually shows "any key ends it"
key x
eventually shows "SWITCHED BY"
key Space
eventually shows STOPPED
screen && cp "$dir/screen" "$dir/stopped"
sleep 1.5
screen
equal "$(tail -n +2 "$dir/screen")" "$(tail -n +2 "$dir/stopped")" "the stopped screen"
key Space
eventually_not shows STOPPED

# What it says is what the switch says: when nothing comes any more, to the flow and packet.
kill "$traffic"
wait "$traffic" 2>/dev/null || true
agrees() {
	screen && "$SHUNTCTL" offload status --json >"$dir/status" && python3 - "$dir/screen" "$dir/status" <<-'EOP'
		import json, sys
		tiers = json.load(open(sys.argv[2]))["datapaths"][0]["tiers"]
		total = next(l for l in open(sys.argv[1]) if l.startswith("total")).split()
		assert int(total[1]) == sum(t["flows"] for t in tiers)
		n = sum(t["packets"] for t in tiers)
		shown = float(total[-1].rstrip("K")) * (1000 if total[-1][-1] == "K" else 1)
		assert abs(shown - n) <= (n / 200 if n > 9999 else 0), (shown, n)
		assert total[2] == "0/s", total
	EOP
}
eventually agrees

# It ends as it began.
key q
eventually shows "^status 0"
expect_not shows "SWITCHED BY"
eventually test -s "$dir/stty.after"
equal "$(<"$dir/stty.after")" "$(<"$dir/stty.before")" "the terminal"
term kill-server

# For machines and pipes.
"$SHUNTCTL" offload top --once -i 0.2 | cat >"$dir/once"
grep -q "SHARE NOW" "$dir/once" || fail "a pipe shows nothing"
expect_not grep -q $'\033' "$dir/once"
"$SHUNTCTL" offload top --json -n 3 | python3 -c '
import json, sys
o = json.load(sys.stdin)
d = o["datapaths"][0]
assert o["at_ms"] > 0 and len(d["flows"]) == 3 and d["moves"]["installed"] > 0, o'
stop_shuntd
