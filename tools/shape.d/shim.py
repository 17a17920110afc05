"""A SOCKS5 listener that passes every CONNECT on to another one, as a CONNECT to one port of this machine.

Chromium asks its proxy for names; so all names of the site lead to the one port where it is served.
"""
import asyncio

CONNECT = b"\x05\x01\x00\x01\x7f\x00\x00\x01"


async def accept(reader, writer):
    """Greeting and request of RFC 1928; the destination is read and forgotten."""
    methods = (await reader.readexactly(2))[1]
    await reader.readexactly(methods)
    writer.write(b"\x05\x00")
    kind = (await reader.readexactly(4))[3]
    length = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
    await reader.readexactly(length + 2)


async def connect(socks, port):
    reader, writer = await asyncio.open_connection("127.0.0.1", socks)
    writer.write(b"\x05\x01\x00")
    await reader.readexactly(2)
    writer.write(CONNECT + port.to_bytes(2, "big"))
    answer = await reader.readexactly(4)
    await reader.readexactly({1: 4, 4: 16}[answer[3]] + 2)
    if answer[1]:
        raise ConnectionError(f"the tunnel refused: {answer[1]}")
    return reader, writer


async def pipe(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (OSError, asyncio.CancelledError):
        pass
    writer.close()


async def open_shim(socks, port):
    """The port it listens on."""

    async def serve(reader, writer):
        try:
            await accept(reader, writer)
            there = await connect(socks, port)
            writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
            await asyncio.gather(pipe(reader, there[1]), pipe(there[0], writer))
        except (OSError, KeyError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server.sockets[0].getsockname()[1]
