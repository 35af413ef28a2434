"""What the schema does not say, by hand. Each row has its reason; the tests keep rows alive."""

RESPONSES = {
    "account/gatewayOAuth/cancel": "GatewayOAuthCancelResponse",
    "account/gatewayOAuth/login": "GatewayOAuthLoginResponse",
    "account/gatewayOAuth/read": "GatewayOAuthReadResponse",
    "account/logout": "LogoutAccountResponse",
    "account/rateLimits/read": "GetAccountRateLimitsResponse",
    "account/securitySetup/read": "GetAccountSecuritySetupResponse",
    "account/usage/read": "GetAccountTokenUsageResponse",
    "account/workspaceMessages/read": "GetWorkspaceMessagesResponse",
    "accountSession/list": "AccountSessionsResponse",
    "config/batchWrite": "ConfigWriteResponse",
    "config/mcpServer/reload": "McpServerRefreshResponse",
    "config/value/write": "ConfigWriteResponse",
    "configRequirements/read": "ConfigRequirementsReadResponse",
    "externalAgentConfig/import/readHistories": "ExternalAgentConfigImportHistoriesReadResponse",
    "memory/reset": "MemoryResetResponse",
    "remoteControl/disable": "RemoteControlDisableResponse",
    "remoteControl/enable": "RemoteControlEnableResponse",
    "remoteControl/status/read": "RemoteControlStatusReadResponse",
    "rollout/compress": "RolloutCompressResponse",
    "windowsSandbox/readiness": "WindowsSandboxReadinessResponse",
}
"""Method to result type, where `XParams` to `XResponse` does not find it.

The schema has no mapping from methods to results at all. The rows hold for every release from
0.133 to 0.169; some are needed by one of them only.
"""

UNLISTED_NOTIFICATIONS = {
    "rawResponseItem/completed": "RawResponseItemCompletedNotification",
    "rawResponse/completed": "RawResponseCompletedNotification",
}
"""Notifications that the server sends (with `experimentalRawEvents`) but does not list.

Their types are in the bundle, their names in the binary; no union joins the two.
"""

DEPRECATED_METHODS = frozenset({"applyPatchApproval", "execCommandApproval"})
"""Deprecated methods whose description does not say the word.

The approvals of the first protocol, replaced by `item/*/requestApproval`.
"""

UNKNOWN_BY_TAG = {
    "handlerType": "UnknownHandlerType",
    "kind": "UnknownKind",
    "mode": "UnknownMode",
    "type": "Unknown",
}
"""Tag field of a union to the class in `protocol/_base.py` that stands for an unknown variant."""

VARIANT_SUFFIXES = {"ThreadItem": "Item", "UserInput": "Input"}
"""Unions whose variants get a shorter name than `<Tag><Union>`: they are what users write most."""

ENVELOPES = frozenset(
    {
        "ClientNotification",
        "ClientRequest",
        "JSONRPCError",
        "JSONRPCErrorError",
        "JSONRPCMessage",
        "JSONRPCNotification",
        "JSONRPCRequest",
        "JSONRPCResponse",
        "ServerNotification",
        "ServerRequest",
    }
)
"""Definitions of the framing, which `codex_runtime._connection` knows by itself."""

KEYWORDS = frozenset(
    {
        "$ref",
        "$schema",
        "additionalProperties",
        "allOf",
        "anyOf",
        "default",
        "description",
        "enum",
        "format",
        "items",
        "minLength",
        "minimum",
        "oneOf",
        "properties",
        "required",
        "title",
        "type",
    }
)
"""Every JSON Schema keyword that the generator has a rule for."""
