# What uml-run and qemu-run share: options, the folder through which host and guest talk, and the guest's end.
#
# A guest is a throw-away machine whose root is the host's, read-only, beneath an overlay in memory; nothing that it writes
# outlives it except in the folders given with -w.  Host and guest share a job folder: the host leaves there what to run (cmd),
# which folders to mount writable (writable) and for how long (seconds); the guest (guest-init) writes out, err and, last,
# status, and powers itself off.  The caller of guest_main defines guest_start, which starts the machine in the background and
# sets guest_pid, and guest_kill, which ends it at once.
#
# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

guest_usage() {
	cat <<-END
	usage: $guest_name [OPTION]… [--] COMMAND [ARGUMENT]…
	       $guest_name -i [OPTION]…            a shell

	  -m MEMORY      of the guest (default $memory)
	  -t SECONDS     after which it is ended (default $seconds; never for a shell)
	  -e NAME=VALUE  set in COMMAND's environment, which is otherwise the guest's own
	  -w FOLDER      of the host, which COMMAND sees writable in the same place
	  -k 'MODULE…'   kernel modules to load first; others load on demand
	  -i             COMMAND (default: bash) has the terminal
	${guest_options:-}
	COMMAND runs as root in the current folder; its stdout and stderr come out apart.  The exit status is its own; 124 when
	time ran out; 125 when the guest did not start or died, with the end of its kernel's log on stderr.
	END
}

guest_die() {
	echo "$guest_name: $*" >&2
	exit 125
}

guest_name=$(basename "$0") memory=2G seconds=120 modules='' interactive=no
environment=() writable=()

# Reads options; leaves COMMAND in command.  Options of one kind of guest are left to guest_option.
guest_parse() {
	while (($#)); do
		case $1 in
		-m) memory=$2; shift 2 ;;
		-t) seconds=$2; shift 2 ;;
		-e) environment+=("$2"); shift 2 ;;
		-w) writable+=("$(realpath -e -- "$2")") || guest_die "no folder $2"; shift 2 ;;
		-k) modules=$2; shift 2 ;;
		-i) interactive=yes seconds=0; shift ;;
		-h | --help) guest_usage; exit ;;
		--) shift; break ;;
		-*) guest_option "$@" || { guest_usage >&2; exit 125; }; shift 2 ;;
		*) break ;;
		esac
	done
	command=("$@")
	[[ $interactive == no || $# -gt 0 ]] || command=(bash)
	((${#command[@]})) || { guest_usage >&2; exit 125; }
}

# The job folder: what the guest reads.
guest_prepare() {
	local rows columns
	job=$(realpath "$(mktemp -d "${TMPDIR:-/tmp}/shunt-guest-XXXXXX")") || guest_die "no temporary folder"
	mkdir "$job/io"
	: >"$job/io/out"
	: >"$job/io/err"
	printf '%s\n' "${writable[@]}" >"$job/io/writable"
	printf '%s\n' "$modules" >"$job/io/modules"
	printf '%s\n' "$seconds" >"$job/io/seconds"
	printf '%s\n' "$interactive" >"$job/io/interactive"
	{
		printf 'cd %q || exit 125\n' "$PWD"
		[[ $interactive == no ]] || stty size 2>/dev/null | { read -r rows columns && echo "stty rows $rows cols $columns"; }
		((${#environment[@]} == 0)) || printf 'export %q\n' "${environment[@]}"
		printf 'exec'
		printf ' %q' "${command[@]}"
		echo
	} >"$job/io/cmd"
}

guest_cleanup() {
	local rc=$?
	trap '' INT TERM HUP
	[[ -z $guest_pid ]] || { guest_kill; wait "$guest_pid"; } 2>/dev/null || true
	[[ -z $timer_pid ]] || kill "$timer_pid" 2>/dev/null || true
	rm -rf -- "$job"
	exit $rc
}

# Copies what the guest writes to our stdout and stderr while it lives, and all of it.
guest_relay() {
	tail -q -c +1 -s 0.05 -f --pid="$guest_pid" "$job/io/out" &
	relay_pids=($!)
	tail -q -c +1 -s 0.05 -f --pid="$guest_pid" "$job/io/err" >&2 &
	relay_pids+=($!)
}

guest_main() {
	local first='' status
	guest_pid='' timer_pid='' relay_pids=()
	guest_parse "$@"
	guest_prepare
	trap guest_cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	guest_start
	guest_relay
	if ((seconds)); then
		sleep "$seconds" &
		timer_pid=$!
	fi
	{ # where the shell would tell of the guest's death
		wait -n -p first "$guest_pid" $timer_pid || true
		guest_kill
		wait "$guest_pid" || true
	} 2>/dev/null
	wait "${relay_pids[@]}" || true
	guest_pid=''
	if [[ -s $job/io/status ]]; then
		read -r status <"$job/io/status"
		exit "$status"
	fi
	if [[ -n $first && $first == "$timer_pid" ]]; then
		echo "$guest_name: no end after $seconds s; the end of its log:" >&2
		tail -q -n 20 "$job"/log* >&2
		exit 124
	fi
	echo "$guest_name: the guest died; the end of its log:" >&2
	tail -q -n 60 "$job"/log* >&2
	exit 125
}
