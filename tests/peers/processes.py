"""Starts the version 1 peers as real processes on free loopback ports, and collects what they print."""
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = tempfile.TemporaryDirectory(prefix="peers-")
FILES = {"one.bin": bytes(range(256)) * 1000, "both.txt": b"in both\n" * 50, "empty.txt": b"",
         "two.txt": b"only in two\n", "two words.txt": b"two words\n"}
results = {"ok": 0, "FAILED": 0}
started = []
_lock = threading.Lock()


def check(what, good, detail=""):
    with _lock:
        word = "ok" if good else "FAILED"
        results[word] += 1
        print("%s %s%s" % (word, what, "" if good else "  <- %s" % (detail,)), flush=True)


def free_port(kind=socket.SOCK_STREAM, used=set()):
    """A port below the ones systems hand out by themselves, so that no passing connection takes it meanwhile."""
    for _ in range(1000):
        port = random.randrange(10000, 32000)
        with _lock, socket.socket(socket.AF_INET, kind) as sock:
            if port in used:
                continue
            used.add(port)
            try:
                sock.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise RuntimeError("no free port")


class Peer:
    """One running program: its lines are collected as they come."""

    def __init__(self, program, *words):
        self.lines = []
        command = [sys.executable, "-B", os.path.join(HERE, program)] + [str(word) for word in words]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=WORK.name)
        started.append(self)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))

    def saw(self, start, seconds=10.0, after=0, times=1):
        """Whether so many lines that start so have come, or come in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if sum(line.startswith(start) for line in list(self.lines)[after:]) >= times:
                return True
            time.sleep(0.05)
        return False

    def surprises(self):
        return [line for line in self.lines if line.startswith(("UNEXPECTED", "Traceback"))]

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(10)
        self.reader.join(5)
        return code


class Net:
    """A monitor, an index and any number of content servers, on ports of their own."""

    def __init__(self, index="", monitor="", timeout=8, to_index=True):
        self.index_port, self.udp, self.tcp = free_port(), free_port(socket.SOCK_DGRAM), free_port()
        self.peers = []
        self.monitor = self.add("monitor.py", "--udp-port", self.udp, "--tcp-port", self.tcp, "--timeout", timeout,
                                "--check-interval", 0.2, "--index-port", self.index_port if to_index else free_port(),
                                "--style", monitor)
        self.index = self.add("index.py", "--port", self.index_port, "--monitor-tcp-port", self.tcp, "--style", index)

    def add(self, program, *words):
        peer = Peer(program, *words, "--lifetime", 120)
        self.peers.append(peer)
        if not peer.saw("READY", 20):
            raise RuntimeError("%s did not start: %s" % (program, peer.lines))
        return peer

    def content(self, sid="CS1", names=("one.bin", "both.txt", "empty.txt"), style="", port=None):
        folder = os.path.join(WORK.name, "files-%d-%s" % (self.index_port, sid))
        os.makedirs(folder, exist_ok=True)
        for name in names:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(FILES[name])
        peer = self.add("content.py", "--server-id", sid, "--files", folder, "--index-port", self.index_port,
                        "--tcp-port", port or free_port(), "--udp-port", free_port(socket.SOCK_DGRAM),
                        "--monitor-udp-port", self.udp, "--style", style)
        peer.saw("REGISTERED")
        return peer

    def client(self, style, *names, flags=()):
        out = tempfile.mkdtemp(dir=WORK.name)
        client = Peer("client.py", *names, "--index-port", self.index_port, "--monitor-tcp-port", self.tcp,
                      "--timeout", 4, "--out", out + "/", "--style", style, *flags)
        client.out = out
        return client

    def gets(self, what, style, *names, code=0, flags=()):
        """A client must end with the code, and on 0 each file must be there byte for byte."""
        client = self.client(style, *names, flags=flags)
        got = client.process.wait(30)
        client.reader.join(5)
        good = got == code
        for name in names if code == 0 else ():
            path = os.path.join(client.out, name)
            good = good and os.path.exists(path) and open(path, "rb").read() == FILES[name]
            good = good and "SAVED %s %d" % (name, len(FILES[name])) in client.lines
        check(what, good, (got, client.lines))
        return client

    def close(self, what, surprises=()):
        """Everybody still alive ends with 0 on SIGTERM; nobody was surprised, except about what is named."""
        bad = [line for peer in self.peers for line in peer.surprises() if not any(word in line for word in surprises)]
        codes = [peer.end() for peer in self.peers]
        check("%s: no surprises, all end with 0 on SIGTERM" % what,
              not bad and all(code in (0, -signal.SIGKILL) for code in codes), (codes, bad))


def say_to(port, *lines):
    """Raw lines to a server, one at a time; what it answers to the last one."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        data = b""
        for line in lines:
            sock.sendall(line.encode() + b"\n")
            data = sock.recv(1000)
        return data.decode()


def port_of(content):
    words = content.process.args
    return int(words[words.index("--tcp-port") + 1])


def finish():
    """Ends what a failed part left behind, prints the count and gives the exit code."""
    for peer in started:
        peer.end(signal.SIGKILL)
    WORK.cleanup()
    print("%d passed, %d failed" % (results["ok"], results["FAILED"]), flush=True)
    return 1 if results["FAILED"] else 0
