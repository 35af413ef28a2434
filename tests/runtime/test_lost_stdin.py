"""A server that closes its input and lives on: nobody can be heard there any more."""

import sys

import anyio
import pytest

from codex_runtime import CodexRuntimeError, ConnectionLost, Runtime, StartupFailed

pytestmark = [pytest.mark.usefixtures("no_process_left")]

DEAF = """
import json, os, sys, time
request = json.loads(sys.stdin.readline())
answer = {"userAgent": "codex-runtime/0.163.0 (Linux)", "codexHome": "", "platformOs": "linux"}
print(json.dumps({"id": request["id"], "result": answer}), flush=True)
sys.stdin.readline()
os.close(0)
time.sleep(60)
"""


async def test_it_counts_as_lost_within_a_moment() -> None:
    async with Runtime(command=[sys.executable, "-c", DEAF]) as runtime:
        with anyio.fail_after(20), pytest.raises(ConnectionLost):
            for _ in range(10_000):
                # The first ones may still go into the pipe, and time out.
                await asks(runtime)


async def asks(runtime: Runtime) -> None:
    try:
        await runtime.call_raw("test/anything", timeout=0.05)
    except (ConnectionLost, StartupFailed):
        raise
    except CodexRuntimeError:
        return
