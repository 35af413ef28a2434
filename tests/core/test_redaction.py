"""Secrets out of text, and nothing else out of it."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from codex_runtime._redaction import REDACTED, Redactor, secrets_of

CANARY = "cAnArY0123456789cAnArY0123456789"

SHAPES = [
    ("sk-" + CANARY, "OpenAI"),
    ("sk-proj-" + CANARY, "OpenAI, of a project"),
    ("sk-ant-api03-" + CANARY, "a look-alike"),
    ("ghp_" + CANARY, "GitHub, personal"),
    ("gho_" + CANARY, "GitHub, OAuth"),
    ("ghu_" + CANARY, "GitHub, user to server"),
    ("ghs_" + CANARY, "GitHub, server to server"),
    ("ghr_" + CANARY, "GitHub, refresh"),
    ("github_pat_" + CANARY, "GitHub, fine-grained"),
    ("xoxb-" + CANARY, "Slack, bot"),
    ("xoxp-" + CANARY, "Slack, user"),
    ("AKIAABCDEFGHIJKLMNOP", "AWS key id"),
    (f"eyJhbGciOiJIUzI1NiJ9.{CANARY}.{CANARY}", "JSON Web Token"),
]
"""Assembled here, so that no scanner takes this file for a leak."""


@pytest.mark.parametrize("token", [token for token, _ in SHAPES], ids=[name for _, name in SHAPES])
@pytest.mark.parametrize("text", ["{}", "key={} rejected", '{{"token":"{}"}}', "({}),", "a\n{}\nb"])
def test_what_has_the_shape_of_a_token_goes_and_the_rest_stays(text: str, token: str) -> None:
    assert Redactor()(text.format(token)) == text.format(REDACTED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Authorization: Bearer {CANARY}", f"Authorization: Bearer {REDACTED}"),
        (f"authorization: bearer {CANARY}==", f"authorization: bearer {REDACTED}"),
        (f"BEARER {CANARY} x", f"BEARER {REDACTED} x"),
        ("proxy http://me:pass@host:8080/x", f"proxy http://{REDACTED}@host:8080/x"),
        ("redis://:pass@host", f"redis://{REDACTED}@host"),
    ],
)
def test_credentials_in_headers_and_urls_go(text: str, expected: str) -> None:
    assert Redactor()(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a plain line with a task-force and an eye",
        "the bearer of this",
        "sk-short",
        "https://example.com:8080/path?x=1",
        "git@github.com:owner/repository",
        "AKIAABCDEFGHIJKLMNOPQ is too long for a key id",
        "0123456789abcdef0123456789abcdef01234567",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert Redactor()(text) == text


def test_a_known_secret_goes_wherever_it_stands() -> None:
    redact = Redactor(["hunter2hunter2"])

    assert redact("hunter2hunter2") == REDACTED
    assert redact("xhunter2hunter2y hunter2hunter2") == f"x{REDACTED}y {REDACTED}"


def test_a_secret_is_text_not_a_pattern() -> None:
    redact = Redactor(["a.c*(e)[g"])

    assert redact("a.c*(e)[g abcc(e)[g") == f"{REDACTED} abcc(e)[g"


def test_a_secret_of_fewer_than_eight_characters_is_left_alone() -> None:
    redact = Redactor(["1234567", ""])

    assert redact("1234567 is no secret") == "1234567 is no secret"
    assert Redactor(["12345678"])("12345678 is one") == f"{REDACTED} is one"


def test_a_secret_that_contains_another_goes_whole() -> None:
    redact = Redactor(["abcdefgh", "abcdefgh-long", "x-abcdefgh-long"])

    assert redact("abcdefgh abcdefgh-long x-abcdefgh-long") == " ".join([REDACTED] * 3)


def test_of_secrets_that_overlap_nothing_is_left() -> None:
    redact = Redactor(["abcdefghij", "ghijklmnop", "mnopqrstuv"])

    assert redact("<abcdefghijklmnopqrstuv>") == f"<{REDACTED}>"
    assert redact("<abcdefghijmnopqrstuv>") == f"<{REDACTED}{REDACTED}>"


def test_a_secret_that_repeats_itself_leaves_no_tail() -> None:
    assert Redactor(["abababab"])("ababababab!") == f"{REDACTED}!"


def test_each_line_of_a_secret_is_one_too() -> None:
    redact = Redactor(["-----BEGIN KEY-----\n  line-one-of-it\nline-two-of-it\n="])

    assert redact("read line-two-of-it, line-one-of-it") == f"read {REDACTED}, {REDACTED}"
    assert redact("a = b") == "a = b"


def test_the_longest_secret_is_measured_in_bytes() -> None:
    assert Redactor().longest == 0
    assert Redactor(["short", "12345678", "€" * 10]).longest == 30
    assert Redactor(["\udce9" * 8]).longest == 24


@pytest.mark.parametrize(("start", "left"), [(0, f"a\n{REDACTED}\nb"), (2, f"{REDACTED}\nb")])
def test_of_a_text_the_rest_from_a_line_on_can_be_had(start: int, left: str) -> None:
    assert Redactor(["hunter2hunter2"])("a\nhunter2hunter2\nb", start) == left
    assert Redactor()(f"a\nsk-{CANARY}\nb", start) == left


def test_nothing_is_left_of_a_secret_that_began_before_the_rest() -> None:
    text = "a one-line\nand-two b"

    assert Redactor(["one-line\nand-two"])(text, text.index("and")) == " b"


secrets = st.lists(st.text("abcXYZ019-._/+=", min_size=8, max_size=20), min_size=1, max_size=4)


@given(secrets, st.data())
@example(["a" * 8, "b" * 8], None)
def test_a_known_secret_never_survives(known: list[str], data: st.DataObject | None) -> None:
    pieces = st.sampled_from(known) | st.text("abc \n") | st.just("://") | st.just("bearer ")
    text = "".join(data.draw(st.lists(pieces))) if data else "".join(known)
    # One that stands in the replacement itself can be told from it by nobody.
    assume(not any(secret in REDACTED for secret in known))

    redacted = Redactor(known)(text)

    assert not any(secret in redacted for secret in known)


@given(st.text(st.characters(codec="utf-8", exclude_characters="@")))
def test_text_without_secrets_comes_out_as_it_went_in(text: str) -> None:
    assume(not any(sign in text.lower() for sign in ("sk-", "gh", "xox", "akia", "eyj", "bearer")))

    assert Redactor(["not-in-there-\ue000"])(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "OPENAI_API_KEY",
        "GITHUB_TOKEN",
        "client_secret",
        "DB_PASSWORD",
        "PGPASSWD",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "BASIC_AUTH",
    ],
)
def test_a_variable_with_a_name_that_says_secret_holds_one(name: str) -> None:
    assert secrets_of({name: CANARY, "PATH": "/bin"}) == [CANARY]


@pytest.mark.parametrize("name", ["PATH", "HOME", "LANG", "AUTHOR", "GIT_AUTHOR_NAME", "PWD"])
def test_other_variables_hold_none(name: str) -> None:
    assert secrets_of({name: CANARY}) == []
