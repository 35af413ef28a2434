"""Secrets out of text that people will read or keep."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

__all__ = ["REDACTED", "Redactor", "secrets_of"]

REDACTED: Final = "[redacted]"

_MIN_SECRET: Final = 8
"""Characters. A shorter value is no secret worth the name, and replacing it would maul the text."""

_SECRET_NAME: Final = re.compile(
    r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|AUTH(?!OR)", re.IGNORECASE
)

_SHAPES: Final = re.compile(
    r"""
      \bsk-[A-Za-z0-9_-]{16,}                                    # OpenAI and look-alikes
    | \bgh[pousr]_[A-Za-z0-9]{20,} | \bgithub_pat_\w{20,}        # GitHub
    | \bxox[abprs]-[A-Za-z0-9-]{10,}                             # Slack
    | \bAKIA[0-9A-Z]{16}\b                                       # AWS key id
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]* # JSON Web Token
    | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)                            # user:password in a URL
    | (?i:(?<=bearer\ )[A-Za-z0-9._~+/-]{8,}=*)
    """,
    re.VERBOSE,
)


class Redactor:
    """Replaces known secrets, and what has the shape of one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Longest first: a secret that contains another must go whole.
        known = sorted({s for s in secrets if len(s) >= _MIN_SECRET}, key=len, reverse=True)
        # Looked for at every place, so that secrets that overlap are all found.
        self._known = re.compile(f"(?=({'|'.join(map(re.escape, known))}))") if known else None

    def __call__(self, text: str) -> str:
        """Return `text` without secrets."""
        return _SHAPES.sub(REDACTED, self._without_known(text))

    def _without_known(self, text: str) -> str:
        if self._known is None:
            return text
        pieces: list[str] = []
        done = 0
        for match in self._known.finditer(text):
            start, end = match.span(1)
            if start >= done:
                pieces += text[done:start], REDACTED
            done = max(done, end)
        return "".join((*pieces, text[done:]))


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """The values of the variables whose name says secret."""
    return [value for name, value in environment.items() if _SECRET_NAME.search(name)]
