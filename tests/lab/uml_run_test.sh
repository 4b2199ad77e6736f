#!/usr/bin/env bash
# What uml-run promises: a command's exit status and output, its environment, what it may write and what not, and what happens
# when it takes too long or takes the kernel down.  Skipped where the lab's kernel is not there.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
lab=${srcdir:-.}/tests/lab
[[ -x /bin/busybox ]] || { echo "skipped: busybox-static is not installed"; exit 77; }
"$lab/uml-kernel" --check >/dev/null || { echo "skipped: no kernel to run"; exit 77; }

dir=$(mktemp -d "${TMPDIR:-/tmp}/shunt-uml-run-XXXXXX")
trap 'rm -rf "$dir"' EXIT
fail() {
	echo "FAILED at line ${BASH_LINENO[0]}: $*"
	cat "$dir/out" "$dir/err"
	exit 1
}
run() { # OPTIONS AND COMMAND…
	rc=0
	"$lab/uml-run" "$@" >"$dir/out" 2>"$dir/err" </dev/null || rc=$?
}

# Status, both outputs, words with spaces and quotes.
mkdir "$dir/w"
# shellcheck disable=SC2016 # the guest's shell expands
run -w "$dir/w" -e "WORDS=it's two" -- bash -c 'echo "$WORDS/$1"; echo to err >&2; touch "$2/w/seen" "$2/unseen"; exit 3' - 'a  b' "$dir"
((rc == 3)) || fail "status $rc"
[[ $(<"$dir/out") == "it's two/a  b" ]] || fail "stdout"
[[ $(<"$dir/err") == "to err" ]] || fail "stderr"
[[ -e $dir/w/seen ]] || fail "nothing was written where it may"
[[ ! -e $dir/unseen ]] || fail "the host was written to"

# All of a long output, to its end.
run -- seq 200000
((rc == 0)) || fail "status $rc"
seq 200000 | cmp - "$dir/out" || fail "not what seq prints"

# Root in a kernel of its own, with modules that load on demand, in the caller's folder.
# shellcheck disable=SC2016
run -- bash -c '[[ $EUID == 0 && $PWD == "$1" && $SHUNT_LAB == uml ]] && ip link add n type nlmon && lsmod | grep nlmon' - "$PWD"
((rc == 0)) || fail "status $rc"

# Vector registers survive switches between processes: cmp and sha256sum use them.
# shellcheck disable=SC2016
run -- bash -c 'head -c 20000000 /dev/zero >/tmp/z; for i in 1 2 3 4; do (for j in 1 2 3; do cmp /tmp/z <(cat /tmp/z) || exit; done) & p+=($!); done
	for i in "${p[@]}"; do wait $i || exit; done; sha256sum </tmp/z'
((rc == 0)) || fail "status $rc"
[[ $(<"$dir/out") == "$(head -c 20000000 /dev/zero | sha256sum)" ]] || fail "a wrong sum"

# Out of time; a kernel that dies; no such command; a bad option; no memory left behind.
run -t 2 -- sleep 60
((rc == 124)) || fail "status $rc, not 124, of a command that takes too long"
run -- bash -c 'echo c >/proc/sysrq-trigger'
((rc == 125)) || fail "status $rc, not 125, of a kernel that died"
grep -q 'Kernel panic' "$dir/err" || fail "the kernel's last words are missing"
run -- no-such-command
((rc == 127)) || fail "status $rc of a command that does not exist"
run --no-such-option
((rc == 125)) || fail "status $rc of a bad option"

# A shell has a terminal, of the size that the caller's has.
python3 - "$lab/uml-run" >"$dir/out" 2>"$dir/err" <<-'END' || fail "the shell"
	import fcntl, os, pty, struct, sys, termios
	pid, fd = pty.fork()
	if pid == 0:
	    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
	    os.execv(sys.argv[1], [sys.argv[1], "-i"])
	out = b""
	while True:
	    try:
	        got = os.read(fd, 4096)
	    except OSError:
	        break
	    if b"# " in out + got and b"# " not in out:
	        os.write(fd, b"tty; stty size; exit 4\n")
	    out += got
	print(out)
	status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
	sys.exit(not (status == 4 and b"/dev/tty0" in out and b"33 99" in out))
END

# Ended by a signal, it leaves neither its guest nor its folder behind.
mkdir "$dir/tmp"
TMPDIR=$dir/tmp "$lab/uml-run" -- sleep 60 >"$dir/out" 2>"$dir/err" </dev/null &
pid=$!
for ((i = 0; i < 100; i++)); do
	pgrep -P $pid -x linux >/dev/null && break
	sleep 0.1
done
guest=$(pgrep -P $pid -x linux) || fail "no guest"
kill $pid
rc=0
wait $pid || rc=$?
((rc == 143)) || fail "status $rc after SIGTERM"
for ((i = 0; i < 100; i++)); do
	pgrep -g "$guest" >/dev/null || break
	sleep 0.1
done
((i < 100)) || fail "the guest lives on"
[[ -z $(ls "$dir/tmp") ]] || fail "left behind: $(ls "$dir/tmp")"
echo "ok"
