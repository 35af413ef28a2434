"""Tools with parameters that are models of pydantic, or hold some."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pydantic
import pytest
from core.tool_schema_support import read, schema_of

from codex_runtime import tool
from codex_runtime._tool_schema import WrongArguments
from codex_runtime.errors import InvalidTool


class User(pydantic.BaseModel):
    name: str = pydantic.Field(description="The full name.", min_length=1)
    age: int = 18


def test_models_of_pydantic_are_described_and_read_by_pydantic() -> None:
    @tool(description="d")
    def greet(user: User, others: list[User] | None = None, number: int = 0) -> None: ...

    name = greet.input_schema["properties"]["user"]["properties"]["name"]
    assert name["description"] == "The full name. At least 1 characters."
    assert read(greet, user={"name": "Ada"}, others=[{"name": "Bob", "age": 3}], number=1) == {
        "user": User(name="Ada"),
        "others": [User(name="Bob", age=3)],
        "number": 1,
    }
    with pytest.raises(WrongArguments, match=r"'user.name': string should have at least 1"):
        read(greet, user={"name": ""})
    with pytest.raises(WrongArguments, match=r"'others\[0\]': input should be"):
        read(greet, user={"name": "Ada"}, others=[7])


def test_models_of_pydantic_are_found_within_other_types() -> None:
    @dataclasses.dataclass
    class Team:
        users: list[User]

    @tool(description="d")
    def form(team: Team, size: Annotated[int, pydantic.Field(ge=1)]) -> None: ...

    values = read(form, team={"users": [{"name": "Ada"}]}, size=1)
    assert values["team"].users == [User(name="Ada")]
    with pytest.raises(WrongArguments, match="'size': input should be greater"):
        read(form, team={"users": []}, size=0)


def test_models_of_one_name_are_told_apart() -> None:
    def other() -> Any:
        class User(pydantic.BaseModel):
            id: int

        return User

    def function(one: list[User], two: Any) -> None: ...

    function.__annotations__["two"] = list[other()]
    both = tool(function, description="d")

    schema = both.input_schema
    assert schema["properties"]["two"]["items"] == {"$ref": "#/$defs/User_"}
    assert set(schema["$defs"]) == {"User", "User_"}


def test_pydantic_is_not_imported_for_others() -> None:
    code = (
        "import sys, codex_runtime as cr\n"
        "@cr.tool(description='d')\n"
        "def f(a: int, b: list[str] | None = None) -> None: ...\n"
        "assert f.signature.read({'a': 1}) == {'a': 1}\n"
        "assert 'pydantic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_model_of_one_word_and_one_that_holds_itself() -> None:
    class Leaf(pydantic.BaseModel):
        kind: Literal["leaf"]
        pair: tuple[int, int] = (0, 0)
        inner: list[Leaf] = []

    schema = schema_of(Leaf)
    leaf = schema["$defs"]["Leaf"]["properties"]
    assert (leaf["kind"]["const"], leaf["kind"]["enum"]) == ("leaf", ["leaf"])
    assert leaf["pair"]["description"] == "Exactly 2 entries. By default [0,0]."


def test_a_model_of_pydantic_without_a_schema_is_refused() -> None:
    class Odd(pydantic.BaseModel):
        call: Callable[[], int]

    with pytest.raises(InvalidTool, match="tool 't': odd cannot be described"):

        @tool(name="t", description="d")
        def function(odd: Odd) -> None: ...
