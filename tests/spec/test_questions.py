"""Questions, permissions, MCP servers, agents, the clock and tokens: what else the server asks."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from spec.requirements import requirement
from spec.server import Server
from spec.test_approvals import Desk, items, outside

from codex_runtime.answers import (
    Allow,
    Answer,
    Answers,
    AuthTokens,
    Deny,
    ElicitationAnswer,
    GrantPermissions,
)
from codex_runtime.protocol import (
    AdditionalFileSystemPermissions,
    CollaborationMode,
    GrantedPermissionProfile,
    McpToolCallItem,
    Settings,
    methods,
)
from codex_runtime.requests import (
    AuthTokensRefresh,
    CommandApproval,
    McpElicitation,
    PermissionsApproval,
    UserInputRequest,
)
from codex_runtime.testing import assistant_message, fail, shell, tool_call

__all__ = ["outside"]

NOT_FAKED = "the fake app-server plays no plan mode, MCP servers, agents and accounts"

PROGRAM: Final = Path(__file__).with_name("mcp_server.py")

QUESTION: Final = {
    "id": "colour",
    "header": "Colour",
    "question": "Which one?",
    "options": [{"label": "red", "description": "Red."}, {"label": "blue", "description": "Blue."}],
}


def told(server: Server) -> str:
    """What the model was told last of a call."""
    (text,) = list(server.calls[-1].tool_outputs.values())[-1:]
    return text


async def asked_in_plan_mode(server: Server, *answers: Answer | None) -> Desk:
    server.says(tool_call("request_user_input", {"questions": [QUESTION]}), assistant_message("Ok"))
    desk = Desk(*answers)
    thread = await server.thread(approve=desk)
    settings = Settings(model=thread.info.model)
    await thread.update_settings(
        collaboration_mode=CollaborationMode(mode="plan", settings=settings)
    )
    assert (await thread.run("Plan it.")).status == "completed"
    return desk


@requirement("approvals:questions")
async def test_the_answers_of_a_person_reach_the_model(server: Server) -> None:
    desk = await asked_in_plan_mode(server, Answers({"colour": "red"}))

    (request,) = desk.asked
    assert isinstance(request, UserInputRequest)
    (question,) = request.questions
    assert (question.id, question.question) == ("colour", "Which one?")
    assert [option.label for option in question.options or ()] == ["red", "blue"]
    assert json.loads(told(server)) == {"answers": {"colour": {"answers": ["red"]}}}


@requirement("approvals:questions")
async def test_the_model_is_told_that_nobody_answers(server: Server) -> None:
    await asked_in_plan_mode(server, None)

    assert json.loads(told(server)) == {"answers": {}}


@requirement("approvals:questions")
async def test_a_thread_leads_into_plan_mode_and_back(server: Server) -> None:
    thread = await server.thread()
    settings = Settings(model=thread.info.model)

    for mode in ("plan", "default"):
        server.says(assistant_message("Ok"))
        await thread.update_settings(
            collaboration_mode=CollaborationMode(mode=mode, settings=settings)
        )
        await thread.run("Go on.")
        in_force = thread.settings.collaboration_mode
        assert in_force
        assert in_force.mode == mode


# -- permissions

PERMISSIONS_ON: Final = {"features.request_permissions_tool": True}


def taken_away(outside: Path) -> set[str]:
    """The folders that something was written in, which is removed again."""
    found = list(outside.glob("*/new"))
    for each in found:
        each.unlink()
    return {each.parent.name for each in found}


@requirement("approvals:permissions")
async def test_permissions_are_granted_in_part_or_not_at_all(server: Server, outside: Path) -> None:
    first, second = outside / "first", outside / "second"
    for folder in (first, second):
        folder.mkdir()
    wanted = {"file_system": {"write": [str(first), str(second)]}}
    part = AdditionalFileSystemPermissions(write=[str(first)])
    cases: list[tuple[Answer, set[str]]] = [
        (Deny(), set()),
        (GrantPermissions(GrantedPermissionProfile(file_system=part)), {"first"}),
        (Allow(), {"first", "second"}),
    ]
    async with server.another(config=PERMISSIONS_ON) as other:
        for answer, written in cases:
            other.says(
                tool_call("request_permissions", {"reason": "to work", "permissions": wanted}),
                shell(f"touch {first}/new; touch {second}/new; true"),
                assistant_message("Done."),
            )
            desk = Desk(answer)
            thread = await other.thread(approve=desk)
            await thread.run("Work.")
            (request,) = desk.asked
            assert isinstance(request, PermissionsApproval)
            assert request.reason == "to work"
            files = request.permissions.file_system
            assert files is not None
            assert files.write == [str(first), str(second)]
            assert taken_away(outside) == written


# -- MCP servers


@asynccontextmanager
async def with_mcp(server: Server) -> AsyncGenerator[Server]:
    config = {
        "mcp_servers.tiny.command": sys.executable,
        "mcp_servers.tiny.args": ["-IS", str(PROGRAM)],
    }
    async with server.another(config=config) as other:
        yield other


def mcp_results(result: Any) -> list[str]:
    return [item.status for item in result.items if isinstance(item, McpToolCallItem)]


def calling(tool: str, **arguments: Any) -> Any:
    return tool_call(tool, arguments, "mcp__tiny")


@requirement("approvals:mcp")
async def test_a_tool_of_an_mcp_server_runs_when_it_is_allowed(server: Server) -> None:
    async with with_mcp(server) as other:
        for answer, status in ((Deny(), "failed"), (None, "failed"), (Allow(), "completed")):
            other.says(calling("echo", x="hi"), assistant_message("Done."))
            desk = Desk(answer)
            thread = await other.thread(approve=desk)
            result = await thread.run("Work.")
            assert mcp_results(result) == [status]
            (request,) = desk.asked
            assert isinstance(request, McpElicitation)
            assert request.is_tool_approval
            assert (request.server_name, request.tool_name) == ("tiny", "echo")
            assert request.tool_params == {"x": "hi"}
            assert request.may_persist == ("session", "always")


@requirement("approvals:mcp")
async def test_a_yes_to_an_mcp_tool_may_hold_for_the_session(server: Server) -> None:
    async with with_mcp(server) as other:
        other.says(calling("echo"), calling("echo"), assistant_message("Done."))
        desk = Desk(Allow(for_session=True), Deny())
        thread = await other.thread(approve=desk)

        result = await thread.run("Work.")

        assert len(desk.asked) == 1
        assert mcp_results(result) == ["completed", "completed"]


@requirement("approvals:elicitation")
async def test_a_form_of_an_mcp_server_is_filled_in_or_declined(server: Server) -> None:
    async with with_mcp(server) as other:
        for answer, answered in (
            (ElicitationAnswer({"name": "Ada"}), {"action": "accept", "content": {"name": "Ada"}}),
            (Deny(), {"action": "decline"}),
            (None, {"action": "decline"}),
        ):
            other.says(calling("ask"), assistant_message("Done."))
            desk = Desk(Allow(), answer)
            thread = await other.thread(approve=desk)
            await thread.run("Work.")
            allowed, request = desk.asked
            assert allowed.is_tool_approval
            assert isinstance(request, McpElicitation)
            assert not request.is_tool_approval
            assert request.message == "Who is it?"
            assert request.schema is not None
            assert set(request.schema.properties) == {"name", "age"}
            assert json.dumps(answered)[:-1] in told(other).replace('\\"', '"')


# -- agents


@requirement("approvals:agents")
async def test_an_agent_is_asked_about_by_the_approvers_of_its_thread(
    server: Server, outside: Path
) -> None:
    async with server.another() as other:
        other.model.on(
            "CHILDTASK",
            shell(f"touch {outside / 'child'}", escalate=True),
            assistant_message("Child is done."),
        )
        gate = other.model.gate()
        other.says(
            tool_call("spawn_agent", {"message": "CHILDTASK please"}, "multi_agent_v1"),
            assistant_message("Parent is done.", gate=gate),
        )

        async def decide(request: CommandApproval) -> Answer:
            asked.append(request)
            return Allow()

        asked: list[CommandApproval] = []
        thread = await other.thread(approve=decide)
        async with other.runtime.events() as events:
            turn = await thread.turn_start("Work.")
            async for event in events:
                if event.method == "item/completed" and getattr(event, "thread_id", "") not in {
                    "",
                    thread.thread_id,
                }:
                    item: Any = getattr(event, "item", None)
                    if item.type == "commandExecution":
                        break
        gate.open()
        await turn.result()

    assert [request.thread_id == thread.thread_id for request in asked] == [False]
    assert (outside / "child").exists()
    assert items(await turn.result()) == []


# -- the clock, and tokens


@requirement("approvals:time")
async def test_the_server_is_told_the_time(server: Server) -> None:
    reminder = {"enabled": True, "reminder_interval_seconds": 1, "clock_source": "external"}
    config = {f"features.current_time_reminder.{key}": value for key, value in reminder.items()}
    async with server.another(assistant_message("Done."), config=config) as other:
        thread = await other.thread()
        assert (await thread.run("Work.")).status == "completed"
        assert other.runtime.statistics().decisions["answered"] >= 1


def token(account: str) -> str:
    """A token of an account, unsigned."""
    auth = {
        "chatgpt_account_id": account,
        "chatgpt_plan_type": "pro",
        "chatgpt_user_id": "user",
    }
    payload = {"email": "a@example.com", "exp": 4_000_000_000, "https://api.openai.com/auth": auth}
    parts: list[Any] = [{"alg": "none", "typ": "JWT"}, payload, {"x": 1}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts]
    return ".".join(part.decode().rstrip("=") for part in encoded)


@requirement("approvals:tokens")
@pytest.mark.parametrize("known", [True, False])
async def test_fresh_tokens_come_from_the_program(server: Server, *, known: bool) -> None:
    asked: list[AuthTokensRefresh] = []

    async def refresh(request: AuthTokensRefresh) -> AuthTokens:
        asked.append(request)
        return AuthTokens(token("acct-1"), "acct-1")

    config = {"model_providers.scripted.requires_openai_auth": True}
    steps = (fail(status=401, message="unauthorized"), assistant_message("Done."))
    async with server.another(
        *steps[: 2 if known else 1], config=config, auth_tokens=refresh if known else None
    ) as other:
        await other.runtime.call_raw(
            methods.ACCOUNT_LOGIN_START.method,
            {
                "type": "chatgptAuthTokens",
                "accessToken": token("acct-1"),
                "chatgptAccountId": "acct-1",
                "chatgptPlanType": "pro",
            },
        )
        thread = await other.thread()
        result = await thread.run("Work.", raise_on_failure=False)

    assert result.status == ("completed" if known else "failed")
    assert [request.previous_account_id for request in asked] == ["acct-1"] * known
