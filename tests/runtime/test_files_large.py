"""Files that are so large that to decode them takes long."""

from __future__ import annotations

import base64

import anyio
import pytest
from anyio.lowlevel import checkpoint
from runtime.support import Server

from codex_runtime import RemoteProtocolError, Runtime

PIECE = 2**20
"""Characters of base64 that are decoded at once."""

WHOLE = PIECE // 4 * 3
"""Bytes that make such a piece."""


def holding(server: Server, text: str) -> None:
    server.on["fs/readFile"] = lambda request: server.answer(request, {"dataBase64": text})


@pytest.mark.parametrize("size", [WHOLE - 1, WHOLE, WHOLE + 1, 2 * WHOLE, 2 * WHOLE + 2])
async def test_a_file_in_pieces_is_read_byte_by_byte(server: Server, size: int) -> None:
    data = (bytes(range(256)) * (size // 256 + 1))[:size]
    holding(server, base64.b64encode(data).decode())

    async with server.runtime() as runtime:
        assert await runtime.files.read("/f") == data


@pytest.mark.parametrize("tail", ["QQ==", "QUI=", "QU%J", "QUI"])
async def test_what_is_no_base64_within_is_no_file(server: Server, tail: str) -> None:
    holding(server, "A" * (PIECE - 4) + tail + "QUJD")

    async with server.runtime() as runtime:
        with pytest.raises(RemoteProtocolError):
            await runtime.files.read("/f")


async def rounds_while_reading(server: Server, runtime: Runtime, size: int) -> int:
    """How often another task got to run while a file was read."""
    holding(server, base64.b64encode(bytes(size)).decode())
    rounds = 0

    async def other() -> None:
        nonlocal rounds
        while True:
            await checkpoint()
            rounds += 1

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        await runtime.files.read("/f")
        tasks.cancel_scope.cancel()
    return rounds


async def test_others_run_while_a_large_file_is_decoded(server: Server) -> None:
    async with server.runtime() as runtime:
        small = await rounds_while_reading(server, runtime, 1)
        large = await rounds_while_reading(server, runtime, 8 * WHOLE)

    assert large >= small + 5
