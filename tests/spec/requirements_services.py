"""What codex-runtime promises about services."""

from __future__ import annotations

from typing import Final

from spec.requirement import Requirement

__all__ = ["REQUIREMENTS"]

REQUIREMENTS: Final[dict[str, Requirement]] = {
    # -- the account
    "account:none": Requirement(
        "fact:94", "Without an account reading gives None, and limits and usage say AccountNeeded."
    ),
    "account:api-key": Requirement(
        "fact:213", "Signing in with an API key works without a network, and so does signing out."
    ),
    "account:api-key-canary": Requirement(
        "design:6", "An API key is in auth.json and in no log, repr or statistic."
    ),
    "account:api-key-blank": Requirement(
        "fact:213", "A blank API key, which the server would store, is refused here."
    ),
    "account:chatgpt": Requirement(
        "readme#auth-endpoints", "A sign-in in the browser ends when the browser comes back."
    ),
    "account:in-force": Requirement(
        "fact:210", "A sign-in that was waited for is in force: the server has said so."
    ),
    "account:chatgpt-denied": Requirement(
        "readme#auth-endpoints", "A sign-in that was refused is LoginFailed in the server's words."
    ),
    "account:login-cancel": Requirement(
        "fact:211", "A sign-in can be cancelled once, and whoever waits for it is told."
    ),
    "account:login-left": Requirement(
        "runtime", "Leaving the block of a sign-in before its end cancels it."
    ),
    "account:one-login": Requirement(
        "fact:212", "Another sign-in, an API key and signing out end the sign-in that is open."
    ),
    "account:device-code": Requirement(
        "readme#auth-endpoints", "A sign-in by device code ends when somebody has typed it in."
    ),
    "account:no-network": Requirement(
        "runtime", "A device code that cannot be had is a refusal, and nothing stays open."
    ),
    # -- settings
    "config:read": Requirement(
        "fact:130", "Settings are read typed, by layer with its version, and all as plain data."
    ),
    "config:write": Requirement(
        "fact:130", "A written setting is in force for threads that start later."
    ),
    "config:conflict": Requirement(
        "fact:130", "A write that expects another version is refused as configVersionConflict."
    ),
    "config:validation": Requirement(
        "fact:214", "A wrong value is refused as configValidationError, and nothing is written."
    ),
    "config:other-file": Requirement(
        "fact:214", "Another file than the user's is refused as configLayerReadonly."
    ),
    "config:batch": Requirement("fact:214", "Of several settings all are written, or none."),
    "config:sec-004": Requirement(
        "design:6", "A setting that may widen what codex may do is not written without the word."
    ),
    "config:requirements": Requirement(
        "fact:130", "What the organisation requires can be read, and is None where it is nothing."
    ),
    # -- MCP servers
    "mcp:status": Requirement(
        "fact:223", "The list tells tools and resources, and why a server could not be started."
    ),
    "mcp:one-server": Requirement(
        "fact:215", "A list of one MCP server has no other, on every version."
    ),
    "mcp:resource": Requirement(
        "fact:222", "A resource is read with and without a thread, and its refusal is the server's."
    ),
    "mcp:tool": Requirement(
        "fact:223", "A tool is called with JSON arguments, and nobody is asked."
    ),
    "mcp:tool-failed": Requirement(
        "fact:222", "A tool that fails is a result; a tool that is not there is a refusal."
    ),
    "mcp:reload": Requirement("fact:216", "An MCP server that has died is back after a reload."),
    "mcp:login": Requirement(
        "fact:217", "A sign-in to an MCP server ends when the browser comes back, or is refused."
    ),
    "mcp:login-given-up": Requirement(
        "fact:217", "A sign-in to an MCP server that nobody finishes is given up in time."
    ),
    "mcp:login-refused": Requirement(
        "runtime", "A sign-in to a stdio server or to none at all is refused, and nobody listens."
    ),
    # -- the catalog
    "catalog:models": Requirement(
        "fact:130", "Models are listed without a network; all pages together are the list."
    ),
    "catalog:features": Requirement(
        "fact:220", "A feature that can be changed is, for this server; others are left out."
    ),
    "catalog:profiles": Requirement(
        "fact:130", "Permission profiles, modes and abilities are listed without a network."
    ),
    "catalog:extensions": Requirement(
        "fact:130", "Apps, plugins and hooks are listed without a network."
    ),
    "skills:list": Requirement("fact:129", "Skills are listed by folder, and anew when asked to."),
    "skills:on-and-off": Requirement("fact:221", "A skill can be turned off by name and by path."),
    "skills:extra-roots": Requirement(
        "fact:221", "Skills of further folders are found, until others are named."
    ),
    # -- projects and sections
    "project:life": Requirement(
        "fact:130", "A project is made, read, changed, moved, listed and deleted."
    ),
    "project:idempotent": Requirement(
        "fact:218", "Making a project again under its key gives the same one."
    ),
    "project:import": Requirement(
        "fact:130", "A project is made of threads that are there, or not at all."
    ),
    "section:life": Requirement(
        "fact:219", "A section is made, changed, listed and deleted; its looks stay unless named."
    ),
}
