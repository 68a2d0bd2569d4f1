#!/usr/bin/env python3
"""A scheduler in plain Python: first fit by CPU and memory. docs/SCHEDULER.md explains it.

It listens where davit-scheduler would (scheduler.py PORT) and speaks SP over TCP and the wire
format of protobuf by itself, so that nothing has to be installed.
"""
import socket
import socketserver
import struct
import sys

SP_REP = b"\0SP\0\0\x31\0\0"  # what a REP socket says first
OK, FAILED_PRECONDITION = 0, 9


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value, at, shift = value | (byte & 127) << shift, at + 1, shift + 7
        if byte < 128:
            return value, at


def read(data):
    """A message as {field number: [values]}; texts and messages inside stay bytes."""
    fields, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            size, at = (8, at) if key & 7 == 1 else (4, at) if key & 7 == 5 else varint(data, at)
            value, at = data[at : at + size], at + size
        fields.setdefault(key >> 3, []).append(value)
    return fields


def number(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def write(*fields):
    """(number, value) pairs as a message: an int is a varint, bytes are length-delimited."""
    out = b""
    for field, value in fields:
        if isinstance(value, int):
            out += number(field << 3) + number(value)
        else:
            out += number(field << 3 | 2) + number(len(value)) + value
    return out


def resources(data):
    fields = read(data)
    return [fields.get(1, [0])[0], fields.get(2, [0])[0]]  # cpu_milli, memory_bytes


class Cache:
    def __init__(self):
        self.version, self.nodes = None, {}

    def apply(self, request):
        """False when the changes are to another version than ours: ask for a snapshot."""
        if request.get(3, [0])[0]:
            self.nodes = {}
        elif request.get(1, [0])[0] != self.version:
            return False
        for data in request.get(4, []):
            node = read(data)
            free = [c - r for c, r in zip(resources(node[4][0]), resources(node[5][0]))]
            self.nodes[node[1][0]] = free if node.get(3, [0])[0] else [-1, -1]
        for node_id in request.get(5, []):
            self.nodes.pop(node_id, None)
        self.version = request[2][0]
        return True

    def place(self, request):
        if not self.apply(request):
            return write((1, FAILED_PRECONDITION), (2, b"send a snapshot"))
        specs = {read(s)[1][0]: read(read(s)[2][0]) for s in request.get(6, [])}
        is_dry, answer = request.get(12, [0])[0], [(1, self.version)]
        before = {node_id: list(free) for node_id, free in self.nodes.items()}
        for data in request.get(7, []):
            task = read(data)
            spec = specs[task[2][0]]
            want = [spec.get(11, [0])[0], spec.get(12, [0])[0]]
            for node_id, free in self.nodes.items():
                if all(f >= max(w, 0) for f, w in zip(free, want)):
                    self.nodes[node_id] = [f - w for f, w in zip(free, want)]
                    answer.append((2, write((1, task[1][0]), (2, node_id))))
                    break
            else:
                why = write((1, task[1][0]), (2, b"first fit in Python found no room"))
                answer.append((3, why))
        if is_dry:
            self.nodes = before
        return write((1, OK), (3, write(*answer)))


class Pipe(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(SP_REP)
        self.rfile.read(8)
        while head := self.rfile.read(8):
            message = self.rfile.read(struct.unpack(">Q", head)[0])
            ids = 4  # the ids of hops, the last of which has the top bit set, go back as they came
            while not message[ids - 4] & 128:
                ids += 4
            reply = message[:ids] + self.server.cache.place(read(read(message[ids:])[2][0]))
            self.wfile.write(struct.pack(">Q", len(reply)) + reply)


if __name__ == "__main__":
    socketserver.TCPServer.allow_reuse_address = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Pipe) as server:
        server.cache = Cache()
        server.serve_forever()
