"""Checks that know steps, and what they make of loose arguments."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import cast

from codex_runtime.errors import InvalidArgument
from codex_runtime.testing._checks import check_count, check_text, check_texts
from codex_runtime.testing._gates import Gate
from codex_runtime.testing._step_types import OUTPUTS, STEPS, Output, Step, Usage

__all__ = [
    "as_objects",
    "check_beginning",
    "check_flag",
    "check_gate",
    "check_headers",
    "check_steps",
    "check_usage",
    "cut_text",
    "named",
]


def check_steps(field: str, steps: Sequence[object]) -> tuple[Step, ...]:
    """Return `steps` as a tuple if each is a step.

    Raises:
        InvalidArgument: One is not, with its place.
    """
    found: list[Step] = []
    for place, step in enumerate(steps):
        if not isinstance(step, STEPS):
            raise InvalidArgument(f"{field}[{place}]", f"is not a step: {named(step)}")
        found.append(step)
    return tuple(found)


def cut_text(text: str, chunks: object) -> tuple[str, ...]:
    """Return `text` in pieces: as given, in a number of about equal ones, or by word (None)."""
    if chunks is None:
        return tuple(re.findall(r"\s*\S+\s*|\s+", text))
    if isinstance(chunks, int):
        count = check_count("chunks", chunks, smallest=1, largest=max(1, len(text)))
        cuts = [len(text) * place // count for place in range(count + 1)]
        return tuple(text[start:end] for start, end in itertools.pairwise(cuts))
    return check_texts("chunks", chunks)


def check_beginning(after: object) -> tuple[tuple[Output, ...], tuple[str, ...]]:
    """Return the complete outputs and the pieces of an unfinished message that `after` means."""
    if isinstance(after, str):
        return (), cut_text(check_text("after", after), None)
    if isinstance(after, int):
        count = check_count("after", after, largest=100_000)
        return (), tuple(f"word{place + 1} " for place in range(count))
    outputs = as_objects("after", (after,) if isinstance(after, OUTPUTS) else after)
    found: list[Output] = []
    for place, output in enumerate(outputs):
        if not isinstance(output, OUTPUTS):
            raise InvalidArgument(f"after[{place}]", f"is not an output: {named(output)}")
        found.append(output)
    return tuple(found), ()


def as_objects(field: str, value: object) -> Sequence[object]:
    """Return `value`, a sequence, with nothing assumed of its elements."""
    if not isinstance(value, Sequence):
        raise InvalidArgument(
            field, f"must be a number, a text or outputs, not {type(value).__name__}"
        )
    return cast("Sequence[object]", value)


def named(value: object) -> str:
    """Return how an error text calls `value`: small values as they are, others by their type."""
    kind = type(value)
    if kind in (str, int, float, bytes, type(None)):
        return repr(value)
    return f"a {kind.__name__}"


def check_usage(value: object) -> Usage | None:
    """Return `value` if it is a Usage or None."""
    if value is not None and not isinstance(value, Usage):
        raise InvalidArgument("usage", f"must be a Usage, not {type(value).__name__}")
    return value


def check_gate(value: object) -> Gate | None:
    """Return `value` if it is a Gate or None."""
    if value is not None and not isinstance(value, Gate):
        raise InvalidArgument(
            "gate", f"must be a Gate, as model.gate() makes, not {type(value).__name__}"
        )
    return value


def check_flag(field: str, value: object) -> bool:
    """Return `value` if it is True or False."""
    if not isinstance(value, bool):
        raise InvalidArgument(field, f"must be True or False, not {value!r}")
    return value


def check_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return `headers` as pairs if they can travel as HTTP headers."""
    for name, value in headers.items():
        text = check_text("headers", name, empty=False) + check_text("headers", value)
        if not text.isascii() or not text.isprintable():
            raise InvalidArgument(
                "headers", f"must be printable ASCII on one line, not {name!r}: {value!r}"
            )
    return tuple(headers.items())
