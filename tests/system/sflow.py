#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A collector of sFlow, and what tshark makes of what it has collected.

  sflow.py collect ADDRESS PORT FILE     datagrams into a pcap file as they come, until it is killed
  sflow.py samples FILE                  a line for each sample of a packet, as KEY=VALUE words
  sflow.py counters FILE                 likewise for each sample of counters
  sflow.py datagrams FILE                likewise for each datagram
  sflow.py count FILE…                   how many datagrams there are in them
  sflow.py within N RATE SAMPLES         whether so many samples of N packets are to be believed

tshark is the judge: nothing here reads a datagram."""
import json
import math
import os
import socket
import struct
import subprocess
import sys

PORT = 6343  # in the file, whatever it was: tshark knows it
LINK_RAW = 101
FALSE_ALARM = 1e-9


def collect(address, port, path):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    s.bind((address, int(port)))
    with open(path + ".new", "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, LINK_RAW))
        f.flush()
        os.rename(path + ".new", path)
        seconds = 0
        while True:
            data = s.recv(65535)
            seconds += 1
            udp = struct.pack("!HHHH", 40000, PORT, 8 + len(data), 0) + data
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                             bytes((127, 0, 0, 1)), bytes((127, 0, 0, 1))) + udp
            f.write(struct.pack("<IIII", seconds, 0, len(ip), len(ip)) + ip)
            f.flush()


def count(path):
    with open(path, "rb") as f:
        data = f.read()
    at, n = 24, 0
    while at + 16 <= len(data):
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
        n += at <= len(data)
    return n


def flatten(node, out):
    """Every field of a tree of tshark's, in order: (name, value)."""
    if isinstance(node, list):
        for x in node:
            flatten(x, out)
    elif isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, (dict, list)):
                flatten(value, out)
            else:
                out.append((name, value))
    return out


def pairs(items):
    """Objects with a name more than once keep all of them."""
    out = {}
    for name, value in items:
        if name in out:
            if not isinstance(out[name], list):
                out[name] = [out[name]]
            out[name].append(value)
        else:
            out[name] = value
    return out


def layers(path):
    text = subprocess.run(["tshark", "-r", path, "-T", "json"], check=True, capture_output=True).stdout
    for packet in json.loads(text or "[]", object_pairs_hook=pairs):
        layer = packet["_source"]["layers"].get("sflow")
        if isinstance(layer, dict):
            yield layer


def samples_of(layer):
    for name, value in layer.items():
        if "sample" in name and isinstance(value, (dict, list)):
            for one in value if isinstance(value, list) else [value]:
                yield name, dict(flatten(one, []))


def short(name):
    """vlan_in for sflow_245.vlan.in; None for what is not told of."""
    for prefix in ("sflow_245.", "sflow.flow_sample.", "sflow.counters_sample.", "sflow_5."):
        if name.startswith(prefix):
            return name[len(prefix):].replace(".", "_")
    return name.replace(".", "_") if name in ("eth.src", "icmp.seq", "icmp.type") else None


def line(fields):
    words = ((short(k), str(v).replace(" ", "_")) for k, v in fields)
    return " ".join("%s=%s" % (k, v) for k, v in words if k)


def show(kind, path):
    for layer in layers(path):
        if kind == "datagrams":
            print(line((k, v) for k, v in layer.items() if isinstance(v, str)))
            continue
        for name, fields in samples_of(layer):
            flow = fields.get("sflow_245.sampletype") == "1"
            if flow == (kind == "samples"):
                print(line(fields.items()))


def tail(n, p, k):
    """The chance of k or more (k above the mean) or of k or fewer (below it) in n trials: Chernoff's bound."""
    q = k / n
    if q in (0, 1):
        d = -math.log(1 - p) if q == 0 else -math.log(p)
    else:
        d = q * math.log(q / p) + (1 - q) * math.log((1 - q) / (1 - p))
    return math.exp(-n * d)


def within(n, rate, k):
    n, rate, k = int(n), int(rate), int(k)
    if rate == 1:
        return k == n
    return 0 <= k <= n and tail(n, 1 / rate, k) > FALSE_ALARM / 2


def main():
    command, args = sys.argv[1], sys.argv[2:]
    if command == "collect":
        collect(*args)
    elif command in ("samples", "counters", "datagrams"):
        show(command, *args)
    elif command == "count":
        print(sum(count(path) for path in args))
    elif command == "within":
        if not within(*args):
            sys.exit("%s samples of %s packets at 1 in %s: the chance is below %g" %
                     (args[2], args[0], args[1], FALSE_ALARM))
    else:
        sys.exit(__doc__)


main()
