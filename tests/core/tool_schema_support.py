"""What the tests of tool signatures share."""

from __future__ import annotations

from typing import Any

from codex_runtime import Tool, tool

__all__ = ["read", "schema_of"]


def schema_of(annotation: Any, **options: Any) -> dict[str, Any]:
    """The schema of the one parameter of a tool, with what it refers to in `$defs`."""

    def function(value: Any) -> None: ...

    function.__annotations__ = {"value": annotation}
    made: Tool[..., Any] = tool(function, name="t", description="d", **options)
    found: dict[str, Any] = made.input_schema["properties"]["value"]
    definitions = made.input_schema.get("$defs")
    return {**found, **({"$defs": definitions} if definitions else {})}


def read(made: Tool[..., Any], **arguments: Any) -> dict[str, Any]:
    return made.signature.read(arguments)
