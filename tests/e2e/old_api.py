#!/usr/bin/env python3
"""old_api.py SOCKET ENGINE VERSION LOG - an engine that says it speaks no newer API than VERSION.

Passes everything on to the engine's own socket, but for the version in its answer to /version, and
notes the first line of each request.
"""
import re
import socket
import sys
import threading

NEAR, FAR, VERSION, LOG = sys.argv[1:]
SAID = re.compile(rb'"ApiVersion":"[0-9.]{%d}"' % len(VERSION))
lock = threading.Lock()


def note(data):
    for line in re.findall(rb"^[A-Z]+ /\S* HTTP/1.1", data, re.M):
        with lock, open(LOG, "ab") as log:
            log.write(line + b"\n")


def copy(source, target, change):
    try:
        while data := source.recv(1 << 16):
            target.sendall(change(data))
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for each in (source, target):
            each.close()


def asked(data):
    note(data)
    return data


def answered(data):
    return SAID.sub(b'"ApiVersion":"%s"' % VERSION.encode(), data)


listener = socket.socket(socket.AF_UNIX)
listener.bind(NEAR)
listener.listen(64)
while True:
    near = listener.accept()[0]
    far = socket.socket(socket.AF_UNIX)
    far.connect(FAR)
    threading.Thread(target=copy, args=(near, far, asked), daemon=True).start()
    threading.Thread(target=copy, args=(far, near, answered), daemon=True).start()
