"""A web server to look at a cache with: how its answers may be kept depends on the path alone.

    python3 examples/origin.py [PORT]

Each path counts its answers, so that a body tells which answer it was: "answer 2". What has come in for a path, and for
what lies below it, is told by /asked/PATH. It listens on loopback alone.
"""

import collections
import email.utils
import http.server
import re
import sys
import time

LARGE = b"".join(b"%15d\n" % number for number in range(8 * 65536))  # 8 MiB

FIELDS = {
    "/private": {"Cache-Control": "private, max-age=600"},
    "/cookie": {"Cache-Control": "max-age=600", "Set-Cookie": "who=you"},
    "/targeted": {"Cache-Control": "no-store", "CDN-Cache-Control": "max-age=600"},
    "/guess": {"Last-Modified": email.utils.formatdate(time.time() - 10 * 86400, usegmt=True)},
    "/always": {"Cache-Control": "no-cache", "ETag": '"v1"'},
    "/language": {"Cache-Control": "max-age=600", "Vary": "Accept-Language"},
    "/swr": {"Cache-Control": "max-age=600, stale-while-revalidate=600"},
    "/sie": {"Cache-Control": "max-age=600, stale-if-error=600"},
    "/account": {"Cache-Control": "private"},
}
OTHERS = {"Cache-Control": "max-age=600", "ETag": '"v1"'}


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    counts = collections.Counter()
    asked = []

    def answer(self):
        path = self.path.split("?")[0]
        if path.startswith("/asked/"):
            lines = [line for line in Origin.asked if line.split()[1].startswith(path[len("/asked"):])]
            return self.send(200, {"Cache-Control": "no-store"}, "".join(lines).encode())
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        Origin.asked.append(f"{self.command} {self.path} {self.headers.get('Range', '')}".rstrip() + "\n")
        fields = dict(FIELDS.get("/account" if path.startswith("/account") else path, OTHERS))
        if self.headers.get("If-None-Match") == fields.get("ETag", "none"):
            return self.send(304, fields, b"")
        Origin.counts[path] += 1
        number = Origin.counts[path]
        if path == "/seen":
            fields = {"Cache-Control": "no-store"}
            return self.send(200, fields, str(self.headers).encode())
        if path == "/large":
            return self.send_part(fields)
        if path == "/missing":
            return self.send(404, fields, b"answer %d\n" % number)
        if path == "/slow":
            time.sleep(1)
        if path in ("/swr", "/sie") and number == 1:
            fields["Age"] = "610"  # Some other cache had it for so long: it is stale as it comes.
        if path == "/sie" and number > 1:
            return self.send(503, {"Cache-Control": "no-store"}, b"answer %d\n" % number)
        self.send(200, fields, b"answer %d\n" % number)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

    def send_part(self, fields):
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if not match or match.groups() == ("", ""):
            return self.send(200, fields, LARGE)
        first, last = match.groups()
        start = int(first) if first else max(0, len(LARGE) - int(last))
        end = min(len(LARGE), int(last) + 1) if first and last else len(LARGE)
        self.send(206, fields | {"Content-Range": f"bytes {start}-{end - 1}/{len(LARGE)}"}, LARGE[start:end])

    def send(self, status, fields, body):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format, *args):
        pass


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8001
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Origin).serve_forever()
