"""From the vendored files to named schemas in one namespace."""

import gzip
import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path

from protocol_generator.errors import SchemaError
from protocol_generator.schema import Definitions, Json, Schema, is_dict, is_list, kinds_of, walk
from protocol_generator.tables import KEYWORDS

SIDES = ("ClientRequest", "ServerRequest", "ServerNotification")
"""The unions of the bundle that list methods."""

_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
"""The values of `type` that JSON Schema has."""

_PROSE = frozenset({"$schema", "description", "title"})
"""Keywords in which two definitions of one name may differ."""


@dataclass(frozen=True)
class Bundle:
    """One protocol: its definitions, and which of its methods need no opt-in.

    Attributes:
        definitions: The schemas by name.
        stable: The methods that the bundle made without `--experimental` lists, of all sides.
        codex_version: The codex that the bundle was asked from.
        sha256: Of the bundle's bytes before compression.
    """

    definitions: Definitions
    stable: frozenset[str]
    codex_version: str
    sha256: str


def load_vendored(folder: Path) -> Bundle:
    """Read `schema/` of this repository."""
    pinned = json.loads((folder / "PINNED.json").read_text("utf-8"))
    stable = json.loads((folder / "stable_methods.json").read_text("utf-8"))
    raw = gzip.decompress((folder / "app_server.json.gz").read_bytes())
    bundle = parse(raw, stable=_all_of(stable), codex_version=pinned["codex_version"])
    if bundle.sha256 != pinned["sha256"]:
        raise SchemaError(f"{folder}: app_server.json.gz is not the bundle that PINNED.json names")
    return bundle


def packed(raw: bytes) -> bytes:
    """Return `raw` gzipped, without a time or a name, so that the same bytes pack the same."""
    # Not gzip.compress: its header differs between versions of Python.
    buffer = io.BytesIO()
    with gzip.GzipFile("", "wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write(raw)
    return buffer.getvalue()


def parse(raw: bytes, *, stable: frozenset[str], codex_version: str) -> Bundle:
    """Read a mixed bundle, `codex_app_server_protocol.schemas.json`."""
    document = json.loads(raw)
    return Bundle(
        definitions=flatten(document),
        stable=stable,
        codex_version=codex_version,
        sha256=hashlib.sha256(raw).hexdigest(),
    )


def flatten(document: Schema) -> Definitions:
    """Return the definitions of both protocol generations in one namespace.

    Raises:
        SchemaError: A keyword or type that no rule exists for, or one name with two meanings.
    """
    first = dict(document["definitions"])
    second: dict[str, Schema] = first.pop("v2", {})
    for name, schema in [*first.items(), *second.items()]:
        _check_words(name, schema)
    for name in sorted(first.keys() & second.keys()):
        if _meaning(first[name]) != _meaning(second[name]):
            raise SchemaError(f"{name}: means two things, in `definitions` and `definitions.v2`")
    return {**first, **second}


def listed_methods(definitions: Definitions) -> dict[str, list[str]]:
    """Return the wire names of the methods of each side, in the order of the bundle."""
    return {
        side: [
            entry["properties"]["method"]["enum"][0]
            for entry in definitions.get(side, {}).get("oneOf", ())
        ]
        for side in SIDES
    }


def _all_of(stable: dict[str, list[str]]) -> frozenset[str]:
    return frozenset(method for side in SIDES for method in stable[side])


def _check_words(name: str, schema: Schema) -> None:
    for where, inner in walk(schema, name):
        for word in inner:
            if word not in KEYWORDS:
                raise SchemaError(
                    f"{where}: the generator has no rule for the keyword {word!r}; "
                    "write one, then add it to KEYWORDS in tools/protocol_generator/tables.py"
                )
        for kind in kinds_of(inner):
            if kind not in _TYPES:
                raise SchemaError(f"{where}: {kind!r} is no type of JSON Schema")


def _meaning(value: Json, *, names: bool = False) -> Json:
    """Return a schema without its prose; `names` says that the keys are names, not keywords."""
    if is_dict(value):
        return {
            key: _meaning(inner, names=key == "properties" and not names)
            for key, inner in value.items()
            if names or key not in _PROSE
        }
    if is_list(value):
        return [_meaning(inner) for inner in value]
    return value.replace("/definitions/v2/", "/definitions/") if isinstance(value, str) else value
