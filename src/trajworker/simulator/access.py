"""Who may come in: API keys and workspaces."""

from starlette.datastructures import Headers

from trajworker.simulator.problems import Refusal
from trajworker.simulator.settings import SimulatorSettings

OPEN_PATHS = frozenset({"/info", "/info/health", "/ok"})
ANONYMOUS = ""


def key_of(headers: Headers) -> str:
    """The key a request carries, in either header; empty without one."""
    bearer = headers.get("authorization", "")
    return headers.get("x-api-key") or (bearer[7:] if bearer.lower().startswith("bearer ") else ANONYMOUS)


def check(settings: SimulatorSettings, path: str, headers: Headers) -> None:
    """Let the caller pass.

    Raises:
        Refusal: 401 for a missing or unknown key; 403 for an organisation's key without a workspace, or another
            workspace than this one.
    """
    known = (*settings.api_keys, *settings.org_scoped_keys)
    if path in OPEN_PATHS or path.startswith("/_attachments/") or not known:
        return
    key = key_of(headers)
    if key not in known:
        raise Refusal(401, "Invalid token")
    tenant_id = headers.get("x-tenant-id")
    if tenant_id is None and key in settings.org_scoped_keys:
        raise Refusal(403, "Forbidden", {"error": "org_scoped_key_requires_workspace"})
    if tenant_id is not None and tenant_id != settings.tenant_id:
        raise Refusal(403, "Forbidden")
