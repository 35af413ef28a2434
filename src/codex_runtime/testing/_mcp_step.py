"""The step for a call of an MCP server's tool, and what the server asks during it."""

from __future__ import annotations

from collections.abc import Mapping

from codex_runtime.testing._checks import check_json, check_text
from codex_runtime.testing._gates import Gate
from codex_runtime.testing._step_checks import check_flag, check_gate, check_usage
from codex_runtime.testing._step_types import McpCall, Usage

__all__ = ["mcp_call"]


def mcp_call(  # noqa: PLR0913 — the options of one call, all by keyword
    server: str,
    tool: str,
    arguments: Mapping[str, object] | None = None,
    *,
    read_only: bool = False,
    asks: Mapping[str, object] | None = None,
    output: str = "",
    usage: Usage | None = None,
    gate: Gate | None = None,
) -> McpCall:
    """Call a tool of an MCP server.

    The real codex has to be configured with the server, and calls it. The fake has none: it plays
    the approval, what the server asks, and the result.

    Args:
        server: The server, as `mcp_servers` of config.toml calls it.
        tool: Its tool.
        arguments: The arguments; None for none.
        read_only: Whether the tool says of itself that it only reads, so that no approval is
            asked for. Only the fake uses it, and what follows.
        asks: What the server asks the user during the call: the parameters of MCP's
            `elicitation/create`, say `{"message": "Who?", "requestedSchema": {"type": "object",
            "properties": {"name": {"type": "string"}}}}` or `{"mode": "url", "message": "Sign
            in", "url": "https://…", "elicitationId": "1"}`.
        output: The text that it returns. When empty and something was asked, the answer to that
            as JSON.
        usage: Tokens the response reports.
        gate: Waited for before the call is made.

    Raises:
        InvalidArgument: An argument cannot be used; the text names it.
    """
    return McpCall(
        server=check_text("server", server, empty=False),
        tool=check_text("tool", tool, empty=False),
        arguments=check_json("arguments", {} if arguments is None else arguments),
        read_only=check_flag("read_only", read_only),
        asks=None if asks is None else check_json("asks", asks),
        output=check_text("output", output),
        usage=check_usage(usage),
        gate=check_gate(gate),
    )
