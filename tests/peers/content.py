"""A version 1 content server, as a strict outsider would write it from the wire contract."""
import argparse
import os
import socket
import sys
import threading
import time

from lines import (BadLine, Lines, end_on_sigterm, listen, live, say, send_line, styles, unexpected, words_of)

STYLES = ["localhost", "one-answer", "keep-open", "update-load", "close-after-register", "keep-registered",
          "slow", "die-mid-file", "stall", "lie-size", "spaces", "small-recv", "unknown-close", "unknown-silent"]
HEARTBEAT_SECONDS = 3


def plain_name(name, spaces):
    """Version 1 serves plain names only: one word, or several when the style says so."""
    if spaces and name == name.strip():
        name = name.replace(" ", "")
    return name.isprintable() and " " not in name  # not printable: control characters, bytes that are no UTF-8


class Content:
    def __init__(self, args, style):
        self.args, self.style = args, style
        self.lock = threading.Lock()
        self.load = 0
        self.files = {}
        for entry in sorted(os.scandir(args.files), key=lambda entry: entry.name):
            name = entry.name
            if entry.is_file() and plain_name(name, "spaces" in style):
                self.files[name] = entry.stat().st_size

    # -- serving files ---------------------------------------------------------------------------------

    def converse(self, sock, peer, spoke):
        lines = Lines(sock)
        while True:  # until the peer closes, or is silent for too long
            line = lines.read(small="small-recv" in self.style)
            if line is None:
                return
            spoke[0] = True
            sock.settimeout(60)
            words = words_of(line)
            if len(words) < 2 or words[0] != "GET":
                unexpected("line", line)
                if "unknown-close" in self.style:
                    return
                if "unknown-silent" not in self.style:
                    send_line(sock, "ERROR BAD_REQUEST")
                continue
            with self.lock:
                self.load += 1
            try:
                finished = self.answer(sock, line[4:].strip(" "))
            finally:
                with self.lock:
                    self.load -= 1
            if not finished or "keep-open" not in self.style:
                return

    def answer(self, sock, name):
        """Sends the header and the bytes; False when the style broke the transfer off."""
        if name not in self.files:
            say("NOTFOUND %s" % name)
            send_line(sock, "ERROR FILE_NOT_FOUND")
            return True
        with open(os.path.join(self.args.files, name), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            send_line(sock, "OK %d" % (size + 1 if "lie-size" in self.style else size))
            broken = "die-mid-file" in self.style or "stall" in self.style
            left = size // 2 if broken else size
            slow = "slow" in self.style
            piece = max(64, size // 200) if slow else 64 * 1024
            while left > 0:
                data = file.read(min(piece, left))
                if not data:
                    say("SHRUNK %s" % name)
                    return False
                sock.sendall(data)
                left -= len(data)
                if slow:
                    time.sleep(0.005)
        if not broken:
            say("SERVED %s %d" % (name, size))
            return True
        if "stall" in self.style:
            say("STALLED %s %d" % (name, size // 2))
            sock.recv(1)  # until the peer loses patience, or 60 s
            return False
        say("BROKE %s %d" % (name, size // 2))
        return False

    # -- talking to the index and the monitor ----------------------------------------------------------

    def register(self):
        """Tells the index our files, again and again until it has taken them."""
        args = self.args
        for _ in range(240):
            try:
                sock = socket.create_connection((args.index_host, args.index_port), timeout=10)
                lines = Lines(sock)
                send_line(sock, "REGISTER %s %d %d" % (args.server_id, args.tcp_port, args.udp_port))
                if self.expect(lines, "OK REGISTERED"):
                    for name, size in self.files.items():
                        send_line(sock, "ADD_FILE %s %s %d" % (args.server_id, name, size))
                    send_line(sock, "DONE_FILES")
                    if self.expect(lines, "OK FILES_ADDED"):
                        say("REGISTERED %s files=%d" % (args.server_id, len(self.files)))
                        if "keep-registered" in self.style:
                            self.hold(sock, lines)
                        sock.close()
                        return
                sock.close()
            except OSError as error:
                say("RETRY register %s" % error)
            time.sleep(0.5)
        say("GAVE UP register")

    def expect(self, lines, wanted):
        try:
            answer = lines.read()
        except BadLine as error:
            answer = str(error)
        if answer == wanted:
            return True
        if answer is None:
            say("CLOSED instead of %s" % wanted)
        else:
            unexpected("answer instead of %r:" % wanted, answer)
        return False

    def hold(self, sock, lines):
        """The registration connection stays open; the index has nothing more to say on it."""
        sock.settimeout(None)
        try:
            line = lines.read()
            while line is not None:
                unexpected("line on the registration connection", line)
                line = lines.read()
        except (OSError, BadLine) as error:
            say("LOST index %s" % error)
        say("INDEX CLOSED")

    def update_load(self):
        while True:  # until the process ends
            time.sleep(1)
            try:
                with socket.create_connection((self.args.index_host, self.args.index_port), timeout=5) as sock:
                    send_line(sock, "UPDATE_LOAD %s %d" % (self.args.server_id, self.load))
                    if self.expect(Lines(sock), "OK"):
                        say("LOAD %d" % self.load)
            except OSError as error:
                say("LOST update-load %s" % error)

    def heartbeat(self, udp):
        args = self.args
        address = "localhost" if "localhost" in self.style else self.own_address()
        while True:  # until the process ends
            text = "HEARTBEAT %s %s %d %d %d" % (args.server_id, address, args.tcp_port, self.load, len(self.files))
            try:
                udp.sendto(text.encode("utf-8"), (args.monitor_host, args.monitor_udp_port))
            except OSError as error:
                say("LOST heartbeat %s" % error)
            time.sleep(HEARTBEAT_SECONDS)

    def own_address(self):
        """The address we listen on, or the one that leads to the monitor when we listen on all."""
        if self.args.bind != "0.0.0.0":
            return self.args.bind
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((self.args.monitor_host, self.args.monitor_udp_port))  # sends nothing
            return probe.getsockname()[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server-id", default="CS1")
    parser.add_argument("--tcp-port", type=int, default=7001)
    parser.add_argument("--udp-port", type=int, default=7002)
    parser.add_argument("--files", required=True, metavar="DIR")
    parser.add_argument("--index-host", default="127.0.0.1")
    parser.add_argument("--index-port", type=int, default=5050)
    parser.add_argument("--monitor-host", default="127.0.0.1")
    parser.add_argument("--monitor-udp-port", type=int, default=6000)
    parser.add_argument("--monitor-tcp-port", type=int, default=6001, help="accepted; version 1 has no use for it")
    parser.add_argument("--bind", default="127.0.0.1")
    parser.add_argument("--style", default="", help=", ".join(STYLES))
    parser.add_argument("--lifetime", type=float, default=900, help="seconds after which it ends by itself")
    args = parser.parse_args()
    end_on_sigterm()
    style = styles(args.style, STYLES)
    if not os.path.isdir(args.files):
        sys.exit("no such folder: %s" % args.files)
    content = Content(args, style)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((args.bind, args.udp_port))
    listen(args.bind, args.tcp_port, content.converse)
    say("READY content %s %d" % (args.server_id, args.tcp_port))
    threading.Thread(target=content.register, daemon=True).start()
    threading.Thread(target=content.heartbeat, args=(udp,), daemon=True).start()
    if "update-load" in style:
        threading.Thread(target=content.update_load, daemon=True).start()
    live(args.lifetime)


if __name__ == "__main__":
    main()
