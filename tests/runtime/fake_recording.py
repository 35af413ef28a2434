"""Cases played on the real server, all on one: to start one for each would take most of the time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest
from runtime.fake_acts import Act
from runtime.fake_comparison import ANOTHER_CODEX, asked, generic, reported, told
from support_app_server import VERIFIED, Json, with_real

from codex_runtime.testing import ScriptedModel, Step

Cases: TypeAlias = Mapping[str, tuple[Act, tuple[Step, ...]]]


@dataclass
class Recording:
    """One case as the real server played it."""

    told: list[str]
    reported: list[list[str]]
    asked: list[Json]


async def record(binary: str, cases: Cases, folder: Path) -> dict[str, Recording]:
    """Play every case; skip the test where the codex is not the one that the fake plays."""
    found: dict[str, Recording] = {}
    with ScriptedModel() as model:
        async with with_real(binary, model, folder) as talk:
            if talk.version != VERIFIED:
                pytest.skip(ANOTHER_CODEX)
            for case, (act, steps) in cases.items():
                talk.answers.clear()
                model.enqueue(*steps)
                place, calls = len(talk.heard), len(model.calls)
                work = folder / re.sub(r"\W", "-", case)
                work.mkdir()
                await act(talk, work)
                found[case] = Recording(
                    generic(told(talk, after=place), work),
                    reported(model.calls[calls:]),
                    asked(model.calls[calls:]),
                )
                assert not model.remaining_steps, case
    return found
