"""What a person sees of a request before they decide: all of it, as it is, and nothing else."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from core.asking_support import (
    COMMAND,
    ELICITATION,
    FILES,
    LEGACY_COMMAND,
    LEGACY_PATCH,
    PERMISSIONS,
    TOOL,
    request_of,
)
from hypothesis import given
from hypothesis import strategies as st

from codex_runtime import protocol
from codex_runtime._asking._cards import card_of
from codex_runtime._asking._page import Card
from codex_runtime.protocol import types
from codex_runtime.requests import ServerRequest

ACTED_ON = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069]")


def rows_of(card: Card) -> list[tuple[str, str]]:
    return [(row.label, line.text) for row in card.rows for line in row.lines]


def command(line: str = "touch a", **params: Any) -> ServerRequest:
    return request_of(COMMAND, command=f"/bin/bash -lc {shlex.quote(line)}", cwd="/repo", **params)


def files(workspace: str, *changes: types.FileUpdateChange, **params: Any) -> Any:
    request = request_of(FILES, **params)
    request.workspace, request.changes = (workspace,), changes
    return request


def change(path: str, diff: str = "", **kind: Any) -> types.FileUpdateChange:
    found = {
        "add": types.AddPatchChangeKind,
        "delete": types.DeletePatchChangeKind,
        "update": types.UpdatePatchChangeKind,
    }[kind.pop("type", "update")]
    return protocol.FileUpdateChange(path=path, kind=found(**kind), diff=diff)


def test_a_command_is_shown_with_all_that_is_said_about_it() -> None:
    request = command(
        reason="because",
        availableDecisions=["accept", "cancel"],
        proposedExecpolicyAmendment=["touch"],
        additionalPermissions={"fileSystem": {"write": ["/data"]}, "network": {"enabled": True}},
    )

    card = card_of(request)

    assert card.title == "May this command run?"
    assert rows_of(card) == [
        ("command", "touch a"),
        ("in", "/repo"),
        ("reason", "because"),
        ("wants to", "write /data"),
        ("wants to", "use the network"),
        ("rule", "touch …"),
        (
            "",
            (
                "Codex proposes never to ask again for what begins like that, in any thread. "
                "No key here says yes to it."
            ),
        ),
    ]
    assert ("offered", "accept, cancel") in rows_of(card_of(request, full=True))
    assert ("argv", "['touch', 'a']") in rows_of(card_of(request, full=True))


def test_words_are_shown_where_they_are_not_what_the_line_looks_like() -> None:
    assert rows_of(card_of(command("touch 'a  b'")))[1] == ("argv", "['touch', 'a  b']")
    assert all(label != "argv" for label, _ in rows_of(card_of(command("touch a"))))


def test_what_a_shell_reads_is_not_shown_as_words() -> None:
    rows = rows_of(card_of(command("ls; rm -rf /")))

    assert rows[:2] == [
        ("command", "ls; rm -rf /"),
        ("", "Not one plain command: a shell reads it, operators and all."),
    ]


def test_a_yes_may_mean_that_there_is_no_sandbox() -> None:
    rows = rows_of(card_of(command()))

    assert ("", "A yes may run it outside of the sandbox, with your rights.") in rows


def test_a_host_is_the_question_where_that_is_what_is_asked() -> None:
    card = card_of(command(networkApprovalContext={"host": "exämple.org", "protocol": "https"}))

    assert card.title == "May codex reach this host?"
    assert ("host", "https exämple.org") in rows_of(card)
    assert ("", "Letters beyond ASCII: it may look like another host.") in rows_of(card)


def test_text_for_a_running_command_is_no_command() -> None:
    card = card_of(request_of(COMMAND, kind="writeStdin", command="yes\n", cwd="/repo"))

    assert card.title == "May codex type this into a command?"
    assert rows_of(card) == [("command", "yes"), ("in", "/repo")]


def test_another_machine_is_named() -> None:
    assert ("on", "cluster") in rows_of(card_of(command(environmentId="cluster")))


def test_all_there_is_names_the_thread_and_the_line_as_it_was_sent() -> None:
    rows = rows_of(card_of(command(), full=True))

    assert rows[-6:] == [
        ("as sent", "/bin/bash -lc 'touch a'"),
        ("asked by", COMMAND),
        ("request", "r-1"),
        ("thread", "T"),
        ("turn", "U"),
        ("item", "I"),
    ]


def test_what_has_no_shape_of_its_own_is_shown_as_an_escape() -> None:
    rows = rows_of(card_of(command("rm \u202e/ \x1b[2Kx\u200by\xa0z\r")))

    assert rows[0] == ("command", r"rm \u202e/ \x1b[2Kx\u200by\xa0z\r")


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_reaches_the_terminal_as_anything_but_text(first: str, second: str) -> None:
    requests = [
        request_of(COMMAND, command=first, cwd=second, reason=second),
        files("/repo", change(f"/repo/{first}", second), reason=first),
        request_of(LEGACY_COMMAND, command=[first, second], cwd=first, parsedCmd=[]),
        request_of(LEGACY_PATCH, fileChanges={first: {"type": "add", "content": second}}),
        request_of(PERMISSIONS, permissions={"fileSystem": {"read": [first]}}, reason=second),
        request_of(TOOL, tool=first, namespace=second, arguments={first: second}),
        request_of(ELICITATION, serverName=first, mode="url", message=second, url=first),
        request_of(ELICITATION, serverName=first, mode=second, message=second),
    ]

    for request in requests:
        for full in (False, True):
            for label, text in rows_of(card_of(request, full=full)):
                assert not ACTED_ON.search(label + text)


def test_a_long_command_keeps_its_beginning_and_its_end_and_says_what_is_missing() -> None:
    request = command("; ".join(f"step{number}\n" for number in range(500)) + "; rm -rf ~")

    card = card_of(request)
    rows = rows_of(card)

    assert card.cut
    assert rows[0][1] == "step0"
    assert ("command", "… 461 lines left out") in rows
    assert ("command", "; rm -rf ~") in rows
    assert not card_of(request, full=True).cut


def test_a_long_line_is_cut_in_the_middle() -> None:
    card = card_of(command("echo " + "x" * 5000 + " | sh"))

    text = rows_of(card)[0][1]
    assert card.cut
    assert len(text) < 700
    assert text.startswith("echo xxx")
    assert text.endswith("xxx | sh")
    assert "… 4410 characters left out …" in text


def test_what_is_too_long_for_anything_stays_bounded() -> None:
    card = card_of(command("x" * 50_000_000), full=True)

    assert card.cut
    assert sum(len(text) for _, text in rows_of(card)) < 10_000_000


def test_changes_are_shown_file_by_file(tmp_path: Path) -> None:
    repo = str(tmp_path)
    request = files(
        repo,
        change(f"{repo}/a.py", "@@ -1 +1 @@\n-old\n+new\n"),
        change(f"{repo}/b.py", "text\n", type="add"),
        change(f"{repo}/c.py", "gone\n", type="delete"),
        change(f"{repo}/d.py", "", move_path=f"{repo}/e.py"),
        reason="tidy up",
    )

    card = card_of(request)

    assert not card.cut
    assert rows_of(card) == [
        ("reason", "tidy up"),
        ("edit", "a.py +1 -1"),
        ("edit", "@@ -1 +1 @@"),
        ("edit", "-old"),
        ("edit", "+new"),
        ("add", "b.py"),
        ("add", "+text"),
        ("delete", "c.py"),
        ("delete", "-gone"),
        ("edit", "d.py +0 -0"),
        ("edit", "e.py (its new name)"),
    ]
    roles = [line.role for row in card.rows for line in row.lines]
    assert roles[2:7] == ["hunk", "removed", "added", "heading", "added"]


def test_a_file_outside_of_the_workspace_is_marked(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "link").symlink_to("/etc")
    repo = str(tmp_path / "repo")

    rows = rows_of(card_of(files(repo, change(f"{repo}/link/passwd"), change("/srv/x"))))

    assert rows == [
        ("edit", f"{repo}/link/passwd +0 -0 OUTSIDE of the workspace"),
        ("edit", "/srv/x +0 -0 OUTSIDE of the workspace"),
        ("", "Not all of it is inside of the workspace."),
    ]


def test_what_is_not_known_of_a_change_is_said() -> None:
    strange = protocol.FileUpdateChange(
        path="/x", kind=types.Unknown(raw={"type": "melt"}), diff="?"
    )

    assert rows_of(card_of(files("/repo"))) == [("", "What would be changed is not known.")]
    assert rows_of(card_of(files("/repo", strange)))[0][0] == "change"


def test_a_folder_that_a_yes_would_open_is_named(tmp_path: Path) -> None:
    rows = rows_of(card_of(files(str(tmp_path), change(f"{tmp_path}/a"), grantRoot="/srv")))

    assert rows[:2] == [
        ("opens", "/srv"),
        ("", "A yes lets codex write in that folder for the rest of the session."),
    ]


def test_the_name_of_a_file_cannot_pass_for_a_diff() -> None:
    rows = rows_of(card_of(files("/repo", change("/repo/a\n+all good"))))

    assert rows[0][1].startswith(r"/repo/a\n+all good +0 -0") or rows[0][1] == r"a\n+all good +0 -0"


def test_many_files_are_counted() -> None:
    request = request_of(
        LEGACY_PATCH, fileChanges={f"/f{n}": {"type": "add", "content": "x"} for n in range(100)}
    )

    card = card_of(request)

    assert card.cut
    assert len(card.rows) == 41
    assert rows_of(card)[-1] == ("", "… 60 more left out")


def test_the_patch_of_an_older_server_is_shown_too() -> None:
    request = request_of(
        LEGACY_PATCH,
        fileChanges={
            "/a": {"type": "update", "unified_diff": "@@ -1 +1 @@\n-x\n+y\n", "move_path": "/b"},
            "/c": {"type": "delete", "content": "z\n"},
            "/d": {"type": "melt"},
        },
    )

    assert rows_of(card_of(request)) == [
        ("edit", "/a"),
        ("edit", "/b (its new name)"),
        ("edit", "@@ -1 +1 @@"),
        ("edit", "-x"),
        ("edit", "+y"),
        ("delete", "/c"),
        ("delete", "-z"),
        ("change", "/d"),
    ]


@pytest.mark.parametrize(
    ("permissions", "texts"),
    [
        ({"network": {"enabled": True}}, ["use the network"]),
        ({"network": {"enabled": False}}, ["no network"]),
        (
            {
                "fileSystem": {
                    "read": ["/a"],
                    "write": ["/b"],
                    "entries": [
                        {"access": "read", "path": {"type": "path", "path": "/a"}},
                        {"access": "write", "path": {"type": "glob_pattern", "pattern": "/x/*"}},
                        {
                            "access": "write",
                            "path": {"type": "special", "value": {"kind": "tmpdir"}},
                        },
                        {"access": "deny", "path": {"type": "new", "of": "kind"}},
                    ],
                }
            },
            [
                "read /a",
                "write all that fits /x/*",
                'write the place {"kind": "tmpdir"}',
                'deny {"type": "new", "of": "kind"}',
                "write /b",
            ],
        ),
        ({}, ["{}"]),
    ],
)
def test_permissions_are_said_in_words(permissions: dict[str, Any], texts: list[str]) -> None:
    card = card_of(request_of(PERMISSIONS, permissions=permissions, cwd="/repo"))

    assert [text for label, text in rows_of(card) if label == "wants to"] == texts


def test_a_page_is_shown_with_its_host_and_what_is_odd_about_it() -> None:
    request = request_of(
        ELICITATION,
        serverName="files",
        mode="url",
        message="Sign in",
        url="http://example.org@xn--exmple-cua.org/login",
    )

    assert rows_of(card_of(request)) == [
        ("server", "files"),
        ("says", "Sign in"),
        ("address", "http://example.org@xn--exmple-cua.org/login"),
        ("host", "xn--exmple-cua.org"),
        ("", "Letters beyond ASCII: it may look like another host."),
        ("", "Not https: others can read and change what goes there."),
        ("", "What stands before the @ is no part of the host."),
        ("", "It is not opened for you. Open it yourself if you trust who asks."),
    ]


def test_what_is_no_address_is_said_to_be_none() -> None:
    request = request_of(ELICITATION, serverName="s", mode="url", message="m", url="http://[")

    assert ("", "That is not a valid address.") in rows_of(card_of(request))


TOOL_FORM: dict[str, Any] = {
    "serverName": "files",
    "mode": "form",
    "message": "Allow it?",
    "requestedSchema": {"type": "object", "properties": {}},
    "_meta": {"codex_approval_kind": "mcp_tool_call", "tool_params": {"path": "/harmless"}},
}


def test_a_tool_of_an_mcp_server_is_shown_with_what_it_is_called_with() -> None:
    request = request_of(ELICITATION, **TOOL_FORM)
    request.item = protocol.McpToolCallItem(
        id="I", server="files", tool="delete", arguments={"path": "/x\u202e"}, status="inProgress"
    )

    card = card_of(request)

    assert card.title == "May this tool of an MCP server be used?"
    assert rows_of(card) == [
        ("server", "files"),
        ("tool", "delete"),
        ("says", "Allow it?"),
        ("with", "{"),
        ("with", r'  "path": "/x\u202e"'),
        ("with", "}"),
    ]


def test_a_server_that_only_says_it_is_about_a_tool_is_not_believed() -> None:
    card = card_of(request_of(ELICITATION, **TOOL_FORM))

    assert card.title == "An MCP server asks you something."
    assert rows_of(card) == [
        ("server", "files"),
        ("says", "Allow it?"),
        ("", "It says that it is about the use of a tool. Codex knows of none."),
    ]


def test_a_tool_of_ours_is_shown_with_what_it_is_called_with() -> None:
    request = request_of(TOOL, tool="ticket", namespace="jira", arguments={"id": 7})

    assert rows_of(card_of(request)) == [
        ("tool", "jira/ticket"),
        ("with", "{"),
        ("with", '  "id": 7'),
        ("with", "}"),
    ]


def test_what_nobody_has_words_for_is_shown_as_data() -> None:
    request = request_of("item/of/the/future", what="?")

    assert ("data", '  "what": "?"') in rows_of(card_of(request))
