"""Call any method of the app-server protocol, with types or without."""

import anyio

import codex_runtime as cr
from codex_runtime.protocol import ModelListParams, ThreadListParams, methods


async def main() -> None:
    async with cr.Runtime() as runtime:
        models = await runtime.request(methods.MODEL_LIST, ModelListParams(limit=3))
        print("models:", ", ".join(model.id for model in models.data))

        threads = await runtime.request(methods.THREAD_LIST, ThreadListParams(limit=10))
        for thread in threads.data:
            print("thread:", thread.id, thread.preview)

        account = await runtime.call_raw("account/read", {})
        print("signed in:", account["account"] is not None)

        try:
            await runtime.call_raw("thread/read", {"threadId": "nonsense"})
        except cr.RequestRefused as refusal:
            print("refused:", refusal.method, refusal.code)


anyio.run(main)
