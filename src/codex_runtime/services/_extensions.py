"""The part of the catalog that is about what codex is extended with: apps, plugins, skills."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

from msgspec.structs import replace

from codex_runtime._arguments import server_path, without_none
from codex_runtime.errors import InvalidArgument
from codex_runtime.protocol import (
    AppInfo,
    AppsInstalledParams,
    AppsInstalledResponse,
    AppsListParams,
    AppsListResponse,
    PluginInstalledParams,
    PluginInstalledResponse,
    PluginListParams,
    PluginListResponse,
    SkillsConfigWriteParams,
    SkillsConfigWriteResponse,
    SkillsExtraRootsSetParams,
    methods,
)
from codex_runtime.services._calls import NETWORK_TIMEOUT, Service
from codex_runtime.services._listing import first_page, on_thread, one_page, pages
from codex_runtime.services._paths import Paths, absolute_cwds, server_paths
from codex_runtime.threads._checks import checked_flag, checked_text

__all__ = ["Extensions"]


class Extensions(Service):
    """Apps, plugins and skills."""

    async def apps(
        self,
        *,
        thread_id: str | None = None,
        force_refetch: bool = False,
        limit: int | None = None,
        cursor: str | None = None,
        timeout: float | None = None,
    ) -> AppsListResponse:
        """A page of apps that can be connected (`app/list`). Empty without a ChatGPT account.

        Args:
            thread_id: With the settings of this loaded thread.
            force_refetch: Ask for them anew, over the network.
            limit: Entries a page at the most.
            cursor: `next_cursor` of the page before.
            timeout: Seconds.

        Raises:
            ThreadNotLoaded: No such thread is loaded.
            InvalidCursor: `cursor` is none that the server gave.
            InvalidArgument: An argument cannot be used.
        """
        params = AppsListParams(
            force_refetch=checked_flag(force_refetch, "force_refetch"),
            **on_thread(thread_id),
            **one_page(limit, cursor),
        )
        return await self._ask(methods.APP_LIST, params, timeout, at_least=NETWORK_TIMEOUT)

    def iter_apps(
        self,
        *,
        thread_id: str | None = None,
        force_refetch: bool = False,
        page_size: int | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[AppInfo]:
        """All apps that can be connected, page after page (`app/list`).

        For one task. Cancelling the wait for the next one loses nothing, and after an error
        iterating on asks for the same page again.

        Args:
            thread_id: As for `apps`.
            force_refetch: Ask for them anew, over the network: for the first page.
            page_size: Entries to ask for at once.
            timeout: Seconds a page.

        Raises:
            InvalidArgument: An argument cannot be used. At once.
            RemoteProtocolError: While iterating: the pages do not come to an end.
        """
        following = AppsListParams(**on_thread(thread_id), **first_page(page_size))
        anew = checked_flag(force_refetch, "force_refetch")
        return pages(
            self._client,
            methods.APP_LIST,
            replace(following, force_refetch=True) if anew else following,
            following=following,
            timeout=self._seconds(timeout, at_least=NETWORK_TIMEOUT),
        )

    async def installed_apps(
        self,
        *,
        thread_id: str | None = None,
        force_refresh: bool = False,
        timeout: float | None = None,
    ) -> AppsInstalledResponse:
        """The apps that are connected, and which can be called (`app/installed`).

        Args:
            thread_id: With the settings of this loaded thread.
            force_refresh: Ask for their tools anew first, over the network.
            timeout: Seconds.

        Raises:
            ThreadNotLoaded: No such thread is loaded.
            InvalidArgument: An argument cannot be used.
        """
        params = AppsInstalledParams(
            force_refresh=checked_flag(force_refresh, "force_refresh"), **on_thread(thread_id)
        )
        return await self._ask(methods.APP_INSTALLED, params, timeout, at_least=NETWORK_TIMEOUT)

    async def plugins(
        self, cwds: Paths = (), *, force_refetch: bool = False, timeout: float | None = None
    ) -> PluginListResponse:
        """The plugins of each marketplace (`plugin/list`).

        Args:
            cwds: Also of the marketplaces of the repositories that these folders belong to.
            force_refetch: Ask for the catalog anew, over the network.
            timeout: Seconds.

        Returns:
            `marketplaces`, and `marketplace_load_errors` for those that cannot be read.

        Raises:
            WorkingDirectoryMissing: One of `cwds` is no folder.
            InvalidArgument: An argument cannot be used.
        """
        params = PluginListParams(
            cwds=absolute_cwds(cwds, remote=self._client.remote),
            force_refetch=checked_flag(force_refetch, "force_refetch"),
        )
        return await self._ask(methods.PLUGIN_LIST, params, timeout, at_least=NETWORK_TIMEOUT)

    async def installed_plugins(
        self, cwds: Paths = (), *, timeout: float | None = None
    ) -> PluginInstalledResponse:
        """The plugins that are installed (`plugin/installed`).

        Args:
            cwds: Also of the marketplaces of the repositories that these folders belong to.
            timeout: Seconds.

        Raises:
            WorkingDirectoryMissing: One of `cwds` is no folder.
            InvalidArgument: `cwds` is no list of paths.
        """
        params = PluginInstalledParams(cwds=absolute_cwds(cwds, remote=self._client.remote))
        return await self._ask(methods.PLUGIN_INSTALLED, params, timeout)

    async def set_skill(
        self,
        *,
        enabled: bool,
        name: str | None = None,
        path: str | os.PathLike[str] | None = None,
        timeout: float | None = None,
    ) -> SkillsConfigWriteResponse:
        """Turn a skill on or off, for good and for every codex of this home (`skills/config/write`).

        Written to config.toml; a skill that is not there too (fact 221).

        Args:
            enabled: On or off.
            name: The skills of this name.
            path: Or the one whose SKILL.md this is.
            timeout: Seconds.

        Raises:
            ConfigurationRefused: config.toml could not be written.
            InvalidArgument: An argument cannot be used, or not exactly one of `name` and `path` is
                given.
        """
        if (name is None) == (path is None):
            raise InvalidArgument("name", "or path has to be given", "say exactly one of them")
        fields = without_none(
            name=None if name is None else checked_text(name, "name"),
            path=None if path is None else server_path("path", path, remote=self._client.remote),
        )
        params = SkillsConfigWriteParams(enabled=checked_flag(enabled, "enabled"), **fields)
        return await self._ask(methods.SKILLS_CONFIG_WRITE, params, timeout)

    async def set_extra_skill_roots(self, roots: Paths, *, timeout: float | None = None) -> None:
        """Have skills looked for in further folders too (`skills/extraRoots/set`).

        For all threads of this server, until it ends: a server that is started again knows nothing
        of it. A folder that is not there counts as empty (fact 221).

        Args:
            roots: Folders with skills, in place of those given before; none takes them away.
            timeout: Seconds.

        Raises:
            InvalidArgument: `roots` is no list of paths.
        """
        params = SkillsExtraRootsSetParams(
            extra_roots=server_paths("roots", roots, remote=self._client.remote)
        )
        await self._ask(methods.SKILLS_EXTRA_ROOTS_SET, params, timeout)
