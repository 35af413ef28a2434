"""How codex words the failures of a model's provider, measured on 0.163 (facts 85 to 88)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias

from codex_runtime.testing._json import Json, member
from codex_runtime.testing._step_types import Fail

__all__ = ["BROKEN_STREAM", "Failure", "failure_of"]

Info: TypeAlias = str | Json
"""The protocol's CodexErrorInfo."""

_URL = "http://127.0.0.1/v1/responses"
"""What the fake gives as the address of its model; there is none."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed model response.

    Attributes:
        message: The text, when it is final.
        info: What kind of failure, when it is final.
        retried: Whether codex asks again while it has retries left.
        status: The HTTP status that an announcement of a retry names.
        counted: Whether the stream had begun, so that codex reports token usage for it.
    """

    message: str
    info: Info = "other"
    retried: bool = False
    status: int | None = None
    counted: bool = True

    def final(self) -> Json:
        """Return it as the protocol's TurnError that ends the turn."""
        return _turn_error(self.message, self.info, None)

    def passing(self, number: int, most: int) -> Json:
        """Return it as the protocol's TurnError that announces retry `number` of `most`."""
        info: Info = {"responseStreamDisconnected": {"httpStatusCode": self.status}}
        return _turn_error(f"Reconnecting... {number}/{most}", info, self.message)


def failure_of(step: Fail) -> Failure:
    """Return what codex makes of a scripted failure."""
    if step.plain:
        return Failure(step.message, counted=False)
    if step.status is not None:
        return _http_failure(step.status, step)
    made = _CODES.get(step.code or "")
    return _disconnected(step.message) if made is None else made(step.message)


def _http_failure(status: int, step: Fail) -> Failure:
    if status == HTTPStatus.BAD_REQUEST:
        error = {"message": step.message, **member(json.loads(step.details))}
        if step.code is not None:
            error = {"type": step.code, "code": step.code, **error}
        return Failure(json.dumps({"error": error}), counted=False)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _too_many(step)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        text = "We\u2019re currently experiencing high demand, which may cause temporary errors."
        return Failure(text, "internalServerError", retried=True, counted=False)
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "<unknown status code>"
    return Failure(
        f"unexpected status {status} {phrase}: {step.message}, url: {_URL}",
        {"httpConnectionFailed": {"httpStatusCode": status}},
        retried=True,
        status=status,
        counted=False,
    )


def _too_many(step: Fail) -> Failure:
    if step.code in ("usage_limit_reached", "usage_not_included", "insufficient_quota"):
        text = "You\u2019ve hit your usage limit. Try again later."
        return Failure(text, "usageLimitExceeded")
    return Failure(
        "exceeded retry limit, last status: 429 Too Many Requests",
        {"responseTooManyFailedAttempts": {"httpStatusCode": 429}},
        counted=False,
    )


def _disconnected(message: str) -> Failure:
    return Failure(f"stream disconnected before completion: {message}", retried=True)


BROKEN_STREAM = _disconnected("Transport error: network error: error decoding response body")
"""What codex makes of a connection that breaks off in the middle of a response."""


def _quota(_: str) -> Failure:
    return Failure("Quota exceeded. Check your plan and billing details.", "usageLimitExceeded")


def _full(_: str) -> Failure:
    text = (
        "Codex ran out of room in the model's context window. Start a new thread or clear "
        "earlier history before retrying."
    )
    return Failure(text, "contextWindowExceeded")


def _overloaded(_: str) -> Failure:
    text = "Selected model is at capacity. Please try a different model."
    return Failure(text, "serverOverloaded")


def _slow_down(message: str) -> Failure:
    return Failure(f"rate limit exceeded: {message}", "rateLimitExceeded", retried=True)


_CODES: dict[str, Callable[[str], Failure]] = {
    "context_length_exceeded": _full,
    "rate_limit_exceeded": _slow_down,
    "slow_down": _slow_down,
    "insufficient_quota": _quota,
    "usage_not_included": _quota,
    "server_is_overloaded": _overloaded,
    "cyber_policy": lambda message: Failure(message, "cyberPolicy"),
    "invalid_prompt": Failure,
    "bio_policy": Failure,
    "max_output_tokens": lambda _: Failure(
        "Incomplete response returned, reason: max_output_tokens"
    ),
    "content_filter": lambda _: _disconnected(
        "Incomplete response returned, reason: content_filter"
    ),
}
"""What a `response.failed` or `response.incomplete` of this code becomes; any other code is taken
for a lost connection."""


def _turn_error(message: str, info: Info, details: str | None) -> Json:
    return {
        "message": message,
        "codexErrorInfo": info,
        "additionalDetails": details,
        "misalignment": None,
    }
