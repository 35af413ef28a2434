"""What is shown of each event. Pure: the events are made here."""

import pytest

from codex_runtime import protocol as p
from codex_runtime._lines import Line, diff_counts, diff_lines
from codex_runtime.cli._render import Progress, Update, summary
from codex_runtime.requests import Decision, RequestDecided
from codex_runtime.state import ItemAbandoned, TurnResult
from codex_runtime.usage import TokenUsage

SAID = p.AgentMessageItem(id="m1", text="Hello there", phase="final_answer")
LS = p.CommandExecutionItem(
    id="c1", command="/bin/bash -lc 'ls -l'", command_actions=[], cwd="/w", status="inProgress"
)


def started(item: p.ThreadItem) -> p.ItemStartedNotification:
    return p.ItemStartedNotification(item=item, thread_id="t", turn_id="u")


def completed(item: p.ThreadItem) -> p.ItemCompletedNotification:
    return p.ItemCompletedNotification(item=item, thread_id="t", turn_id="u")


def delta(text: str, item_id: str = "m1") -> p.AgentMessageDeltaNotification:
    return p.AgentMessageDeltaNotification(delta=text, item_id=item_id, thread_id="t", turn_id="u")


def command(
    output: str = "",
    *,
    code: int | None = 0,
    ms: int = 0,
    status: str = "completed",
    id: str = "c1",
) -> p.CommandExecutionItem:
    return p.CommandExecutionItem(
        id=id,
        command="/bin/bash -lc 'ls -l'",
        command_actions=[],
        cwd="/w",
        status=status,
        aggregated_output=output,
        exit_code=code,
        duration_ms=ms,
    )


def texts(update: Update) -> list[str]:
    return [line.text for line in update.lines]


def test_a_message_is_spoken_as_it_streams_where_somebody_watches() -> None:
    progress = Progress(live=True)

    spoken = [
        progress.update(event).speech
        for event in (started(SAID), delta("Hello "), delta("there"), completed(SAID))
    ]

    assert "".join(spoken) == "Hello there\n"


def test_a_message_that_did_not_stream_is_spoken_when_complete() -> None:
    assert Progress(live=True).update(completed(SAID)).speech == "Hello there\n"


def test_what_the_model_says_is_defused() -> None:
    assert Progress(live=True).update(delta("\x1b[31mred\x07")).speech == "red␇"


def test_the_last_message_is_left_to_the_caller_where_nobody_watches() -> None:
    progress = Progress(live=False)

    updates = [progress.update(event) for event in (started(SAID), delta("Hello"), completed(SAID))]

    assert [update.speech for update in updates] == ["", "", ""]
    assert [texts(update) for update in updates] == [[], [], []]


def test_a_message_becomes_progress_when_something_else_follows() -> None:
    progress = Progress(live=False)
    progress.update(completed(SAID))

    update = progress.update(started(LS))

    assert texts(update) == ["Hello there", "$ ls -l"]


def test_a_users_own_message_does_not_push_anything_out() -> None:
    progress = Progress(live=False)
    progress.update(completed(SAID))

    update = progress.update(started(p.UserMessageItem(id="u1", content=[])))

    assert texts(update) == []


def test_a_command_shows_itself_its_output_and_its_exit_code() -> None:
    progress = Progress(live=False)

    begin = progress.update(started(LS))
    end = progress.update(completed(command("a\nb\n", code=2, ms=1234)))

    assert begin.lines == (Line("$ ls -l", "command"),)
    assert begin.doing == "running ls -l"
    assert end.lines == (
        Line("  a", "output"),
        Line("  b", "output"),
        Line("  exit 2 · 1.2 s", "bad"),
    )


def test_a_command_that_worked_ends_well() -> None:
    progress = Progress(live=False)
    progress.update(started(LS))

    assert progress.update(completed(command())).lines == (Line("  exit 0", "good"),)


def test_of_two_commands_at_once_each_end_names_its_command() -> None:
    progress = Progress(live=False)
    progress.update(started(command(id="c1")))
    progress.update(started(command(id="c2")))

    assert texts(progress.update(completed(command("x", id="c1")))) == [
        "$ ls -l",
        "  x",
        "  exit 0",
    ]


def test_a_declined_command_says_that_it_did_not_run() -> None:
    progress = Progress(live=False)
    progress.update(started(LS))

    update = progress.update(completed(command(code=None, status="declined")))

    assert texts(update) == ["  not run: declined"]


def test_a_command_without_an_exit_code_shows_its_status() -> None:
    progress = Progress(live=False)
    progress.update(started(LS))

    assert texts(progress.update(completed(command(code=None, status="failed")))) == ["  failed"]


def test_a_command_that_outlives_the_turn_is_named() -> None:
    abandoned = ItemAbandoned(item=LS, thread_id="t", turn_id="u")

    assert texts(Progress(live=False).update(abandoned)) == ["still running: ls -l"]


def test_long_output_is_cut_in_the_middle_and_says_so() -> None:
    progress = Progress(live=False)
    progress.update(started(LS))

    shown = texts(progress.update(completed(command("\n".join(map(str, range(1000)))))))

    assert shown[0] == "  0"
    assert shown[-2] == "  999"
    assert "  … 964 lines left out" in shown


def test_a_changed_file_shows_its_diff() -> None:
    change = p.FileUpdateChange(
        path="/w/calc.py",
        kind=p.UpdatePatchChangeKind(),
        diff="@@ -1,2 +1,2 @@\n def add(a, b):\n-    return a - b\n+    return a + b\n",
    )
    item = p.FileChangeItem(id="f1", changes=[change], status="completed")

    assert Progress(live=False, cwd="/w").update(completed(item)).lines == (
        Line("edit calc.py +1 -1", "heading"),
        Line("  @@ -1,2 +1,2 @@", "hunk"),
        Line("   def add(a, b):", "plain"),
        Line("  -    return a - b", "removed"),
        Line("  +    return a + b", "added"),
    )


def test_a_moved_file_says_where_to() -> None:
    kind = p.UpdatePatchChangeKind(move_path="/elsewhere/new.py")
    change = p.FileUpdateChange(path="/w/old.py", kind=kind, diff="")
    item = p.FileChangeItem(id="f1", changes=[change], status="completed")

    assert texts(Progress(live=False, cwd="/w").update(completed(item)))[0] == (
        "edit old.py -> /elsewhere/new.py +0 -0"
    )


def test_a_path_is_shown_whole_where_the_folder_is_not_known() -> None:
    change = p.FileUpdateChange(path="/w/a", kind=p.UpdatePatchChangeKind(), diff="")
    item = p.FileChangeItem(id="f1", changes=[change], status="completed")

    assert texts(Progress(live=False).update(completed(item)))[0] == "edit /w/a +0 -0"


def test_new_and_deleted_files_show_their_text() -> None:
    changes = [
        p.FileUpdateChange(path="new", kind=p.AddPatchChangeKind(), diff="one\ntwo\n"),
        p.FileUpdateChange(path="old", kind=p.DeletePatchChangeKind(), diff="three\n"),
    ]
    item = p.FileChangeItem(id="f1", changes=changes, status="completed")

    assert Progress(live=False).update(completed(item)).lines == (
        Line("add new +2", "heading"),
        Line("  +one", "added"),
        Line("  +two", "added"),
        Line("delete old -1", "heading"),
        Line("  -three", "removed"),
    )


def test_a_change_that_was_not_made_says_so() -> None:
    item = p.FileChangeItem(id="f1", changes=[], status="declined")

    assert texts(Progress(live=False).update(completed(item))) == ["  not applied: declined"]


def test_thoughts_tools_and_searches_are_notes() -> None:
    progress = Progress(live=False)
    items = [
        p.ReasoningItem(id="r1", summary=["I think"]),
        p.McpToolCallItem(id="t1", server="docs", tool="find", arguments={}, status="completed"),
        p.WebSearchItem(id="w1", query="weather"),
    ]

    lines = [line for item in items for line in progress.update(completed(item)).lines]

    assert lines == [
        Line("  I think", "note"),
        Line("tool docs.find: completed", "note"),
        Line("web search: weather", "note"),
    ]


def test_a_retry_is_told_and_a_final_error_is_left_to_the_end() -> None:
    error = p.TurnError(message="stream lost")

    def shown(*, will_retry: bool) -> list[str]:
        event = p.ErrorNotification(error=error, will_retry=will_retry, thread_id="t", turn_id="u")
        return texts(Progress(live=False).update(event))

    assert shown(will_retry=True) == ["retrying: stream lost"]
    assert shown(will_retry=False) == []


def test_the_reason_of_retries_is_told_once() -> None:
    progress = Progress(live=False)
    why = p.TurnError(message="Reconnecting...", additional_details="no such\nhost")
    event = p.ErrorNotification(error=why, will_retry=True, thread_id="t", turn_id="u")

    first, second = (texts(progress.update(event)) for _ in range(2))

    assert first == ["retrying: Reconnecting...: no such host"]
    assert second == ["retrying: Reconnecting..."]


def test_a_plan_is_a_checklist() -> None:
    steps = [
        p.TurnPlanStep(step="read", status="completed"),
        p.TurnPlanStep(step="write", status="inProgress"),
        p.TurnPlanStep(step="test", status="a status of tomorrow"),
    ]
    event = p.TurnPlanUpdatedNotification(plan=steps, thread_id="t", turn_id="u")

    assert texts(Progress(live=False).update(event)) == [
        "plan",
        "  [x] read",
        "  [>] write",
        "  [ ] test",
    ]


def test_warnings_and_another_model_are_told() -> None:
    progress = Progress(live=False)
    warning = p.WarningNotification(message="two\nlines")
    rerouted = p.ModelReroutedNotification(
        from_model="a", to_model="b", reason="x", thread_id="t", turn_id="u"
    )

    assert texts(progress.update(warning)) == ["warning: two lines"]
    assert texts(progress.update(rerouted)) == ["model a was replaced by b"]


def test_what_nobody_knows_is_passed_over() -> None:
    progress = Progress(live=False)
    unknown = p.UnknownNotification(method="thread/invented", params={"a": 1})

    assert progress.update(unknown) == Update()
    assert texts(progress.update(completed(p.Unknown(raw={"type": "dream", "id": "d"})))) == []


@pytest.mark.parametrize(
    ("item", "lines"),
    [
        (p.CommandExecutionItem(), ["  ?"]),
        (p.AgentMessageItem(), []),
        (p.FileChangeItem(), ["  not applied: ?"]),
        (p.FileChangeItem(changes=[p.FileUpdateChange()]), ["add  +0", "  not applied: ?"]),
        (p.ReasoningItem(), []),
        (p.McpToolCallItem(), ["tool ?.?: ?"]),
        (p.WebSearchItem(), ["web search: ?"]),
    ],
)
def test_items_without_their_fields_do_no_harm(item: p.ThreadItem, lines: list[str]) -> None:
    progress = Progress(live=True)

    shown = [*texts(progress.update(started(item))), *texts(progress.update(completed(item)))]

    assert shown == lines


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (p.ErrorNotification(will_retry=True), ["retrying: the model did not answer"]),
        (p.WarningNotification(), ["warning: ?"]),
        (p.TurnPlanUpdatedNotification(), ["plan"]),
        (p.AgentMessageDeltaNotification(), []),
    ],
)
def test_events_without_their_fields_do_no_harm(event: p.Event, lines: list[str]) -> None:
    update = Progress(live=True).update(event)

    assert (texts(update), update.speech) == (lines, "")


def test_a_removed_line_that_looks_like_a_header_is_a_removed_line() -> None:
    diff = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n--- old\n+++ new\n"

    assert [line.role for line in diff_lines(diff)] == [
        "heading",
        "heading",
        "heading",
        "hunk",
        "removed",
        "added",
    ]
    assert diff_counts(diff) == (1, 1)


def test_a_huge_diff_is_cut_and_says_so() -> None:
    lines = diff_lines("@@ -0,0 +1,500 @@\n" + "+x\n" * 500)

    assert lines[-1] == Line("  … 301 lines left out", "note")


def test_the_summary_tells_status_time_and_tokens() -> None:
    usage = TokenUsage(
        input_tokens=12345,
        cached_input_tokens=1000,
        output_tokens=67,
        reasoning_output_tokens=8,
        total_tokens=12412,
    )
    result = TurnResult("completed", "", (), (), usage, "", None, "T", "U", 1.26)

    assert summary(result) == Line(
        "completed in 1.3 s · 12,345 tokens in (1,000 cached), 67 out (8 reasoning) · thread T",
        "good",
    )


def test_the_summary_leaves_out_what_is_not_known() -> None:
    result = TurnResult("interrupted", "", (), (), None, "", None, "T", "U", None)

    assert summary(result) == Line("interrupted · thread T", "warning")


@pytest.mark.parametrize(
    ("by", "reason", "decision", "shown"),
    [
        ("thread approver ask_in_terminal", "", "allowed", "allowed by ask_in_terminal"),
        ("turn approver x", "no\x1b[2J\nway", "denied", "denied by x (no way)"),
        ("nobody", "", "refused", "refused by nobody"),
        ("server", "the turn has ended", "withdrawn", "withdrawn by server (the turn has ended)"),
    ],
)
def test_each_decision_is_a_line(by: str, reason: str, decision: Decision, shown: str) -> None:
    event = RequestDecided(
        thread_id="t",
        turn_id="u",
        item_id="c1",
        request_id="r-1",
        request_method="item/commandExecution/requestApproval",
        decision=decision,
        by=by,
        reason=reason,
        seconds=1.0,
    )

    update = Progress(live=False).update(event)

    assert texts(update) == [f"  command {shown}"]
    assert update.lines[0].role == ("good" if decision == "allowed" else "warning")
