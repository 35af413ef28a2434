"""The signature of a function, as a tool: its parameters, their schema, and arguments read for it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType, FunctionType
from typing import Any, Final, get_type_hints

import msgspec

from codex_runtime._plain import is_mapping
from codex_runtime._tool_docs import Docs
from codex_runtime._tool_types import Mismatch, ParameterType, parameter_types
from codex_runtime._tool_wording import worded
from codex_runtime.errors import InvalidTool

__all__ = ["Signature", "WrongArguments", "names_around", "signature_of"]

_MOST_PROBLEMS: Final = 5
"""Problems with arguments that the model is told of at once."""

_Kind: Final = inspect.Parameter


class WrongArguments(Exception):
    """A tool cannot be called with these arguments; says why, for the model."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a tool.

    Attributes:
        name: Its name.
        type: Its type.
        default: What it is where nothing is given; `inspect.Parameter.empty` where it is needed.
        positional: Whether it can only be given by its position.
    """

    name: str
    type: ParameterType
    default: Any
    positional: bool


@dataclass(frozen=True)
class Signature:
    """What a tool is called with.

    Attributes:
        parameters: Those that the model fills in.
        takes_context: Whether a context comes before them.
        schema: The JSON Schema of the arguments.
    """

    parameters: tuple[Parameter, ...]
    takes_context: bool
    schema: dict[str, Any]

    def read(self, arguments: Any) -> dict[str, Any]:
        """Make values of arguments; what is left out is left out.

        Raises:
            WrongArguments: They do not fit.
            Exception: Besides, what code of the types raises: validators, `__post_init__`.
        """
        if not is_mapping(arguments):
            raise WrongArguments("arguments: expected an object")
        given: Mapping[str, Any] = arguments
        known = {each.name: each for each in self.parameters}
        problems = [
            f"{name!r} is no argument; there are: {', '.join(known) or 'none'}"
            for name in given
            if name not in known
        ]
        values: dict[str, Any] = {}
        for name, parameter in known.items():
            if name in given:
                try:
                    values[name] = parameter.type.read(given[name])
                except Mismatch as error:
                    place, problem = error.args
                    problems.append(f"argument {name + place!r}: {_lower(problem)}")
            elif parameter.default is _Kind.empty:
                problems.append(f"argument {name!r} is missing")
        if problems:
            raise WrongArguments("; ".join(problems[:_MOST_PROBLEMS]))
        return values

    def split(self, values: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Arguments by position, and those by name."""
        by_name = dict(values)
        by_position = [
            by_name.pop(each.name, each.default) for each in self.parameters if each.positional
        ]
        return by_position, by_name


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def signature_of(
    tool: str,
    function: Callable[..., Any],
    docs: Docs,
    *,
    context_type: type,
    names: Mapping[str, Any],
) -> Signature:
    """Read the signature of a function.

    Args:
        tool: The name of the tool.
        function: The function.
        docs: What its docstring says.
        context_type: The type of a first parameter that the model does not fill in.
        names: What names in its annotations may mean, besides what is global to it.

    Raises:
        InvalidTool: A parameter cannot be one of a tool.
    """
    parameters = _parameters(tool, function)
    for each in parameters:
        _check_annotated(tool, each, first=each is parameters[0])
    annotations = {each.name: _annotation(tool, function, each, names) for each in parameters}
    takes_context = bool(parameters) and annotations[parameters[0].name] is context_type
    if takes_context:
        del annotations[parameters.pop(0).name]
    for name, annotation in annotations.items():
        if annotation is context_type:
            raise InvalidTool(name, "is a ToolContext, but not first", "put it first", tool)
    types, definitions = parameter_types(
        annotations,
        lambda name, why: InvalidTool(name, f"cannot be described: {why}", _USE_TYPES, tool),
    )
    for each in parameters:
        if each.default is not _Kind.empty and not types[each.name].fits(each.default):
            problem = f"has a default of another type: `{type(each.default).__name__}`"
            fix = "use a default of its type, or a type that allows for it"
            raise InvalidTool(each.name, problem, fix, tool)
    properties = {
        each.name: _property(
            types[each.name], annotations[each.name], each.default, docs.parameters.get(each.name)
        )
        for each in parameters
    }
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": [each.name for each in parameters if each.default is _Kind.empty],
        "additionalProperties": False,
    }
    if definitions:
        schema["$defs"] = definitions
    return Signature(
        tuple(
            Parameter(
                each.name,
                types[each.name],
                each.default,
                positional=each.kind is _Kind.POSITIONAL_ONLY,
            )
            for each in parameters
        ),
        takes_context,
        worded(schema),
    )


_USE_TYPES: Final = (
    "use what has a form in JSON: str, int, float, bool, None, list, dict, Literal, Enum, "
    "a dataclass, a TypedDict, a msgspec.Struct or a pydantic model"
)


def _parameters(tool: str, function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError, NameError) as error:
        raise InvalidTool("signature", f"cannot be read: {error}", "use a function", tool) from None
    for each in parameters:
        if each.kind in (_Kind.VAR_POSITIONAL, _Kind.VAR_KEYWORD):
            stars = "*" if each.kind is _Kind.VAR_POSITIONAL else "**"
            raise InvalidTool(
                f"{stars}{each.name}", "stands for any number of arguments", "name each", tool
            )
    return parameters


def _check_annotated(tool: str, parameter: inspect.Parameter, *, first: bool) -> None:
    if parameter.annotation is not _Kind.empty:
        return
    fix = "annotate it, say with str"
    if parameter.name in {"self", "cls"}:
        fix = "make the tool of the bound method: tool(thing.method)"
    elif first:
        fix = "annotate it, say with str; or with ToolContext, if it is to get the context"
    raise InvalidTool(parameter.name, "has no type", fix, tool)


def _annotation(
    tool: str,
    function: Callable[..., Any],
    parameter: inspect.Parameter,
    names: Mapping[str, Any],
) -> Any:
    # In a function of its own, so that it is known which of them cannot be read.
    alone = FunctionType(_nothing.__code__, {})
    alone.__annotations__ = {parameter.name: parameter.annotation}
    inner = _function_of(function)
    try:
        found = get_type_hints(
            alone,
            globalns=getattr(inner, "__globals__", {}),
            localns={**names, **_closure_of(inner)},
            include_extras=True,
        )
    except NameError as error:
        fix = "import it at run time too, not under TYPE_CHECKING only"
        raise InvalidTool(parameter.name, f"has an unknown type: {error}", fix, tool) from None
    except Exception as error:  # noqa: BLE001 — an annotation may be any code
        problem = f"has an annotation that cannot be read: {error}"
        raise InvalidTool(parameter.name, problem, "use a type", tool) from None
    return found[parameter.name]


def _nothing() -> None: ...


def _function_of(function: Any) -> Any:
    """The function behind a partial one, a bound method, an object that can be called."""
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    if inspect.ismethod(function):
        return function.__func__
    return function if inspect.isfunction(function) else type(function).__call__


def _closure_of(function: Any) -> dict[str, Any]:
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    found: dict[str, Any] = {}
    for name, cell in zip(code.co_freevars if code else (), cells or (), strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            continue
    return found


def names_around(frame: FrameType | None) -> dict[str, Any]:
    """The local names where the function of a frame was called, for annotations that are text."""
    caller = None if frame is None else frame.f_back
    if caller is None or caller.f_locals is caller.f_globals:
        return {}
    return dict(caller.f_locals)


def _property(
    kind: ParameterType, annotation: Any, default: Any, documented: str | None
) -> dict[str, Any]:
    schema = dict(kind.schema)
    noted = _noted(annotation) or documented
    if noted and "description" not in schema:
        schema["description"] = noted
    if default is not _Kind.empty:
        try:
            schema["default"] = msgspec.to_builtins(default, str_keys=True)
        except Exception:  # noqa: BLE001 — a default of any type, of which there may be no form
            schema.pop("default", None)
    return schema


def _noted(annotation: Any) -> str | None:
    """What is noted on a type in words: text, or what `typing_extensions.Doc` holds."""
    for note in getattr(annotation, "__metadata__", ()):
        text = note if isinstance(note, str) else getattr(note, "documentation", None)
        if isinstance(text, str):
            return text
    return None
