"""What codex-runtime promises about input."""

from __future__ import annotations

from typing import Final

from spec.requirement import Requirement

__all__ = ["REQUIREMENTS"]

REQUIREMENTS: Final[dict[str, Requirement]] = {
    # -- items
    "input:attachment": Requirement(
        "runtime",
        "An attachment reaches the model as @path behind its text, and the user message says at which bytes.",
    ),
    "input:image": Requirement("fact:44", "An image in a data URL reaches the model as it is."),
    "input:local-image": Requirement(
        "fact:46", "The path of a local image is taken from the thread's working directory."
    ),
    "input:remote-image": Requirement(
        "fact:44", "The URL of an image elsewhere is refused here, as the server would refuse it."
    ),
    "input:audio": Requirement(
        "fact:194", "A sound whose name the server would not take is sent in a data URL."
    ),
    "input:skill": Requirement(
        "fact:47", "A skill puts its text before the model, and stays an item of the user message."
    ),
    "input:mention": Requirement("fact:47", "A mention stays an item of the user message."),
    "input:files-too-large": Requirement(
        "runtime", "A file that is too large is refused before anything is sent."
    ),
    "input:files-missing": Requirement(
        "fact:46", "A file that an input names and that is not there is refused, and nothing sent."
    ),
    "input:files-of-no-use": Requirement(
        "fact:193", "A file that the server would leave out is refused, and nothing sent."
    ),
    "input:remote-server": Requirement(
        "runtime", "For a server with another file system, images are read here and sent along."
    ),
    # -- messages from outside
    "input:external": Requirement(
        "fact:190", "A message from outside reaches the model marked as such, before the user's."
    ),
    "input:external-forged": Requirement(
        "fact:190", "A message from outside cannot forge the end of its mark."
    ),
    "input:external-again": Requirement(
        "fact:191", "A message from outside that says the same as the last one arrives as well."
    ),
    "input:external-alone": Requirement(
        "fact:191", "Messages from outside alone make a turn, without a user message."
    ),
    "input:external-long": Requirement(
        "fact:191", "A message from outside of 4,000 bytes arrives whole; a longer one is refused."
    ),
    "input:external-experimental": Requirement(
        "fact:190", "Without the experimental API a message from outside is refused by the server."
    ),
    # -- raw calls held to the schema
    "validated:known": Requirement(
        "runtime",
        "A raw call of a known method is checked before it is sent, and its result when it comes.",
    ),
    "validated:bad-input": Requirement(
        "runtime", "Blank ids, negative limits and wrong forms are refused before they are sent."
    ),
    "validated:servers-part": Requirement(
        "fact:13", "What only the server can tell, such as an unknown thread, is its refusal."
    ),
    "validated:strict": Requirement(
        "runtime", "In strict mode, what the schema does not have is refused before it is sent."
    ),
    "validated:unknown-method": Requirement(
        "fact:11", "An unknown method is the server's refusal, unless the mode is strict."
    ),
}
