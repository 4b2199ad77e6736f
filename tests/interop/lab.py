# SPDX-License-Identifier: Apache-2.0
"""What the interoperability tests stand on: namespaces, switches, clients, traffic, assertions.

A test is a script that calls enter() first.  That runs it again in network, mount and process
namespaces of its own, so that whatever it starts ends with it, and in a run directory of its own.
A Switch is Shunt, or Open vSwitch beside it in a further network namespace, where ports have the
same names; same() asks both and compares what they say after normalise().

Checks do not stop a test: finish() says how many failed.  A test that lacks a client is skipped
(status 77) with the reason.
"""
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

SKIP = 77
HERE = os.path.dirname(os.path.abspath(__file__))
SHUNTD = os.environ.get("SHUNTD", os.path.abspath("switchd/shuntd"))
OVS_SCHEMA = os.environ.get("OVS_SCHEMA", "/usr/share/openvswitch/vswitch.ovsschema")
SCHEMA = os.path.join(HERE, "../../dbserver/vswitch.ovsschema")

PATIENCE = float(os.environ.get("SHUNT_PATIENCE", "1"))  # sanitizer builds take longer

failures = []
checks = 0
switches = []
run_dir = None


def skip(why):
    print("SKIP:", why)
    sys.exit(SKIP)


def need(*programs):
    for p in programs:
        if not shutil.which(p):
            skip("%s is not installed" % p)


def need_module(name):
    try:
        __import__(name)
    except ImportError:
        skip("the Python module %s is not installed" % name)


def enter(*programs):
    """Namespaces, a run directory, and a look whether the clients are there."""
    global run_dir
    need("ip", "unshare", "nsenter", *programs)
    if not os.access(SHUNTD, os.X_OK):
        skip("%s is not there (set SHUNTD)" % SHUNTD)
    if "SHUNT_LAB" not in os.environ:
        if os.geteuid():
            skip("needs root for network namespaces")
        own = ["unshare", "-n", "-m", "-p", "-f", "--kill-child", "--mount-proc"]
        if subprocess.call(own + ["true"], stderr=subprocess.DEVNULL):
            skip("cannot make namespaces here")
        top = tempfile.mkdtemp(prefix="shunt-interop.")
        env = dict(os.environ, SHUNT_LAB=top, PYTHONUNBUFFERED="1")
        rc = subprocess.call(own + [sys.executable] + sys.argv, env=env)
        if rc in (0, SKIP) or "SHUNT_KEEP" not in os.environ:
            shutil.rmtree(top, ignore_errors=True)
        else:
            print("kept:", top)
        sys.exit(rc if rc >= 0 else 1)
    run_dir = os.environ["SHUNT_LAB"]
    sh("ip link set lo up")


def finish():
    for s in switches:
        s.stop()
    print("%d checks, %d failed" % (checks, len(failures)))
    for f in failures:
        print("FAILED:", f)
    sys.exit(1 if failures else 0)


def check(ok, what, detail=""):
    global checks
    checks += 1
    if not ok:
        failures.append(what)
        print("not ok: %s%s" % (what, "\n" + indent(detail[:4000]) if detail else ""))
    return ok


def equal(got, want, what):
    return check(got == want, what, "got:  %s\nwant: %s" % (got, want))


def contains(text, pattern, what):
    return check(re.search(pattern, text, re.M), what, "no %r in:\n%s" % (pattern, text))


def indent(text):
    return "\n".join("    " + x for x in str(text).splitlines())


def wait_for(fn, seconds=5.0, step=0.05):
    """What fn returns once it is true, or its last answer."""
    end = time.monotonic() + seconds
    while True:
        got = fn()
        if got or time.monotonic() > end:
            return got
        time.sleep(step)


class Result:
    """Status and texts of a command that ended."""

    def __init__(self, argv, rc, out, err):
        self.argv, self.rc, self.out, self.err = argv, rc, out, err

    def ok(self):
        check(self.rc == 0, " ".join(self.argv), "status %d\n%s%s" % (self.rc, self.out, self.err))
        return self.out


def run(argv, env=None, stdin=None, timeout=60):
    p = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE if stdin is not None else
                         subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True)
    try:
        out, err = p.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        p.kill()
        out, err = p.communicate()
        return Result(argv, 124, out, err + "(no end within %d s)" % timeout)
    return Result(argv, p.returncode, out, err)


def sh(command):
    r = run(["sh", "-c", command])
    if r.rc:
        raise RuntimeError("%s: %s" % (command, r.err))
    return r.out


class Net:
    """A network namespace, kept by a process; None as pid is the test's own."""

    def __init__(self, own=False):
        self.proc = None
        if not own:
            self.proc = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
            mine = os.readlink("/proc/self/ns/net")
            wait_for(lambda: os.readlink("/proc/%d/ns/net" % self.proc.pid) != mine)
            self.sh("ip link set lo up")
        # Devices to come, a switch's own among them, send nothing by themselves.
        self.sh("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6 2>/dev/null || true")

    def wrap(self, argv):
        if not self.proc:
            return list(argv)
        return ["nsenter", "-t", str(self.proc.pid), "-n", "--"] + list(argv)

    def run(self, argv, **kw):
        return run(self.wrap(argv), **kw)

    def sh(self, command):
        r = self.run(["sh", "-c", command])
        if r.rc:
            raise RuntimeError("%s: %s" % (command, r.err))
        return r.out

    def popen(self, argv, **kw):
        return subprocess.Popen(self.wrap(argv), **kw)

    def veth(self, name, peer, peer_net=None, address=None, mac=None):
        """A pair; the far end may stand in another namespace, with an address."""
        to = ""
        if peer_net:
            to = " netns %d" % (peer_net.proc.pid if peer_net.proc else os.getpid())
        self.sh("ip link add %s type veth peer name %s%s" % (name, peer, to))
        far = peer_net or self
        for net, dev in ((self, name), (far, peer)):
            net.sh("echo 1 > /proc/sys/net/ipv6/conf/%s/disable_ipv6 2>/dev/null || true" % dev)
            net.sh("ethtool -K %s tx off rx off gso off gro off >/dev/null 2>&1 || true" % dev)
        if mac:
            far.sh("ip link set %s address %s" % (peer, mac))
        self.sh("ip link set %s up" % name)
        far.sh("ip link set %s up" % peer)
        if address:
            far.sh("ip addr add %s dev %s" % (address, peer))

    def socket(self, device):
        """A raw packet socket on a device of this namespace."""
        if not self.proc:
            return raw_socket(device)
        back = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        to = os.open("/proc/%d/ns/net" % self.proc.pid, os.O_RDONLY)
        setns(to)
        try:
            return raw_socket(device)
        finally:
            setns(back)
            os.close(to)
            os.close(back)


def setns(fd):
    import ctypes
    if ctypes.CDLL(None, use_errno=True).setns(fd, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns")


def raw_socket(device):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.setsockopt(263, 8, struct.pack("I", 1))  # PACKET_AUXDATA: where the kernel keeps the tag
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    s.bind((device, 0))
    s.setblocking(False)
    return s


def receive(sock, seconds=1.0, count=None):
    """Frames that arrived (not those sent from the device), tags put back, until quiet."""
    frames = []
    end = time.monotonic() + seconds
    while time.monotonic() < end and (count is None or len(frames) < count):
        try:
            data, aux, _, addr = sock.recvmsg(65536, 256)
        except BlockingIOError:
            time.sleep(0.01)
            continue
        if addr[2] == 4:  # PACKET_OUTGOING
            continue
        for level, kind, value in aux:
            if (level, kind) == (263, 8):
                status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", value[:20])
                if status & 0x10:
                    tpid = tpid if status & 0x40 else 0x8100
                    data = data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
        frames.append(data)
    return frames


class Switch:
    """A running switch and its clients."""

    def __init__(self, kind, net=None, name=None):
        self.kind = kind
        self.name = name or kind
        self.net = net or Net(own=True)
        self.dir = os.path.join(run_dir, self.name)
        os.makedirs(self.dir, exist_ok=True)
        self.env = dict(os.environ, OVS_RUNDIR=self.dir, OVS_DBDIR=self.dir, OVS_LOGDIR=self.dir,
                        OVS_SYSCONFDIR=self.dir)
        self.procs = []
        self.daemon = None
        switches.append(self)

    def path(self, name):
        return os.path.join(self.dir, name)

    def log(self):
        with open(self.path("switch.log")) as f:
            return f.read()

    def stop(self, sig=signal.SIGTERM):
        """Ends it; anything but an orderly end is a failure."""
        for p in reversed(self.procs):
            if p.poll() is None:
                p.send_signal(sig)
            try:
                p.wait(20)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
                check(False, "%s: ends when told" % self.name)
            if sig == signal.SIGTERM and self.kind == "shunt":
                check(p.returncode == 0, "%s: ends with status 0" % self.name,
                      "status %s\n%s" % (p.returncode, self.log()[-3000:]))
        self.procs = []
        self.daemon = None

    def spawn(self, argv, log="switch.log"):
        out = open(self.path(log), "a")
        p = self.net.popen(argv, env=self.env, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        out.close()
        self.procs.append(p)
        return p

    def vsctl(self, *args, **kw):
        return self.net.run(["ovs-vsctl", "--timeout=20"] + list(args), env=self.env, **kw)

    def ofctl(self, *args, **kw):
        return self.net.run(["ovs-ofctl", "--timeout=20"] + list(args), env=self.env, **kw)

    def appctl(self, *args, **kw):
        target = self.path("shuntd.ctl") if self.kind == "shunt" else "ovs-vswitchd"
        return self.net.run(["ovs-appctl", "--timeout=20", "-t", target] + list(args),
                            env=self.env, **kw)

    def port(self, name, bridge="br0", **columns):
        """A veth pair NAME/hNAME whose near end is a port."""
        self.net.veth(name, "h" + name)
        self.vsctl("add-port", bridge, name, "--", "set", "Interface", name,
                   *["%s=%s" % (k, v) for k, v in columns.items()]
                   or ["external-ids:x=y"]).ok()


class Shunt(Switch):
    def __init__(self, net=None, name="shunt", args=()):
        super().__init__("shunt", net, name)
        self.args = list(args)
        self.start()

    def start(self):
        argv = [SHUNTD, "--db=" + self.path("conf.db"), "--unixctl=" + self.path("shuntd.ctl"),
                "--schema=" + SCHEMA, "--metrics=127.0.0.1:9310"] + self.args
        self.daemon = self.spawn(argv)
        up = wait_for(lambda: os.path.exists(self.path("db.sock")) and
                      os.path.exists(self.path("shuntd.ctl")), 20)
        if not up:
            print(self.log())
            raise RuntimeError("shuntd does not start")

    def restart(self, sig=signal.SIGTERM):
        self.stop(sig)
        for name in ("db.sock", "shuntd.ctl"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        self.start()


class Ovs(Switch):
    """Debian's Open vSwitch with its user space datapath."""

    def __init__(self, net=None, name="ovs"):
        super().__init__("ovs", net or Net(), name)
        run(["ovsdb-tool", "create", self.path("conf.db"), OVS_SCHEMA], env=self.env)
        self.spawn(["ovsdb-server", self.path("conf.db"), "--remote=punix:" + self.path("db.sock")],
                   log="db.log")
        wait_for(lambda: os.path.exists(self.path("db.sock")), 10)
        self.vsctl("--no-wait", "init")
        self.vsctl("--no-wait", "set", "Open_vSwitch", ".", "other_config:n-handler-threads=1",
                   "other_config:n-revalidator-threads=1", "other_config:pmd-cpu-mask=0x1")
        self.daemon = self.spawn(["ovs-vswitchd", "--disable-system", "--pidfile"])
        wait_for(lambda: self.appctl("version").rc == 0, 10)


def have_ovs():
    return all(shutil.which(p) for p in ("ovs-vswitchd", "ovsdb-server", "ovsdb-tool"))


def pair(bridge="br0", ports=0):
    """Shunt and Open vSwitch with a bridge and ports p1.. each."""
    need("ovs-vswitchd", "ovsdb-server", "ovsdb-tool")
    both = [Shunt(Net()), Ovs()]
    for s in both:
        s.vsctl("add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=netdev",
                "other-config:datapath-id=0000000000000abc", "fail_mode=secure",
                "other-config:hwaddr=02:00:00:00:00:01").ok()
        for i in range(1, ports + 1):
            s.port("p%d" % i, bridge, ofport_request=i)
            s.net.sh("ip link set p%d address 02:00:00:00:01:%02x" % (i, i))
    return both


NOISE = [
    (r"\bxid=0x[0-9a-f]+", "xid=X"),
    (r"duration=[0-9.]+s", "duration=D"),
    (r"(?:idle|hard)_age=[0-9]+, ", ""),
    (r"\bxid 0x[0-9a-f]+", "xid X"),
]


# What Open vSwitch's programs log when the machine is busy.
BUSY = re.compile(r"^\d{4}-\S+Z\|\d+\|(?:timeval|coverage|poll_loop)\|.*\n", re.M)


def normalise(text):
    for pattern, to in NOISE:
        text = re.sub(pattern, to, text)
    return "\n".join(x.rstrip() for x in text.strip().splitlines())


def same(both, what, fn, norm=normalise):
    """fn(switch) gives a Result; both must say the same.  They are asked at the same time: each has
    namespaces and a directory of its own."""
    def ask(s):
        r = fn(s)
        text = r if isinstance(r, str) else "status %d\n%s%s" % (r.rc, r.out, r.err)
        return norm(BUSY.sub("", text).replace(s.dir, "DIR"))
    with ThreadPoolExecutor(len(both)) as threads:
        got = list(threads.map(ask, both))
    return check(got[0] == got[1], what, diff(got[1], got[0]))


def diff(want, got):
    import difflib
    return "\n".join(difflib.unified_diff(want.splitlines(), got.splitlines(), "ovs", "shunt",
                                          lineterm="", n=1))


class OpenFlow:
    """Raw bytes to a bridge's management socket and back."""

    def __init__(self, path, version=4, hello=True):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(5)
        self.sock.connect(path)
        self.version = version
        self.buffer = b""
        self.xid = 100
        if hello:
            self.send(0, b"", xid=1)
            self.recv(0)

    def send(self, kind, body=b"", xid=None, length=None, version=None):
        self.xid += 1
        xid = self.xid if xid is None else xid
        self.sock.sendall(struct.pack("!BBHI", self.version if version is None else version, kind,
                                      len(body) + 8 if length is None else length, xid) + body)
        return xid

    def read(self, seconds=5):
        """(type, xid, body), or None: closed or quiet."""
        self.sock.settimeout(seconds * PATIENCE)
        try:
            while True:
                if len(self.buffer) >= 8:
                    _, kind, n, xid = struct.unpack("!BBHI", self.buffer[:8])
                    if len(self.buffer) >= n:
                        body, self.buffer = self.buffer[8:n], self.buffer[n:]
                        return kind, xid, body
                data = self.sock.recv(65536)
                if not data:
                    return None
                self.buffer += data
        except (socket.timeout, ConnectionResetError):
            return None

    def recv(self, kind, seconds=5):
        """The next message of a type; others are passed over, echo requests answered."""
        while True:
            m = self.read(seconds)
            if m is None or m[0] == kind:
                return m
            if m[0] == 2:
                self.send(3, m[2], xid=m[1])

    def error(self, kind, body=b"", **kw):
        """(type, code) of the error that a message brings, or None: there was none."""
        xid = self.send(kind, body, **kw)
        barrier = self.send(18 if self.version == 1 else 20)
        found = None
        while True:
            m = self.read(10)
            if m is None:
                return "closed" if found is None else found
            if m[0] == 1 and m[1] == xid:
                found = struct.unpack("!HH", m[2][:4])
            elif m[0] == 2:
                self.send(3, m[2], xid=m[1])
            elif m[1] == barrier:
                return found

    def closed(self):
        self.sock.settimeout(3 * PATIENCE)
        try:
            while self.sock.recv(65536):
                pass
            return True
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False

    def close(self):
        self.sock.close()


# --- frames ---

def mac(text):
    return bytes(int(x, 16) for x in text.split(":"))


def eth(src, dst, kind, payload, vlan=None):
    head = mac(dst) + mac(src)
    if vlan is not None:
        head += struct.pack("!HH", 0x8100, vlan)
    return (head + struct.pack("!H", kind) + payload).ljust(60, b"\0")


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(src, dst, proto, payload, ttl=64, tos=0):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + len(payload), 1, 0, ttl, proto, 0,
                       socket.inet_aton(src), socket.inet_aton(dst))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp4(src, dst, sport, dport, data=b"shunt", **kw):
    n = 8 + len(data)
    pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack("!BBH", 0, 17, n)
    head = struct.pack("!HHH", sport, dport, n)
    csum = checksum(pseudo + head + b"\0\0" + data) or 0xffff
    return ipv4(src, dst, 17, head + struct.pack("!H", csum) + data, **kw)


def tcp4(src, dst, sport, dport, flags=2, data=b"", **kw):
    head = struct.pack("!HHIIBBHHH", sport, dport, 1, 0, 0x50, flags, 1024, 0, 0)
    pseudo = (socket.inet_aton(src) + socket.inet_aton(dst) +
              struct.pack("!BBH", 0, 6, len(head) + len(data)))
    csum = checksum(pseudo + head + data)
    return ipv4(src, dst, 6, head[:16] + struct.pack("!H", csum) + head[18:] + data, **kw)
