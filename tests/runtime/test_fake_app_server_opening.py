"""How the fake app-server opens threads and changes their settings, compared with the real one."""

from __future__ import annotations

from pathlib import Path

import pytest
from runtime.fake_acts import Act
from runtime.fake_comparison import ANOTHER_CODEX, said
from support_app_server import VERIFIED, Conversation, Json, binaries, with_fake, with_real

from codex_runtime.testing import FakeAppServer, ScriptedModel, Step, assistant_message

pytestmark = pytest.mark.real

NOBODY = "01a20d62-01ef-7093-a6dd-e735014be34a"
READ_ONLY = {"approvalPolicy": "never", "sandbox": "read-only"}
DETAILS = {
    "writable_roots": ["/srv"],
    "network_access": True,
    "exclude_slash_tmp": True,
    "exclude_tmpdir_env_var": True,
}
NOTHING: Json = dict.fromkeys(DETAILS, False) | {"writable_roots": []}
GRANULAR = {"sandbox_approval": True, "rules": False, "mcp_elicitations": False}
PLAN: Json = {"mode": "plan", "settings": {"model": "m3", "developer_instructions": "Plan."}}

STARTS: list[Json] = [
    {},
    {"sandbox": "workspace-write", "approvalPolicy": "on-request"},
    {"sandbox": "workspace-write", "config": {"sandbox_workspace_write": DETAILS}},
    {"sandbox": "read-only", "config": {"sandbox_workspace_write": DETAILS}},
    {"sandbox": "danger-full-access", "config": {"sandbox_workspace_write": NOTHING}},
    {"permissions": ":read-only"},
    {"permissions": ":workspace"},
    {"permissions": ":danger-full-access"},
    {"permissions": "nobody's"},
    {"permissions": ":read-only", "sandbox": "read-only"},
    {"permissions": 5},
    {"approvalPolicy": {"granular": GRANULAR}},
    {"approvalPolicy": {"granular": {}}},
    {"approvalPolicy": {"granular": {"sandbox_approval": True, "rules": True}}},
    {"approvalPolicy": {"granular": {**GRANULAR, "rules": 1}}},
    {"approvalPolicy": {"other": {}}},
    {"approvalPolicy": "granular"},
    {"approvalPolicy": 5},
    {"approvalsReviewer": "auto_review"},
    {"approvalsReviewer": "guardian_subagent"},
    {"approvalsReviewer": "somebody"},
    {"model": "m1"},
    {"serviceTier": "fast"},
    {"serviceTier": "flex", "config": {"model_reasoning_effort": "low"}},
    {"ephemeral": True},
]

UPDATES: list[tuple[Json, bool]] = [
    ({}, False),
    ({"effort": "high"}, True),
    ({"effort": "high"}, False),
    ({"effort": None}, False),
    ({"effort": ""}, False),
    ({"summary": "concise"}, True),
    ({"summary": "somehow"}, False),
    ({"serviceTier": "fast"}, True),
    ({"serviceTier": None}, True),
    ({"model": "m2"}, True),
    ({"sandboxPolicy": {"type": "readOnly"}}, False),
    ({"sandboxPolicy": {"type": "readOnly", "networkAccess": True}}, True),
    ({"sandboxPolicy": {"type": "readOnly", "networkAccess": "x"}}, False),
    ({"sandboxPolicy": {"type": "externalSandbox"}}, True),
    ({"sandboxPolicy": {"type": "externalSandbox", "networkAccess": "enabled"}}, True),
    ({"sandboxPolicy": {"type": "externalSandbox", "networkAccess": "x"}}, False),
    ({"sandboxPolicy": {"type": "dangerFullAccess"}}, True),
    ({"sandboxPolicy": {"type": "workspaceWrite", "writableRoots": ["/a", "/a", "/b/../c"]}}, True),
    ({"sandboxPolicy": {"type": "workspaceWrite", "writableRoots": ["a"]}}, False),
    ({"sandboxPolicy": {"type": "workspaceWrite", "writableRoots": "a"}}, False),
    ({"sandboxPolicy": {}}, False),
    ({"permissions": ":workspace"}, True),
    ({"permissions": ":read-only"}, True),
    ({"permissions": "nobody's"}, False),
    ({"permissions": ":read-only", "sandboxPolicy": {"type": "readOnly"}}, False),
    ({"approvalPolicy": "untrusted", "approvalsReviewer": "auto_review"}, True),
    ({"approvalPolicy": {"granular": GRANULAR}}, True),
    ({"cwd": "/nowhere/there"}, True),
    ({"collaborationMode": PLAN}, True),
    ({"collaborationMode": {"mode": "x", "settings": {"model": "m"}}}, False),
    ({"collaborationMode": {"mode": "plan"}}, False),
    ({"collaborationMode": {"mode": "plan", "settings": {}}}, False),
    ({"collaborationMode": {"mode": "default", "settings": {**PLAN["settings"]}}}, True),
]
"""Each with whether it changes anything, so that something is told of it."""


async def starts(talk: Conversation, work: Path) -> None:
    for params in STARTS:
        answer = await talk.request("thread/start", cwd=str(work), **params)
        if "result" in answer:
            await talk.event("thread/started", thread=answer["result"]["thread"])


async def update(talk: Conversation, thread: str, params: Json, *, changes: bool = True) -> None:
    """Change settings, and wait for what is told of it: two changes at once are told as one."""
    place = len(talk.heard)
    await talk.request("thread/settings/update", threadId=thread, **params)
    if changes:
        await talk.event("thread/settings/updated", after=place)


async def updates(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work), **READ_ONLY)
    for params, changes in UPDATES:
        await update(talk, thread, params, changes=changes)
    for nobody in (NOBODY, "nonsense"):
        await talk.request("thread/settings/update", threadId=nobody, effort="low")


async def updates_of_one_with_roots(talk: Conversation, work: Path) -> None:
    config = {"sandbox_workspace_write": DETAILS}
    thread = await talk.thread(cwd=str(work), **READ_ONLY, config=config)
    for params in (
        {"sandboxPolicy": {"type": "workspaceWrite"}},
        {"sandboxPolicy": {"type": "workspaceWrite", "writableRoots": ["/opt"]}},
        {"permissions": ":workspace"},
    ):
        await update(talk, thread, params)


async def resuming(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work), **READ_ONLY)
    await talk.request("thread/name/set", threadId=thread, name="named")
    wide = {"sandbox": "workspace-write", "approvalPolicy": "on-request", "model": "m1"}
    for params in ({}, wide, {"permissions": ":read-only", "sandbox": "read-only"}):
        await talk.request("thread/resume", threadId=thread, excludeTurns=True, **params)
    await talk.request("thread/unsubscribe", threadId=thread)
    await talk.request("thread/unsubscribe", threadId=thread)
    await talk.request("thread/resume", threadId=thread.upper(), excludeTurns=True)
    await talk.request("thread/resume", threadId=f"urn:uuid:{thread}", excludeTurns=True)
    await talk.request("thread/unsubscribe", threadId="nonsense")
    await talk.request("configRequirements/read")


async def forking(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work), sandbox="workspace-write", approvalPolicy="untrusted")
    await talk.request("thread/fork", threadId=thread, excludeTurns=True)
    await talk.request("thread/name/set", threadId=thread, name="named")
    first = (await talk.turn(thread, approvalsReviewer="auto_review"))["id"]
    second = (await talk.turn(thread))["id"]
    for params in (
        {},
        {"excludeTurns": True},
        {"excludeTurns": True, **READ_ONLY, "cwd": "/opt", "approvalsReviewer": "user"},
        {"ephemeral": True},
        {"ephemeral": True, "excludeTurns": True},
        {"lastTurnId": first},
        {"beforeTurnId": second},
        {"beforeTurnId": first},
        {"beforeTurnId": first, "excludeTurns": True},
        {"lastTurnId": first, "beforeTurnId": second},
        {"lastTurnId": "nothing"},
        {"beforeTurnId": NOBODY},
        {"permissions": ":read-only", "sandbox": "read-only"},
        {"permissions": ":workspace", "excludeTurns": True},
    ):
        answer = await talk.request("thread/fork", threadId=thread, **params)
        if "result" in answer:
            fork: Json = {**answer["result"]["thread"], "turns": []}
            await talk.event("thread/started", thread=fork)
    for nobody in (NOBODY, "nonsense"):
        await talk.request("thread/fork", threadId=nobody)


async def overriding(talk: Conversation, work: Path) -> None:
    thread = await talk.thread(cwd=str(work), **READ_ONLY)
    overrides: list[Json] = [
        {"sandboxPolicy": {"type": "readOnly"}},
        {"sandboxPolicy": {"type": "workspaceWrite", "writableRoots": ["/a/../b", str(work)]}},
        {"permissions": ":read-only", "effort": "low", "summary": "auto", "serviceTier": "flex"},
    ]
    for params in overrides:
        await talk.turn(thread, **params)
    for params in (
        {"sandboxPolicy": {"type": "workspaceWrite", "writableRoots": ["a"]}},
        {"permissions": ":read-only", "sandboxPolicy": {"type": "readOnly"}},
        {"permissions": "nobody's"},
        {"approvalPolicy": "granular"},
        {"approvalsReviewer": "x"},
        {"summary": "x"},
    ):
        await talk.request("turn/start", threadId=thread, input=[], **params)


HELLO = (assistant_message("Hello."),)
CONVERSATIONS: dict[str, tuple[Act, tuple[Step, ...]]] = {
    "starts": (starts, ()),
    "updates": (updates, ()),
    "updates of one with roots": (updates_of_one_with_roots, ()),
    "resuming": (resuming, ()),
    "forking": (forking, HELLO * 2),
    "overriding": (overriding, HELLO * 3),
}


@pytest.mark.parametrize("case", CONVERSATIONS)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("binary", binaries()[:1])
async def test_the_fake_opens_threads_as_codex_does(case: str, binary: str, tmp_path: Path) -> None:
    act, steps = CONVERSATIONS[case]
    work = tmp_path / "work"
    fake = FakeAppServer(*steps, cwd=work)

    with ScriptedModel(*steps) as model:
        async with with_real(binary, model, tmp_path) as talk:
            if talk.version == VERIFIED:
                await act(talk, work)
            real_said = said(talk)
    if talk.version != VERIFIED:
        pytest.skip(ANOTHER_CODEX)
    async with with_fake(fake) as talk:
        await act(talk, work)
        fake_said = said(talk)

    assert fake_said == real_said
