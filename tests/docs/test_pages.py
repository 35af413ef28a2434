"""The pages say what is so: programs, diagrams, names, numbers and links."""

from __future__ import annotations

import importlib
import inspect
import re
import tomllib
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import anyio
import pytest
from docs.programs import EXAMPLES, PROGRAMS, ROOT

import codex_runtime
from codex_runtime import (
    _environment,
    approvers,
    options,
    protocol,
    rules,
    terminal,
    testing,
    transports,
)
from codex_runtime.cli._exits import EXIT_CODES
from codex_runtime.services import commands, configuration, files, mcp, projects
from codex_runtime.testing import ScriptedModel
from codex_runtime.threads import attachments, goal, queue, terminals

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "benchmarks/README.md"])


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, kind: str) -> dict[str, str]:
    """The fenced block behind each `<!-- kind: key -->`, by key."""
    found = re.findall(rf"<!-- {kind}: (\S+) -->\n```\w*\n(.*?)```\n", text, re.DOTALL)
    return dict(found)


def names_in(text: str) -> set[str]:
    """What the tables of a page list: the code in their first columns."""
    firsts = re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE)
    return {name for first in firsts for name in re.findall(r"`([^`]+)`", first)}


def test_the_readme_and_the_testing_page_show_the_programs_as_they_are() -> None:
    shown = {**blocks(page("README.md"), "example"), **blocks(page("docs/testing.md"), "example")}

    assert set(shown) >= {f"examples/{name}" for name in PROGRAMS if "blocking" not in name}
    for path, code in shown.items():
        assert code == page(path), path
    assert "examples/blocking_in_a_loop.py" in page("README.md")


def test_the_readme_and_the_testing_page_show_what_the_programs_print() -> None:
    shown = {**blocks(page("README.md"), "output"), **blocks(page("docs/testing.md"), "output")}

    assert len(shown) >= 4
    for path, text in shown.items():
        assert text == PROGRAMS[Path(path).name].prints, path


def test_the_quickstart_is_short() -> None:
    lines = (EXAMPLES / "quickstart.py").read_text().splitlines()

    assert len(lines) <= 12


def test_the_readme_begins_with_what_to_run() -> None:
    text = page("README.md")

    order = ["make demo", "make test", "pip install", "codex-runtime run", "cr.run_sync"]
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    assert text.index("<!-- bench -->") < text.index("<!-- /bench -->")


def test_the_readme_tells_the_exit_codes() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", page("README.md"), re.MULTILINE)

    assert rows == [(str(int(code)), meaning) for code, meaning in EXIT_CODES.items()]


def mermaid(transitions: Mapping[Enum, Mapping[Enum, Enum]]) -> str:
    """A table of transitions as the text of a state diagram."""

    def word(member: Enum) -> str:
        return member.name.lower()

    first = next(iter(transitions))
    lines = [
        f"    {word(state)} --> {word(target)}: {word(step).replace('_', ' ')}"
        for state, steps in transitions.items()
        for step, target in steps.items()
    ]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {word(first)}", *lines, ""])


def test_the_diagrams_are_drawn_from_the_tables() -> None:
    drawn = blocks(page("docs/design.md"), "states")

    assert drawn
    for path, diagram in drawn.items():
        module, _, name = path.rpartition(".")
        assert diagram == mermaid(getattr(importlib.import_module(module), name)), path


def test_every_table_of_transitions_is_drawn() -> None:
    sources = ROOT.joinpath("src/codex_runtime").rglob("*.py")
    tables = {
        f"codex_runtime.{path.stem}.{name}"
        for path in sources
        for name in re.findall(r"^(\w*TRANSITIONS)\b.* = \{$", path.read_text(), re.MULTILINE)
    }

    assert set(blocks(page("docs/design.md"), "states")) == tables


def test_the_layers_are_drawn_as_they_are_checked() -> None:
    settings = tomllib.loads(page("pyproject.toml"))["tool"]["importlinter"]
    layers, no_io = settings["contracts"]
    [drawing] = blocks(page("docs/design.md"), "layers").values()
    lines = [line.partition("#")[0] for line in drawing.splitlines()]

    drawn = re.split(r"\n(?! )", "\n".join(lines))

    assert [set(re.findall(r"\w+", layer)) for layer in drawn] == [
        set(re.findall(r"\w+", layer)) for layer in layers["layers"]
    ]
    assert {f"codex_runtime.{name}" for name in re.findall(r"(\w+)\*", drawing)} == set(
        no_io["source_modules"]
    )


def test_every_variable_that_codex_gets_is_listed() -> None:
    [listed] = re.findall(r"allow-list\.\*\* (.*?)inherit_env", page("SECURITY.md"), re.DOTALL)
    names = set(re.findall(r"`([A-Z_*]+)`", listed))
    samples = {name.replace("*", "X") for name in names}
    base = {name: "" for sample in samples for name in (sample, sample + "NOT")}
    base |= {name.lower(): "" for name in samples}

    passed = set(_environment.child_environment(base=base))

    either_case = {name.lower() for name in samples if name.endswith("_PROXY")}
    open_ended = {f"{name.replace('*', 'X')}NOT" for name in names if name.endswith("*")}
    assert passed == samples | either_case | open_ended
    allowed = _environment._ALLOWED.pattern
    words = set(re.findall(r"[A-Z]{2,}", allowed))
    assert words - set(re.findall(r"[A-Z]{2,}", listed)) == set()


def members(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


def parameters(kind: type) -> set[str]:
    return set(inspect.signature(kind).parameters)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(codex_runtime.__all__, id="codex_runtime"),
        pytest.param(testing.__all__, id="testing"),
        pytest.param(transports.__all__, id="transports"),
        pytest.param(
            importlib.import_module("codex_runtime.protocol._base").__all__, id="protocol"
        ),
        pytest.param(options.RunOptions.__annotations__, id="options"),
        pytest.param(parameters(codex_runtime.Runtime), id="Runtime()"),
        pytest.param(members(codex_runtime.Runtime), id="Runtime"),
        pytest.param(members(codex_runtime.ThreadHandle), id="ThreadHandle"),
        pytest.param(members(codex_runtime.TurnHandle), id="TurnHandle"),
        pytest.param(members(codex_runtime.Subscription), id="Subscription"),
    ],
)
def test_the_reference_lists_every_public_name(names: Iterable[str]) -> None:
    assert set(names) - names_in(page("docs/reference.md")) == set()


def test_the_reference_lists_nothing_that_is_not_there() -> None:
    homes: list[Any] = [
        *(codex_runtime, testing, transports, protocol),
        *(codex_runtime.Runtime, codex_runtime.TurnHandle, codex_runtime.ThreadHandle),
        *(goal.Goal, queue.Queue, attachments.Attachments, terminals.Terminals),
        *(commands, commands.Commands, commands.CommandHandle, files, files.Files),
        *(configuration, mcp, projects, approvers, rules, terminal),
    ]
    known = {
        *options.RunOptions.__annotations__,
        *options.ForkOptions.__annotations__,
        *options.SettingsOptions.__annotations__,
        *parameters(codex_runtime.Runtime),
        *codex_runtime.ThreadFilters.__annotations__,
        # Set when a thread is opened, so it is no attribute of the class.
        *("adjusted", "info"),
    }

    for name in names_in(page("docs/reference.md")) - known:
        assert name.startswith("$") or any(hasattr(home, name) for home in homes), name


def attributes_of(kind: Any) -> tuple[str, ...]:
    names: tuple[str, ...] = kind.__match_args__
    return names


@pytest.mark.parametrize(
    "kind",
    [
        codex_runtime.Statistics,
        codex_runtime.ServerInfo,
        codex_runtime.TurnResult,
        codex_runtime.TokenUsage,
        *(
            kind
            for kind in (getattr(codex_runtime, name) for name in codex_runtime.__all__)
            if isinstance(kind, type)
            and issubclass(kind, codex_runtime.CodexRuntimeError)
            and kind is not codex_runtime.CodexRuntimeError
        ),
    ],
)
def test_the_reference_names_every_field(kind: type) -> None:
    [row] = re.findall(rf"^\| `{kind.__name__}` \|(.*)$", page("docs/reference.md"), re.MULTILINE)

    # A row may point to another one, and the table of refusals has one for all of them.
    families: list[Any] = [
        getattr(codex_runtime, name) for name in re.findall(r"\bas `(\w+)`", row)
    ]
    if issubclass(kind, codex_runtime.RequestRefused) and kind is not codex_runtime.RequestRefused:
        families.append(codex_runtime.RequestRefused)
    told = {
        *re.findall(r"`(\w+)`", row),
        *(name for each in families for name in attributes_of(each)),
    }

    assert set(attributes_of(kind)) - told == set()


def test_troubleshooting_knows_every_error() -> None:
    text = page("docs/troubleshooting.md")
    errors = {
        name
        for name in codex_runtime.__all__
        if inspect.isclass(kind := getattr(codex_runtime, name))
        and issubclass(kind, codex_runtime.CodexRuntimeError)
    }

    assert {name for name in errors if f"**`{name}`**" not in text} == {"CodexRuntimeError"}


def test_every_fact_that_is_cited_is_on_the_page() -> None:
    known = {
        int(n) for n in re.findall(r"^\| (\d+) \|", page("docs/server-facts.md"), re.MULTILINE)
    }
    sources = [
        path
        for folder in ("src", "tests", "tools", "docs", "benchmarks", "examples")
        for pattern in ("*.py", "*.md")
        for path in (ROOT / folder).rglob(pattern)
        if "build" not in path.relative_to(ROOT).parts
    ]
    cited: dict[int, str] = {}
    for path in sources:
        for first, rest in re.findall(
            r"\bfacts? (\d+)((?:(?:, | and | to )\d+)*)", path.read_text(encoding="utf-8")
        ):
            for number in (first, *re.findall(r"\d+", rest)):
                cited.setdefault(int(number), str(path.relative_to(ROOT)))

    assert {number: path for number, path in cited.items() if number not in known} == {}
    assert len(cited) > 40


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)", path.read_text())

    assert [each for each in targets if not (path.parent / each).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_name_makes_targets_that_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", page("Makefile"), re.MULTILINE))

    assert set(re.findall(r"`make ([a-z-]+)", path.read_text())) - targets == set()


def test_the_code_of_the_testing_page_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", page("docs/testing.md"), re.DOTALL)
    [code] = [block for block in blocks if "async def test_" in block]
    names: dict[str, Any] = {}

    exec(compile(code, "docs/testing.md", "exec"), names)  # noqa: S102 — the page's own code

    for name in re.findall(r"async def (test_\w+)", code):
        anyio.run(names[name])


@pytest.mark.real
def test_a_script_runs_on_the_scripted_model_as_the_testing_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", page("docs/testing.md"), re.DOTALL)
    [code] = [block for block in blocks if "script.py" in block]
    monkeypatch.chdir(tmp_path)
    Path("script.py").write_text(
        "import codex_runtime as cr\nassert cr.run_sync('x').text == 'Two bullets.'\n"
    )

    exec(compile(code, "docs/testing.md", "exec"), {})  # noqa: S102 — the page's own code


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_name_methods_of_the_protocol_that_exist(path: Path) -> None:
    named = set(re.findall(r"\bmethods\.([A-Z_]+)\b", path.read_text()))
    types = set(re.findall(r"`(\w+(?:Notification|Params|Response|Item|Input))`", path.read_text()))
    types -= {"EmptyInput", "TurnInput", "InvalidParams"}

    assert {name for name in named if not hasattr(protocol.methods, name)} == set()
    assert {name for name in types if not hasattr(protocol, name)} == set()


def test_the_steps_of_the_testing_page_exist() -> None:
    text = page("docs/testing.md")
    calls = set(re.findall(r"\b(?:model|fake)\.(\w+)", text))

    assert {
        name
        for name in calls
        if not hasattr(ScriptedModel, name) and not hasattr(testing.FakeAppServer, name)
    } == set()
