"""What tools return, and what the model gets of it."""

from __future__ import annotations

import dataclasses
from base64 import b64decode, b64encode
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, TypedDict

import msgspec
import pydantic
import pytest
from runtime.tool_support import a_tool, called, text_of

from codex_runtime import ToolError, ToolImage
from codex_runtime._tool_calls import UNEXPECTED
from codex_runtime._tool_results import MAX_RESULT_BYTES
from codex_runtime.answers import ToolResult
from codex_runtime.errors import AttachmentMissing, InvalidArgument

PNG = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
URL = f"data:image/png;base64,{b64encode(PNG).decode()}"


@dataclasses.dataclass
class Point:
    x: int
    when: date = date(2026, 1, 31)


class Name(msgspec.Struct):
    first: str


class User(pydantic.BaseModel):
    name: str
    born: date = date(2000, 1, 1)


class Extra(TypedDict):
    deep: bool


class Colour(Enum):
    RED = "red"


async def told(value: Any) -> ToolResult:
    async def function() -> Any:
        return value

    return await called(a_tool(function))


TEXTS: list[tuple[Any, str]] = [
    ("text", "text"),
    ("", ""),
    (None, "ok"),
    (7, "7"),
    (1.5, "1.5"),
    (True, "true"),
    (["a", "b"], '["a","b"]'),
    ([], "[]"),
    ({"a": [1, None]}, '{"a":[1,null]}'),
    ({1: "a"}, '{"1":"a"}'),
    (Point(1), '{"x":1,"when":"2026-01-31"}'),
    (Name("Ada"), '{"first":"Ada"}'),
    (Extra(deep=True), '{"deep":true}'),
    (User(name="Ada"), '{"name":"Ada","born":"2000-01-01"}'),
    ([User(name="Ada")], '[{"name":"Ada","born":"2000-01-01"}]'),
    (Colour.RED, '"red"'),
    ({"path": Path("a/b")}, '{"path":"a/b"}'),
    ((1, 2), "[1,2]"),
    ("a\ud800b", "a?b"),
]


@pytest.mark.parametrize(("value", "text"), TEXTS, ids=lambda each: ascii(each)[:30])
async def test_text_is_told_as_it_is_and_anything_else_as_json(value: Any, text: str) -> None:
    assert (text_of(await told(value)), (await told(value)).success) == (text, True)


async def test_an_image_is_one() -> None:
    assert (await told(ToolImage(PNG))).content == [ToolResult.Image(URL)]


async def test_texts_and_images_may_be_mixed() -> None:
    result = await told(["before", ToolImage(PNG), {"a": 1}, None])

    assert result.content == ["before", ToolResult.Image(URL), '{"a":1}', "null"]


async def test_a_result_of_its_own_is_taken_as_it_is() -> None:
    assert await told(ToolResult("no", success=False)) == ToolResult("no", success=False)
    given: Any = ["a", 7]
    assert text_of(await told(ToolResult(given))).startswith("the tool returned something that is")


async def test_an_image_comes_from_bytes_a_url_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)

    sources = [PNG, bytearray(PNG), URL, tmp_path / "a.png", str(tmp_path / "a.png")]
    assert {ToolImage(source).url for source in sources} == {URL}
    assert "iVBOR" not in repr(ToolImage(PNG))


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"<svg/>",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:image/png,abc",
        "https://example.com/a.png",
        7,
        "",
    ],
    ids=str,
)
def test_what_codex_would_leave_out_is_no_image(source: Any) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        ToolImage(source)

    assert refusal.value.field == "source"


def test_a_file_that_is_not_there_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(AttachmentMissing):
        ToolImage(tmp_path / "none.png")


@pytest.mark.parametrize("value", [object(), lambda: None, b"bytes", User], ids=ascii)
async def test_what_has_no_form_is_a_failure(value: Any) -> None:
    result = await told(value)

    assert not result.success
    assert text_of(result).startswith("the tool returned")


@dataclasses.dataclass
class Order:
    product: str
    pieces: int = 1
    parts: list[Order] = dataclasses.field(default_factory=list["Order"])
    note: str = dataclasses.field(init=False, default="none")


@dataclasses.dataclass
class Urgent(Order):
    days: int = 2


@dataclasses.dataclass(slots=True)
class Slim:
    product: str
    order: Order | None = None
    pieces: int = 1


@dataclasses.dataclass
class Below(Slim):
    colour: Colour = Colour.RED


class Box(msgspec.Struct, rename="camel", omit_defaults=True, tag=True):
    the_order: Order
    size: int = 3


TEA = '{"product":"tea","pieces":1,"parts":[],"note":"none"}'

WHOLE: list[tuple[Any, dict[str, Any], str]] = [
    (Order, {"product": "tea"}, TEA),
    (
        Order,
        {"product": "box", "parts": [{"product": "tea"}]},
        f'{{"product":"box","pieces":1,"parts":[{TEA}],"note":"none"}}',
    ),
    (Urgent, {"product": "tea"}, f'{TEA[:-1]},"days":2}}'),
    (Slim, {"product": "tea"}, '{"product":"tea","order":null,"pieces":1}'),
    (
        Slim,
        {"product": "box", "order": {"product": "tea"}},
        f'{{"product":"box","order":{TEA},"pieces":1}}',
    ),
    (Below, {"product": "tea"}, '{"product":"tea","order":null,"pieces":1,"colour":"red"}'),
    (
        Box,
        {"type": "Box", "theOrder": {"product": "tea"}},
        f'{{"type":"Box","theOrder":{TEA}}}',
    ),
]


@pytest.mark.parametrize(("kind", "given", "text"), WHOLE, ids=lambda each: str(each)[:30])
async def test_an_argument_that_is_given_back_has_all_its_fields(
    kind: Any, given: Any, text: str
) -> None:
    def alone(order: Any) -> Any:
        return order

    def within(order: Any) -> Any:
        return {"a": [order, (order,)]}

    alone.__annotations__ = within.__annotations__ = {"order": kind}

    assert text_of(await called(a_tool(alone), {"order": given})) == text
    assert text_of(await called(a_tool(within), {"order": given})) == f'{{"a":[{text},[{text}]]}}'


async def test_a_result_is_not_changed_by_being_told() -> None:
    box = Box(Order("tea"))

    await told(box)

    assert box == Box(Order("tea"))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
async def test_a_number_that_json_has_not_is_a_failure(number: Any) -> None:
    measured = Measured(value=number)
    within: list[Any] = [
        number,
        {"a": [1.5, (number,)]},
        Point(number),
        Name(number),
        measured,
        [measured],
        [ToolImage(PNG), number],
    ]
    for value in within:
        result = await told(value)

        assert (result.success, text_of(result)) == (
            False,
            f"the tool returned {number}, which is no number in JSON",
        )


class Measured(pydantic.BaseModel):
    value: float


async def test_what_holds_itself_is_a_failure() -> None:
    endless: list[Any] = []
    endless.append(endless)

    result = await told(endless)

    assert (result.success, text_of(result)) == (False, UNEXPECTED)


async def test_fifty_megabytes_are_refused_with_the_limit() -> None:
    for value in ("x" * 50_000_000, ["x" * 50_000_000], "\0" * (MAX_RESULT_BYTES // 5)):
        result = await told(value)

        assert not result.success
        assert f"at most {MAX_RESULT_BYTES:,} are taken" in text_of(result)


async def test_what_just_fits_is_told() -> None:
    assert (await told("x" * (MAX_RESULT_BYTES - 2))).success


async def test_a_failure_that_is_too_long_is_a_failure_all_the_same() -> None:
    async def function() -> None:
        raise ToolError("x" * 50_000_000)

    result = await called(a_tool(function))

    assert (result.success, text_of(result)) == (False, UNEXPECTED)
