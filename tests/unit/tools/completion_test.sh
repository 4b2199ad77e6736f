#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The bash completion, with a switch that answers from the samples; and that completion and manual know each command and
# option that the program has.
set -u
src=${srcdir:-.}
corpus=$src/tests/fuzz/corpus/layout
program=$PWD/tools/shuntctl
failed=0
[ -x "$program" ] || { echo "tools/shuntctl has not been built here"; exit 77; }
command -v python3 >/dev/null || { echo "needs python3"; exit 77; }

# One member a line, as shuntctl --json prints.
shuntctl() {
	local sample=show

	[[ $* == *"offload status"* ]] && sample=status
	tail -c +2 "$corpus/$sample" | python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin), indent=2))'
}
compopt() { :; }
# shellcheck source=/dev/null
. "$src/completion/shuntctl"

# check LINE WORD... : completing LINE offers exactly these words.
check() {
	local got want

	COMP_LINE=$1 COMP_POINT=${#1}
	shift
	_shuntctl
	got=$(printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' ')
	want=$(printf '%s\n' "$@" | sort | tr '\n' ' ')
	[ "$got" = "$want" ] && return
	echo "\"$COMP_LINE\" gives \"$got\", not \"$want\""
	failed=1
}

COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
check "shuntctl sh" show
check "shuntctl --json sh" show
check "shuntctl -t /x/y.ctl offload a" audit
check "shuntctl offload " status flows why connections caps profile top plan audit device
check "shuntctl offload caps " sim:cx6dx sim:e810
check "shuntctl offload caps sim:e" e810
check "shuntctl offload device sim:e810 fault re" refuse reset rewind
check "shuntctl offload device sim:e810 fault refuse f" field
check "shuntctl offload flows state=l" lost
check "shuntctl offload flows port=ctlva device=sim:c" cx6dx
check "shuntctl offload flows st" state=
check "shuntctl offload why port=ctlv" ctlva ctlvb ctlvc
check "shuntctl trace b" br0
check "shuntctl offload top --on" --once
check "shuntctl offload plan --pr" --profile
check "shuntctl offload plan --profile e" e810
check "shuntctl offload plan --profile=c" cx6dx
check "shuntctl trace br0 -g" -generate
check "shuntctl help offload w" why

manual=$(sed -e 's/^\.It //; s/^\.Op //' -e 's/Fl -/-/g; s/Cm //g' "$src/man/shuntctl.8")
while read -r first second _; do
	name=$first
	[ "$first" = offload ] && name="offload $second"
	grep -q -- "$name" <<<"$manual" || { echo "no \"$name\" in the manual"; failed=1; }
	COMP_LINE="shuntctl $name" COMP_POINT=${#COMP_LINE}
	COMP_POINT=$((${#name} + 9))
	_shuntctl
	[[ " ${COMPREPLY[*]} " == *" ${name##* } "* ]] || { echo "no \"$name\" in the completion"; failed=1; }
	while read -r option; do
		grep -q -- "${option#-}" <<<"$manual" || { echo "no $option in the manual"; failed=1; }
		_shuntctl_options "$name" | grep -q -- "$option" || { echo "no $option of $name in the completion"; failed=1; }
	done < <("$program" help $first ${second:+$(grep -o '^[a-z]*$' <<<"$second")} 2>/dev/null |
		grep -oE '^  (-[a-zA-Z], |    )--?[a-z]+' | grep -oE -- '-{1,2}[a-z]{2,}')
done < <("$program" --help | sed -n '/^Commands/,/^$/s/^  \([a-z].*\)/\1/p')
exit $failed
