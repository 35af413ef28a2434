"""What the server asks of us, and how to say no.

Until somebody is there to decide, each request gets the refusal of its own kind: the turn goes
on, the model is told, and nothing outside the sandbox happens.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

__all__ = ["Refusal", "refusal_of"]

_METHOD_NOT_FOUND: Final = -32601

_NOBODY_HERE: Final = "nobody is there to approve this"


@dataclass(frozen=True)
class Refusal:
    """How to say no to a request of the server.

    Attributes:
        result: The encoded result in the method's own shape, or None to answer with an error.
        code: The code of that error.
        message: The text of that error.
    """

    result: bytes | None = None
    code: int = _METHOD_NOT_FOUND
    message: str = ""


def _result(value: Any) -> Refusal:
    return Refusal(result=msgspec.json.encode(value))


_REFUSALS: Final = {
    # The item ends as declined and the turn goes on (facts 73 and 79).
    "item/commandExecution/requestApproval": _result({"decision": "decline"}),
    "item/fileChange/requestApproval": _result({"decision": "decline"}),
    # Nothing granted (fact 81).
    "item/permissions/requestApproval": _result({"permissions": {}, "scope": "turn"}),
    # No answers; the model sees that (fact 80).
    "item/tool/requestUserInput": _result({"answers": {}}),
    # Unlike "cancel", it lets the server's own side know that the answer is no (fact 83).
    "mcpServer/elicitation/request": _result({"action": "decline", "content": None}),
    # A tool of a resumed thread that this process does not have (fact 82).
    "item/tool/call": _result(
        {
            "success": False,
            "contentItems": [
                {"type": "inputText", "text": "this tool is not available in this session"}
            ],
        }
    ),
    # The two of the legacy protocol. A plain "denied" is none of their words any more (checked
    # against the schemas of 0.154 and 0.163), and "abort" would end the turn.
    "execCommandApproval": _result({"decision": {"denied": {"rejection": _NOBODY_HERE}}}),
    "applyPatchApproval": _result({"decision": {"denied": {"rejection": _NOBODY_HERE}}}),
}


def refusal_of(method: str) -> Refusal:
    """The documented refusal of a server request; an error for those without a shape of one."""
    known = _REFUSALS.get(method)
    if known is not None:
        return known
    return Refusal(message=f"this client does not answer {method}")
