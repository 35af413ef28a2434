"""What codex-runtime promises about tools: functions of the caller that the model can call."""

from __future__ import annotations

from typing import Final

from spec.requirement import Requirement

__all__ = ["REQUIREMENTS"]

REQUIREMENTS: Final[dict[str, Requirement]] = {
    "tools:offered": Requirement(
        "fact:341",
        "The model is offered a tool by its name, its docstring and a schema that says all it has to know.",
    ),
    "tools:names": Requirement(
        "fact:340", "A name that codex would refuse, or would not offer, is refused at definition."
    ),
    "tools:long-schemas": Requirement(
        "fact:342", "Of a schema that is not too long, nothing is lost on the way to the model."
    ),
    "tools:called": Requirement(
        "fact:82", "The model's calls reach the functions, and their results the model."
    ),
    "tools:parallel": Requirement(
        "fact:316", "Of several calls in one response each is made once, with a result of its own."
    ),
    "tools:wrong-arguments": Requirement(
        "fact:82", "Wrong arguments, which codex does not check, are told to the model by name."
    ),
    "tools:failures": Requirement(
        "runtime",
        "A tool that raises has failed: the model gets the text of a ToolError, of anything else nothing.",
    ),
    "tools:images": Requirement("fact:343", "An image that a tool returns is one for the model."),
    "tools:time": Requirement(
        "runtime", "A tool that never returns fails when its time is up, and the turn goes on."
    ),
    "tools:unknown": Requirement(
        "fact:82",
        "A tool of a resumed thread that this process does not have is refused at once.",
    ),
    "tools:resumed": Requirement(
        "fact:82", "Tools that are given to a resumed or forked thread are those it knows already."
    ),
    "tools:shared": Requirement("runtime", "All handles of a thread share its tools."),
    "tools:scopes": Requirement(
        "runtime",
        "Tools of the runtime are those of all threads; one of a thread takes the place of another of its name.",
    ),
    "tools:one-shot": Requirement("runtime", "A one-shot run takes tools."),
    "tools:interrupt": Requirement(
        "fact:82", "An interrupt cancels a tool that runs, and tells a plain function of it."
    ),
    "tools:approval": Requirement(
        "design:6", "A call that needs an approval is made after a yes, and fails without one."
    ),
    "tools:context": Requirement(
        "runtime",
        "A tool that wants to know gets the ids of its call and the folder of the thread.",
    ),
    "tools:experimental": Requirement(
        "fact:9", "Without the experimental API tools are refused before anything is sent."
    ),
}
