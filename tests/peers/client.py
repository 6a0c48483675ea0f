"""A version 1 client, as a strict outsider would write it from the wire contract."""
import argparse
import os
import socket
import sys
import time

from lines import BadLine, Lines, end_on_sigterm, is_address, is_number, is_port, say, styles, unexpected, words_of

STYLES = ["no-hello", "byte-by-byte", "all-at-once", "one-connection", "header-byte-by-byte", "read-to-eof",
          "list", "servers", "monitor-servers", "ping"]
SAVED, FAILED, NOT_FOUND, INCOMPLETE, SURPRISED = 0, 1, 3, 4, 9  # exit codes
MAX_LIST = 100000
SILENCE = 5  # seconds, for read-to-eof


class Unexpected(Exception):
    """An answer the contract does not have: (what, got)."""


class Connection:
    def __init__(self, args, style, host, port, chunk=1024):
        source = (args.bind, 0) if args.bind else None
        self.sock = socket.create_connection((host, port), timeout=args.timeout, source_address=source)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.slowly = "byte-by-byte" in style
        self.lines = Lines(self.sock, chunk)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, *messages):
        """All the messages in one send, or each byte in its own."""
        data = "".join(message + "\n" for message in messages).encode("utf-8")
        if not self.slowly:
            self.sock.sendall(data)
            return
        for at in range(len(data)):
            self.sock.sendall(data[at:at + 1])
            time.sleep(0.001)

    def line(self):
        try:
            line = self.lines.read()
        except BadLine as error:
            raise Unexpected("answer", str(error))
        if line is None:
            raise ConnectionError("closed instead of an answer")
        return line


class Client:
    def __init__(self, args, style):
        self.args, self.style = args, style
        self.index = None  # the connection kept by one-connection

    def welcome(self, connection):
        answer = connection.line()
        if answer != "WELCOME MICRO-CDN":
            raise Unexpected("answer to HELLO", answer)

    def ask_index(self, connection, request, fresh=True):
        """HELLO when the style wants it, then the request; the answer is left to the caller."""
        if not fresh or "no-hello" in self.style:
            connection.send(request)
        elif "all-at-once" in self.style:
            connection.send("HELLO", request)
            self.welcome(connection)
        else:
            connection.send("HELLO")
            self.welcome(connection)
            connection.send(request)

    def to_index(self):
        return Connection(self.args, self.style, self.args.index_host, self.args.index_port)

    def locate(self, name):
        """(host, port) of a server that has the file, or None."""
        if "one-connection" not in self.style:
            with self.to_index() as connection:
                self.ask_index(connection, "GET " + name)
                return self.location(connection)
        fresh = self.index is None
        if fresh:
            self.index = self.to_index()
        self.ask_index(self.index, "GET " + name, fresh)
        return self.location(self.index)

    def location(self, connection):
        answer = connection.line()
        if answer == "ERROR FILE_NOT_FOUND":
            return None
        words = words_of(answer)
        if len(words) != 5 or words[0] != "SERVER" or not is_port(words[2]) or not is_number(words[4]):
            raise Unexpected("answer to GET", answer)
        if not is_address(words[1], connection.sock.family):
            raise Unexpected("address in answer to GET", answer)
        say("SERVER %s %s %s" % (words[1], words[2], words[3]))
        return words[1], int(words[2])

    # -- the content server ------------------------------------------------------------------------------

    def fetch(self, name, host, port):
        chunk = 1 if "header-byte-by-byte" in self.style else 4096
        with Connection(self.args, self.style, host, port, chunk) as connection:
            connection.send("GET " + name)
            header = connection.line()
            if header == "ERROR FILE_NOT_FOUND":
                return self.missing(name)
            words = words_of(header)
            if len(words) != 2 or words[0] != "OK" or not is_number(words[1]):
                raise Unexpected("header", header)
            size, target = int(words[1]), self.target(name)
            os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
            with open(target + ".part", "wb") as file:
                got = self.body(connection, size, file)
        if got > size:
            os.remove(target + ".part")
            raise Unexpected("bytes after the file", "%d of %d" % (got, size))
        if got < size:
            os.remove(target + ".part")
            say("INCOMPLETE %s %d of %d" % (name, got, size))
            return INCOMPLETE
        os.replace(target + ".part", target)
        say("SAVED %s %d" % (name, size))
        return SAVED

    def body(self, connection, size, file):
        """Writes what follows the header; returns how many bytes there were, whatever was announced."""
        to_eof = "read-to-eof" in self.style
        if to_eof:
            connection.sock.settimeout(SILENCE)
        data = connection.lines.data
        file.write(data)
        got = len(data)
        while got <= size if to_eof else got < size:
            try:
                data = connection.sock.recv(65536 if to_eof else min(65536, size - got))
            except OSError as error:
                say("SILENCE %s" % error)
                break
            if not data:
                break
            file.write(data)
            got += len(data)
        return got

    def target(self, name):
        name = os.path.basename(name)
        out = self.args.out
        if out is None:
            return os.path.join("downloads", name)
        if len(self.args.names) > 1 or out.endswith("/") or os.path.isdir(out):
            return os.path.join(out, name)
        return out

    def missing(self, name):
        say("NOTFOUND %s" % name)
        return NOT_FOUND

    def download(self, name):
        try:
            if self.args.direct_host or self.args.direct_port:
                return self.fetch(name, self.args.direct_host or "127.0.0.1", self.args.direct_port or 7001)
            place = self.locate(name)
            return self.fetch(name, *place) if place else self.missing(name)
        except OSError as error:
            say("FAILED %s %s" % (name, error))
            return FAILED

    # -- questions without a file --------------------------------------------------------------------------

    def listing(self, connection):
        """Prints the lines of a list up to END; each must have the exact shape."""
        for _ in range(MAX_LIST):
            line = connection.line()
            words = words_of(line)
            if line == "END":
                say("END")
                return
            if words[:1] == ["FILE"] and "list" in self.style:
                good = len(words) == 3 and is_number(words[2])
            else:
                good = (words[:1] == ["SERVER"] and "list" not in self.style and len(words) == 6 and is_port(words[3])
                        and is_number(words[4]) and words[5] in ("alive", "dead"))
            if not good:
                raise Unexpected("line in a list", line)
            say(line)
        raise Unexpected("list", "without an end")

    def question(self):
        args, style = self.args, self.style
        if "list" in style or "servers" in style:
            with self.to_index() as connection:
                self.ask_index(connection, "LIST_FILES" if "list" in style else "LIST_SERVERS")
                self.listing(connection)
            return
        with Connection(args, style, args.monitor_host, args.monitor_tcp_port) as connection:
            connection.send("PING" if "ping" in style else "LIST_SERVERS")
            if "ping" not in style:
                self.listing(connection)
                return
            answer = connection.line()
            if answer != "PONG":
                raise Unexpected("answer to PING", answer)
            say("PONG")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--index-host", default="127.0.0.1")
    parser.add_argument("--index-port", type=int, default=5050)
    parser.add_argument("--monitor-host", default="127.0.0.1")
    parser.add_argument("--monitor-tcp-port", type=int, default=6001)
    parser.add_argument("--out", metavar="PATH")
    parser.add_argument("--direct-host")
    parser.add_argument("--direct-port", type=int)
    parser.add_argument("--timeout", type=float, default=10, help="seconds without a byte")
    parser.add_argument("--bind", help="local address to connect from")
    parser.add_argument("--style", default="", help=", ".join(STYLES))
    args = parser.parse_args()
    end_on_sigterm()
    client = Client(args, styles(args.style, STYLES))
    asks = client.style & {"list", "servers", "monitor-servers", "ping"}
    if bool(asks) == bool(args.names) or len(asks) > 1:
        parser.error("give file names, or one of the styles list, servers, monitor-servers, ping")
    try:
        if not asks:
            sys.exit(max([client.download(name) for name in args.names]))
        client.question()
    except Unexpected as error:
        unexpected(*error.args)
        sys.exit(SURPRISED)
    except OSError as error:
        say("FAILED %s" % error)
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
