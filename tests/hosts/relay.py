#!/usr/bin/env python3
"""relay.py DELAY_MS PORT HOST:PORT [PORT HOST:PORT ...] - TCP that takes its time.

What comes in at a port is passed on to the address beside it, each way DELAY_MS later, in order.
Ends when it is ended; a connection that cannot be made behind it is closed.
"""
import asyncio
import sys

CHUNK = 65536


async def pump(reader, writer, delay):
    """Passes on what is read, each piece when its time has come; pieces overtake nothing."""
    queue = asyncio.Queue(maxsize=1024)

    async def deliver():
        while (item := await queue.get()) is not None:
            due, data = item
            await asyncio.sleep(max(0, due - asyncio.get_running_loop().time()))
            writer.write(data)
            await writer.drain()
        writer.close()

    task = asyncio.ensure_future(deliver())
    try:
        while data := await reader.read(CHUNK):
            await queue.put((asyncio.get_running_loop().time() + delay, data))
    except OSError:
        pass
    await queue.put(None)
    try:
        await task
    except OSError:
        pass


def relay_to(address, delay):
    host, port = address.rsplit(":", 1)

    async def on_connection(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, far_writer, delay), pump(far_reader, writer, delay))

    return on_connection


async def main():
    delay = int(sys.argv[1]) / 1000
    pairs = zip(sys.argv[2::2], sys.argv[3::2])
    servers = [await asyncio.start_server(relay_to(to, delay), "0.0.0.0", int(port)) for port, to in pairs]
    await asyncio.gather(*(server.serve_forever() for server in servers))


asyncio.run(main())
