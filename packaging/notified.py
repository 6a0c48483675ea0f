"""Starts a command as systemd does, and prints what it tells: python3 notified.py COMMAND... (sd_notify(3))."""
import os
import signal
import socket
import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "notify")
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(path)
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL,
                             env=os.environ | {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1000000"})
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    told.settimeout(0.2)
    while True:
        try:
            print(told.recv(4096).decode(), flush=True)
        except TimeoutError:
            if child.poll() is not None:
                break
sys.exit(child.returncode)
