"""The services that a runtime offers besides threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_runtime._runtime_base import RuntimeBase

if TYPE_CHECKING:
    from codex_runtime.services.account import Account
    from codex_runtime.services.catalog import Catalog
    from codex_runtime.services.commands import Commands
    from codex_runtime.services.configuration import Configuration
    from codex_runtime.services.files import Files
    from codex_runtime.services.mcp import Mcp
    from codex_runtime.services.projects import Projects
    from codex_runtime.services.sections import Sections

__all__ = ["ServiceAccess"]


class ServiceAccess(RuntimeBase):
    """The part of `Runtime` that leads to its services."""

    # Imports stay within the properties: this module is loaded before the server is started.

    @property
    def account(self) -> Account:
        """The account that codex works with: reading it, signing in and out, limits.

        Raises:
            RuntimeClosed: The runtime is not open.
        """
        from codex_runtime.services.account import Account  # noqa: PLC0415 — see the top

        return Account(self._client)

    @property
    def configuration(self) -> Configuration:
        """Settings of config.toml: reading and writing them.

        Raises:
            RuntimeClosed: The runtime is not open.
        """
        from codex_runtime.services.configuration import Configuration  # noqa: PLC0415 — see the top

        return Configuration(self._client)

    @property
    def files(self) -> Files:
        """Files of the machine that the server runs on.

        Raises:
            RuntimeClosed: The runtime is not open.
        """
        from codex_runtime.services.files import Files  # noqa: PLC0415 — see the top

        return Files(self._client)

    @property
    def commands(self) -> Commands:
        """Commands and processes that the server runs, outside of turns.

        Raises:
            RuntimeClosed: The runtime is not open.
        """
        from codex_runtime.services.commands import Commands  # noqa: PLC0415 — see the top

        return Commands(self._client)

    @property
    def mcp(self) -> Mcp:
        """MCP servers: their state, sign-in, resources and tools.

        Raises:
            RuntimeClosed: The runtime is not open.
        """
        from codex_runtime.services.mcp import Mcp  # noqa: PLC0415 — see the top

        return Mcp(self._client)

    @property
    def catalog(self) -> Catalog:
        """What there is to choose from: models, features, permission profiles.

        Raises:
            RuntimeClosed: The runtime is not open.
        """
        from codex_runtime.services.catalog import Catalog  # noqa: PLC0415 — see the top

        return Catalog(self._client)

    @property
    def projects(self) -> Projects:
        """Projects that threads belong to.

        Raises:
            RuntimeClosed: The runtime is not open.
        """
        from codex_runtime.services.projects import Projects  # noqa: PLC0415 — see the top

        return Projects(self._client)

    @property
    def sections(self) -> Sections:
        """Sections that threads are sorted into.

        Raises:
            RuntimeClosed: The runtime is not open.
        """
        from codex_runtime.services.sections import Sections  # noqa: PLC0415 — see the top

        return Sections(self._client)
