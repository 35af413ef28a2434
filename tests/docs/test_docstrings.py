"""Every public name says what it is, what it takes, and what it raises."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from types import FunctionType
from typing import Any, NamedTuple, cast, is_typeddict

import pytest

import codex_runtime
from codex_runtime import errors, options
from codex_runtime.services import commands
from codex_runtime.threads import filters

NOT_OURS = {"codex_runtime.protocol.types", "codex_runtime.protocol.methods"}
"""Generated: their words are the schema's."""


class Name(NamedTuple):
    """A public name.

    Attributes:
        path: As one would write it.
        value: What it stands for; a property as such, a method as a function.
    """

    path: str
    value: Any


def public_modules() -> Iterator[str]:
    yield "codex_runtime"
    for module in pkgutil.walk_packages(codex_runtime.__path__, "codex_runtime."):
        if "._" not in module.name and module.name not in NOT_OURS:
            yield module.name


def public_values() -> dict[str, Any]:
    """Classes and functions that some public module lists, each once."""
    found: dict[int, Name] = {}
    for path in public_modules():
        module = importlib.import_module(path)
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            # An alias of types has its text beside it, where no program can see it.
            if inspect.isclass(value) or inspect.isroutine(value):
                found.setdefault(id(value), Name(f"{path}.{name}", value))
    return {each.path: each.value for each in found.values() if _is_ours(each.value)}


def _is_ours(value: Any) -> bool:
    return value.__module__.startswith("codex_runtime") and value.__module__ not in NOT_OURS


def members(path: str, kind: type) -> Iterator[Name]:
    """What a public class has, from itself and from classes of ours that are not public."""
    for home in filter(_is_ours, kind.__mro__):
        for name in vars(home):
            value: Any = inspect.getattr_static(home, name)
            if isinstance(value, classmethod | staticmethod):
                value = cast("Any", value).__func__
            if not name.startswith("_") and isinstance(value, _KINDS):
                yield Name(f"{path}.{name}", value)


_KINDS = (FunctionType, property, cached_property)


VALUES = public_values()
CLASSES = {path: value for path, value in VALUES.items() if inspect.isclass(value)}
MEMBERS = {each.path: each.value for path, kind in CLASSES.items() for each in members(path, kind)}
CALLABLES: dict[str, Callable[..., Any]] = {
    path: value for path, value in {**VALUES, **MEMBERS}.items() if isinstance(value, FunctionType)
}

FOR_PEOPLE = re.compile(
    r"codex_runtime\.([A-Z]\w+\.(?!(of|push|fail)$)\w+|run|run_sync|stream"
    r"|(threads|services|hooks|inputs|shell_hooks)\..*\.(?!(of|push|fail)$)\w+)"
)
"""What people call to work with codex, as against what tests and the parts of this package use."""

FROM_ELSEWHERE = re.compile(r"\b(exceptions?|raises?|[Ss]ee|[Ll]ike|[Aa]s)\b[^.]*`[\w.]+`")
"""A sentence that sends its reader to another docstring for the rest."""


def sections(docstring: str) -> dict[str, str]:
    """The sections of a docstring by their headings."""
    found = re.split(
        r"^(Args|Raises|Returns|Yields|Attributes):\n",
        inspect.cleandoc(docstring),
        flags=re.MULTILINE,
    )
    return dict(zip(found[1::2], found[2::2], strict=True))


def parameters(function: Callable[..., Any]) -> list[str]:
    stars = {
        inspect.Parameter.VAR_POSITIONAL: "*",
        inspect.Parameter.VAR_KEYWORD: "**",
    }
    return [
        f"{stars.get(each.kind, '')}{each.name}"
        for each in inspect.signature(function).parameters.values()
        if each.name not in {"self", "cls"} and not each.name.startswith("_")
    ]


def test_there_is_something_to_look_at() -> None:
    assert len(CLASSES) > 60
    assert len(CALLABLES) > 100
    assert "codex_runtime.Runtime.thread_start" in CALLABLES


@pytest.mark.parametrize("path", [*VALUES, *MEMBERS])
def test_every_public_name_has_a_docstring(path: str) -> None:
    text = {**VALUES, **MEMBERS}[path].__doc__

    assert text
    first = text.strip().partition("\n")[0]
    assert first.endswith((".", "?", ":")), first


@pytest.mark.parametrize("path", [path for path, kind in CLASSES.items() if is_typeddict(kind)])
def test_help_shows_every_option(path: str) -> None:
    listed = sections(CLASSES[path].__doc__ or "")["Attributes"]

    assert re.findall(r"^ {4}(\w+): [A-Z`].*\.$", listed, re.MULTILINE) == sorted(
        CLASSES[path].__annotations__
    )


def test_no_option_is_told_of_that_is_not_there() -> None:
    for module in (options, filters, commands):
        there = {
            name
            for kind in vars(module).values()
            if is_typeddict(kind)
            for name in kind.__annotations__
        }
        assert set(module._IN_ONE_LINE) == there


@pytest.mark.parametrize("path", [*filter(FOR_PEOPLE.fullmatch, CALLABLES)])
def test_every_parameter_is_in_the_docstring(path: str) -> None:
    text = CALLABLES[path].__doc__ or ""
    wanted = [name for name in parameters(CALLABLES[path]) if f"`{name.strip('*')}`" not in text]
    described = sections(text).get("Args", "")

    missing = [
        name
        for name in wanted
        if not re.search(rf"^ +{re.escape(name)}: \S", described, re.MULTILINE)
    ]

    assert not missing or FROM_ELSEWHERE.search(text), f"{path} does not tell about {missing}"


@pytest.mark.parametrize("path", CALLABLES)
def test_every_section_of_a_docstring_says_something(path: str) -> None:
    for heading, body in sections(CALLABLES[path].__doc__ or "").items():
        assert body.strip(), f"{heading} of {path} is empty"


@pytest.mark.parametrize("path", CALLABLES)
def test_whatever_waits_for_the_server_says_what_it_raises(path: str) -> None:
    function = CALLABLES[path]
    text = function.__doc__ or ""
    owner = CLASSES.get(path.rpartition(".")[0])
    # A class may say once what all its methods raise.
    of_all = owner is not None and " raises" in (owner.__doc__ or "")

    if inspect.iscoroutinefunction(function) and "/" in text.strip().partition("\n")[0]:
        assert "Raises" in sections(text) or FROM_ELSEWHERE.search(text) or of_all, path


@pytest.mark.parametrize("name", errors.__all__)
def test_every_attribute_of_an_error_is_in_its_docstring(name: str) -> None:
    kind = getattr(errors, name)
    inherited = getattr(kind.__mro__[1], "__match_args__", ())
    own = set(getattr(kind, "__match_args__", ())) - set(inherited)

    described = sections(kind.__doc__ or "").get("Attributes", "")

    assert own <= set(re.findall(r"^ +(\w+): ", described, re.MULTILINE))
