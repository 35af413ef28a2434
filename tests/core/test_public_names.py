"""What can be imported, and what importing costs."""

import ast
import importlib
import inspect
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import codex_runtime

PACKAGE = Path(codex_runtime.__file__).parent

FOREIGN = {"T", "P", "R", "W", "logger"}
"""Names without an underscore that are none of a module's public ones: type variables, loggers."""


def _module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _is_public(path: Path) -> bool:
    return not any(
        part.startswith("_") and part != "__init__"
        for part in path.relative_to(PACKAGE).with_suffix("").parts
    )


PUBLIC = {_module_name(path): path for path in sorted(PACKAGE.rglob("*.py")) if _is_public(path)}
"""Public modules by name: those without an underscore anywhere in their path."""

modules = pytest.mark.parametrize("name", PUBLIC)


def _statements(path: Path) -> list[ast.stmt]:
    return ast.parse(path.read_text("utf-8")).body


def _defined(path: Path) -> set[str]:
    """The public names that a module's own statements define, imports left out."""
    found: set[str] = set()
    for statement in _statements(path):
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(statement.name)
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.Assign(targets=targets):
                found.update(target.id for target in targets if isinstance(target, ast.Name))
            case _:
                pass
    return {name for name in found if not name.startswith("_")} - FOREIGN


def _imported_for_types(path: Path) -> set[str]:
    """The names that a module imports under `if TYPE_CHECKING:`, for those who read its types."""
    return {
        alias.asname or alias.name
        for statement in _statements(path)
        if isinstance(statement, ast.If)
        for inner in statement.body
        if isinstance(inner, ast.ImportFrom)
        for alias in inner.names
    }


def _with_text_below(path: Path) -> set[str]:
    """The names that are assigned in a statement that a text follows."""
    statements = _statements(path)
    return {
        statement.target.id
        for statement, text in pairwise(statements)
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }


def _run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _loaded_after(program: str) -> set[str]:
    # Compared with what Python itself has loaded by then: a `.pth` file may bring its own.
    text = _run(
        f"import sys; before = set(sys.modules); {program}; print(*set(sys.modules) - before)"
    )
    return set(text.split())


# The package


def test_the_public_names_are_sorted_and_each_is_there_once() -> None:
    names = codex_runtime.__all__

    assert names == sorted(set(names))


@pytest.mark.parametrize("name", codex_runtime.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    namespace: dict[str, Any] = {}

    exec(f"from codex_runtime import {name}", namespace)  # noqa: S102 — that is the question

    assert namespace[name] is getattr(codex_runtime, name)


@pytest.mark.parametrize("name", sorted(codex_runtime._MODULE_OF))
def test_every_public_name_is_documented(name: str) -> None:
    value = getattr(codex_runtime, name)

    if inspect.isclass(value) or inspect.isroutine(value):
        assert value.__doc__
        assert not value.__doc__.startswith(f"{name}("), "the text that dataclasses make"
    else:
        # An alias has its text in the line below, wherever it is defined.
        assert any(name in _with_text_below(path) for path in PACKAGE.glob("*.py"))


@pytest.mark.parametrize(("module", "names"), codex_runtime._HOMES.items())
def test_every_name_comes_from_a_module_that_calls_it_public(
    module: str, names: tuple[str, ...]
) -> None:
    home = importlib.import_module(f"codex_runtime.{module}")

    assert set(names) <= set(home.__all__)


def test_the_list_of_names_is_complete_and_the_type_checker_sees_the_same() -> None:
    lazy = set(codex_runtime._MODULE_OF)

    assert set(codex_runtime.__all__) == lazy | {"__version__"}
    assert _imported_for_types(PACKAGE / "__init__.py") == lazy
    assert dir(codex_runtime) == codex_runtime.__all__


def test_every_error_is_a_public_name() -> None:
    errors = importlib.import_module("codex_runtime.errors")

    assert set(errors.__all__) <= set(codex_runtime.__all__)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        codex_runtime.no_such_name  # noqa: B018 — that is the question


def test_a_name_is_looked_up_once() -> None:
    assert (
        _run(
            "import codex_runtime as cr; before = 'TokenUsage' in vars(cr); cr.TokenUsage;"
            "print(before, 'TokenUsage' in vars(cr))"
        )
        == "False True"
    )


def test_importing_the_package_loads_nothing_that_costs() -> None:
    loaded = _loaded_after("import codex_runtime")

    assert {name.partition(".")[0] for name in loaded}.isdisjoint(
        {"anyio", "asyncio", "msgspec", "logging", "subprocess", "trio", "typer", "pytest"}
    )
    assert {name for name in loaded if name.startswith("codex_runtime")} == {
        "codex_runtime",
        "codex_runtime._version",
    }


@pytest.mark.parametrize(
    "program", ["import codex_runtime.protocol", "import codex_runtime.errors, codex_runtime.state"]
)
def test_the_generated_types_are_not_loaded_before_they_are_needed(program: str) -> None:
    assert "codex_runtime.protocol.types" not in _loaded_after(program)


def test_the_errors_can_be_caught_without_loading_anything_else() -> None:
    loaded = _loaded_after("import codex_runtime; codex_runtime.TurnFailed")

    ours = {name for name in loaded if name.startswith("codex_runtime")}
    assert {name for name in ours if not name.startswith("codex_runtime.errors._")} == {
        "codex_runtime",
        "codex_runtime._redaction",
        "codex_runtime._version",
        "codex_runtime.errors",
    }
    # `dataclasses` alone would cost more than all else, and the server is not started yet.
    assert {"msgspec", "dataclasses"}.isdisjoint(loaded)


# The modules


def _listed(module: ModuleType) -> list[str]:
    listed: list[str] = module.__all__
    return listed


@modules
def test_a_public_module_says_what_it_is(name: str) -> None:
    assert importlib.import_module(name).__doc__


WITHOUT_A_LIST = {
    "codex_runtime.protocol": "a façade over generated names; see its `__dir__`",
    "codex_runtime.testing.plugin": "found by pytest, imported by nobody",
}


@modules
def test_a_public_module_lists_its_public_names_and_all_of_them_exist(name: str) -> None:
    module = importlib.import_module(name)
    if name in WITHOUT_A_LIST:
        assert not hasattr(module, "__all__")
        return

    names = _listed(module)

    assert len(names) == len(set(names))
    assert [each for each in names if not hasattr(module, each)] == []


HANDED_OUT = {"codex_runtime.oneshot": {"Stream"}, "codex_runtime.turn": {"TextStream"}}
"""Classes whose instances callers get, and which nobody needs to name."""


@modules
def test_a_class_or_function_without_an_underscore_is_a_public_name(name: str) -> None:
    module = importlib.import_module(name)
    if name in WITHOUT_A_LIST:
        return
    defined = {
        each
        for each in _defined(PUBLIC[name])
        if inspect.isclass(value := getattr(module, each)) or inspect.isroutine(value)
    }

    assert defined - HANDED_OUT.get(name, set()) <= set(_listed(module))


def test_every_name_of_the_protocol_can_be_found_and_completed() -> None:
    protocol = importlib.import_module("codex_runtime.protocol")

    names = dir(protocol)

    assert names == sorted(set(names))
    assert {"THREAD_START", "TurnCompletedNotification", "Unknown", "UNSET"} <= set(names)
    assert [each for each in names if not hasattr(protocol, each)] == []


@pytest.mark.parametrize("name", ["methods", "types"])
def test_the_generated_modules_are_names_of_the_protocol_too(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    protocol = importlib.import_module("codex_runtime.protocol")
    # As before anybody has imported it.
    monkeypatch.delattr(protocol, name, raising=False)

    assert getattr(protocol, name) is importlib.import_module(f"codex_runtime.protocol.{name}")
