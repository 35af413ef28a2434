"""What is shown of a request, so that somebody can decide about it. Pure."""

from __future__ import annotations

import shlex
from functools import singledispatch
from typing import Final
from urllib.parse import urlsplit

from codex_runtime._asking._page import Card, Page
from codex_runtime._asking._permissions import permission_texts
from codex_runtime._changed_paths import all_within, paths_of
from codex_runtime._lines import Line, diff_counts
from codex_runtime._text import exact
from codex_runtime.protocol import types
from codex_runtime.requests import (
    CommandApproval,
    FileChangeApproval,
    LegacyCommandApproval,
    LegacyPatchApproval,
    McpElicitation,
    PermissionsApproval,
    ServerRequest,
    ToolCallRequest,
    UserInputRequest,
)

__all__ = ["card_of"]


def card_of(request: ServerRequest, *, full: bool = False) -> Card:
    """The card of a request.

    Args:
        request: One of a kind that a person can decide about.
        full: Whether to leave nothing out, and show what is behind it as well.
    """
    page = Page(full=full)
    title = _fill(request, page)
    if full:
        _ids(request, page)
    return page.card(title)


def _ids(request: ServerRequest, page: Page) -> None:
    page.exact("asked by", request.method)
    page.exact("request", request.request_id)
    page.exact("thread", request.thread_id)
    page.exact("turn", request.turn_id)
    page.exact("item", request.item_id)


@singledispatch
def _fill(request: ServerRequest, page: Page) -> str:
    """Add the rows of this kind of request; return the title."""
    page.data("data", request.params)
    return f"codex asks: {request.kind}"


_UNKNOWN_REACH: Final = "A yes may run it outside of the sandbox, with your rights."


@_fill.register
def _(request: CommandApproval, page: Page) -> str:
    page.exact("command", request.command or "(not said)", "command")
    if not request.is_input:
        _words(request.argv, request.command, page)
    page.exact("in", request.cwd)
    if request.params.environment_id not in {None, "", "local"}:
        page.exact("on", request.params.environment_id, "warning")
    page.prose("reason", request.reason)
    _reach(request, page)
    _rule(request, page)
    if page.full:
        page.exact("offered", ", ".join(request.offered))
        page.exact("as sent", request.wire_command)
    if request.network:
        return "May codex reach this host?"
    return "May codex type this into a command?" if request.is_input else "May this command run?"


def _words(argv: tuple[str, ...], command: str, page: Page) -> None:
    if argv:
        if page.full or command != " ".join(argv):
            page.exact("argv", str(list(argv)))
    else:
        page.note("Not one plain command: a shell reads it, operators and all.", "warning")


def _reach(request: CommandApproval, page: Page) -> None:
    network, wanted = request.network, request.additional_permissions
    if network:
        page.exact("host", f"{network.protocol or '?'} {network.host or '?'}", "warning")
        _odd_host(network.host or "", page)
    for text in permission_texts(wanted) if wanted else ():
        page.exact("wants to", text, "warning")
    if not network and not wanted and not request.is_input:
        page.note(_UNKNOWN_REACH)


def _rule(request: CommandApproval, page: Page) -> None:
    if not request.proposed_amendment:
        return
    begin = shlex.join(request.proposed_amendment)
    page.exact("rule", f"{begin} …", "warning")
    # Fact 73.
    page.note(
        "Codex proposes never to ask again for what begins like that, in any thread. "
        "No key here says yes to it.",
        "warning",
    )


@_fill.register
def _(request: LegacyCommandApproval, page: Page) -> str:
    command = shlex.join(request.argv)
    page.exact("command", command, "command")
    _words(request.argv, command, page)
    page.exact("in", request.cwd)
    page.prose("reason", request.reason)
    page.note(_UNKNOWN_REACH)
    return "May this command run?"


@_fill.register
def _(request: FileChangeApproval, page: Page) -> str:
    page.prose("reason", request.reason)
    if request.grant_root:
        page.exact("opens", request.grant_root, "warning")
        page.note("A yes lets codex write in that folder for the rest of the session.", "warning")
    for change in request.changes:
        _change(change, request.workspace, page)
    if not request.changes:
        page.note("What would be changed is not known.", "warning")
    elif not request.inside_workspace:
        page.note("Not all of it is inside of the workspace.", "warning")
    return "May these files be changed?"


def _change(change: types.FileUpdateChange, workspace: tuple[str, ...], page: Page) -> None:
    diff = change.diff or ""
    path, *others = paths_of((change,), workspace) or (change.path or "?",)
    renamed = [_path(other, workspace, " (its new name)") for other in others]
    match change.kind:
        # The "diff" of a file that is added or deleted is its text (fact 138).
        case types.AddPatchChangeKind():
            page.diff("add", [_path(path, workspace)], _marked(diff, "+"), "added")
        case types.DeletePatchChangeKind():
            page.diff("delete", [_path(path, workspace)], _marked(diff, "-"), "removed")
        case _:
            verb = "edit" if isinstance(change.kind, types.UpdatePatchChangeKind) else "change"
            added, removed = diff_counts(diff)
            head = _path(path, workspace, f" +{added} -{removed}")
            page.diff(verb, [head, *renamed], diff)


def _marked(text: str | None, mark: str) -> str:
    lines = text.removesuffix("\n").split("\n") if text else []
    return "\n".join(mark + each for each in lines)


def _path(path: str, workspace: tuple[str, ...], rest: str = "") -> Line:
    inside = all_within((path,), workspace)
    if inside:
        return _head(path.removeprefix(workspace[0].rstrip("/") + "/"), rest)
    where = (
        "it is not known whether that is in the workspace"
        if inside is None
        else "OUTSIDE of the workspace"
    )
    return Line(f"{_head(path).text}{rest} {where}", "bad")


def _head(path: str, rest: str = "") -> Line:
    # Else a name with line ends in it could look like a diff.
    return Line(exact(path).replace("\n", "\\n") + rest, "heading")


@_fill.register
def _(request: LegacyPatchApproval, page: Page) -> str:
    page.prose("reason", request.reason)
    for path, change in request.changes.items():
        match change:
            case types.AddFileChange():
                page.diff("add", [_head(path)], _marked(change.content, "+"), "added")
            case types.DeleteFileChange():
                page.diff("delete", [_head(path)], _marked(change.content, "-"), "removed")
            case types.UpdateFileChange():
                moved = [_head(change.move_path, " (its new name)")] if change.move_path else []
                page.diff("edit", [_head(path), *moved], change.unified_diff or "")
            case _:
                page.diff("change", [_head(path)], "")
    return "May these files be changed?"


@_fill.register
def _(request: PermissionsApproval, page: Page) -> str:
    for text in permission_texts(request.permissions):
        page.exact("wants to", text, "warning")
    page.exact("in", request.cwd)
    page.prose("reason", request.reason)
    return "May codex have these permissions?"


@_fill.register
def _(request: UserInputRequest, page: Page) -> str:
    for question in request.questions:
        page.prose("question", f"{question.header or ''}: {question.question or ''}")
    return "Codex has questions."


@_fill.register
def _(request: ToolCallRequest, page: Page) -> str:
    name = f"{request.namespace}/{request.tool}" if request.namespace else request.tool
    page.exact("tool", name, "command")
    page.data("with", request.arguments)
    return "May this tool be used?"


@_fill.register
def _(request: McpElicitation, page: Page) -> str:
    page.exact("server", request.server_name)
    page.exact("tool", request.tool_name, "command")
    page.prose("says", request.message)
    if request.is_tool_approval:
        page.data("with", request.tool_params or None)
        return "May this tool of an MCP server be used?"
    if request.claims_tool_approval:
        # A server can send the marks of such a question itself (fact 314).
        page.note("It says that it is about the use of a tool. Codex knows of none.", "warning")
    if request.url:
        page.exact("address", request.url, "command")
        _odd_address(request.url, page)
        page.note("It is not opened for you. Open it yourself if you trust who asks.", "warning")
        return "An MCP server sends you to a page."
    if request.mode != "form":
        page.data("data", request.params)
        page.note("This kind of form can only be refused here.", "warning")
    return "An MCP server asks you something."


def _odd_address(url: str, page: Page) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        page.note("That is not a valid address.", "warning")
        return
    page.exact("host", host or "(none)", "warning")
    _odd_host(host, page)
    if parts.scheme != "https":
        page.note("Not https: others can read and change what goes there.", "warning")
    if "@" in parts.netloc:
        page.note("What stands before the @ is no part of the host.", "warning")


def _odd_host(host: str, page: Page) -> None:
    if not host.isascii() or "xn--" in host.lower():
        page.note("Letters beyond ASCII: it may look like another host.", "warning")
