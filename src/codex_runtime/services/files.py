"""Files of the machine that the server runs on.

**There is no sandbox here**: what the server's user may do, the caller may.
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import Final, TypeAlias

from anyio.lowlevel import checkpoint

from codex_runtime import protocol
from codex_runtime._arguments import checked_bytes, server_path
from codex_runtime._input_items import check_text
from codex_runtime.errors import InvalidArgument, RemoteProtocolError
from codex_runtime.protocol import methods
from codex_runtime.services._answers import present
from codex_runtime.services._calls import Service
from codex_runtime.services._paths import Paths, server_paths
from codex_runtime.services._watching import FileWatch, SearchSession
from codex_runtime.threads._checks import checked_flag, checked_number

__all__ = ["MOST_FOUND", "FilePath", "FileWatch", "Files", "SearchSession"]

MOST_FOUND: Final = 50
"""Files that the server finds at the most (fact 207)."""

_PIECE: Final = 2**20
"""Characters of base64 to decode at once, a multiple of four. They take 4 ms, for which nobody else
gets to run; a thread would not help, since decoding lets no other one run either."""

FilePath: TypeAlias = str | os.PathLike[str]
"""A path on the server's machine. On a local server a relative one is taken from this process's
working directory and `~` is a home; on a remote one it has to be absolute."""


class Files(Service):
    """Files of the machine that the server runs on, **without any sandbox**. From `Runtime.files`.

    Whole files go over the connection in one message (fact 128).

    Every call takes `timeout=` in seconds for its answer, by default the runtime's
    `request_timeout`.

    Cancelling a call stops the wait for its answer; the server may act on it all the same. Each
    raises, besides what it names, `RequestTimeout`, `ConnectionLost` and `RuntimeClosed`.
    """

    async def read(self, path: FilePath, *, timeout: float | None = None) -> bytes:
        """Read a file (`fs/readFile`).

        Args:
            path: A regular file; anything else, a device or a pipe included, is refused.
            timeout: Seconds.

        Raises:
            InvalidArgument: `path` cannot be used. Nothing was sent.
            ServerFileMissing: There is no such file.
            ServerFileError: It cannot be read.
            RemoteProtocolError: What the server sent is no file.
        """
        params = protocol.FsReadFileParams(path=self._absolute("path", path))
        answer = await self._ask(methods.FS_READ_FILE, params, timeout)
        try:
            return await _decoded(answer.data_base64)
        except (binascii.Error, ValueError, TypeError):
            # Without the cause: its text may hold a part of the file.
            problem = "its data is no base64"
            raise RemoteProtocolError(methods.FS_READ_FILE.method, problem) from None

    async def read_text(
        self,
        path: FilePath,
        *,
        encoding: str = "utf-8",
        errors: str = "strict",
        timeout: float | None = None,
    ) -> str:
        """Read a file as text (`fs/readFile`). Line ends stay as they are.

        Args:
            path: A regular file.
            encoding: As for `bytes.decode`.
            errors: As for `bytes.decode`.
            timeout: Seconds.

        Raises:
            UnicodeDecodeError: It is no such text, and `errors` is `"strict"`.
            CodexRuntimeError: As for `read`.
        """
        return (await self.read(path, timeout=timeout)).decode(encoding, errors)

    async def write(
        self,
        path: FilePath,
        data: bytes | bytearray | memoryview,
        *,
        timeout: float | None = None,
    ) -> None:
        """Write a file, in place of what is there (`fs/writeFile`).

        The server does not write to the side first: a reader may see half of it, and so does
        everybody if it ends meanwhile.

        Args:
            path: The file; its folder has to exist.
            data: All of its contents. A server on a WebSocket takes 16 MiB in one message, which
                are 12 MiB of data, and drops the connection of who sends more (fact 113).
            timeout: Seconds.

        Raises:
            InvalidArgument: `path` or `data` cannot be used. Nothing was sent.
            ServerFileMissing: Its folder does not exist.
            ServerFileError: It cannot be written.
        """
        content = base64.b64encode(checked_bytes("data", data)).decode()
        params = protocol.FsWriteFileParams(path=self._absolute("path", path), data_base64=content)
        await self._ask(methods.FS_WRITE_FILE, params, timeout)

    async def write_text(
        self, path: FilePath, text: str, *, encoding: str = "utf-8", timeout: float | None = None
    ) -> None:
        """Write a file as text (`fs/writeFile`). Line ends stay as they are.

        Args:
            path: The file; its folder has to exist.
            text: All of its contents.
            encoding: As for `str.encode`.
            timeout: Seconds.

        Raises:
            UnicodeEncodeError: `text` has no form in `encoding`. Nothing was sent.
            CodexRuntimeError: As for `write`.
        """
        check_text("text", text)
        await self.write(path, text.encode(encoding), timeout=timeout)

    async def create_directory(
        self, path: FilePath, *, parents: bool = True, timeout: float | None = None
    ) -> None:
        """Make a folder (`fs/createDirectory`).

        Args:
            path: The folder.
            parents: Make those above it too, and be content if it is there already.
            timeout: Seconds.

        Raises:
            InvalidArgument: An argument cannot be used. Nothing was sent.
            ServerFileMissing: The folder above it does not exist, without `parents`.
            ServerFileError: It cannot be made; it is there already, without `parents`.
        """
        params = protocol.FsCreateDirectoryParams(
            path=self._absolute("path", path), recursive=checked_flag(parents, "parents")
        )
        await self._ask(methods.FS_CREATE_DIRECTORY, params, timeout)

    async def metadata(
        self, path: FilePath, *, timeout: float | None = None
    ) -> protocol.FsGetMetadataResponse:
        """Tell what a path is: file, folder, link, and its times (`fs/getMetadata`).

        Args:
            path: Anything. Of a link, the kind and times are those of its target.
            timeout: Seconds.

        Raises:
            InvalidArgument: `path` cannot be used. Nothing was sent.
            ServerFileMissing: There is nothing, or a link that leads nowhere.
            ServerFileError: It cannot be looked at.
        """
        params = protocol.FsGetMetadataParams(path=self._absolute("path", path))
        return await self._ask(methods.FS_GET_METADATA, params, timeout)

    async def read_directory(
        self, path: FilePath, *, timeout: float | None = None
    ) -> list[protocol.FsReadDirectoryEntry]:
        """List a folder, in no particular order (`fs/readDirectory`).

        Links that lead nowhere are left out (fact 206).

        Args:
            path: The folder.
            timeout: Seconds.

        Raises:
            InvalidArgument: `path` cannot be used. Nothing was sent.
            ServerFileMissing: It does not exist.
            ServerFileError: It is no folder, or cannot be read.
            RemoteProtocolError: What the server sent is no list.
        """
        params = protocol.FsReadDirectoryParams(path=self._absolute("path", path))
        answer = await self._ask(methods.FS_READ_DIRECTORY, params, timeout)
        return present(answer.entries, methods.FS_READ_DIRECTORY)

    async def remove(
        self,
        path: FilePath,
        *,
        recursive: bool = False,
        missing_ok: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Remove a file or folder (`fs/remove`).

        The server's own defaults are the other way round: all that is in a folder goes with it,
        and a path that is not there is fine. Here both have to be said.

        Args:
            path: What to remove.
            recursive: Also what is in a folder.
            missing_ok: Be content if it is not there.
            timeout: Seconds.

        Raises:
            InvalidArgument: An argument cannot be used. Nothing was sent.
            ServerFileMissing: It does not exist.
            ServerFileError: It cannot be removed; it is a folder that is not empty.
        """
        params = protocol.FsRemoveParams(
            path=self._absolute("path", path),
            recursive=checked_flag(recursive, "recursive"),
            force=checked_flag(missing_ok, "missing_ok"),
        )
        await self._ask(methods.FS_REMOVE, params, timeout)

    async def copy(
        self,
        source: FilePath,
        destination: FilePath,
        *,
        recursive: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Copy a file, in place of what is there, or a folder (`fs/copy`).

        Args:
            source: What to copy.
            destination: Its new path itself, not the folder for it.
            recursive: Needed for a folder.
            timeout: Seconds.

        Raises:
            InvalidArgument: An argument cannot be used. Nothing was sent.
            ServerFileMissing: `source` does not exist, or the folder of `destination`.
            ServerFileError: It cannot be copied: a folder without `recursive`, or into itself.
        """
        params = protocol.FsCopyParams(
            source_path=self._absolute("source", source),
            destination_path=self._absolute("destination", destination),
            recursive=checked_flag(recursive, "recursive"),
        )
        await self._ask(methods.FS_COPY, params, timeout)

    def watch(self, path: FilePath, *, timeout: float | None = None) -> FileWatch:
        """Watch a file or folder: `async with runtime.files.watch(…) as changes` (`fs/watch`).

        The server tells of a change after some 0.2 s, several changes at once (fact 205). Of a
        folder it tells about what is directly in it, and not about what is further down. A path
        that does not exist yet may be watched. Several watches may be on one path.

        Args:
            path: What to watch.
            timeout: Seconds for entering the block.

        Raises:
            InvalidArgument: An argument cannot be used.
        """
        return FileWatch(self._client, self._absolute("path", path), self._seconds(timeout))

    async def search(
        self,
        query: str,
        roots: Paths,
        *,
        limit: int = MOST_FOUND,
        timeout: float | None = None,
    ) -> list[protocol.FuzzyFileSearchResult]:
        """Find files and folders by some characters of their paths, best first (`fuzzyFileSearch`).

        What `.gitignore` leaves out is not found. A folder that does not exist holds nothing.

        Args:
            query: Characters of the path below a root, in their order; nothing finds nothing.
            roots: The folders to search.
            limit: How many at the most; the server finds 50 (fact 207).
            timeout: Seconds.

        Raises:
            InvalidArgument: An argument cannot be used. Nothing was sent.
            RemoteProtocolError: What the server sent is no list.
        """
        check_text("query", query)
        most = checked_number(limit, "limit", MOST_FOUND)
        params = protocol.FuzzyFileSearchParams(query=query, roots=self._roots(roots))
        answer = await self._ask(methods.FUZZY_FILE_SEARCH, params, timeout)
        return present(answer.files, methods.FUZZY_FILE_SEARCH)[:most]

    def search_session(self, roots: Paths, *, timeout: float | None = None) -> SearchSession:
        """Search while somebody types: `async with … as session` (`fuzzyFileSearch/sessionStart`).

        Experimental. The server looks at the folders once and answers each
        `session.update(query)` from memory. Leaving the block ends it.

        Args:
            roots: The folders to search.
            timeout: Seconds for entering the block.

        Raises:
            InvalidArgument: An argument cannot be used.
        """
        return SearchSession(self._client, self._roots(roots), self._seconds(timeout))

    def _absolute(self, field: str, path: FilePath) -> str:
        return server_path(field, path, remote=self._client.remote)

    def _roots(self, roots: Paths) -> list[str]:
        found = server_paths("roots", roots, remote=self._client.remote)
        if not found:
            raise InvalidArgument("roots", "is empty", "name a folder")
        return found


async def _decoded(data: object) -> bytes:
    """Decode base64, letting others run in between.

    Raises:
        TypeError: It is no text.
        ValueError: It is no base64.
    """
    if not isinstance(data, str):
        raise TypeError
    parts: list[bytes] = []
    for start in range(0, len(data), _PIECE):
        if parts:
            await checkpoint()
            if len(parts[-1]) * 4 != _PIECE * 3:
                # Its end came before the last piece.
                raise ValueError
        parts.append(base64.b64decode(data[start : start + _PIECE], validate=True))
    return b"".join(parts)
