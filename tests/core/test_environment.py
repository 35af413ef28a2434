"""The server gets what it needs, and no keys to the user's other houses."""

import os
from typing import Any

import pytest

from codex_runtime._environment import child_environment
from codex_runtime.errors import InvalidArgument

ALLOWED = """
    PATH HOME USER LOGNAME SHELL TERM COLORTERM TZ LANG LANGUAGE LC_ALL LC_CTYPE
    TMPDIR TMP TEMP XDG_CONFIG_HOME XDG_RUNTIME_DIR XDG_DATA_DIRS
    http_proxy HTTPS_PROXY ftp_proxy All_Proxy NO_PROXY no_proxy
    SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
    CODEX_HOME CODEX_RUNTIME_BIN CODEX_API_KEY OPENAI_API_KEY OPENAI_BASE_URL
"""

KEPT_OUT = """
    SYSTEMROOT COMSPEC PATHEXT USERPROFILE APPDATA LOCALAPPDATA
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE
    AZURE_CLIENT_SECRET GOOGLE_APPLICATION_CREDENTIALS GCP_PROJECT CLOUDSDK_CONFIG
    GITHUB_TOKEN GH_TOKEN GITLAB_TOKEN NPM_TOKEN PYPI_TOKEN HF_TOKEN ANTHROPIC_API_KEY
    SSH_AUTH_SOCK KUBECONFIG DATABASE_URL DOCKER_HOST VAULT_TOKEN
    LD_PRELOAD LD_LIBRARY_PATH DYLD_INSERT_LIBRARIES PYTHONPATH NODE_OPTIONS BASH_ENV
    PATH_ XPATH MY_HOME path home LC_ XDG_SESSION_ID CODEX OPENAI CODEXHOME XCODEX_HOME
    http_proxy_password PWD OLDPWD VIRTUAL_ENV SHLVL _ DISPLAY
"""


@pytest.mark.parametrize("name", ALLOWED.split())
def test_a_variable_on_the_list_is_passed_on(name: str) -> None:
    assert child_environment(base={name: "value"}) == {name: "value"}


@pytest.mark.parametrize("name", KEPT_OUT.split())
def test_any_other_variable_stays_out(name: str) -> None:
    assert child_environment(base={name: "canary"}) == {}


def test_variables_can_be_named_besides_the_list() -> None:
    base = {"PATH": "/bin", "AWS_PROFILE": "dev", "AWS_SECRET_ACCESS_KEY": "canary"}

    assert child_environment(base=base, passthrough=["AWS_PROFILE", "NOT_SET"]) == {
        "PATH": "/bin",
        "AWS_PROFILE": "dev",
    }


def test_one_name_may_be_given_as_text() -> None:
    base = {"AWS_PROFILE": "dev", "A": "canary"}

    assert child_environment(base=base, passthrough="AWS_PROFILE") == {"AWS_PROFILE": "dev"}


def test_a_name_to_pass_on_is_a_name_not_a_pattern() -> None:
    assert child_environment(base={"AWS_PROFILE": "x"}, passthrough=["AWS_.*", "aws_profile"]) == {}


def test_everything_is_passed_on_only_where_that_is_said() -> None:
    base: dict[str, str] = dict.fromkeys((ALLOWED + KEPT_OUT).split(), "value")

    assert child_environment(base=base, inherit=True) == base


@pytest.mark.parametrize("inherit", [False, True])
def test_what_is_set_explicitly_wins(inherit: bool) -> None:  # noqa: FBT001 — a parameter of the test
    environment = child_environment(
        base={"PATH": "/bin", "LANG": "C"}, extra={"PATH": "/mine", "NEW": ""}, inherit=inherit
    )

    assert environment == {"PATH": "/mine", "LANG": "C", "NEW": ""}


def test_the_environment_of_this_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_CANARY", "bird")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")

    environment = child_environment()

    assert environment["LC_CANARY"] == "bird"
    assert "AWS_SECRET_ACCESS_KEY" not in environment
    environment["LC_CANARY"] = "changed"
    assert os.environ["LC_CANARY"] == "bird"


UNFIT = "cannot be passed to a process; give it a name without =, and take NUL characters out"
NO_TEXT = "is not text; use text for name and value"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("", "x", f"env[''] {UNFIT}"),
        ("A=B", "x", f"env['A=B'] {UNFIT}"),
        ("A\0", "x", f"env['A\\x00'] {UNFIT}"),
        ("TOKEN", "canary\0", f"env['TOKEN'] {UNFIT}"),
        ("TOKEN", b"canary", f"env['TOKEN'] {NO_TEXT}"),
        ("TOKEN", None, f"env['TOKEN'] {NO_TEXT}"),
        (5, "x", f"env[5] {NO_TEXT}"),
    ],
)
def test_what_no_process_can_get_is_refused_and_its_value_not_shown(
    name: Any, value: Any, text: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        child_environment(base={}, extra={name: value})

    assert str(caught.value) == text
    assert "canary" not in repr(caught.value)
