"""What a turn does to the machine: commands, patches, and the questions they raise."""

from __future__ import annotations

from spec.reading import kind
from spec.requirements import requirement
from spec.server import Server

from codex_runtime import TurnResult
from codex_runtime.protocol import CommandExecutionItem, FileChangeItem
from codex_runtime.testing import (
    add_file,
    apply_patch,
    assistant_message,
    patch_text,
    shell,
    together,
    update_file,
)

_NO_WRITING = "/bin/bash: line 1: out.txt: Read-only file system\n"
"""What the real sandbox makes the shell say; the fake is told to say the same."""


def commands(result: TurnResult) -> list[CommandExecutionItem]:
    return [item for item in result.items if isinstance(item, CommandExecutionItem)]


def file_changes(result: TurnResult) -> list[FileChangeItem]:
    return [item for item in result.items if isinstance(item, FileChangeItem)]


@requirement("command:exit-code-and-output", "command:output-reaches-the-model")
async def test_a_command_tells_its_exit_code_and_its_output(server: Server) -> None:
    server.says(
        shell("printf 'one\\ntwo\\n'; exit 3", output="one\ntwo\n", exit_code=3),
        assistant_message("It failed."),
    )
    thread = await server.thread()

    result = await thread.run("count")

    [command] = commands(result)
    assert (command.status, command.exit_code) == ("failed", 3)
    assert command.aggregated_output == "one\ntwo\n"
    assert "printf" in command.command
    assert command.cwd == str(server.workspace)
    assert result.status == "completed"
    assert "one\ntwo" in server.calls[-1].last_tool_output


@requirement("command:no-writing-by-default")
async def test_a_command_cannot_write_by_default(server: Server) -> None:
    server.says(
        shell("echo no > out.txt; true", output=_NO_WRITING), assistant_message("I may not write.")
    )
    thread = await server.thread()

    result = await thread.run("write")

    [command] = commands(result)
    assert "Read-only file system" in (command.aggregated_output or "")
    assert result.text == "I may not write."
    assert not (server.workspace / "out.txt").exists()


@requirement("command:blocked-is-told")
async def test_a_command_that_the_sandbox_blocks_is_told_to_the_model(server: Server) -> None:
    server.says(
        shell("echo no > out.txt", output=_NO_WRITING, exit_code=1),
        assistant_message("I may not write."),
    )
    thread = await server.thread()

    result = await thread.run("write")

    assert "Read-only file system" in server.calls[-1].last_tool_output
    assert (result.status, result.text) == ("completed", "I may not write.")
    # The real one leaves it out when it fails before codex has told of its start (fact 136).
    assert [command.status for command in commands(result)] in (["failed"], [])
    assert result.abandoned == ()
    assert not (server.workspace / "out.txt").exists()


@requirement("command:writes-in-the-workspace")
async def test_a_command_writes_in_the_workspace_when_it_may(server: Server) -> None:
    server.says(shell("echo yes > out.txt"), assistant_message("Written."))
    thread = await server.writable_thread()

    result = await thread.run("write")

    [command] = commands(result)
    assert (command.status, command.exit_code) == ("completed", 0)
    if server.real:
        assert (server.workspace / "out.txt").read_text() == "yes\n"


@requirement("patch:adds-a-file")
async def test_a_patch_is_a_file_change_and_a_diff(server: Server) -> None:
    server.says(
        apply_patch(patch_text(add_file("src/hello.txt", "Hello\nthere\n"))),
        assistant_message("Added."),
    )
    thread = await server.writable_thread()

    result = await thread.run("add a file")

    [change] = file_changes(result)
    assert change.status == "completed"
    assert [(each.path, kind(each.kind)) for each in change.changes] == [
        (str(server.workspace / "src/hello.txt"), "add")
    ]
    assert "+++ b/src/hello.txt" in result.diff
    assert "\n+Hello\n+there\n" in result.diff
    if server.real:
        assert (server.workspace / "src/hello.txt").read_text() == "Hello\nthere\n"


@requirement("patch:changes-a-file")
async def test_a_patch_of_a_file_shows_both_sides(server: Server) -> None:
    (server.workspace / "greeting.txt").write_text("Hello\nthere\n")
    server.says(
        apply_patch(patch_text(update_file("greeting.txt", "there", "you"))),
        assistant_message("Changed."),
    )
    thread = await server.writable_thread()

    result = await thread.run("change the file")

    [change] = file_changes(result)
    assert [kind(each.kind) for each in change.changes] == ["update"]
    assert "-there\n+you\n" in change.changes[0].diff
    assert "-there\n+you\n" in result.diff
    if server.real:
        assert (server.workspace / "greeting.txt").read_text() == "Hello\nyou\n"


@requirement("patch:refused-when-read-only")
async def test_a_patch_is_refused_where_nothing_may_be_written(server: Server) -> None:
    server.says(
        apply_patch(patch_text(add_file("hello.txt", "Hello\n"))),
        assistant_message("I may not."),
    )
    thread = await server.thread()
    asked = server.runtime.statistics().server_requests

    result = await thread.run("add a file")

    assert (result.status, result.text, result.diff) == ("completed", "I may not.", "")
    assert file_changes(result) == []
    assert "rejected" in server.calls[-1].last_tool_output
    assert server.runtime.statistics().server_requests == asked
    assert not (server.workspace / "hello.txt").exists()


@requirement("approval:escalation-under-never")
async def test_an_escalation_under_never_is_refused_unasked(server: Server) -> None:
    server.says(shell("echo no > out.txt", escalate=True), assistant_message("I may not."))
    thread = await server.thread()
    asked = server.runtime.statistics().server_requests

    result = await thread.run("write outside the sandbox")

    assert (result.status, result.text) == ("completed", "I may not.")
    assert commands(result) == []
    assert "approval policy is Never" in server.calls[-1].last_tool_output
    assert server.runtime.statistics().server_requests == asked
    assert not (server.workspace / "out.txt").exists()


@requirement("approval:command-declined")
async def test_a_command_that_asks_is_declined_and_the_turn_goes_on(server: Server) -> None:
    server.says(
        shell("echo no > out.txt", escalate=True, justification="I want to"),
        assistant_message("Then not."),
    )
    thread = await server.thread(approval_policy="on-request")
    asked = server.runtime.statistics().server_requests

    result = await thread.run("write outside the sandbox")

    [command] = commands(result)
    assert command.status == "declined"
    assert (result.status, result.text) == ("completed", "Then not.")
    assert "rejected by user" in server.calls[-1].last_tool_output
    assert server.runtime.statistics().server_requests == asked + 1
    assert not (server.workspace / "out.txt").exists()


@requirement("approval:patch-declined")
async def test_a_file_change_that_asks_is_declined_and_the_turn_goes_on(server: Server) -> None:
    server.says(
        apply_patch(patch_text(add_file("hello.txt", "Hello\n"))),
        assistant_message("Then not."),
    )
    thread = await server.thread(approval_policy="on-request")

    result = await thread.run("add a file")

    [change] = file_changes(result)
    assert change.status == "declined"
    assert (result.status, result.text, result.diff) == ("completed", "Then not.", "")
    assert "rejected by user" in server.calls[-1].last_tool_output
    assert not (server.workspace / "hello.txt").exists()


@requirement("approval:several-at-once")
async def test_several_questions_at_once_are_all_declined(server: Server) -> None:
    files = [f"out{number}.txt" for number in range(3)]
    server.says(
        together(*(shell(f"touch {file}", escalate=True) for file in files)),
        assistant_message("Then none."),
    )
    thread = await server.thread(approval_policy="on-request")
    asked = server.runtime.statistics().server_requests

    result = await thread.run("touch three files")

    assert [command.status for command in commands(result)] == ["declined"] * 3
    assert result.text == "Then none."
    assert server.runtime.statistics().server_requests == asked + 3
    assert not any((server.workspace / file).exists() for file in files)
