#!/usr/bin/env python3
"""A scheduler that lies: liar.py PORT DIRECTORY. Each answer is another lie, in turn."""
import socketserver
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[2])  # where scheduler.py is
import scheduler

NOBODY = "0198c0de-0000-7000-8000-00000000000a"


class Liar(scheduler.Cache):
    n = 0

    def place(self, request):
        self.apply(request)
        placements = []
        for task in request["tasks"]:
            truth = {"task_id": task["task_id"], "node_id": next(iter(self.nodes))}
            lies = [
                [dict(truth, node_id=NOBODY)],
                [truth],  # there is no room
                [dict(truth, task_id=NOBODY)],
                [truth, truth],
                [dict(truth, claim=True)],
                [dict(truth, evictions=[{"group_id": NOBODY, "n": 1}])],
            ]
            placements += lies[self.n % len(lies)]
        self.n += 1
        return {"version": self.version, "placements": placements}


socketserver.TCPServer.allow_reuse_address = True
with socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), scheduler.Pipe) as server:
    server.cache = Liar()
    server.serve_forever()
