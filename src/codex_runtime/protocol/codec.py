"""From the bytes of a message's payload to typed objects.

The usual case costs one dictionary lookup and one call into msgspec. A payload that does not
fit its type is repaired element by element (`_repair`); what is beyond repair is handed out as
plain data. Nothing that is JSON raises here, except where an answer is hopeless and a caller
waits for it.
"""

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import DecodeError, Raw, ValidationError
from msgspec.structs import force_setattr

from codex_runtime.errors import RemoteProtocolError
from codex_runtime.protocol._base import (
    UNKNOWN_CLASSES,
    UNREADABLE,
    Json,
    Method,
    Notification,
    TypeForm,
    UnknownNotification,
    UnknownServerRequest,
    Wire,
)
from codex_runtime.protocol._repair import repaired
from codex_runtime.protocol.methods import (
    NOTIFICATIONS,
    SERVER_REQUESTS,
    THREAD_START,
    TURN_START,
)

__all__ = ["Codec"]

_P = TypeVar("_P")
_R = TypeVar("_R")

_DISTINCT_ISSUES = 256
"""Most different issues that one codec reports.

A server that varies its mistakes without end must not fill the log, nor the set of those told.
"""

_ISSUE_LENGTH = 200
"""Characters of a reported issue. A tag in it is the server's, and can be of any length."""

_FIRST_TURN = (
    "thread/started",
    "thread/status/changed",
    "turn/started",
    "item/started",
    "item/completed",
    "item/agentMessage/delta",
    "thread/tokenUsage/updated",
    "account/rateLimits/updated",
    "turn/completed",
)
"""The notifications that every turn brings."""

_INDEX = re.compile(r"\[\d+\]")

_BAD_TAG = re.compile(r"^Invalid value .*?(?= - at `\$|$)", re.DOTALL)


def _ignore(method: str, text: str) -> None:
    del method, text


class Codec:
    """The decoders of one connection, made on first use.

    Attributes:
        degraded: Messages of which some part did not fit its type.
        unknown: Messages of methods that this version does not know.
    """

    def __init__(self, on_issue: Callable[[str, str], None] = _ignore) -> None:
        """Make a codec.

        Args:
            on_issue: Is called with a method and a text, once for each different text of a
                method, when something does not fit. The text names places and types and the
                names of unknown variants; it holds no other part of the payload.
        """
        self.degraded = 0
        self.unknown = 0
        self._on_issue = on_issue
        self._told: set[tuple[str, str]] = set()
        self._notifications: dict[str, msgspec.json.Decoder[Any]] = {}
        self._requests: dict[str, msgspec.json.Decoder[Any]] = {}
        self._results: dict[str, msgspec.json.Decoder[Any]] = {}

    def prepare(self) -> None:
        """Make the decoders of a first turn, some 10 ms of work, before they are needed."""
        for method in (THREAD_START, TURN_START):
            _decoder(self._results, method.method, method.result_type)
        for name in _FIRST_TURN:
            _decoder(self._notifications, name, NOTIFICATIONS[name].type)

    def notification(
        self, method: str, params: Raw, emitted_at_ms: int | None = None
    ) -> Notification | UnknownNotification:
        """Return the event for a notification.

        Args:
            method: The wire name.
            params: The payload; an empty `Raw` where the message had none.
            emitted_at_ms: From the envelope.

        Raises:
            msgspec.DecodeError: `params` is not JSON: broken, not UTF-8, or nested too deep.
        """
        decoder = self._notifications.get(method)
        if decoder is None:
            entry = NOTIFICATIONS.get(method)
            if entry is None:
                self.unknown += 1
                self._tell(method, "unknown notification")
                return UnknownNotification(
                    method=method, params=_plain(params), emitted_at_ms=emitted_at_ms
                )
            decoder = _decoder(self._notifications, method, entry.type)
        try:
            event: Notification = decoder.decode(params)
        except UNREADABLE:
            return self._repaired_notification(method, params, emitted_at_ms)
        force_setattr(event, "emitted_at_ms", emitted_at_ms)
        return event

    def _repaired_notification(
        self, method: str, params: Raw, emitted_at_ms: int | None
    ) -> Notification | UnknownNotification:
        data = _plain(params)
        self.degraded += 1
        try:
            event: Notification = self._repair(method, data, self._notifications[method].type)
        except ValidationError:
            return UnknownNotification(
                method=method, params=_plain(params), emitted_at_ms=emitted_at_ms
            )
        force_setattr(event, "emitted_at_ms", emitted_at_ms)
        return event

    def server_request(self, method: str, params: Raw) -> Wire | UnknownServerRequest:
        """Return the params of a request that the server makes.

        Strict where `notification` is not: an unknown variant inside is kept as `Unknown`, but
        nothing is left out. What a person cannot be shown in full must not be approved, so a
        request with a value that does not fit is unknown as a whole.

        Raises:
            msgspec.DecodeError: `params` is not JSON: broken, not UTF-8, or nested too deep.
        """
        entry = SERVER_REQUESTS.get(method)
        if entry is None:
            self.unknown += 1
            self._tell(method, "unknown server request")
            return UnknownServerRequest(method=method, params=_plain(params))
        decoder = _decoder(self._requests, method, entry.params_type)
        try:
            found: Wire = decoder.decode(params)
        except UNREADABLE:
            found = self._repaired_request(method, params, decoder.type)
        if isinstance(found, UNKNOWN_CLASSES):
            return UnknownServerRequest(method=method, params=_plain(params))
        return found

    def _repaired_request(self, method: str, params: Raw, kind: TypeForm) -> Wire:
        data = _plain(params)
        self.degraded += 1
        try:
            found: Wire = self._repair(method, data, kind, may_drop=False)
        except ValidationError:
            return UnknownServerRequest(method=method, params=_plain(params))
        return found

    def result(self, method: Method[_P, _R], raw: Raw) -> _R:
        """Return the result of a request.

        Raises:
            RemoteProtocolError: It is nothing like the type of the method's results.
        """
        decoder = _decoder(self._results, method.method, method.result_type)
        try:
            found: _R = decoder.decode(raw)
        except UNREADABLE:
            found = self._repaired_result(method, raw, decoder.type)
        return found

    def _repaired_result(self, method: Method[_P, _R], raw: Raw, kind: TypeForm) -> _R:
        self.degraded += 1
        try:
            found: _R = self._repair(method.method, _plain(raw), kind)
        except DecodeError as error:
            # Without its cause, whose text may hold a part of the payload.
            problem = _without_values(str(error))
            raise RemoteProtocolError(method=method.method, problem=problem) from None
        return found

    def _repair(self, method: str, data: Json, kind: TypeForm, *, may_drop: bool = True) -> Json:
        def note(text: str) -> None:
            self._tell(method, text)

        try:
            return repaired(data, kind, may_drop=may_drop, note=note)
        except ValidationError:
            raise
        except Exception as error:
            # A boundary: whatever is wrong with the repair costs this message, not the stream.
            problem = f"the repair failed with {type(error).__name__}"
            self._tell(method, problem)
            raise ValidationError(problem) from error

    def _tell(self, method: str, text: str) -> None:
        issue = (method, _INDEX.sub("[]", text)[:_ISSUE_LENGTH])
        if issue not in self._told and len(self._told) < _DISTINCT_ISSUES:
            self._told.add(issue)
            self._on_issue(*issue)


def _decoder(
    cache: dict[str, msgspec.json.Decoder[Any]], method: str, kind: TypeForm
) -> msgspec.json.Decoder[Any]:
    decoder = cache.get(method)
    if decoder is None:
        decoder = cache[method] = msgspec.json.Decoder(kind)
    return decoder


def _plain(raw: Raw) -> Json:
    """Return a payload as plain data; None for one that is not there.

    Raises:
        msgspec.DecodeError: It is not JSON.
    """
    data = bytes(raw)
    if not data:
        return None
    try:
        return msgspec.json.decode(data)
    except ValidationError:
        # A number that no Python type of msgspec's holds, such as 1e400. It is JSON all the same.
        return _plain_by_standard_library(data)
    except UNREADABLE as error:
        raise DecodeError(_not_json(error)) from error


def _plain_by_standard_library(data: bytes) -> Json:
    try:
        return json.loads(data)
    except UNREADABLE as error:
        raise DecodeError(_not_json(error)) from error


def _not_json(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deep"
    return str(error) if isinstance(error, DecodeError) else "not UTF-8"


def _without_values(text: str) -> str:
    return _BAD_TAG.sub("Invalid value", text)
