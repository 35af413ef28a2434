"""Decode what does not quite fit, and lose as little of it as possible.

Only a message that the decoder refused comes here. Each round asks for the first mismatch,
changes the smallest thing that lets it pass, and tries again:

1. An object of an unknown variant becomes an `Unknown` that carries it unchanged.
2. An object without a required key becomes an `Unknown` too, or the nearest object around it
   that can.
3. A value of another type than expected is left out, where the decoder does without; else as 2.

What differs in the same way in the other elements of a list is changed in the same round, so
the number of rounds depends on how many kinds of differences there are, not on how many places.

Limits: the place of a mismatch is read out of msgspec's message, so `tests/core` holds the
versions of msgspec that are admitted to what is expected here.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from msgspec import ValidationError, convert

from codex_runtime.protocol._base import Json, TypeForm, is_object
from codex_runtime.protocol._places import ANY_KEY, Place, required_keys, variant_of

_ROUNDS = 64
"""Most rounds for one message. A newer codex needs one per new variant; the rest is for noise."""

_PLACE = re.compile(r" - at `\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_MISSING = re.compile(r"missing required field `([^`]+)`")
_GOT = re.compile(r"got `(\w+)`")
_KINDS = (
    (bool, "bool"),
    (int, "int"),
    (float, "float"),
    (str, "str"),
    (list, "array"),
    (dict, "object"),
)
"""Python types of decoded JSON and msgspec's words for them. `bool` is before `int`, which it is too."""


@dataclass(frozen=True)
class Mismatch:
    """What msgspec says is wrong, and where.

    Attributes:
        steps: The way from the top; `...` stands for some key of a mapping.
        problem: The message without the place.
    """

    steps: tuple[str, ...]
    problem: str

    @classmethod
    def read(cls, error: ValidationError) -> "Mismatch":
        """Take msgspec's message apart."""
        text = str(error)
        place = _PLACE.search(text)
        if place is None:
            return cls((), text)
        steps = tuple(key or index for key, index in _STEP.findall(place[1]))
        return cls(steps, text[: place.start()])

    @property
    def missing(self) -> str | None:
        """The required key that is not there, or None where that is not the problem."""
        found = _MISSING.search(self.problem)
        return found[1] if found else None


def repaired(
    data: Json, kind: TypeForm, *, may_drop: bool, note: Callable[[str], None]
) -> TypeForm:
    """Return `data` as `kind`, with every part that does not fit as `Unknown` or left out.

    Args:
        data: Decoded JSON. It is changed.
        kind: The type wanted.
        may_drop: Whether values may be left out. Not where the result is what a person decides
            upon: a command that is not shown must not be approved.
        note: Is told of every mismatch, in msgspec's words.

    Raises:
        msgspec.ValidationError: The whole does not fit.
    """
    return _Repair(data, kind, may_drop=may_drop).run(note)


class _Repair:
    def __init__(self, data: Json, kind: TypeForm, *, may_drop: bool) -> None:
        self._top = Place({"": data}, "", kind, above=None, exact=True)
        self._may_drop = may_drop
        # By id, and kept alive by this: the objects that stand for unknown variants.
        self._wrapped: dict[int, Json] = {}
        self._inside: dict[tuple[int, str | int], list[tuple[Place, Json]]] = defaultdict(list)

    def run(self, note: Callable[[str], None]) -> TypeForm:
        for _ in range(_ROUNDS):
            try:
                return convert(self._top.node, self._top.kind)
            except ValidationError as error:
                note(str(error))
                if not self._give_way(Mismatch.read(error)):
                    raise
        return convert(self._top.node, self._top.kind)

    def _give_way(self, mismatch: Mismatch) -> bool:
        """Change something about every place that the mismatch is in; say whether anything was."""
        places, rest = _follow(self._top, mismatch.steps)
        at_an_object = bool(rest) or mismatch.missing is not None
        changed = False
        for place in _alike(places, mismatch, rest):
            if any(id(up.node) in self._wrapped for up in place.upwards()):
                continue
            changed |= self._wrap(place) if at_an_object else self._drop_or_wrap(place)
        return changed

    def _drop_or_wrap(self, place: Place) -> bool:
        if self._may_drop and place.droppable:
            self._drop(place)
            return True
        return self._wrap(place)

    def _wrap(self, place: Place) -> bool:
        """Wrap the nearest object that can be, else leave out the nearest value that can be."""
        for up in place.upwards():
            if up.wrappable:
                self._restore_inside(up)
                self._remember(up)
                up.wrap()
                self._wrapped[id(up.node)] = up.node
                return True
        for up in place.upwards() if self._may_drop else ():
            if up.droppable:
                self._drop(up)
                return True
        return False

    def _drop(self, place: Place) -> None:
        self._remember(place)
        del place.holder[place.key]

    def _remember(self, place: Place) -> None:
        """Note for every object around `place` what it holds before it is changed."""
        change = (place, place.node)
        for up in place.upwards():
            self._inside[_address(up)].append(change)

    def _restore_inside(self, outer: Place) -> None:
        """Take back earlier changes in an object about to be wrapped: it is kept as received."""
        for place, node in reversed(self._inside.pop(_address(outer), [])):
            place.holder[place.key] = node


def _address(place: Place) -> tuple[int, str | int]:
    # The holders live as long as the repair, so their ids are theirs.
    return id(place.holder), place.key


def _follow(top: Place, steps: tuple[str, ...]) -> tuple[list[Place], tuple[str, ...]]:
    """Return the places that `steps` lead to, and the steps that lead no further.

    A step leads nowhere where the data has nothing (an absent tag) or the type knows no variant.
    """
    places = [top]
    for index, step in enumerate(steps):
        further = [each for place in places for each in place.leads(step)]
        named = step != ANY_KEY and any(place.exact for place in places)
        if not further or (named and not any(each.exact for each in further)):
            return places, steps[index:]
        places = further
    return places, ()


def _alike(places: list[Place], mismatch: Mismatch, rest: tuple[str, ...]) -> Iterator[Place]:
    """Yield the named place, and those siblings that fail in the same way for sure."""
    exact = next((place for place in places if place.exact), None)
    for place in places:
        same_kind = exact is None or place.kind is exact.kind or place.kind == exact.kind
        if place is exact or (same_kind and _fails_too(place, mismatch, rest)):
            yield place


def _fails_too(place: Place, mismatch: Mismatch, rest: tuple[str, ...]) -> bool:
    if rest:
        return _has_bad_tag(place, mismatch, rest[0])
    if mismatch.missing is not None:
        return _lacks(place, mismatch.missing)
    got = _GOT.search(mismatch.problem)
    return got is None or got[1] == _kind_of(place.node)


def _kind_of(node: Json) -> str:
    return next((word for kind, word in _KINDS if isinstance(node, kind)), "null")


def _has_bad_tag(place: Place, mismatch: Mismatch, step: str) -> bool:
    if place.tag_field != step or not is_object(place.node):
        return False
    tag = place.node.get(step)
    return f"Invalid value {tag!r}" == mismatch.problem or (
        not isinstance(tag, str) and step in place.node
    )


def _lacks(place: Place, key: str) -> bool:
    if not is_object(place.node) or key in place.node:
        return False
    variant = variant_of(place.kind, place.node)
    return place.tag_field == key or (variant is not None and key in required_keys(variant))
