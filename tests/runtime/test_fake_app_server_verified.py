"""The fake app-server is a verified fake: the same script and the same client, both servers.

Everything that a server says is compared: methods in order, and in them all fields and values
but ids, times and paths.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from runtime.fake_acts import (
    LASTING,
    Act,
    cleaned,
    cleaned_in_its_turn,
    commands_of_the_user,
    deciding,
    instructed,
    interrupted,
    interrupted_asking,
    interrupted_in_tool,
    plain,
    review_interrupted,
    reviewed,
    schemas_while_running,
    started_twice,
    steered,
    terminated,
    terminated_in_its_turn,
    tool_answering,
    two_turns,
)
from runtime.fake_comparison import asked, generic, reported, told
from runtime.fake_recording import Recording, record
from support_app_server import Json, binaries, with_fake

from codex_runtime.testing import (
    FakeAppServer,
    Step,
    Usage,
    add_file,
    apply_patch,
    assistant_message,
    cut_stream,
    fail,
    patch_text,
    reasoning,
    shell,
    stall,
    together,
    tool_call,
)
from codex_runtime.testing._gates import Gate
from codex_runtime.testing._step_types import Shell

pytestmark = pytest.mark.real

TOOL_ANSWERS: dict[str, Json] = {
    "well": {"result": {"success": True, "contentItems": [{"type": "inputText", "text": "42"}]}},
    "failed": {"result": {"success": False, "contentItems": []}},
    "wrong": {"result": {"success": True}},
    "refused": {"error": {"code": -32601, "message": "no"}},
}


TARGETS: list[Json] = [
    {"type": "uncommittedChanges"},
    {"type": "commit", "sha": "abc1234567", "title": "A title"},
    {"type": "custom", "instructions": "Look."},
]


def on_the_fake(step: Step) -> Step:
    """The step with which the fake plays what `step` is with codex."""
    if isinstance(step, Shell) and step.cmd == LASTING:
        # A command of the fake runs as long as a gate is shut; the real one has a gate before it.
        return replace(step, gate=Gate())
    return step


CASES: dict[str, tuple[Act, tuple[Step, ...]]] = {
    "a message": (plain, (assistant_message("Hello there, friend.", usage=Usage(50, 20, 9, 4)),)),
    "reasoning, then a message": (
        plain,
        (together(reasoning("First this", "then that"), assistant_message("ok")),),
    ),
    "reasoning only": (plain, (reasoning("hm"),)),
    "phases": (
        plain,
        (
            together(assistant_message("I look", phase="commentary"), shell("exit 3", exit_code=3)),
            assistant_message("done", phase="final_answer"),
        ),
    ),
    "a command": (plain, (shell("echo hi", output="hi\n"), assistant_message("ok"))),
    "an escalated command under never": (
        plain,
        (shell("true", escalate=True), assistant_message("ok")),
    ),
    "a patch": (
        plain,
        (
            apply_patch(patch_text(add_file("a.txt", "one\ntwo\n"), add_file("d/b.txt", "x"))),
            assistant_message("ok"),
        ),
    ),
    **{
        f"a review of {target['type']}": (
            reviewed(target),
            (
                together(assistant_message("I look", phase="commentary"), shell("true")),
                together(reasoning("So far"), assistant_message("All is well.")),
                assistant_message("You are welcome."),
            ),
        )
        for target in TARGETS
    },
    "a review that fails": (
        reviewed(TARGETS[0]),
        (fail(status=400, message="no"), assistant_message("You are welcome.")),
    ),
    "a review interrupted": (review_interrupted, (stall("half said"),)),
    "commands of the user": (commands_of_the_user, (assistant_message("ok"),)),
    "an unknown tool": (plain, (tool_call("nothing", {}), assistant_message("ok"))),
    "two turns, with overrides": (two_turns, (assistant_message("1"), assistant_message("2"))),
    "instructions, and a schema for one turn": (
        instructed,
        (assistant_message("1"), assistant_message("2")),
    ),
    "a schema for all of its turn": (
        schemas_while_running,
        (stall("half said"), assistant_message("ok")),
    ),
    "a command left running, terminated": (terminated, (shell(LASTING), assistant_message("ok"))),
    "a command left running, cleaned": (cleaned, (shell(LASTING),)),
    "a command terminated in its turn": (
        terminated_in_its_turn,
        (shell(LASTING), assistant_message("ok")),
    ),
    "a command cleaned in its turn": (
        cleaned_in_its_turn,
        (shell(LASTING), assistant_message("ok")),
    ),
    "HTTP 400": (plain, (fail(status=400, message="no"),)),
    "HTTP 429": (plain, (fail(status=429),)),
    "HTTP 500": (plain, (fail(status=500),)),
    "context window": (plain, (fail(code="context_length_exceeded"),)),
    "rate limit": (plain, (fail(code="rate_limit_exceeded", message="later"),)),
    "overloaded": (plain, (fail(code="server_is_overloaded"),)),
    "policy": (plain, (fail(code="cyber_policy", message="no"),)),
    "quota": (plain, (fail(code="insufficient_quota"),)),
    "an unknown code": (plain, (fail(code="whatever", message="odd"),)),
    "output limit": (plain, (fail(code="max_output_tokens"),)),
    "a cut stream": (plain, (cut_stream("half a sen"),)),
    "a cut empty stream": (plain, (cut_stream(),)),
    "no step left": (plain, ()),
    "interrupted while speaking": (interrupted, (stall("half said"),)),
    "interrupted while asking": (interrupted_asking, (shell("echo hi"),)),
    "interrupted in a tool": (interrupted_in_tool, (tool_call("lookup", {"q": "x"}),)),
    "steered": (steered, (stall("half said"), assistant_message("ok"))),
    "started twice": (started_twice, (stall("half said"), assistant_message("ok"))),
    **{
        f"a command, {decision}": (
            deciding(decision, approvalPolicy="on-request", sandbox="workspace-write"),
            (
                shell("echo hi", escalate=True, justification="because", output="hi\n"),
                *([] if decision == "cancel" else [assistant_message("ok")]),
            ),
        )
        for decision in ("accept", "acceptForSession", "decline", "cancel", "nonsense")
    },
    **{
        f"a patch, {decision}": (
            deciding(decision, approvalPolicy="on-request", sandbox="read-only"),
            (
                apply_patch(patch_text(add_file("a.txt", "one\n"))),
                *([] if decision == "cancel" else [assistant_message("ok")]),
            ),
        )
        for decision in ("accept", "decline", "cancel", "nonsense")
    },
    "a patch blocked under never": (
        deciding("accept", approvalPolicy="never", sandbox="read-only"),
        (apply_patch(patch_text(add_file("a.txt", "one\n"))), assistant_message("ok")),
    ),
    **{
        f"a tool, {name}": (
            tool_answering(answer),
            (tool_call("lookup", {"q": "x"}), assistant_message("ok")),
        )
        for name, answer in TOOL_ANSWERS.items()
    },
}


@pytest.fixture(scope="module", params=binaries()[:1])
def recordings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Recording]:
    return anyio.run(record, request.param, CASES, tmp_path_factory.mktemp("real"))


@pytest.mark.parametrize("case", CASES)
async def test_the_fake_says_what_codex_says(
    case: str, recordings: dict[str, Recording], tmp_path: Path
) -> None:
    act, steps = CASES[case]
    fake = FakeAppServer(*map(on_the_fake, steps))

    async with with_fake(fake) as talk:
        await act(talk, tmp_path)

    assert generic(told(talk), tmp_path) == recordings[case].told
    assert reported(fake.calls) == recordings[case].reported
    assert asked(fake.calls) == recordings[case].asked
    assert fake.remaining_steps == ()
