"""A version 1 monitor, as a strict outsider would write it from the wire contract."""
import argparse
import socket
import threading
import time

from lines import (BadLine, Lines, end_on_sigterm, is_number, is_port, listen, live, say, send_line, styles, text_of,
                   unexpected, words_of)

STYLES = ["one-answer", "keep-open", "scan-slow", "unknown-close", "unknown-silent"]
MAX_DATAGRAM = 1024
PAUSES = [1, 2, 4, 8, 16, 30, 30, 30, 30, 30]  # seconds between the attempts of one SERVER_DOWN


class Monitor:
    def __init__(self, args, style):
        self.timeout, self.style = args.timeout, style
        self.interval = 2.0 if "scan-slow" in style else args.check_interval
        self.lock = threading.Lock()
        self.servers = {}  # id -> {ip, port, load, files, status, heard}
        self.indexes = [(args.index_host, args.index_port)]
        for text in args.index:
            host, _, port = text.rpartition(":")
            self.add_index(host, int(port))

    def add_index(self, host, port):
        with self.lock:
            if (host, port) not in self.indexes:
                self.indexes.append((host, port))

    # -- heartbeats ----------------------------------------------------------------------------------

    def heartbeats(self, sock):
        while True:  # until the process ends
            try:
                data = sock.recv(65535)
            except OSError as error:
                say("LOST datagram %s" % error)
                time.sleep(0.1)
                continue
            try:
                line = text_of(data[:-1] if data.endswith(b"\n") else data)
            except BadLine as error:
                unexpected("datagram", str(error))
                continue
            words = words_of(line)
            if (len(data) > MAX_DATAGRAM or len(words) != 6 or words[0] != "HEARTBEAT" or not is_port(words[3])
                    or not is_number(words[4]) or not is_number(words[5])):
                unexpected("datagram", line[:200])
                continue
            self.heard(words[1], words[2], int(words[3]), int(words[4]), int(words[5]))
            say(" ".join(words))

    def heard(self, sid, ip, port, load, files):
        with self.lock:
            before = self.servers.get(sid)
            self.servers[sid] = {"ip": ip, "port": port, "load": load, "files": files,
                                 "status": "alive", "heard": time.monotonic()}
        if before is None or before["status"] == "dead":
            say("ALIVE %s" % sid)

    def check(self):
        while True:  # until the process ends
            time.sleep(self.interval)
            with self.lock:
                late = [sid for sid, server in self.servers.items()
                        if server["status"] == "alive" and time.monotonic() - server["heard"] > self.timeout]
                for sid in late:
                    self.servers[sid]["status"] = "dead"
                indexes = list(self.indexes)
            for sid in late:
                say("DEAD %s" % sid)
                for host, port in indexes:
                    threading.Thread(target=self.tell, args=(host, port, sid, int(time.time())), daemon=True).start()

    # -- telling an index ------------------------------------------------------------------------------

    def tell(self, host, port, sid, seconds):
        """Repeats until there is an answer, until the server is heard again, or after three mute closes."""
        closed = 0
        for pause in PAUSES:
            with self.lock:
                if self.servers[sid]["status"] == "alive":
                    return
            try:
                with socket.create_connection((host, port), timeout=5) as sock:
                    send_line(sock, "SERVER_DOWN %s %d" % (sid, seconds))
                    answer = Lines(sock).read()
                if answer == "OK SERVER_MARKED_DEAD":
                    say("TOLD %s:%d %s" % (host, port, sid))
                    return
                if answer is not None:
                    unexpected("answer to SERVER_DOWN", answer)
                    return
                closed += 1
                say("NOANSWER %s:%d %s" % (host, port, sid))
                if closed == 3:
                    return
            except BadLine as error:
                unexpected("answer to SERVER_DOWN", str(error))
                return
            except OSError as error:
                say("RETRY %s:%d %s %s" % (host, port, sid, error))
            time.sleep(pause)
        say("GAVE UP %s:%d %s" % (host, port, sid))

    # -- TCP ---------------------------------------------------------------------------------------------

    def list_servers(self):
        with self.lock:
            return ["SERVER %s %s %d %d %s" % (sid, server["ip"], server["port"], server["load"], server["status"])
                    for sid, server in sorted(self.servers.items())] + ["END"]

    def converse(self, sock, peer, spoke):
        lines = Lines(sock)
        while True:  # until the peer closes, or is silent for too long
            line = lines.read()
            if line is None:
                return
            spoke[0] = True
            sock.settimeout(60)
            words = words_of(line)
            if line == "LIST_SERVERS":
                answer = self.list_servers()
            elif line == "PING":
                answer = ["PONG"]
            elif len(words) == 3 and words[0] == "REGISTER_INDEX" and is_port(words[2]):
                self.add_index(words[1], int(words[2]))
                say("INDEX %s:%s" % (words[1], words[2]))
                answer = ["OK INDEX_REGISTERED"]
            else:
                unexpected("line", line)
                if "unknown-close" in self.style:
                    return
                if "unknown-silent" in self.style:
                    continue
                answer = ["ERROR BAD_REQUEST"]
            for text in answer:
                send_line(sock, text)
            if "one-answer" in self.style:
                return


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--udp-port", type=int, default=6000)
    parser.add_argument("--tcp-port", type=int, default=6001)
    parser.add_argument("--index-host", default="127.0.0.1")
    parser.add_argument("--index-port", type=int, default=5050)
    parser.add_argument("--index", action="append", default=[], metavar="HOST:PORT")
    parser.add_argument("--timeout", type=float, default=8)
    parser.add_argument("--check-interval", type=float, default=1)
    parser.add_argument("--bind", default="127.0.0.1")
    parser.add_argument("--style", default="", help=", ".join(STYLES))
    parser.add_argument("--lifetime", type=float, default=900, help="seconds after which it ends by itself")
    args = parser.parse_args()
    end_on_sigterm()
    monitor = Monitor(args, styles(args.style, STYLES))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((args.bind, args.udp_port))
    listen(args.bind, args.tcp_port, monitor.converse)
    threading.Thread(target=monitor.heartbeats, args=(udp,), daemon=True).start()
    threading.Thread(target=monitor.check, daemon=True).start()
    say("READY monitor %d %d" % (args.udp_port, args.tcp_port))
    live(args.lifetime)


if __name__ == "__main__":
    main()
