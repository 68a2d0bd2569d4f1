#!/usr/bin/env python3
"""A scheduler in plain Python: first fit by CPU and memory. docs/SCHEDULER.md explains it.

It listens where davit-scheduler would (scheduler.py PORT), speaks SP over TCP by itself and
everything else in JSON, so that nothing has to be installed.
"""
import json
import socketserver
import struct
import sys

SP_REP = b"\0SP\0\0\x31\0\0"  # what a REP socket says first
SIZES = {"cpu_milli": "cpu", "memory_bytes": "memory"}  # and the filters that go with them


class Refused(Exception):
    pass


class Cache:
    def __init__(self):
        self.version, self.nodes = None, {}

    def apply(self, request):
        if request.get("snapshot"):
            self.nodes = {}
        elif request.get("base_version", 0) != self.version:
            raise Refused("send a snapshot")
        for node in request.get("nodes", []):
            self.nodes[node["id"]] = free = {}
            for size in SIZES:
                free[size] = node["capacity"].get(size, 0) - node["reserved"].get(size, 0)
                if not node.get("schedulable"):
                    free[size] = -1
        for node_id in request.get("removed_nodes", []):
            self.nodes.pop(node_id, None)
        self.version = request["version"]

    def choose(self, want):
        """The first node that has enough, which is taken from it; or how many are short of what."""
        short = dict.fromkeys(SIZES, 0)
        for node_id, free in self.nodes.items():
            lacking = [size for size in SIZES if want[size] > free[size]]
            for size in lacking:
                short[size] += 1
            if not lacking:
                self.nodes[node_id] = {size: free[size] - want[size] for size in SIZES}
                return node_id, None
        return None, short

    def place(self, request):
        self.apply(request)
        specs = {entry["id"]: entry["spec"] for entry in request.get("specs", [])}
        before = dict(self.nodes)
        placements, refusals = [], []
        for task in request.get("tasks", []):
            want = {size: specs[task["spec_id"]].get(size, 0) for size in SIZES}
            node_id, short = self.choose(want)
            if node_id:
                placements.append({"task_id": task["task_id"], "node_id": node_id})
                continue
            filters = [{"filter": SIZES[size], "n_nodes": n} for size, n in short.items() if n]
            why = "first fit in Python found no room"
            refusals.append({"task_id": task["task_id"], "message": why, "filters": filters})
        if request.get("dry_run"):
            self.nodes = before
        return {"version": self.version, "placements": placements, "refusals": refusals}

    def answer(self, call):
        try:
            if not call.startswith(b"{"):  # the first question of a connection: asked again in JSON
                raise Refused("say it in JSON")
            return {"status": "OK", "response": self.place(json.loads(call)["request"])}
        except Refused as why:
            return {"status": "FAILED_PRECONDITION", "message": str(why)}


class Pipe(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(SP_REP)
        self.rfile.read(8)
        while head := self.rfile.read(8):
            message = self.rfile.read(struct.unpack(">Q", head)[0])
            ids = 4  # the ids of hops, the last of which has the top bit set, go back as they came
            while not message[ids - 4] & 128:
                ids += 4
            reply = message[:ids] + json.dumps(self.server.cache.answer(message[ids:])).encode()
            self.wfile.write(struct.pack(">Q", len(reply)) + reply)


if __name__ == "__main__":
    socketserver.TCPServer.allow_reuse_address = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Pipe) as server:
        server.cache = Cache()
        server.serve_forever()
