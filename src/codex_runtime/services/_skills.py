"""Skills that threads can use."""

from __future__ import annotations

from codex_runtime._client import Client
from codex_runtime.protocol import SkillsListParams, SkillsListResponse, methods
from codex_runtime.services._paths import Paths, absolute_cwds
from codex_runtime.threads._checks import checked_flag

__all__ = ["list_skills"]


async def list_skills(client: Client, cwds: Paths, *, force_reload: bool) -> SkillsListResponse:
    """List skills (`skills/list`); see `Runtime.skills_list`."""
    params = SkillsListParams(
        cwds=absolute_cwds(cwds, remote=client.remote),
        force_reload=checked_flag(force_reload, "force_reload"),
    )
    return await client.request(methods.SKILLS_LIST, params)
