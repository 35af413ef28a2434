"""The types of a tool's parameters: their JSON Schema, and values read as them.

msgspec does both. What is, or holds, a pydantic model is left to pydantic, which is imported by
whoever has written that model, and never from here otherwise.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import PurePath
from typing import Any, Final, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

from codex_runtime._plain import is_list, is_mapping
from codex_runtime._tool_kinds import close, fits, unhashable, unknown_member

__all__ = ["Mismatch", "ParameterType", "is_pydantic", "parameter_types"]

REF_TEMPLATE: Final = "#/$defs/{name}"


class Mismatch(Exception):
    """A value is not of its type; says where within it, and what is wrong, as (place, problem)."""


@dataclasses.dataclass(frozen=True)
class ParameterType:
    """The type of a parameter.

    Attributes:
        schema: Its JSON Schema; what that refers to is in the `$defs` of the whole.
        read: Makes a value of it from plain data. Raises `Mismatch`, or whatever the user's own
            code raises.
        fits: Whether a default is of it.
    """

    schema: dict[str, Any]
    read: Callable[[Any], Any]
    fits: Callable[[Any], bool]


def parameter_types(
    annotations: Mapping[str, Any], refuse: Callable[[str, str], Exception]
) -> tuple[dict[str, ParameterType], dict[str, Any]]:
    """Read annotations, by the names of their parameters; return also what schemas refer to.

    Args:
        annotations: The types.
        refuse: Makes the error for a type that cannot be used, of a parameter and what is wrong.
    """
    found: dict[str, ParameterType] = {}
    of_msgspec = {name: each for name, each in annotations.items() if not is_pydantic(each)}
    for name, annotation in of_msgspec.items():
        try:
            # That there is a schema does not mean that it can be read.
            msgspec.json.Decoder(annotation, dec_hook=_decoded)
            _schemas([annotation])
            bad = unhashable(inspect.type_info(annotation))
        except Exception as error:  # noqa: BLE001 — types of the user's, which may be any code
            raise refuse(name, _first_line(error)) from None
        if bad is not None:
            raise refuse(name, f"the entries of a set have to be hashable, which `{bad}` is not")
    # All at once, so that two types of one name are told apart.
    schemas, definitions = _schemas(of_msgspec.values())
    used = inspect.multi_type_info(of_msgspec.values())
    close(definitions, used)
    for (name, annotation), schema, kind in zip(of_msgspec.items(), schemas, used, strict=True):
        found[name] = ParameterType(
            schema, _msgspec_reader(annotation, kind), functools.partial(fits, kind)
        )
    for name, annotation in annotations.items():
        if name in of_msgspec:
            continue
        try:
            adapter = import_module("pydantic").TypeAdapter(annotation)
            schema = adapter.json_schema(ref_template="#/$defs/{model}")
        except Exception as error:  # noqa: BLE001 — a boundary to code of pydantic's and the user's
            raise refuse(name, _first_line(error)) from None
        own: dict[str, Any] = schema.pop("$defs", {})
        found[name] = ParameterType(
            _merged(schema, own, definitions), _pydantic_reader(adapter), _pydantic_fits(adapter)
        )
    return {name: found[name] for name in annotations}, definitions


def _schemas(annotations: Iterable[Any]) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    return msgspec.json.schema_components(
        annotations, schema_hook=_custom_schema, ref_template=REF_TEMPLATE
    )


def _custom_schema(kind: type) -> dict[str, Any]:
    if issubclass(kind, PurePath):
        return {"type": "string", "format": "path"}
    raise NotImplementedError(f"type {kind.__name__} has no form in JSON")


def _decoded(kind: type, value: Any) -> Any:
    # A path: nothing else that msgspec does not know has a schema.
    return kind(msgspec.convert(value, str))


def _msgspec_reader(annotation: Any, kind: inspect.Type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        try:
            found = msgspec.convert(value, annotation, str_keys=True, dec_hook=_decoded)
        except msgspec.ValidationError as error:
            problem, _, place = str(error).rpartition(" - at ")
            raise Mismatch(_place(place), problem) if problem else Mismatch("", place) from None
        except TypeError as error:
            # A list in a set of anything.
            if str(error).startswith("unhashable type"):
                raise Mismatch("", "a set holds neither lists nor objects") from None
            raise
        unknown = unknown_member(kind, value)
        if unknown is not None:
            raise Mismatch(*unknown)
        return found

    return read


def _place(words: str) -> str:
    """Where msgspec has found it, as one would write it behind the name: `[0].size`."""
    inner, _, outer = words.rpartition(" in ")
    path = outer.strip("`").removeprefix("$")
    return f"{path}, a {inner.strip('`')}" if inner else path


def _pydantic_reader(adapter: Any) -> Callable[[Any], Any]:
    wrong: type[Exception] = import_module("pydantic").ValidationError

    def read(value: Any) -> Any:
        try:
            # Strict models take dates and the like from JSON only.
            return adapter.validate_json(msgspec.json.encode(value))
        except wrong as error:
            told: Any = error
            first = told.errors(include_url=False, include_context=False, include_input=False)[0]
            place = "".join(
                f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]
            )
            raise Mismatch(place, str(first["msg"])) from None

    return read


def _pydantic_fits(adapter: Any) -> Callable[[Any], bool]:
    wrong: type[Exception] = import_module("pydantic").ValidationError

    def fits(default: Any) -> bool:
        if default is None:
            return True
        try:
            adapter.validate_python(default)
        except wrong as error:
            told: Any = error
            # Limits do not count, as elsewhere.
            kinds = [str(each["type"]) for each in told.errors(include_url=False)]
            return not any(kind.endswith(("_type", "_parsing")) for kind in kinds)
        except Exception:  # noqa: BLE001 — validators of the user's, which may be any code
            return True
        return True

    return fits


def is_pydantic(annotation: Any) -> bool:
    """Whether a type is pydantic's, or holds one that is."""
    return "pydantic" in sys.modules and any(map(_is_of_pydantic, _parts(annotation, set())))


def _is_of_pydantic(part: Any) -> bool:
    if isinstance(part, type):
        return hasattr(part, "__pydantic_validator__")
    return type(part).__module__.partition(".")[0] == "pydantic"


def _parts(annotation: Any, seen: set[int]) -> Iterator[Any]:
    """A type, and all that it is made of: arguments, what is noted on it, fields."""
    if id(annotation) in seen:
        return
    seen.add(id(annotation))
    yield annotation
    noted: tuple[Any, ...] = getattr(annotation, "__metadata__", ())
    for part in (*get_args(annotation), *noted, *_field_types(annotation)):
        yield from _parts(part, seen)


def _field_types(annotation: Any) -> tuple[Any, ...]:
    kind: Any = get_origin(annotation) or annotation
    has_fields = dataclasses.is_dataclass(kind) or hasattr(kind, "__required_keys__")
    if not isinstance(kind, type) or not (has_fields or hasattr(kind, "_field_defaults")):
        return ()
    try:
        return tuple(get_type_hints(kind, include_extras=True).values())
    except (NameError, TypeError):
        return ()


def _merged(schema: Any, own: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """Add the definitions of one schema to those of all, under other names where they are taken."""
    renamed: dict[str, str] = {}
    for name, definition in own.items():
        free = name
        while free in definitions and definitions[free] != definition:
            free += "_"
        renamed[REF_TEMPLATE.format(name=name)] = REF_TEMPLATE.format(name=free)
        definitions[free] = definition
    moved = {old: new for old, new in renamed.items() if old != new}
    if moved:
        for new in renamed.values():
            name = new.rpartition("/")[2]
            definitions[name] = _with_refs(definitions[name], moved)
    return _with_refs(schema, moved)


def _with_refs(schema: Any, moved: Mapping[str, str]) -> Any:
    if is_mapping(schema):
        return {
            key: moved.get(value, value) if key == "$ref" else _with_refs(value, moved)
            for key, value in schema.items()
        }
    if is_list(schema):
        return [_with_refs(each, moved) for each in schema]
    return schema


def _first_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text.replace(_HINT, "").removesuffix(".").strip()


_HINT: Final = (
    "Generating JSON schema for custom types requires either: - specifying a `schema_hook` "
    "- annotating the type with `Meta(extra_json_schema=...)`"
)
