"""What the four Python peers share: output, the framing of protocol version 1, and a threaded listener."""
import os
import signal
import socket
import sys
import threading
import time

MAX_LINE = 8 * 1024
_output = threading.Lock()


class BadLine(Exception):
    """A line that breaks the framing; its text is the reason for the ERROR answer."""


def say(text):
    """One event, one line, at once."""
    with _output:
        sys.stdout.buffer.write((text + "\n").encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()


def unexpected(what, got):
    say("UNEXPECTED %s %r" % (what, got))


def styles(text, known):
    """The set of words given to --style; an unknown word is a mistake of the caller."""
    words = {word for word in text.split(",") if word}
    strange = sorted(words - set(known))
    if strange:
        sys.exit("unknown style: %s (known: %s)" % (", ".join(strange), ", ".join(known)))
    return words


def words_of(line):
    """Words are separated by one or more spaces, and by nothing else."""
    return [word for word in line.split(" ") if word]


def is_number(word):
    return word.isascii() and word.isdigit() and len(word) <= 19


def is_port(word):
    return is_number(word) and 1 <= int(word) <= 65535


def is_address(word, family):
    """An address the asker can use: IPv4 over IPv4; over IPv6 either kind, but no mapped IPv4."""
    families = [socket.AF_INET] if family == socket.AF_INET else [socket.AF_INET, socket.AF_INET6]
    for each in families:
        try:
            socket.inet_pton(each, word)
            return not word.lower().startswith("::ffff:")
        except OSError:
            pass
    return False


def text_of(data):
    """Bytes of one line, without its LF, as text."""
    if data.endswith(b"\r"):
        data = data[:-1]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadLine("BAD_TEXT")
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise BadLine("BAD_TEXT")
    return text


class Lines:
    """Reads lines from a socket. What came after the last line read stays in .data."""

    def __init__(self, sock, chunk=1024):
        self.sock, self.chunk, self.data = sock, chunk, b""

    def read(self, small=False, whole=False):
        """The next line, or None at the end of the connection.

        small: what one receive brought is taken for whole lines, finished or not.
        whole: what one receive brought is taken for one single line."""
        while b"\n" not in self.data or whole:
            if self.data and (small or whole):
                data, self.data = self.data.rstrip(b"\r\n"), b""
                return text_of(data.replace(b"\n", b" "))
            if len(self.data) > MAX_LINE:
                raise BadLine("LINE_TOO_LONG")
            more = self.sock.recv(self.chunk)
            if not more:
                if self.data:
                    unexpected("end inside a line", self.data[:80])
                return None
            self.data += more
        data, self.data = self.data.split(b"\n", 1)
        if len(data) > MAX_LINE:
            raise BadLine("LINE_TOO_LONG")
        return text_of(data)


def send_line(sock, text):
    sock.sendall((text + "\n").encode("utf-8"))


def _converse(sock, peer, handler):
    spoke = [False]  # the handler sets it at the first line
    try:
        sock.settimeout(10)
        handler(sock, peer, spoke)
        if not spoke[0]:
            unexpected("connection without a word from", peer)
    except BadLine as error:
        unexpected("bytes", str(error))
        try:
            send_line(sock, "ERROR %s" % error)
        except OSError:
            pass
    except OSError as error:
        say("LOST %s %s" % (peer, error))
    finally:
        sock.close()


def listen(address, port, handler):
    """Accepts connections on a thread of their own; handler(sock, peer, spoke) runs on one thread each."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(64)

    def accept():
        while True:  # until the process ends: at SIGTERM or after its lifetime
            sock, peer = listener.accept()
            threading.Thread(target=_converse, args=(sock, peer[0], handler), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener


def end_on_sigterm():
    """SIGTERM and Ctrl+C end the process with exit 0, whatever its threads do."""
    def end(*_):
        os.write(1, b"STOPPED\n")
        os._exit(0)
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


def live(seconds):
    """The main thread's only work; the limit keeps a forgotten peer from running for ever."""
    time.sleep(seconds)
    say("LIFETIME OVER")
    os._exit(0)
