"""Wire names to Python names."""

import keyword
import re

_SHADOWING = frozenset({"bool", "dict", "field", "float", "int", "list", "str"})
"""Names that the annotations of a class body need: a field called so would hide them."""

_SPELLED_OUT = {"/": " slash ", "-": " dash ", ".": " dot ", "_": " underscore ", ":": " colon "}
"""How separators are said in a variant name that would clash without them."""


def snake(wire: str) -> str:
    """Return the Python attribute for a wire name: `itemId` becomes `item_id`."""
    words = re.sub(r"[^0-9A-Za-z]+", "_", wire).strip("_").replace("OAuth", "Oauth")
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", words)
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", words).lower()
    return f"{words}_" if keyword.iskeyword(words) or words in _SHADOWING else words


def pascal(wire: str) -> str:
    """Return the class-name part for a wire name: `input_text` becomes `InputText`."""
    parts = re.split(r"[^0-9A-Za-z]+", wire)
    return "".join(part[:1].upper() + part[1:] for part in parts)


def pascal_spelled_out(wire: str) -> str:
    """Return a class-name part that says the separators: `openai/form` is `OpenaiSlashForm`.

    The second spelling, for two tags that `pascal` cannot tell apart.
    """
    return "".join(
        pascal(word)
        for word in "".join(_SPELLED_OUT.get(character, character) for character in wire).split()
    )


def camel(attribute: str) -> str:
    """Return the wire name that msgspec's `rename="camel"` gives an attribute."""
    first, *rest = attribute.split("_")
    return first + "".join(part.title() for part in rest)


def constant(method: str) -> str:
    """Return the constant for a method: `thread/tokenUsage/updated` is `THREAD_TOKEN_USAGE_UPDATED`."""
    return re.sub(r"\W+", "_", snake(method)).upper()
