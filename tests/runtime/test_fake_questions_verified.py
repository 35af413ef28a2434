"""What the fake app-server asks its client, compared with the real one, message by message."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from runtime.fake_comparison import generic, reported, told
from runtime.fake_recording import Cases, Recording, record
from runtime.question_acts import (
    ASK_PERMISSIONS,
    ASKING,
    COMMAND,
    FORM,
    NO_CHOICES,
    PATCH,
    QUESTION,
    TOOL,
    URL,
    YES,
    answering,
    archived,
    cancelled,
    interrupted,
    results,
    resumed,
    unsubscribed,
)
from support_app_server import Json, binaries, with_fake

from codex_runtime.testing import (
    FakeAppServer,
    add_file,
    apply_patch,
    assistant_message,
    mcp_call,
    patch_text,
    shell,
    together,
    tool_call,
)

pytestmark = pytest.mark.real

OK = assistant_message("ok")

ERROR: Json = {"error": {"code": -32601, "message": "no"}}

SPELLINGS = [
    "true", "echo hi", 'echo "a b"', "echo 'a b'", "echo it's", 'echo "it\'s"', "echo a\necho b",
    "echo ü 日本 🙂", 'echo "$HOME" `date`', "echo a\tb", "cat <<'EOF'\nline 'q' \"d\"\nEOF",
    "echo \\n", " echo lead", "echo !x", "echo ~", "FOO=1 env", 'python3 -c "print(1)"',
    "echo $(echo a)", 'bash -c "rm x"', "bash -lc 'echo a'", 'echo "a\\"b"', "echo $x it's",
    "a^b", "^a b", "a=b", "a:b@c+d]e", "echo a && touch b", "touch a; touch b", "touch a || exit 1",
    "touch a | tee b", "touch a > b", "touch a & touch b", "touch {a,b}", "touch a #b", "touch a%b",
    "touch *.c", "touch a[1]", "touch (a)",
]  # fmt: skip  # one a line would hide the rest

GRANTS: dict[str, Json] = {
    "a part": {"permissions": {"fileSystem": {"write": ["/wanted"]}}, "scope": "session"},
    "all": {
        "permissions": {
            "fileSystem": {"read": ["/seen"], "write": ["/wanted", "/also"]},
            "network": {"enabled": True},
        }
    },
    "entries": {
        "permissions": {
            "fileSystem": {
                "entries": [{"path": {"type": "path", "path": "/wanted"}, "access": "write"}]
            }
        }
    },
    "too much": {"permissions": {"fileSystem": {"write": ["/wanted", "/more"]}}},
    "a parent": {"permissions": {"fileSystem": {"write": ["/"]}}},
    "nothing": {"permissions": {}},
    "another shape": {"decision": "accept"},
    "a bad scope": {"permissions": {"network": {"enabled": True}}, "scope": "forever"},
}

REPLIES: dict[str, Json] = {
    "an option": {"answers": {"color": {"answers": ["Red"]}}},
    "own words": {"answers": {"color": {"answers": ["none", "of them"]}}},
    "another question": {"answers": {"size": {"answers": ["S"]}}},
    "nothing": {"answers": {}},
    "another shape": {"answers": {"color": "Red"}},
    "an empty object": {},
}

ACTIONS: dict[str, object] = {
    "accept": {"action": "accept", "content": None},
    "accept with content": {"action": "accept", "content": {"name": "Bo", "age": 3}},
    "accept with meta": {"action": "accept", "content": {"name": "Bo"}, "_meta": {"a": 1}},
    "decline": {"action": "decline", "content": None},
    "cancel": {"action": "cancel", "content": None},
    "bogus": {"action": "bogus"},
    "null": None,
}

RULES: dict[str, Json] = {
    "a rule": {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["printf"]}},
    "no rule": {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": []}},
    "a rule for the network": {
        "applyNetworkPolicyAmendment": {
            "network_policy_amendment": {"host": "example.com", "action": "allow"}
        }
    },
    "a rule of another shape": {"acceptWithExecpolicyAmendment": {"prefix": ["printf"]}},
}

PRINT = shell("printf 1", escalate=True, justification="because", output="1")
NOBODY: Json = {"granular": {"sandbox_approval": False, "rules": True, "mcp_elicitations": True}}

CASES: Cases = {
    "how commands are spelt": (
        answering(results(COMMAND={"decision": "decline"}), approvalPolicy="untrusted"),
        (*map(shell, SPELLINGS), OK),
    ),
    "for the session, with and without the sandbox": (
        answering(results(COMMAND={"decision": "acceptForSession"}), approvalPolicy="untrusted"),
        (
            *(
                shell("echo 1", escalate=is_out, output="1\n")
                for is_out in (False, False, True, True)
            ),
            OK,
        ),
    ),
    "for the session, files": (
        answering(results(PATCH={"decision": "acceptForSession"}), turns=2),
        tuple(step for name in "ab" for step in (apply_patch(patch_text(add_file(name, "x"))), OK)),
    ),
    "a removal": (
        answering(results(COMMAND={"decision": "decline"})),
        (shell("rm -rf nothing"), OK),
    ),
    "a removal under never": (answering({}, approvalPolicy="never"), (shell("rm -f no"), OK)),
    "a policy that asks nobody": (
        answering({}, approvalPolicy=NOBODY),
        (shell("rm -rf nothing"), shell("true", escalate=True), OK),
    ),
    **{
        f"permissions, {name}": (
            answering(results(PERMISSIONS=grant)),
            (tool_call("request_permissions", ASK_PERMISSIONS), OK),
        )
        for name, grant in GRANTS.items()
    },
    "permissions, an error": (
        answering({"item/permissions/requestApproval": ERROR}),
        (tool_call("request_permissions", ASK_PERMISSIONS), OK),
    ),
    "permissions, a relative path": (
        answering(results(PERMISSIONS={"permissions": {"fileSystem": {"write": ["wanted"]}}})),
        (tool_call("request_permissions", ASK_PERMISSIONS),),
    ),
    "permissions for nothing, or of nobody": (
        answering({}, approvalPolicy="never"),
        (
            tool_call("request_permissions", {"permissions": {}}),
            tool_call("request_permissions", ASK_PERMISSIONS),
            OK,
        ),
    ),
    **{
        f"a question, {name}": (answering(results(QUESTION=reply)), (ASKING[QUESTION], OK))
        for name, reply in REPLIES.items()
    },
    "a question, an error": (answering({QUESTION: ERROR}), (ASKING[QUESTION], OK)),
    "a question in default mode": (answering({}), (ASKING[QUESTION], OK)),
    "a question without choices": (
        answering(results(QUESTION={"answers": {}})),
        (
            tool_call("request_user_input", NO_CHOICES),
            OK,
        ),
    ),
    **{
        f"an MCP tool, {name}": (
            answering(results(ELICITATION=action)),
            (mcp_call("asking", "say", {"text": "hi"}, output="said"), OK),
        )
        for name, action in ACTIONS.items()
    },
    "an MCP tool for the session": (
        answering(
            results(ELICITATION={"action": "accept", "_meta": {"persist": "session"}}), turns=2
        ),
        (mcp_call("asking", "say", output="said"), OK) * 2,
    ),
    "an MCP tool under never": (
        answering({}, approvalPolicy="never"),
        (mcp_call("asking", "say", output="said"), OK),
    ),
    "an MCP tool under never, with full access": (
        answering({}, approvalPolicy="never", sandbox="danger-full-access"),
        (mcp_call("asking", "say", output="said"), OK),
    ),
    **{
        f"a form, {name}": (
            answering(results(ELICITATION=action)),
            (mcp_call("asking", "ask", FORM, read_only=True, asks=FORM), OK),
        )
        for name, action in ACTIONS.items()
    },
    "a form under never": (
        answering({}, approvalPolicy="never"),
        (mcp_call("asking", "ask", FORM, read_only=True, asks=FORM), OK),
    ),
    "a URL": (
        answering(results(ELICITATION={"action": "accept"})),
        (mcp_call("asking", "ask", URL, read_only=True, asks=URL), OK),
    ),
    "calls that run alone": (
        answering({method: {"result": answer} for method, answer in YES.items()}),
        (together(*ASKING.values()), OK),
    ),
    **{f"resumed, {method}": (resumed(method), (step, OK)) for method, step in ASKING.items()},
    **{
        f"resumed after leaving, {method}": (
            resumed(method, unsubscribed=True),
            (ASKING[method], OK),
        )
        for method in (COMMAND, TOOL)
    },
    "answered after leaving": (unsubscribed, (ASKING[COMMAND], OK)),
    **{
        f"interrupted, {method}": (interrupted(method), (step, OK))
        for method, step in ASKING.items()
    },
    **{f"archived, {method}": (archived(method), (step,)) for method, step in ASKING.items()},
    **{
        f"cancelled, {method}": (cancelled(method), (ASKING[method], OK))
        for method in (COMMAND, PATCH)
    },
    # The rules last: the first of them is for good.
    **{
        f"a command, {name}": (answering(results(COMMAND={"decision": decision})), (PRINT, OK))
        for name, decision in reversed(RULES.items())
    },
    "a command that a rule allows": (
        answering({}, approvalPolicy="untrusted"),
        (shell("printf 2", output="2"), shell("printf 3", escalate=True, output="3"), OK),
    ),
}


@pytest.fixture(scope="module", params=binaries()[:1])
def recordings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Recording]:
    return anyio.run(record, request.param, CASES, tmp_path_factory.mktemp("real"))


@pytest.mark.parametrize("case", CASES)
async def test_the_fake_asks_what_codex_asks(
    case: str, recordings: dict[str, Recording], tmp_path: Path
) -> None:
    act, steps = CASES[case]
    fake = FakeAppServer(*steps)
    fake._world.rules.extend([["printf"]] if case == "a command that a rule allows" else [])

    async with with_fake(fake) as talk:
        await act(talk, tmp_path)

    assert generic(told(talk), tmp_path) == recordings[case].told
    assert reported(fake.calls) == recordings[case].reported
    assert fake.remaining_steps == ()
