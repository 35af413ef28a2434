"""What codex-runtime promises about commands, processes and files."""

from __future__ import annotations

from typing import Final

from spec.requirement import Requirement

__all__ = ["REQUIREMENTS"]

REQUIREMENTS: Final[dict[str, Requirement]] = {
    # -- commands to their end
    "exec:result": Requirement(
        "fact:126", "A command's result has its exit status, and what it wrote to each stream."
    ),
    "exec:bytes": Requirement(
        "runtime", "What a command writes that is no text comes as it was, byte by byte."
    ),
    "exec:signal": Requirement(
        "fact:202", "A command that a signal ended has 128 and its number for an exit status."
    ),
    "exec:timeout": Requirement(
        "fact:126",
        "A command whose time was up is killed and says timed_out; exit code 124 alone is none.",
    ),
    "exec:truncated": Requirement(
        "fact:203",
        "A result holds output_limit bytes of each stream, and is truncated only if there was more.",
    ),
    "exec:not-started": Requirement(
        "fact:126",
        "A program or working directory that is not there is CommandNotStarted without a sandbox; "
        "in one, a missing program ends with exit code 101.",
    ),
    "exec:environment": Requirement(
        "runtime", "A command's variables are the server's, and those it is given; None takes away."
    ),
    "exec:read-only": Requirement(
        "design:6",
        "A command may not write unless that is said, whatever the user's configuration allows.",
    ),
    "exec:sandboxes": Requirement(
        "design:6",
        "With the opt-in and a scope, a command may do what its sandbox or profile grants.",
    ),
    "exec:cwd": Requirement(
        "fact:225",
        "With workspace-write a command may write in its cwd, and always in that of the server.",
    ),
    "exec:tmpdir": Requirement(
        "fact:224",
        "A TMPDIR of its own that would let a command write outside of its scope is refused.",
    ),
    "exec:sec-004": Requirement(
        "design:6",
        "More than reading needs the opt-in and a scope, and is refused before anything is sent.",
    ),
    "exec:many": Requirement(
        "fact:115", "More commands may run at once than requests may be in flight."
    ),
    "exec:cancel": Requirement(
        "runtime", "Cancelling a run ends its command, with all processes of its group."
    ),
    # -- commands to talk to
    "exec:stdin": Requirement(
        "fact:126", "A megabyte of input comes back through cat, byte by byte."
    ),
    "exec:stdin-empty": Requirement(
        "fact:200", "A command without stdin reads an empty one, and closing it is an end of file."
    ),
    "exec:lines": Requirement("runtime", "Output can be read line by line while it is written."),
    "exec:terminal": Requirement(
        "fact:200",
        "A terminal has a size, which can be changed; its output is one stream.",
    ),
    "exec:terminate": Requirement(
        "fact:202", "Terminating kills all processes of the group, those that ignore signals too."
    ),
    "exec:leaving": Requirement(
        "fact:202", "Leaving the block of a command ends all processes of its group."
    ),
    "exec:background": Requirement(
        "fact:202", "What a command leaves running in its group ends 2 s after it."
    ),
    "exec:ended": Requirement("fact:200", "A command that has ended takes no input: CommandEnded."),
    "exec:stuck": Requirement(
        "fact:201",
        "A command that reads none of more than 128 messages of input can neither be told to end "
        "nor runs out of time; everybody who waits is told so.",
    ),
    "exec:connection": Requirement(
        "fact:111", "A command ends with its connection, and whoever waits for it gets an error."
    ),
    # -- processes
    "process:unsandboxed": Requirement(
        "fact:127", "A spawned process may write, since it has no sandbox; SEC-004 holds for it."
    ),
    # -- files
    "files:round-trip": Requirement(
        "fact:128", "What is written to a file is read from it, byte by byte."
    ),
    "files:operations": Requirement(
        "fact:206", "Folders are made and listed, files looked at, copied and removed."
    ),
    "files:refusals": Requirement(
        "fact:206", "A file operation that fails says which error of the system it was."
    ),
    "files:watch": Requirement(
        "fact:205", "A watch tells of changes in its folder, and of a file that does not exist yet."
    ),
    "files:watch-several": Requirement(
        "fact:205", "Each of several watches on one path tells of a change."
    ),
    "files:search": Requirement(
        "fact:207",
        "A search finds files and folders by some characters of their paths, 50 at most.",
    ),
    "files:search-session": Requirement("fact:208", "A search session answers each query."),
}
