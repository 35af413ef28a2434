"""Write `docs/protocol-coverage.md`: where each method of the protocol is reached from.

    python tools/coverage_table.py            write the page
    python tools/coverage_table.py --check    print what would change; exit 1 if anything would

A public method or class names the method of the protocol that it stands for in backquotes in
the first line of its docstring, as in "Archive the thread (`thread/archive`)."; that is all that
is read of it. `schema/availability.json` says which codex has which method; see
`tools/probe_methods.py`.
"""

import argparse
import difflib
import importlib
import inspect
import pkgutil
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from probe_methods import FILE, ROOT, Availability, read

import codex_runtime
from codex_runtime.protocol import Method
from codex_runtime.protocol.methods import (
    CLIENT_REQUESTS,
    INVENTORY,
    NOTIFICATIONS,
    SERVER_REQUESTS,
)

PAGE = ROOT / "docs/protocol-coverage.md"
"""The page that is written."""

_ELSEWHERE = ("cli", "errors", "options", "protocol", "testing", "transports")
"""Parts of the package whose names stand for no request, though their docstrings mention some."""

_HEAD = """# Coverage of the protocol

Written by `tools/coverage_table.py` from docstrings, the schema and `schema/availability.json`; `make generate` writes it again.

Every method of codex {version} can be called with types on both sides. {named} of the {total} have a name in this package. The other {rest}, and those too,
are called by their constant, as in `await runtime.request(methods.THREAD_READ, ThreadReadParams(…))` (see [protocol.md](protocol.md)). The
{notifications} notifications arrive as typed events, and the {server_requests} requests that the server makes are known by type.

The last column says which versions of codex have the method; these were asked: {versions}.

| method | public name | constant | stability | codex |
|---|---|---|---|---|
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit code: 0 done or fresh, 1 stale, 2 a version was not asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 when stale")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    parser.add_argument("--availability", type=Path, default=FILE, help="the file to read")
    options = parser.parse_args(arguments)
    known = read(options.availability)
    if not known or any(methods.keys() != CLIENT_REQUESTS.keys() for methods in known.values()):
        print(f"{options.availability} is about other methods; run: python tools/probe_methods.py")
        return 2
    text = rendered(public_names(), known)
    if options.check:
        return _check(options.page, text)
    options.page.write_text(text, "utf-8")
    return 0


def _check(page: Path, text: str) -> int:
    present = page.read_text("utf-8") if page.exists() else ""
    if present == text:
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(
            present.splitlines(keepends=True),
            text.splitlines(keepends=True),
            fromfile=f"{page} (as it is)",
            tofile=f"{page} (as the docstrings have it)",
        )
    )
    print(f"{page} is stale; run: python tools/coverage_table.py")
    return 1


def public_names() -> dict[str, list[str]]:
    """Return the public names that stand for each method of the protocol."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for kind in public_classes():
        for name, docstring in _documented(kind):
            for method in _named_in(docstring):
                found[method].add(name)
    return {method: sorted(names) for method, names in found.items()}


def public_classes() -> list[type]:
    """Return every public class that sends requests, or may."""
    found: dict[type, None] = {}
    for module in pkgutil.walk_packages(codex_runtime.__path__, "codex_runtime."):
        parts = module.name.split(".")[1:]
        if parts[0] in _ELSEWHERE or any(part.startswith("_") for part in parts):
            continue
        public = importlib.import_module(module.name)
        for name in getattr(public, "__all__", ()):
            value = getattr(public, name)
            if inspect.isclass(value) and value.__module__.startswith("codex_runtime."):
                found[value] = None
    return list(found)


def _documented(kind: type) -> Iterator[tuple[str, str]]:
    """The public names of a class and its members, each with its docstring.

    What a class has from another public one is that one's; what it has from a private one is its own.
    """
    yield kind.__name__, kind.__doc__ or ""
    for home in kind.__mro__:
        if home is not kind and not home.__module__.rpartition(".")[2].startswith("_"):
            continue
        for name, value in vars(home).items():
            if name.startswith("_") and name != "__aenter__":
                continue
            docstring = getattr(value, "__doc__", None) or ""
            yield _spelled(kind.__name__, name), docstring


def _spelled(kind: str, name: str) -> str:
    return f"async with {kind}" if name == "__aenter__" else f"{kind}.{name}"


def _named_in(docstring: str) -> list[str]:
    first = docstring.strip().partition("\n")[0]
    return [each for each in re.findall(r"`([^`]+)`", first) if each in CLIENT_REQUESTS]


def rendered(names: Mapping[str, list[str]], known: Availability) -> str:
    """Return the page."""
    constants = constant_names()
    named = len(names.keys() & CLIENT_REQUESTS.keys())
    head = _HEAD.format(
        version=INVENTORY.codex_version,
        named=named,
        total=len(CLIENT_REQUESTS),
        rest=len(CLIENT_REQUESTS) - named,
        notifications=len(NOTIFICATIONS),
        server_requests=len(SERVER_REQUESTS),
        versions=", ".join(known),
    )
    rows = [
        f"| `{method}` | {_names(names.get(method, []))} | `{constants[method]}` "
        f"| {CLIENT_REQUESTS[method].stability} | {_versions(method, known)} |\n"
        for method in sorted(CLIENT_REQUESTS)
    ]
    return head + "".join(rows)


def constant_names() -> dict[str, str]:
    """Return the name of the constant of each method."""
    module = importlib.import_module("codex_runtime.protocol.methods")
    return {
        value.method: name
        for name, value in vars(module).items()
        if isinstance(value, Method) and CLIENT_REQUESTS.get(value.method) is value
    }


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "typed request"


def _versions(method: str, known: Availability) -> str:
    having = [version for version, methods in known.items() if methods[method]]
    if len(having) == len(known):
        return "all"
    since = [*known][-len(having) :] if having else []
    return f"since {having[0]}" if having and since == having else ", ".join(having)


if __name__ == "__main__":
    sys.exit(main())
