"""Asking an approver, with no server behind the request."""

from __future__ import annotations

import shlex
from typing import Any

import anyio
from core.asking_support import COMMAND, FILES, request_of

from codex_runtime.answers import Answer
from codex_runtime.protocol import types as t
from codex_runtime.requests import CommandApproval, FileChangeApproval, ServerRequest

__all__ = ["command", "patch", "said"]


def said(approver: Any, request: ServerRequest) -> Answer | None:
    async def ask() -> Answer | None:
        answer: Answer | None = await approver(request)
        return answer

    return anyio.run(ask)


def command(script: str, **params: Any) -> CommandApproval:
    wire = shlex.join(["/bin/bash", "-lc", script])
    request: CommandApproval = request_of(COMMAND, **{"command": wire, "cwd": "/srv", **params})
    return request


def patch(*paths: str, workspace: tuple[str, ...] = (), **params: Any) -> FileChangeApproval:
    request: FileChangeApproval = request_of(FILES, **params)
    request.changes = tuple(
        t.FileUpdateChange(path=path, kind=t.AddPatchChangeKind(), diff="") for path in paths
    )
    request.workspace = workspace
    return request
