"""The self test of the version 1 peers: they talk to one another as real processes on free loopback ports."""
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from processes import HERE, WORK, Net, check, finish, free_port, port_of, say_to


def the_scenario():
    net = Net(timeout=4)
    port = free_port()
    first = net.content("CS1", port=port)
    net.content("CS2", ("both.txt", "two.txt"))
    clients = [net.client("", "one.bin", "both.txt", "empty.txt", "two.txt") for _ in range(4)]
    codes = [client.process.wait(20) for client in clients]
    check("several clients at once", codes == [0] * 4, (codes, [client.lines for client in clients]))
    check("the monitor shows heartbeats",
          net.monitor.saw("HEARTBEAT CS1 127.0.0.1 ") and net.monitor.saw("HEARTBEAT CS2 "), net.monitor.lines)
    shown = net.gets("the monitor's list", "monitor-servers").lines
    check("both are alive", sum(line.endswith(" alive") for line in shown) == 2, shown)
    first.end(signal.SIGKILL)
    check("the monitor marks it dead", net.monitor.saw("DEAD CS1", 10) and net.monitor.saw("TOLD "), net.monitor.lines)
    check("the index takes it out", net.index.saw("DOWN CS1"), net.index.lines)
    shown = net.gets("the index's list", "servers").lines
    dead = [line for line in shown if line.startswith("SERVER CS1 ") and line.endswith(" dead")]
    check("the index shows it dead", dead, shown)
    net.gets("the other one's copy still downloads", "", "both.txt")
    net.gets("its only copy is not found", "", "one.bin", code=3)
    at = len(net.monitor.lines)
    net.content("CS1", port=port)
    check("it comes back", net.monitor.saw("ALIVE CS1", after=at), net.monitor.lines)
    net.gets("and is used again", "", "one.bin")
    net.close("the scenario")


def index_styles():
    net = Net("one-answer,silent-down", "one-answer", timeout=4)
    doomed = net.content()
    net.gets("index one-answer: files", "", "one.bin", "empty.txt")
    net.gets("index one-answer: list", "list")
    net.gets("monitor one-answer: ping", "ping")
    doomed.end(signal.SIGKILL)
    check("index silent-down: marks without an answer", net.index.saw("DOWN CS1", times=3)
          and net.monitor.saw("NOANSWER", times=3), net.monitor.lines)
    net.close("index one-answer, silent-down")

    net = Net("subscribe,no-load", "scan-slow", timeout=4, to_index=False)
    check("index subscribe", net.index.saw("SUBSCRIBED") and net.monitor.saw("INDEX localhost:"))
    doomed = net.content(style="update-load")
    check("index no-load refuses UPDATE_LOAD", net.index.saw("UNEXPECTED line 'UPDATE_LOAD CS1 0'")
          and doomed.saw("UNEXPECTED answer"), doomed.lines)
    at = len(net.index.lines)
    doomed.end(signal.SIGKILL)
    check("index subscribe, monitor scan-slow: hears of a death", net.index.saw("DOWN CS1", after=at), net.index.lines)
    net.close("index subscribe", ("UPDATE_LOAD", "BAD_REQUEST"))

    net = Net("small-recv", "keep-open")
    kept = net.content(style="keep-registered,update-load,localhost")
    check("content update-load", net.index.saw("LOAD CS1 0"))
    check("content localhost", net.monitor.saw("HEARTBEAT CS1 localhost "))
    net.gets("index small-recv: all at once", "all-at-once", "one.bin")
    check("content keep-registered", "INDEX CLOSED" not in kept.lines, kept.lines)
    net.close("index small-recv")

    net = Net("one-recv,keep-open")
    net.content(style="close-after-register,small-recv")
    net.gets("index one-recv: one line per send", "", "one.bin")
    net.gets("index one-recv: two lines in one send are refused", "all-at-once", "one.bin", code=9)
    net.close("index one-recv", ("HELLO GET",))


def content_styles():
    net = Net()
    cases = [("one-answer", "", 0), ("keep-open", "read-to-eof", 0), ("slow", "", 0), ("die-mid-file", "", 4),
             ("stall", "", 4), ("lie-size", "", 4), ("lie-size", "read-to-eof", 4)]
    for number, (style, reading, code) in enumerate(cases):
        content = net.content("CS%d" % number, ("one.bin",), style)
        what = "content %s, client %s" % (style, reading or "plain")
        net.gets(what, reading, "one.bin", code=code)
        content.end()
        if number < len(cases) - 1:  # the next one must be the only choice
            say_to(net.index_port, "SERVER_DOWN CS%d 1" % number)
    net.close("content styles")


def client_styles():
    net = Net()
    content = net.content()
    for style in ("no-hello", "byte-by-byte", "all-at-once", "one-connection", "header-byte-by-byte", "read-to-eof",
                  "no-hello,byte-by-byte,header-byte-by-byte,one-connection", "read-to-eof,header-byte-by-byte"):
        net.gets("client %s" % style, style, "one.bin", "empty.txt", "both.txt")
    for style, wanted in (("list", "FILE one.bin 256000"), ("servers", "SERVER CS1 127.0.0.1 "),
                          ("monitor-servers", "SERVER CS1 127.0.0.1 "), ("ping", "PONG"),
                          ("no-hello,list", "FILE both.txt 400")):
        lines = net.gets("client %s" % style, style).lines
        check("client %s shows it" % style, any(line.startswith(wanted) for line in lines), lines)
    net.gets("a file nobody has", "", "none.txt", code=3)
    direct = ("--index-port", free_port(), "--direct-host", "127.0.0.1", "--direct-port", port_of(content))
    net.gets("client direct", "", "one.bin", flags=direct)
    net.gets("client direct: a file it has not", "", "none.txt", flags=direct, code=3)
    net.gets("client: nobody there", "", "one.bin", flags=direct[:2], code=1)
    code = subprocess.call([sys.executable, "-B", os.path.join(HERE, "client.py"), "both.txt", "--index-port",
                            str(net.index_port)], cwd=WORK.name, stdout=subprocess.DEVNULL)
    check("client saves to downloads/ by itself", code == 0
          and os.path.getsize(os.path.join(WORK.name, "downloads", "both.txt")) == 400, code)
    spaced = net.content("CS2", ("two words.txt",), "spaces")
    check("content spaces: its name is refused without an answer", spaced.saw("REGISTERED CS2 files=1")
          and net.index.saw("UNEXPECTED line 'ADD_FILE CS2 two words.txt 10'"), net.index.lines)

    port = net.index_port
    check("index: four words in REGISTER", say_to(port, "REGISTER X 1 2 3").startswith("ERROR "))
    check("index: HELLO has one word", say_to(port, "HELLO 2").startswith("ERROR "))
    check("index: a line too long", say_to(port, "GET " + "x" * 9000).startswith("ERROR "))
    check("index: an unfinished list changes nothing", say_to(port, "REGISTER CS1 1 2") == "OK REGISTERED\n"
          and net.index.saw("UNFINISHED CS1") and say_to(port, "GET one.bin").startswith("SERVER "))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.sendto(b"HEARTBEAT CS1 127.0.0.1 7001 0 3 more", ("127.0.0.1", net.udp))
    check("monitor: six words in HEARTBEAT", net.monitor.saw("UNEXPECTED datagram"))
    check("monitor: an unknown line", say_to(net.tcp, "HELLO").startswith("ERROR "))
    net.close("client styles", ("two words", "REGISTER X", "HELLO", "LINE_TOO_LONG", "datagram"))

    loose = Net("hello-loose", "unknown-close")
    check("index hello-loose", say_to(loose.index_port, "HELLO 2") == "WELCOME MICRO-CDN\n")
    check("monitor unknown-close", say_to(loose.tcp, "HELLO 2") == "")
    content = loose.content(style="unknown-close")
    check("content unknown-close", say_to(port_of(content), "HELLO 2") == "")
    loose.close("hello-loose, unknown-close", ("HELLO 2",))
    mute = Net("unknown-silent", "unknown-silent")
    with socket.create_connection(("127.0.0.1", mute.index_port), timeout=1) as sock:
        sock.sendall(b"HELLO 2\n")
        time.sleep(0.2)
        sock.sendall(b"HELLO\n")
        check("index unknown-silent", sock.recv(100) == b"WELCOME MICRO-CDN\n")
    content = mute.content(style="unknown-silent")
    with socket.create_connection(("127.0.0.1", port_of(content)), timeout=1) as sock:
        sock.sendall(b"HELLO 2\n")
        time.sleep(0.2)
        sock.sendall(b"GET none\n")
        check("content unknown-silent", sock.recv(100) == b"ERROR FILE_NOT_FOUND\n")
    with socket.create_connection(("127.0.0.1", mute.tcp), timeout=1) as sock:
        sock.sendall(b"HELLO 2\n")
        time.sleep(0.2)
        sock.sendall(b"PING\n")
        check("monitor unknown-silent", sock.recv(100) == b"PONG\n")
    mute.close("unknown-silent", ("HELLO 2",))


def main():
    parts = [the_scenario, index_styles, content_styles, client_styles]

    def run(part):
        try:
            part()
        except Exception as error:
            check(part.__name__, False, repr(error))

    threads = [threading.Thread(target=run, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.exit(finish())


if __name__ == "__main__":
    main()
