"""A version 1 index server, as a strict outsider would write it from the wire contract."""
import argparse
import socket
import threading
import time

from lines import Lines, end_on_sigterm, is_number, is_port, listen, live, say, send_line, styles, unexpected, words_of

STYLES = ["one-answer", "keep-open", "silent-down", "no-load", "subscribe", "small-recv",
          "one-recv", "hello-loose", "unknown-close", "unknown-silent"]
BAD = ["ERROR BAD_REQUEST"]


class Server:
    def __init__(self, ip, tcp_port, udp_port):
        self.ip, self.tcp_port, self.udp_port = ip, tcp_port, udp_port
        self.load, self.status, self.given = 0, "alive", 0
        self.files = {}


class Index:
    def __init__(self, style):
        self.style = style
        self.lock = threading.Lock()
        self.servers = {}

    # -- what the commands do; each returns the lines of the answer ------------------------------

    def get(self, name):
        with self.lock:
            having = [(server.load, server.given, sid) for sid, server in self.servers.items()
                      if server.status == "alive" and name in server.files]
            if not having:
                say("NOTFOUND %s" % name)
                return ["ERROR FILE_NOT_FOUND"]
            sid = min(having)[2]
            server = self.servers[sid]
            server.given += 1
            say("ROUTED %s %s" % (name, sid))
            return ["SERVER %s %d %s %d" % (server.ip, server.tcp_port, sid, server.files[name])]

    def list_files(self):
        with self.lock:
            files = {}
            for server in self.servers.values():
                if server.status == "alive":
                    files.update(server.files)
            return ["FILE %s %d" % (name, files[name]) for name in sorted(files)] + ["END"]

    def list_servers(self):
        with self.lock:
            return ["SERVER %s %s %d %d %s" % (sid, server.ip, server.tcp_port, server.load, server.status)
                    for sid, server in sorted(self.servers.items())] + ["END"]

    def server_down(self, sid):
        with self.lock:
            if sid not in self.servers:
                return ["ERROR UNKNOWN_SERVER"]
            self.servers[sid].status = "dead"
            say("DOWN %s" % sid)
            return ["OK SERVER_MARKED_DEAD"]

    def update_load(self, sid, load):
        with self.lock:
            if sid not in self.servers:
                return ["ERROR UNKNOWN_SERVER"]
            self.servers[sid].load = int(load)
            say("LOAD %s %s" % (sid, load))
            return ["OK"]

    # -- one connection ----------------------------------------------------------------------------

    def converse(self, sock, peer, spoke):
        lines = Lines(sock)
        sid, server = None, None  # the list being gathered on this connection
        while True:  # until the peer closes, or is silent for too long
            # ADD_FILE lines come in a stream, so inside a list the lines are always put together.
            gathering = server is not None
            line = lines.read(small="small-recv" in self.style and not gathering,
                              whole="one-recv" in self.style and not gathering)
            if line is None:
                if gathering:
                    say("UNFINISHED %s" % sid)
                return
            spoke[0] = True
            if not gathering:
                sock.settimeout(60)
            words = words_of(line)
            command = words[0] if words else ""
            close = False

            if command == "REGISTER" and len(words) == 4 and is_port(words[2]) and is_port(words[3]):
                sid, server = words[1], Server(peer, int(words[2]), int(words[3]))
                sock.settimeout(None)
                answer = ["OK REGISTERED"]
            elif command == "ADD_FILE":
                answer = []  # never answered, not even when it is refused
                if gathering and len(words) == 4 and words[1] == sid and is_number(words[3]):
                    server.files[words[2]] = int(words[3])
                else:
                    unexpected("line", line)
            elif line == "DONE_FILES" and gathering:
                with self.lock:
                    self.servers[sid] = server
                say("REGISTERED %s %s %d files=%d" % (sid, server.ip, server.tcp_port, len(server.files)))
                sid, server = None, None
                answer, close = ["OK FILES_ADDED"], "one-answer" in self.style
            elif line == "HELLO" or (command == "HELLO" and "hello-loose" in self.style):
                answer = ["WELCOME MICRO-CDN"]
            elif command == "GET" and len(words) > 1:
                answer, close = self.get(line[4:].strip(" ")), "one-answer" in self.style
            elif line == "LIST_FILES":
                answer, close = self.list_files(), "one-answer" in self.style
            elif line == "LIST_SERVERS":
                answer, close = self.list_servers(), "one-answer" in self.style
            elif command == "SERVER_DOWN" and len(words) == 3 and is_number(words[2]):
                answer, close = self.server_down(words[1]), "one-answer" in self.style
                if "silent-down" in self.style:
                    return
            elif (command == "UPDATE_LOAD" and len(words) == 3 and is_number(words[2])
                  and "no-load" not in self.style):
                answer = self.update_load(words[1], words[2])
            else:
                unexpected("line", line)
                answer, close = ([] if "unknown-silent" in self.style else BAD), False
                if "unknown-close" in self.style:
                    return

            for text in answer:
                send_line(sock, text)
            if close:
                return


def subscribe(host, monitor_port, own_port):
    """Asks the monitor to report failures to us, again and again until it has said yes."""
    for _ in range(240):
        try:
            with socket.create_connection((host, monitor_port), timeout=5) as sock:
                send_line(sock, "REGISTER_INDEX localhost %d" % own_port)
                answer = Lines(sock).read()
            if answer == "OK INDEX_REGISTERED":
                say("SUBSCRIBED")
                return
            unexpected("answer to REGISTER_INDEX", answer)
        except OSError as error:
            say("RETRY subscribe %s" % error)
        time.sleep(0.5)
    say("GAVE UP subscribe")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=5050)
    parser.add_argument("--bind", default="127.0.0.1")
    parser.add_argument("--monitor-host", default="127.0.0.1")
    parser.add_argument("--monitor-tcp-port", type=int, default=6001)
    parser.add_argument("--style", default="", help=", ".join(STYLES))
    parser.add_argument("--lifetime", type=float, default=900, help="seconds after which it ends by itself")
    args = parser.parse_args()
    end_on_sigterm()
    style = styles(args.style, STYLES)
    listen(args.bind, args.port, Index(style).converse)
    say("READY index %d" % args.port)
    if "subscribe" in style:
        threading.Thread(target=subscribe, args=(args.monitor_host, args.monitor_tcp_port, args.port),
                         daemon=True).start()
    live(args.lifetime)


if __name__ == "__main__":
    main()
