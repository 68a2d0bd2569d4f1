#!/usr/bin/env python3
"""valve.py PORT HOST:PORT FILE - TCP, of whose answers the rest waits until FILE exists.

The first MEBIBYTE of each connection's answers comes through at once: what is under way stays
under way for as long as a test looks at it.
"""
import os
import socket
import sys
import threading
import time

MEBIBYTE = 1 << 20
host, port = sys.argv[2].rsplit(":", 1)


def pump(source, sink, free):
    try:
        while data := source.recv(65536):
            while free <= 0 and not os.path.exists(sys.argv[3]):
                time.sleep(0.05)
            free -= len(data)
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for side in (source, sink):
            side.close()


server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    near, _ = server.accept()
    far = socket.create_connection((host, int(port)))
    threading.Thread(target=pump, args=(near, far, float("inf")), daemon=True).start()
    threading.Thread(target=pump, args=(far, near, MEBIBYTE), daemon=True).start()
