"""Approval policies: when the server asks before it acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, TypeAlias, cast

from codex_runtime._plain import is_mapping, members, plain
from codex_runtime.errors import InvalidArgument

__all__ = [
    "ASKING_POLICY",
    "DEFAULT_APPROVAL_POLICY",
    "GATED_POLICY",
    "Approval",
    "ApprovalPolicy",
    "GranularApproval",
    "approval_of",
    "approval_wire",
    "may_ask",
]

ASKING_POLICY: Final = "on-request"
"""What is sent where somebody is there to decide and the caller names none: the server asks before
anything leaves the sandbox."""

DEFAULT_APPROVAL_POLICY: Final = "never"
"""Sent where the caller names none: what the sandbox blocks fails, nobody is asked."""

GATED_POLICY: Final = "untrusted"
"""Sent where hooks before the use of tools want to be asked: the server asks about each command and
each change of files (fact 78)."""

_FIELD: Final = "approval_policy"


@dataclass(frozen=True, kw_only=True)
class GranularApproval:
    """An approval policy that asks about some things and refuses others without asking.

    With nothing in it, it asks about nothing, and counts as `never`. Experimental: it needs
    `experimental_api=True` on the runtime, which is the default.

    Attributes:
        sandbox_approval: Ask before something leaves the sandbox.
        rules: Ask where a rule of the exec policy says so.
        mcp_elicitations: Pass on what MCP servers ask.
        request_permissions: Ask when the model wants more permissions.
        skill_approval: Ask before the script of a skill is run.

    Raises:
        InvalidArgument: When made with something that is neither True nor False.
    """

    sandbox_approval: bool = False
    rules: bool = False
    mcp_elicitations: bool = False
    request_permissions: bool = False
    skill_approval: bool = False

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not isinstance(value, bool):
                raise InvalidArgument(f"{_FIELD}.{name}", f"is {value!r}", "use True or False")

    def __str__(self) -> str:
        asked = [name for name, value in asdict(self).items() if value]
        return f"granular ({', '.join(asked) or 'nothing'})"


Approval: TypeAlias = str | GranularApproval
"""An approval policy that was read and checked."""

ApprovalPolicy: TypeAlias = str | GranularApproval | Mapping[str, Any]
"""When the server asks before it acts: `untrusted`, `on-request`, `never`, or a
`GranularApproval` (also as the protocol's mapping `{"granular": {…}}`). An open set: it has
changed between releases of codex."""

_PARTS: Final = tuple(each.name for each in fields(GranularApproval))
_NEEDED: Final = ("sandbox_approval", "rules", "mcp_elicitations")
"""What the protocol's own form must say."""


def approval_of(approval_policy: object) -> Approval | None:
    """Read an approval policy; None where there is none. Blank text is returned as it is.

    Raises:
        InvalidArgument: It is none, or a part of a granular one cannot be used.
    """
    if approval_policy is None:
        return None
    if isinstance(approval_policy, str):
        return cast("str", plain(approval_policy))
    # A copy also of one that has this form already: a subclass may say something else each time.
    parts = (
        approval_policy
        if isinstance(approval_policy, GranularApproval)
        else getattr(approval_policy, "granular", None)
    )
    if isinstance(parts, GranularApproval) or hasattr(parts, "__struct_fields__"):
        return GranularApproval(**{name: getattr(parts, name) for name in _PARTS})
    if is_mapping(approval_policy):
        return _granular(approval_policy)
    raise InvalidArgument(
        _FIELD, f"is of type {type(approval_policy).__name__}", "use text or a GranularApproval"
    )


def approval_wire(approval: Approval) -> Any:
    """The form of the protocol."""
    if isinstance(approval, str):
        return approval
    return {"granular": asdict(approval)}


def may_ask(approval: Approval | None) -> bool:
    """Whether anybody may be asked at all; a policy that is absent or blank counts as never."""
    if approval is None:
        return False
    if isinstance(approval, str):
        return approval.strip() not in {"", "never"}
    return any(asdict(approval).values())


def _granular(policy: Mapping[Any, Any]) -> GranularApproval:
    whole = members(policy)
    parts = whole.get("granular")
    if len(whole) != 1 or not is_mapping(parts):
        raise InvalidArgument(_FIELD, "is no granular policy", "use a GranularApproval")
    given = {str(name): value for name, value in members(parts).items()}
    for name in given:
        if name not in _PARTS:
            raise InvalidArgument(
                f"{_FIELD}.granular.{name}", "does not exist", f"there are: {', '.join(_PARTS)}"
            )
    for name in _NEEDED:
        if name not in given:
            raise InvalidArgument(f"{_FIELD}.granular.{name}", "is missing", "use True or False")
    return GranularApproval(**given)
