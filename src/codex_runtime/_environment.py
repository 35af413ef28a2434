"""Which of this process's environment the server gets to see."""

import os
import re
from collections.abc import Iterable, Mapping
from typing import Final

from codex_runtime.errors import InvalidArgument

__all__ = ["child_environment"]

_ALLOWED: Final = re.compile(
    r"""
      PATH | HOME | USER | LOGNAME | SHELL | TERM | COLORTERM | TZ
    | LANG | LANGUAGE | LC_\w+
    | TMPDIR | TMP | TEMP | XDG_\w+_(HOME|DIR|DIRS)
    | (?i: (https?|ftp|all|no)_proxy)
    | SSL_CERT_(FILE|DIR) | NODE_EXTRA_CA_CERTS | REQUESTS_CA_BUNDLE | CURL_CA_BUNDLE
    | CODEX_\w+ | OPENAI_\w+
    """,
    re.VERBOSE,
)
"""Commands of the model inherit what codex gets, so cloud keys and the like stay out by default."""


def child_environment(
    *,
    extra: Mapping[str, str] | None = None,
    passthrough: Iterable[str] = (),
    inherit: bool = False,
    base: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Build the environment of the server.

    Args:
        extra: Variables to set; they win.
        passthrough: Names of variables to take over besides the allow-list.
        inherit: Take over everything.
        base: The environment to choose from; by default this process's.

    Raises:
        InvalidArgument: A variable cannot be passed to a process.
    """
    source = os.environ if base is None else base
    named = frozenset([passthrough] if isinstance(passthrough, str) else passthrough)
    chosen = {
        name: value
        for name, value in source.items()
        if inherit or name in named or _ALLOWED.fullmatch(name)
    }
    for name, value in (extra or {}).items():
        _check_variable(name, value)
        chosen[name] = value
    return chosen


def _check_variable(name: object, value: object) -> None:
    if not isinstance(name, str) or not isinstance(value, str):
        raise InvalidArgument(f"env[{name!r}]", "is not text", "use text for name and value")
    if not name or "=" in name or "\0" in name + value:
        raise InvalidArgument(
            f"env[{name!r}]",
            "cannot be passed to a process",
            "give it a name without =, and take NUL characters out",
        )
