#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""delay.py PORT MILLISECONDS: a relay to PORT of 127.0.0.1 that delivers every byte half a round trip later, both ways. At most
8 MiB are on the way in one direction, as with a large TCP window. Prints "listening PORT"."""
import asyncio
import sys

ON_THE_WAY, PIECE = 8 << 20, 256 << 10


async def read(reader, queue, room, delay):
    loop = asyncio.get_running_loop()
    while True:
        data = await reader.read(PIECE)
        while sum(room) > ON_THE_WAY:
            await asyncio.sleep(0.001)
        room[0] += len(data)
        await queue.put((loop.time() + delay, data))
        if not data:
            return


async def write(writer, queue, room):
    loop = asyncio.get_running_loop()
    while True:
        due, data = await queue.get()
        if due > loop.time():
            await asyncio.sleep(due - loop.time())
        if not data:
            writer.close()
            return
        writer.write(data)
        await writer.drain()
        room[0] -= len(data)


async def one_way(reader, writer, delay):
    queue, room = asyncio.Queue(), [0]
    try:
        await asyncio.gather(read(reader, queue, room, delay), write(writer, queue, room))
    except (ConnectionError, asyncio.CancelledError):
        writer.close()


async def main():
    port, delay = int(sys.argv[1]), float(sys.argv[2]) / 2000

    async def relay(reader, writer):
        there = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        await asyncio.gather(one_way(reader, there[1], delay), one_way(there[0], writer, delay))

    server = await asyncio.start_server(relay, "127.0.0.1", 0, limit=1 << 20)
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
