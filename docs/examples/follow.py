#!/usr/bin/env python3
"""follow.py HOST PORT [TOPIC...]: live events and figures of a Davit cluster, with nothing but a socket."""
import json, socket, struct, sys

host, port, topics = sys.argv[1], int(sys.argv[2]), [t.encode() for t in sys.argv[3:]] or [b""]
feed = socket.create_connection((host, port)).makefile("rwb")  # the manager's feed in JSON: 7073
feed.write(b"\0SP\0" + struct.pack("!HH", 0x21, 0))  # SP over TCP: "I am a SUB"
feed.flush()
assert feed.read(8)[:6] == b"\0SP\0\0\x20", "that is no PUB"
last = {}
while size := feed.read(8):  # each message: its size, a topic, a blank, a line of JSON
    topic, body = feed.read(struct.unpack("!Q", size)[0]).split(b" ", 1)
    if not topic.startswith(tuple(topics)):
        continue
    message, family = json.loads(body), topic.split(b".")[0]
    if family == b"event" and message["seq"] > last.get(family, message["seq"]) + 1:
        print("missed", message["seq"] - last[family] - 1, flush=True)  # a gap in the numbers
    last[family] = message.get("seq", 0)
    print(topic.decode(), json.dumps(message), flush=True)
