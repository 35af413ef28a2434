"""The real codex on a scripted model: without pytest, and without an account."""

import tempfile

import anyio

import codex_runtime as cr
from codex_runtime.testing import ScriptedModel, assistant_message, shell


async def main() -> None:
    script = [shell("ls"), assistant_message("One file.")]
    with ScriptedModel(*script) as model, tempfile.TemporaryDirectory() as home:
        async with cr.Runtime(codex_home=model.write_home(home)) as runtime:
            result = await cr.run("How many files are here?", runtime=runtime, cwd=".")
        model.assert_complete()
    print(result.text, "The model was asked", len(model.calls), "times.")


anyio.run(main)
