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
    """Replaces known secrets, and what has the shape of one.

    Attributes:
        longest: Bytes of the longest known secret in UTF-8.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Each line of a secret is one too, a private key's say: programs log line by line.
        lines = {line for s in secrets for line in (s, *map(str.strip, s.splitlines()))}
        # Longest first: a secret that contains another must go whole.
        known = sorted((s for s in lines if len(s) >= _MIN_SECRET), key=len, reverse=True)
        self.longest = max((len(s.encode(errors="surrogatepass")) for s in known), default=0)
        # Looked for at every place, so that secrets that overlap are all found.
        self._known = re.compile(f"(?=({'|'.join(map(re.escape, known))}))") if known else None

    def __call__(self, text: str, start: int = 0) -> str:
        """Return `text` from `start` on, without secrets.

        Args:
            text: What may hold some.
            start: The start of a line. A known secret that began before it is left out too.
        """
        return _SHAPES.sub(REDACTED, self._without_known(text, start))

    def _without_known(self, text: str, start: int) -> str:
        if self._known is None:
            return text[start:]
        pieces: list[str] = []
        done = start
        for match in self._known.finditer(text):
            found, end = match.span(1)
            if found >= done:
                pieces += text[done:found], REDACTED
            done = max(done, end)
        return "".join((*pieces, text[done:]))


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """The values of the variables whose name says secret."""
    return [value for name, value in environment.items() if _SECRET_NAME.search(name)]
