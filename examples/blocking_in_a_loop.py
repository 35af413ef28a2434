"""Blocking calls: in a script, and inside an event loop that runs already, as in a notebook."""

import anyio

import codex_runtime as cr

QUESTIONS = ["What does this project do?", "Which of its files is the largest?"]


def ask(question: str) -> str:
    try:
        return cr.run_sync(question, cwd=".", timeout=120).text
    except cr.TurnFailed as failure:
        return f"failed: {failure.error.message if failure.error else failure}"


async def a_cell_of_a_notebook() -> None:
    # It blocks this loop, as a blocking call does, and works all the same.
    print(ask("Is there a test for it?"))


for question in QUESTIONS:
    print(ask(question))
anyio.run(a_cell_of_a_notebook)
