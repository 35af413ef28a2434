"""What there is to choose from: models, features, profiles, modes, hooks."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping

from codex_runtime._plain import members
from codex_runtime.protocol import (
    CollaborationModeListParams,
    CollaborationModeListResponse,
    ExperimentalFeature,
    ExperimentalFeatureEnablementSetParams,
    ExperimentalFeatureEnablementSetResponse,
    ExperimentalFeatureListParams,
    ExperimentalFeatureListResponse,
    HooksListParams,
    HooksListResponse,
    Model,
    ModelListParams,
    ModelListResponse,
    ModelProviderCapabilitiesReadParams,
    ModelProviderCapabilitiesReadResponse,
    PermissionProfileListParams,
    PermissionProfileListResponse,
    PermissionProfileSummary,
    methods,
)
from codex_runtime.services._calls import NETWORK_TIMEOUT
from codex_runtime.services._extensions import Extensions
from codex_runtime.services._listing import first_page, on_thread, one_page, pages
from codex_runtime.services._paths import Paths, absolute_cwds, in_folder
from codex_runtime.services._widening import check_feature
from codex_runtime.threads._checks import checked_flag, checked_mapping, checked_text

__all__ = ["Catalog"]


class Catalog(Extensions):
    """What there is to choose from, and to extend codex with. From `Runtime.catalog`.

    Every call takes `timeout=` in seconds for its answer, by default the runtime's
    `request_timeout`; for models, apps and plugins, which codex may have to ask the network about,
    60 seconds at the least.

    Cancelling a call stops the wait for its answer; the server may act on it all the same. Each
    raises, besides what it names, `RequestTimeout`, `ConnectionLost` and `RuntimeClosed`.
    """

    async def models(
        self,
        *,
        include_hidden: bool = False,
        limit: int | None = None,
        cursor: str | None = None,
        timeout: float | None = None,
    ) -> ModelListResponse:
        """A page of models (`model/list`). Without an account, of those that codex ships (fact 130).

        Args:
            include_hidden: Also those that are not offered by default.
            limit: Entries a page at the most; by default all.
            cursor: `next_cursor` of the page before.
            timeout: Seconds.

        Raises:
            InvalidCursor: `cursor` is none that the server gave.
            InvalidArgument: An argument cannot be used.
        """
        params = ModelListParams(
            include_hidden=checked_flag(include_hidden, "include_hidden"), **one_page(limit, cursor)
        )
        return await self._ask(methods.MODEL_LIST, params, timeout, at_least=NETWORK_TIMEOUT)

    def iter_models(
        self,
        *,
        include_hidden: bool = False,
        page_size: int | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[Model]:
        """All models, page after page (`model/list`).

        For one task. Cancelling the wait for the next one loses nothing, and after an error
        iterating on asks for the same page again.

        Args:
            include_hidden: Also those that are not offered by default.
            page_size: Entries to ask for at once.
            timeout: Seconds a page.

        Raises:
            InvalidArgument: An argument cannot be used. At once.
            RemoteProtocolError: While iterating: the pages do not come to an end.
        """
        params = ModelListParams(
            include_hidden=checked_flag(include_hidden, "include_hidden"), **first_page(page_size)
        )
        return pages(
            self._client,
            methods.MODEL_LIST,
            params,
            timeout=self._seconds(timeout, at_least=NETWORK_TIMEOUT),
        )

    async def experimental_features(
        self,
        *,
        thread_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        timeout: float | None = None,
    ) -> ExperimentalFeatureListResponse:
        """A page of feature flags, with their stage and state (`experimentalFeature/list`).

        Args:
            thread_id: As this loaded thread has them, with the settings of its project.
            limit: Entries a page at the most; by default all.
            cursor: `next_cursor` of the page before.
            timeout: Seconds.

        Raises:
            ThreadNotLoaded: No such thread is loaded.
            InvalidCursor: `cursor` is none that the server gave.
            InvalidArgument: An argument cannot be used.
        """
        params = ExperimentalFeatureListParams(**on_thread(thread_id), **one_page(limit, cursor))
        return await self._ask(methods.EXPERIMENTAL_FEATURE_LIST, params, timeout)

    def iter_experimental_features(
        self,
        *,
        thread_id: str | None = None,
        page_size: int | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[ExperimentalFeature]:
        """All feature flags, page after page (`experimentalFeature/list`).

        For one task. Cancelling the wait for the next one loses nothing, and after an error
        iterating on asks for the same page again.

        Args:
            thread_id: As for `experimental_features`.
            page_size: Entries to ask for at once.
            timeout: Seconds a page.

        Raises:
            InvalidArgument: An argument cannot be used. At once.
            RemoteProtocolError: While iterating: the pages do not come to an end.
        """
        params = ExperimentalFeatureListParams(**on_thread(thread_id), **first_page(page_size))
        return pages(
            self._client, methods.EXPERIMENTAL_FEATURE_LIST, params, timeout=self._seconds(timeout)
        )

    async def set_experimental_features(
        self,
        enablement: Mapping[str, bool],
        *,
        privileged_escalation_approved: bool = False,
        timeout: float | None = None,
    ) -> ExperimentalFeatureEnablementSetResponse:
        """Turn features on or off (`experimentalFeature/enablement/set`).

        For all threads of this server, until it ends: a server that is started again knows nothing
        of it. For good, write `features` with `Configuration.write`.

        Args:
            enablement: On or off by name; features that are not named stay as they are.
            privileged_escalation_approved: The word for turning on what is not known to be harmless,
                `remote_control` for one.
            timeout: Seconds.

        Returns:
            `enablement`: what was done. The server leaves out, without a word, what it does not know
            and what cannot be changed while it runs (fact 220).

        Raises:
            SandboxNotAllowed: One needs `privileged_escalation_approved=True`.
            InvalidArgument: A name is blank, or a value neither True nor False.
        """
        given = members(checked_mapping(enablement, "enablement"))
        flags = {
            checked_text(name, "enablement"): checked_flag(value, f"enablement[{name!r}]")
            for name, value in given.items()
        }
        for name, enabled in flags.items():
            check_feature(name, enabled=enabled, approved=privileged_escalation_approved)
        params = ExperimentalFeatureEnablementSetParams(enablement=flags)
        return await self._ask(methods.EXPERIMENTAL_FEATURE_ENABLEMENT_SET, params, timeout)

    async def permission_profiles(
        self,
        cwd: str | os.PathLike[str] | None = None,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        timeout: float | None = None,
    ) -> PermissionProfileListResponse:
        """A page of permission profiles, and which are allowed (`permissionProfile/list`).

        Args:
            cwd: As seen from this folder, with the settings of the project that it belongs to.
            limit: Entries a page at the most; by default all.
            cursor: `next_cursor` of the page before.
            timeout: Seconds.

        Raises:
            WorkingDirectoryMissing: `cwd` is no folder.
            InvalidCursor: `cursor` is none that the server gave.
            InvalidArgument: An argument cannot be used.
        """
        params = PermissionProfileListParams(
            **in_folder(cwd, remote=self._client.remote), **one_page(limit, cursor)
        )
        return await self._ask(methods.PERMISSION_PROFILE_LIST, params, timeout)

    def iter_permission_profiles(
        self,
        cwd: str | os.PathLike[str] | None = None,
        *,
        page_size: int | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[PermissionProfileSummary]:
        """All permission profiles, page after page (`permissionProfile/list`).

        For one task. Cancelling the wait for the next one loses nothing, and after an error
        iterating on asks for the same page again.

        Args:
            cwd: As for `permission_profiles`.
            page_size: Entries to ask for at once.
            timeout: Seconds a page.

        Raises:
            InvalidArgument: An argument cannot be used. At once.
            RemoteProtocolError: While iterating: the pages do not come to an end.
        """
        params = PermissionProfileListParams(
            **in_folder(cwd, remote=self._client.remote), **first_page(page_size)
        )
        return pages(
            self._client, methods.PERMISSION_PROFILE_LIST, params, timeout=self._seconds(timeout)
        )

    async def collaboration_modes(
        self, *, timeout: float | None = None
    ) -> CollaborationModeListResponse:
        """The ways of working together, such as plan mode (`collaborationMode/list`).

        Args:
            timeout: Seconds.

        Raises:
            ExperimentalApiNeeded: The runtime was opened with `experimental_api=False`.
        """
        return await self._ask(
            methods.COLLABORATION_MODE_LIST, CollaborationModeListParams(), timeout
        )

    async def model_provider_capabilities(
        self, *, timeout: float | None = None
    ) -> ModelProviderCapabilitiesReadResponse:
        """What the model provider in use can do besides (`modelProvider/capabilities/read`).

        Args:
            timeout: Seconds.
        """
        return await self._ask(
            methods.MODEL_PROVIDER_CAPABILITIES_READ, ModelProviderCapabilitiesReadParams(), timeout
        )

    async def hooks(self, cwds: Paths = (), *, timeout: float | None = None) -> HooksListResponse:
        """The hooks that codex itself runs (`hooks/list`), not those of this package.

        Args:
            cwds: As seen from each of these folders; by default the server's own.
            timeout: Seconds.

        Returns:
            `data` has an entry for each folder, with its `hooks`, `warnings` and `errors`.

        Raises:
            WorkingDirectoryMissing: One is no folder.
            InvalidArgument: `cwds` is no list of paths.
        """
        params = HooksListParams(cwds=absolute_cwds(cwds, remote=self._client.remote))
        return await self._ask(methods.HOOKS_LIST, params, timeout)
