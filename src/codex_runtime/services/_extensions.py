"""The part of the catalog that is about what codex is extended with: apps, plugins, skills."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

from codex_runtime._arguments import absolute_path, without_none
from codex_runtime._client import Client
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
from codex_runtime.services._listing import first_page, on_thread, one_page, pages
from codex_runtime.services._paths import Paths, absolute_cwds, absolute_paths
from codex_runtime.threads._checks import checked_flag, checked_text

__all__ = ["Extensions"]


class Extensions:
    """Apps, plugins and skills."""

    _client: Client

    async def apps(
        self,
        *,
        thread_id: str | None = None,
        force_refetch: bool = False,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AppsListResponse:
        """A page of apps that can be connected (`app/list`). Empty without a ChatGPT account.

        Args:
            thread_id: With the settings of this loaded thread.
            force_refetch: Ask for them anew, over the network.
            limit: Entries a page at the most.
            cursor: `next_cursor` of the page before.

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
        return await self._client.request(methods.APP_LIST, params)

    def iter_apps(
        self,
        *,
        thread_id: str | None = None,
        page_size: int | None = None,
    ) -> AsyncIterator[AppInfo]:
        """All apps that can be connected, page after page (`app/list`).

        For one task. Cancelling the wait for the next one loses nothing, and after an error
        iterating on asks for the same page again.

        Args:
            thread_id: As for `apps`.
            page_size: Entries to ask for at once.

        Raises:
            InvalidArgument: An argument cannot be used. At once.
            RemoteProtocolError: While iterating: the pages do not come to an end.
        """
        params = AppsListParams(**on_thread(thread_id), **first_page(page_size))
        return pages(self._client, methods.APP_LIST, params)

    async def installed_apps(
        self, *, thread_id: str | None = None, force_refresh: bool = False
    ) -> AppsInstalledResponse:
        """The apps that are connected, and which can be called (`app/installed`).

        Args:
            thread_id: With the settings of this loaded thread.
            force_refresh: Ask for their tools anew first, over the network.

        Raises:
            ThreadNotLoaded: No such thread is loaded.
            InvalidArgument: An argument cannot be used.
        """
        params = AppsInstalledParams(
            force_refresh=checked_flag(force_refresh, "force_refresh"), **on_thread(thread_id)
        )
        return await self._client.request(methods.APP_INSTALLED, params)

    async def plugins(
        self,
        cwds: Paths = (),
        *,
        force_refetch: bool = False,
    ) -> PluginListResponse:
        """The plugins of each marketplace (`plugin/list`).

        Args:
            cwds: Also of the marketplaces of the repositories that these folders belong to.
            force_refetch: Ask for the catalog anew, over the network.

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
        return await self._client.request(methods.PLUGIN_LIST, params)

    async def installed_plugins(self, cwds: Paths = ()) -> PluginInstalledResponse:
        """The plugins that are installed (`plugin/installed`).

        Args:
            cwds: Also of the marketplaces of the repositories that these folders belong to.

        Raises:
            WorkingDirectoryMissing: One of `cwds` is no folder.
            InvalidArgument: `cwds` is no list of paths.
        """
        params = PluginInstalledParams(cwds=absolute_cwds(cwds, remote=self._client.remote))
        return await self._client.request(methods.PLUGIN_INSTALLED, params)

    async def set_skill(
        self,
        *,
        enabled: bool,
        name: str | None = None,
        path: str | os.PathLike[str] | None = None,
    ) -> SkillsConfigWriteResponse:
        """Turn a skill on or off, for good and for every codex of this home (`skills/config/write`).

        Written to config.toml; a skill that is not there too (fact 221).

        Args:
            enabled: On or off.
            name: The skills of this name.
            path: Or the one whose SKILL.md this is.

        Raises:
            ConfigurationRefused: config.toml could not be written.
            InvalidArgument: An argument cannot be used, or not exactly one of `name` and `path` is
                given.
        """
        if (name is None) == (path is None):
            raise InvalidArgument("name", "or path has to be given", "say exactly one of them")
        fields = without_none(
            name=None if name is None else checked_text(name, "name"),
            path=None if path is None else absolute_path("path", path),
        )
        params = SkillsConfigWriteParams(enabled=checked_flag(enabled, "enabled"), **fields)
        return await self._client.request(methods.SKILLS_CONFIG_WRITE, params)

    async def set_extra_skill_roots(self, roots: Paths) -> None:
        """Have skills looked for in further folders too (`skills/extraRoots/set`).

        For all threads of this server, until it ends: a server that is started again knows nothing
        of it. A folder that is not there counts as empty (fact 221).

        Args:
            roots: Folders with skills, in place of those given before; none takes them away.

        Raises:
            InvalidArgument: `roots` is no list of paths.
        """
        params = SkillsExtraRootsSetParams(extra_roots=absolute_paths("roots", roots))
        await self._client.request(methods.SKILLS_EXTRA_ROOTS_SET, params)
