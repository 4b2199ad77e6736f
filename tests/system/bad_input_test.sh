#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Garbage at each socket: that connection suffers, nobody else does.
# shellcheck source=tests/system/lib.sh
. "${srcdir:-.}/tests/system/lib.sh"

start_shuntd
vsctl add-br br0 -- set-controller br0 ptcp:6653:127.0.0.1

cat >"$dir/throw.py" <<'EOF'
import os, random, socket, struct, sys

run, seed = sys.argv[1], int(os.environ.get("SHUNT_SEED", random.randrange(1 << 30)))
print("seed", seed)
rnd = random.Random(seed)

def of(version, kind, body=b"", length=None):
    return struct.pack("!BBHI", version, kind, 8 + len(body) if length is None else length, 1) + body

def throw(target, data):
    s = socket.socket(socket.AF_UNIX if isinstance(target, str) else socket.AF_INET)
    s.settimeout(0.3)
    s.connect(target)
    try:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        while s.recv(65536):
            pass
    except OSError:
        pass
    s.close()

ctl = [f"{run}/{f}" for f in os.listdir(run) if f.endswith(".ctl")][0]
json_like = [b"{", b"[" * 5000, b'{"method":' * 3000, b'{"id":0,"method":"transact","params":[1,2,3]}',
             b'{"id":0,"method":"version","params":"x"}', b'{"id":0,"method":7,"params":[]}', b'"\\ud800"', b"\xff\xfe", b"nul",
             b'{"id":0,"method":"transact","params":["Open_vSwitch",{"op":"insert","table":"Bridge","row":{"name":5}}]}',
             b'{"id":0,"method":"' + b"x" * 100000 + b'","params":[]}', b"1e999999", b'{"id":null}' * 1000]
of_like = [of(1, 0), of(4, 0) + of(4, 14, b"\0" * 40), of(4, 0, length=3), of(4, 0, length=65535), of(255, 0), of(4, 200),
           of(1, 0) + of(1, 14, b"\xff" * 64), of(1, 0) + of(1, 16, b"\0\1"), of(4, 0) + of(4, 18, b"\xff" * 8),
           of(4, 0) + of(4, 14, b"\0" * 40 + struct.pack("!HH", 1, 3)), of(4, 0) + of(4, 13, b"\0" * 16 + b"\xff" * 64)]
for target, samples in ((ctl, json_like), (f"{run}/db.sock", json_like), (f"{run}/br0.mgmt", of_like), (("127.0.0.1", 6653), of_like)):
    for s in samples:
        throw(target, s)
    for _ in range(60):
        data = bytearray(rnd.choice(samples)[:4000] or b"x")
        for _ in range(rnd.randrange(1, 8)):
            data[rnd.randrange(len(data))] = rnd.randrange(256)
        throw(target, bytes(data))
        throw(target, rnd.randbytes(rnd.randrange(1, 600)))
EOF

# Somebody who behaves is connected all the while.
ofctl monitor br0 2>"$dir/monitor" &
monitor=$!
expect timeout 300 python3 "$dir/throw.py" "$dir"
expect alive
expect kill -0 "$monitor"
expect ofctl show br0 >/dev/null
expect ofctl add-flow br0 'priority=5,ip,actions=drop'
expect grep -q 'priority=5,ip' <<<"$(ofctl dump-flows br0)"
expect vsctl add-br br1
expect ovs-appctl -t shuntd version >/dev/null
stop_shuntd
