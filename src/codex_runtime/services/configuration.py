"""Settings of config.toml."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from codex_runtime._arguments import server_path, without_none
from codex_runtime._plain import members, plain_copy
from codex_runtime.errors import CodexRuntimeError, InvalidArgument, RemoteProtocolError
from codex_runtime.policy import is_harmless
from codex_runtime.protocol import (
    ConfigBatchWriteParams,
    ConfigEdit,
    ConfigReadParams,
    ConfigReadResponse,
    ConfigRequirementsReadResponse,
    ConfigValueWriteParams,
    ConfigWriteResponse,
    methods,
)
from codex_runtime.services._calls import Service
from codex_runtime.services._paths import in_folder
from codex_runtime.services._secrets import leave_words_out
from codex_runtime.services._widening import check_setting
from codex_runtime.threads._checks import checked_choice, checked_flag, checked_text

__all__ = ["Configuration", "Merge"]

Merge: TypeAlias = Literal["replace", "upsert"]
"""How a value is written: in place of the old one, or, for tables, into it key by key."""

_MERGES: Final = get_args(Merge)

_PLACE: Final = re.compile(r"\nin `(?P<path>[^`\n]*)`\s*\Z")
"""How the server ends what it says of a wrong value: with the setting, which may be one below that
which was written, or, where the value is a table, a key of its own."""


class Configuration(Service):
    """Reading and writing settings. From `Runtime.configuration`.

    What is written goes to the user's `config.toml` in the CODEX_HOME, for every codex of that home
    and for good; threads that are started from then on have it (fact 130). For one runtime or one
    thread alone there is `config=` of `Runtime` and `thread_start`.

    Settings may hold secrets: tokens of providers, environments of MCP servers. What is read here
    holds them as they are; do not log it. The server quotes values that are wrong, so errors of a
    write hold the reason and the setting, and not its words, unless the setting is a harmless one.

    **Rule SEC-004.** A setting that may widen a sandbox, spare an approval or have a command run
    (`sandbox_mode`, `approval_policy`, `permissions`, `projects`, `mcp_servers`, `hooks`, `notify`,
    `features` and all that is not known to be harmless) is written only with
    `privileged_escalation_approved=True`. Not needed are `model` and how it works, `instructions`,
    `history`, `notice` (but for warnings that it hides) and the like, and the strictest values: `sandbox_mode = "read-only"`,
    `approval_policy = "untrusted"`, `default_permissions = ":read-only"`. Threads of this package
    name their sandbox and approval policy themselves; other programs of the home may not.

    Every call takes `timeout=` in seconds for its answer, by default the runtime's
    `request_timeout`.

    Cancelling a call stops the wait for its answer; the server may act on it all the same. Each
    raises, besides what it names, `RequestTimeout`, `ConnectionLost` and `RuntimeClosed`.
    """

    async def read(
        self,
        cwd: str | os.PathLike[str] | None = None,
        *,
        include_layers: bool = False,
        timeout: float | None = None,
    ) -> ConfigReadResponse:
        """The settings in force (`config/read`).

        Args:
            cwd: As seen from this folder, with the settings of the project that it belongs to.
            include_layers: Besides, each file or source by itself, with its `version` for
                `expected_version`.
            timeout: Seconds.

        Returns:
            `config` has the settings that the protocol names; `read_values` gives all. `origins`
            says by dotted key where a value comes from.

        Raises:
            WorkingDirectoryMissing: `cwd` is no folder. The server would leave the project out.
            InvalidArgument: `cwd` is no path, or `include_layers` neither True nor False.
        """
        params = ConfigReadParams(
            include_layers=checked_flag(include_layers, "include_layers"),
            **in_folder(cwd, remote=self._client.remote),
        )
        return await self._ask(methods.CONFIG_READ, params, timeout)

    async def read_values(
        self, cwd: str | os.PathLike[str] | None = None, *, timeout: float | None = None
    ) -> dict[str, Any]:
        """All settings in force, as plain data under their names in config.toml (`config/read`).

        Args:
            cwd: As for `read`.
            timeout: Seconds.

        Raises:
            WorkingDirectoryMissing: `cwd` is no folder.
            InvalidArgument: `cwd` is no path.
            RemoteProtocolError: The server answered something else.
        """
        params = in_folder(cwd, remote=self._client.remote)
        answer: Any = await self._client.call_raw(
            methods.CONFIG_READ.method, params, timeout=self._seconds(timeout)
        )
        config: Any = answer.get("config") if isinstance(answer, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] — plain data
        if not isinstance(config, dict):
            raise RemoteProtocolError(methods.CONFIG_READ.method, "it holds no settings")
        return cast("dict[str, Any]", config)

    async def requirements(self, *, timeout: float | None = None) -> ConfigRequirementsReadResponse:
        """What the organisation requires of settings (`configRequirements/read`).

        Args:
            timeout: Seconds.

        Returns:
            `requirements` is None where it requires nothing.
        """
        return await self._ask(methods.CONFIG_REQUIREMENTS_READ, None, timeout)

    async def write(  # noqa: PLR0913 — public option list, keyword-only
        self,
        key_path: str,
        value: Any,
        *,
        merge: Merge = "replace",
        expected_version: str | None = None,
        file_path: str | os.PathLike[str] | None = None,
        privileged_escalation_approved: bool = False,
        timeout: float | None = None,
    ) -> ConfigWriteResponse:
        """Write one setting (`config/value/write`).

        The server checks the whole file before it writes. A key that it does not know is written
        without a word (fact 214).

        Args:
            key_path: Its dotted key, say `"model"` or `'projects."/srv/app".trust_level'`.
            value: What it is to be, as JSON; None removes it.
            merge: How: `"upsert"` leaves the other keys of a table as they are.
            expected_version: Write only if the file still is of this version: from the answer to
                the write before, or a layer of `read`.
            file_path: The file; the user's config.toml by default, and no other is taken (fact 214).
            privileged_escalation_approved: The word for what may widen; see above.
            timeout: Seconds.

        Returns:
            `version` of the file now; `status` is `"okOverridden"` where something stronger holds
            another value, and `overridden_metadata` says what.

        Raises:
            ConfigurationRefused: `reason` is `"configValidationError"` where a value is wrong,
                `"configVersionConflict"` where the file was changed meanwhile,
                `"configLayerReadonly"` where it may not be written. Nothing was written.
            SandboxNotAllowed: It needs `privileged_escalation_approved=True`.
            UnsendableValue: `value` has no form in JSON.
            InvalidArgument: Another argument cannot be used.
        """
        edit = _checked_edit("", ConfigEdit(key_path=key_path, value=value, merge_strategy=merge))
        check_setting(
            "key_path", edit.key_path, edit.value, approved=privileged_escalation_approved
        )
        params = ConfigValueWriteParams(
            key_path=edit.key_path,
            value=edit.value,
            merge_strategy=edit.merge_strategy,
            **self._target(expected_version, file_path),
        )
        with _secrets_out([edit]):
            return await self._ask(methods.CONFIG_VALUE_WRITE, params, timeout)

    async def write_many(
        self,
        edits: Mapping[str, Any] | Iterable[ConfigEdit],
        *,
        reload: bool = False,
        expected_version: str | None = None,
        file_path: str | os.PathLike[str] | None = None,
        privileged_escalation_approved: bool = False,
        timeout: float | None = None,
    ) -> ConfigWriteResponse:
        """Write several settings, all or none (`config/batchWrite`).

        Args:
            edits: Values by dotted key, each in place of the old one; or `ConfigEdit`s. In order.
            reload: Have loaded threads use them too, as far as they can.
            expected_version: As for `write`.
            file_path: As for `write`.
            privileged_escalation_approved: As for `write`; once for all.
            timeout: Seconds.

        Raises:
            ConfigurationRefused: As for `write`. Nothing was written.
            SandboxNotAllowed: One needs `privileged_escalation_approved=True`.
            UnsendableValue: A value has no form in JSON.
            InvalidArgument: Another argument cannot be used, or there are no edits.
        """
        listed = [
            _checked_edit(f"edits[{index}].", edit) for index, edit in enumerate(_listed(edits))
        ]
        for index, edit in enumerate(listed):
            check_setting(
                f"edits[{index}].key_path",
                edit.key_path,
                edit.value,
                approved=privileged_escalation_approved,
            )
        params = ConfigBatchWriteParams(
            edits=listed,
            reload_user_config=checked_flag(reload, "reload"),
            **self._target(expected_version, file_path),
        )
        with _secrets_out(listed):
            return await self._ask(methods.CONFIG_BATCH_WRITE, params, timeout)

    def _target(
        self, version: str | None, file_path: str | os.PathLike[str] | None
    ) -> dict[str, str]:
        remote = self._client.remote
        return without_none(
            expected_version=None if version is None else checked_text(version, "expected_version"),
            file_path=None
            if file_path is None
            else server_path("file_path", file_path, remote=remote),
        )


@contextmanager
def _secrets_out(edits: Sequence[ConfigEdit]) -> Generator[None]:
    """Keep what was to be written out of errors: the server quotes a value that is wrong."""
    try:
        yield
    except CodexRuntimeError as error:
        guarded = [edit.key_path for edit in edits if not is_harmless(edit.key_path)]
        if guarded:
            leave_words_out(error, f"what was to be written to {_at_fault(guarded, error)}")
        raise


def _at_fault(key_paths: Sequence[str], error: CodexRuntimeError) -> str:
    """Those of the settings that a refusal is about, as far as it says."""
    place = _PLACE.search(getattr(error, "message", ""))
    named = f"{place['path'] if place else ''}."
    meant = [each for each in key_paths if named.startswith(f"{each}.")] or key_paths
    return ", ".join(meant)


def _listed(edits: Mapping[str, Any] | Iterable[ConfigEdit]) -> list[ConfigEdit]:
    given: Any = edits
    if isinstance(given, Mapping):
        pairs = cast("Mapping[str, Any]", given)
        listed = [
            ConfigEdit(key_path=key, value=value, merge_strategy="replace")
            for key, value in members(pairs).items()
        ]
    elif isinstance(given, Iterable) and not isinstance(given, str | bytes):
        listed = list(cast("Iterable[ConfigEdit]", given))
    else:
        raise InvalidArgument("edits", f"is of type {type(given).__name__}", "use a mapping")
    if not listed:
        raise InvalidArgument("edits", "is empty", "name a setting")
    for index, edit in enumerate(listed):
        if not isinstance(edit, ConfigEdit):  # pyright: ignore[reportUnnecessaryIsInstance] — callers without a type checker
            raise InvalidArgument(
                f"edits[{index}]", f"is of type {type(edit).__name__}", "use a ConfigEdit"
            )
    return listed


def _checked_edit(place: str, edit: ConfigEdit) -> ConfigEdit:
    """A copy of an edit, plain all the way down: what is checked is what is sent."""
    return ConfigEdit(
        key_path=checked_text(edit.key_path, f"{place}key_path"),
        value=plain_copy(edit.value, f"{place}value"),
        merge_strategy=checked_choice(
            edit.merge_strategy, f"{place}merge_strategy" if place else "merge", _MERGES
        ),
    )
