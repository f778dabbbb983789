"""Passes connections to a free port of this machine on to a Unix socket, and prints the URL of `/mcp` there."""

import asyncio
import sys


async def copy(reader, writer):
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()


async def passed_on(reader, writer):
    from_host, to_host = await asyncio.open_unix_connection(sys.argv[1])
    await asyncio.gather(copy(reader, to_host), copy(from_host, writer), return_exceptions=True)


async def main():
    server = await asyncio.start_server(passed_on, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}/mcp", flush=True)
    await server.serve_forever()


asyncio.run(main())
