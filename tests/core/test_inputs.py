"""What a turn is told: what can be said of it without looking at files."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_runtime import EmptyInput, InputTooLarge, InvalidArgument, protocol
from codex_runtime._prepared_input import PreparedInput, check_input, prepared_input
from codex_runtime.inputs import Attachment, ExternalMessage, TurnInput

PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg=="
WAV = "data:audio/wav;base64,UklGRiQAAABXQVZFZm10IA=="

AT_ONCE = 1.0
"""Seconds of this thread. Some hundredths are needed; with a loop in a loop it would be many."""

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
PATHS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
).filter(lambda text: bool(text.strip()))


async def told(input: TurnInput) -> list[protocol.UserInput]:
    """The items of an input, where nobody can tell whether its files are there."""
    return (await prepared_input(input, cwd="/project", remote=True)).items


async def only_text(input: TurnInput) -> protocol.TextInput:
    (item,) = await told(input)
    assert isinstance(item, protocol.TextInput)
    return item


def spans(item: protocol.TextInput) -> list[str]:
    """What stands at the ranges of a text."""
    data = item.text.encode()
    ranges = [element.byte_range for element in item.text_elements]
    return [data[each.start : each.end].decode() for each in ranges]


async def test_text_is_said_as_it_is() -> None:
    assert await told("Hello.\n") == [protocol.TextInput(text="Hello.\n")]
    assert await told(["Hello.", protocol.TextInput(text="")]) == [
        protocol.TextInput(text="Hello."),
        protocol.TextInput(text=""),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tidy this.", "Tidy this.\n@src/a.py"),
        ("Tidy this.\n", "Tidy this.\n@src/a.py"),
        ("", "@src/a.py"),
        ("\n", "\n@src/a.py"),
        (" ", " \n@src/a.py"),
    ],
)
async def test_an_attachment_goes_on_a_line_of_its_own(text: str, expected: str) -> None:
    item = await only_text([text, Attachment("src/a.py", "a.py")])
    assert item.text == expected
    assert spans(item) == ["@src/a.py"]
    assert item.text_elements[0].placeholder == "a.py"


async def test_attachments_go_to_the_nearest_text_before_them() -> None:
    image = protocol.ImageInput(url=PNG)
    items = await told(
        [Attachment("0"), "one", image, Attachment("1"), "two", Attachment("2"), Attachment("3")]
    )
    texts = [item.text for item in items if isinstance(item, protocol.TextInput)]
    assert texts == ["@0", "one\n@1", "two\n@2\n@3"]
    assert items[2] == image


async def test_elements_that_a_text_has_are_kept() -> None:
    own = protocol.TextElement(byte_range=protocol.ByteRange(start=0, end=2), placeholder="é")
    text = protocol.TextInput(text="é!", text_elements=[own])
    item = await only_text([text, Attachment("😀.py")])
    assert item.text_elements[0] == own
    assert spans(item) == ["é", "@😀.py"]
    assert text.text_elements == [own]


@given(text=TEXTS, paths=st.lists(PATHS, min_size=1, max_size=4))
async def test_the_bytes_at_every_range_are_the_attachment(text: str, paths: list[str]) -> None:
    item = await only_text([text, *map(Attachment, paths)])
    assert spans(item) == [f"@{path}" for path in paths]
    assert item.text.startswith(text)
    assert item.text.endswith(f"@{paths[-1]}")


NOTHING: list[Any] = ["", " \n", [], (), [""], ["", " "], [protocol.TextInput(text="\t")]]


@pytest.mark.parametrize("nothing", NOTHING)
def test_input_that_holds_nothing_is_empty(nothing: Any) -> None:
    with pytest.raises(EmptyInput):
        check_input(nothing)


@pytest.mark.parametrize(
    "something",
    [
        Attachment("a"),
        protocol.ImageInput(url=PNG),
        ExternalMessage("mail", "Hello."),
        ["", protocol.SkillInput(name="x", path="x/SKILL.md")],
        protocol.Unknown(raw={"type": "hologram"}),
    ],
)
def test_input_without_text_is_not_empty(something: TurnInput) -> None:
    check_input(something)


def test_characters_are_counted_over_all_texts_and_nothing_else() -> None:
    image = protocol.ImageInput(url=PNG)
    check_input(["😀" * 1_048_574, image, "xy", ExternalMessage("mail", "Hello.")])
    with pytest.raises(InputTooLarge) as refusal:
        check_input(["😀" * 1_048_574, image, "x", Attachment("y")])
    assert refusal.value.max_chars == 1_048_576
    assert refusal.value.actual_chars == 1_048_578


def _text(value: Any) -> Any:
    return protocol.TextInput(text=value)


REMOTE = "https://example.org/?token=SeCrEt"
REFUSED: list[tuple[Any, str, str]] = [
    (7, "input", "of type int"),
    (b"bytes", "input", "of type bytes"),
    ({"type": "text", "text": "x"}, "input", "of type dict"),
    (["x", None], "input[1]", "of type NoneType"),
    (["x", ["y"]], "input[1]", "of type list"),
    (protocol.Thread(id="x"), "input", "of type Thread"),
    (_text(7), "input.text", "of type int"),
    (["x", protocol.ImageInput()], "input[1].url", "is missing"),
    (protocol.ImageInput(url=REMOTE), "input.url", "remote URL"),
    (protocol.ImageInput(url=REMOTE.upper()), "input.url", "remote URL"),
    (protocol.ImageInput(url="zzz"), "input.url", "no base64 data URL"),
    (protocol.ImageInput(url="file:///a.png"), "input.url", "no base64 data URL"),
    (protocol.ImageInput(url="data:image/png,abc"), "input.url", "no base64 data URL"),
    (protocol.ImageInput(url="data:image/png;base64,@@@"), "input.url", "png, jpeg"),
    (protocol.ImageInput(url="data:image/png;base64,aGVsbG8h"), "input.url", "png, jpeg"),
    (protocol.ImageInput(url=WAV), "input.url", "png, jpeg"),
    (protocol.ImageInput(url=PNG, detail="low"), "input.detail", "'low'"),
    (protocol.LocalImageInput(path="a.png", detail="low"), "input.detail", "'low'"),
    (protocol.AudioInput(url=REMOTE), "input.url", "remote URL"),
    (protocol.AudioInput(url=WAV.replace("audio/wav", "")), "input.url", "no audio type"),
    (protocol.AudioInput(url=PNG.replace("image", "audio")), "input.url", "wav, mp3"),
    (protocol.LocalImageInput(path=" "), "input.path", "is blank"),
    (protocol.LocalAudioInput(path="a\0b"), "input.path", "NUL"),
    (protocol.SkillInput(name="x", path=""), "input.path", "is blank"),
    (["x", Attachment("")], "input[1].path", "is blank"),
    (["x", Attachment(b"y")], "input[1].path", "of type bytes"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] — callers without a type checker
    (ExternalMessage("mail", " "), "input.text", "is blank"),
    (ExternalMessage("mail", "é" * 2_001), "input.text", "4,002 bytes"),
    (ExternalMessage("", "x"), "input.source", "mark"),
    (ExternalMessage("a b", "x"), "input.source", "mark"),
    (ExternalMessage("a>", "x"), "input.source", "mark"),
    (ExternalMessage("x" * 49, "x"), "input.source", "mark"),
]


@pytest.mark.parametrize(("input", "field", "problem"), REFUSED)
def test_an_item_that_cannot_be_used_is_refused_by_its_place(
    input: Any, field: str, problem: str
) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        check_input(input)
    assert refusal.value.field == field
    assert problem in refusal.value.problem
    assert refusal.value.fix
    assert "secret" not in str(refusal.value).lower()


@pytest.mark.parametrize("url", [PNG, PNG.replace("data:image/png", "DATA:"), f"{PNG}AAAA"])
def test_a_data_url_may_be_spelled_in_any_way_that_the_server_takes(url: str) -> None:
    check_input(protocol.ImageInput(url=url))


async def outside(*input: Any) -> PreparedInput:
    return await prepared_input(input, cwd=None, remote=False)


async def test_messages_from_outside_are_no_items() -> None:
    prepared = await outside("Answer her.", ExternalMessage("mail", "When?"))
    assert prepared.items == [protocol.TextInput(text="Answer her.")]
    ((key, entry),) = prepared.additional_context.items()
    assert re.fullmatch(r"mail_[0-9a-f]{8}", key)
    assert (entry.kind, entry.value) == ("untrusted", "When?")


async def test_messages_of_one_source_sort_as_they_were_given() -> None:
    messages = [ExternalMessage("mail", str(number)) for number in range(12)]
    entries = (await outside(*messages, ExternalMessage("chat", "x"))).additional_context
    assert [entries[key].value for key in sorted(entries) if key.startswith("mail")] == [
        str(number) for number in range(12)
    ]
    assert all(len(key) <= 64 for key in entries)


async def test_no_two_inputs_mark_a_message_alike() -> None:
    first, second = [await outside(ExternalMessage("mail", "yes")) for _ in range(2)]
    assert not first.additional_context.keys() & second.additional_context.keys()


async def test_what_has_no_place_for_messages_from_outside_says_so() -> None:
    text = [protocol.TextInput(text="x")]
    assert (await outside("x")).only_items("a queued message") == text
    with pytest.raises(InvalidArgument, match="a queued message cannot carry one"):
        (await outside("x", ExternalMessage("mail", "y"))).only_items("a queued message")


async def test_paths_of_a_remote_server_are_made_absolute_and_not_looked_at() -> None:
    items = await told(
        [
            protocol.SkillInput(name="s", path=".agents/skills/s/SKILL.md"),
            protocol.MentionInput(name="m", path="/elsewhere"),
            protocol.MentionInput(name="a", path="app://calendar"),
        ]
    )
    paths = [getattr(item, "path", None) for item in items]
    assert paths == ["/project/.agents/skills/s/SKILL.md", "/elsewhere", "app://calendar"]


def test_a_text_with_elements_that_are_none_is_refused() -> None:
    for elements in (None, "x", 5):
        text = protocol.TextInput(text="x", text_elements=elements)  # pyright: ignore[reportArgumentType] — callers without a type checker
        with pytest.raises(InvalidArgument, match=r"input\[0\]\.text_elements"):
            check_input([text, Attachment("a")])


def test_a_placeholder_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"input\.placeholder is of type int"):
        check_input(Attachment("a", placeholder=5))  # pyright: ignore[reportArgumentType] — callers without a type checker


@pytest.mark.parametrize(
    "url",
    [
        "data:" + ";" * 3_000_000,
        "data:" + "x" * 3_000_000,
        "data:image/png" + ";a=b" * 1_000_000 + ";base64,iVBOR",
    ],
    ids=range(3),
)
def test_a_url_that_is_none_is_refused_at_once_however_long_it_is(url: str) -> None:
    start = time.thread_time()
    with pytest.raises(InvalidArgument, match="no base64 data URL"):
        check_input(protocol.ImageInput(url=url))
    assert time.thread_time() - start < AT_ONCE


def test_thousands_of_attachments_cost_no_more_than_their_length() -> None:
    text = "x" * 900_000
    start = time.thread_time()
    check_input([text, *(Attachment(f"{index}") for index in range(20_000))])
    assert time.thread_time() - start < AT_ONCE


async def test_attachments_that_end_in_a_line_feed_need_none_before_the_next() -> None:
    text = await only_text(["", Attachment("a\n"), Attachment("b"), Attachment("c", "C")])
    assert text.text == "@a\n@b\n@c"
    assert spans(text) == ["@a\n", "@b", "@c"]
    assert [element.placeholder for element in text.text_elements] == [None, None, "C"]
