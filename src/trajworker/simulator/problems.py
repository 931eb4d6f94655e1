"""Refusals, in the words of v1 (`{"detail": ..}`) and of v2 (RFC 7807 problem documents)."""

from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
HTML_TOO_LARGE = (
    b"<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n"
    b"<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


class Refusal(Exception):
    """An answer other than success. `detail` is what the body says; `body` replaces the whole document."""

    def __init__(self, status: int, detail: object, body: dict[str, Any] | None = None) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail
        self.body = body

    def response(self, path: str, *, v2: bool) -> Response:
        """The refusal as the generation of the path words it."""
        if self.body is not None:
            return json_response(self.body, self.status)
        if not v2:
            return json_response({"detail": self.detail}, self.status)
        problem = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail if isinstance(self.detail, str) else msgspec.json.encode(self.detail).decode(),
            "instance": path,
            "remedy": None,
        }
        return Response(msgspec.json.encode(problem), self.status, media_type=PROBLEM_JSON)


def json_response(document: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(document), status, headers=headers, media_type=JSON)


def unprocessable(location: tuple[str, ...], message: str, kind: str = "value_error") -> Refusal:
    """A 422 as FastAPI words it."""
    return Refusal(422, [{"loc": list(location), "msg": message, "type": kind}])
