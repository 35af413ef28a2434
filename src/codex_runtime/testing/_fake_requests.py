"""The requests that the fake app-server plays, with the refusals of codex 0.163 word for word."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from codex_runtime.testing._fake_items import input_text
from codex_runtime.testing._fake_state import FakeThread, FakeTurn, Settings
from codex_runtime.testing._fake_threads import THREAD_HANDLERS
from codex_runtime.testing._fake_wire import Refused
from codex_runtime.testing._json import Json, member, objects

if TYPE_CHECKING:
    from codex_runtime.testing._fake_process import FakeProcess

