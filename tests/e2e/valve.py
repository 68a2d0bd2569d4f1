#!/usr/bin/env python3
"""valve.py PORT HOST:PORT FILE - TCP, of whose answers the rest waits until FILE exists.

The first MEBIBYTE of the answer to each request comes through at once: what is under way stays
under way for as long as a test looks at it.
"""
import os
import socket
import sys
import threading
import time

MEBIBYTE = 1 << 20
host, port = sys.argv[2].rsplit(":", 1)


class Connection:
    def __init__(self, near):
        self.near = near
        self.far = socket.create_connection((host, int(port)))
        self.passed = 0  # of the present answer
        for way in (self.ask, self.answer):
            threading.Thread(target=self.run, args=(way,), daemon=True).start()

    def run(self, way):
        try:
            way()
        except OSError:
            self.near.close()
            self.far.close()

    def ask(self):
        while data := self.near.recv(65536):
            self.passed = 0  # one connection carries several requests
            self.far.sendall(data)
        self.far.shutdown(socket.SHUT_WR)

    def answer(self):
        while data := self.far.recv(65536):
            while self.passed >= MEBIBYTE and not os.path.exists(sys.argv[3]):
                time.sleep(0.05)
            self.passed += len(data)
            self.near.sendall(data)
        self.near.shutdown(socket.SHUT_WR)


server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    Connection(server.accept()[0])
