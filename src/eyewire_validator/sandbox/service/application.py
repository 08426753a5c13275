"""The Eyewire-compatible web application over a sandbox folder, for reading only.

It answers the read endpoints of ``/1.0`` from the folder's records, and ``/storage``
from its bucket. As with the real service, the API wants the token as ``access_token``
in the query, the bucket wants none, and an unknown id gives an empty reply, not a 404.
"""

import hmac
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from eyewire_validator.sandbox.service.records import ENOUGH_WEIGHT, Records

Endpoint = Callable[[Request], Awaitable[Response]]

SANDBOX_TOKEN = "sandbox"
MEDIA_TYPES = {".jpg": "image/jpeg", ".json": "application/json"}
# The reply of Google's storage for a file that is not there.
NO_SUCH_KEY = (
    "<?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchKey</Code>"
    "<Message>The specified key does not exist.</Message></Error>"
)


def create_application(folder: Path, token: str | None) -> Starlette:
    """Make the ASGI application for a sandbox folder.

    Args:
        folder: as `make_sandbox` writes it.
        token: what ``access_token`` must be; None to accept every request.

    Raises:
        SandboxError: the folder is not there.
        FileError: one of its records is missing or not JSON.
    """
    application = Starlette(
        routes=[*_api_routes(Records.read(folder)), _bucket_route(folder / "bucket")],
        middleware=[Middleware(Gate, token=token)],
    )
    application.router.redirect_slashes = False
    return application


class Gate:
    """Middleware that refuses writing (405) and, for the API, a wrong token (401)."""

    def __init__(self, application: ASGIApp, token: str | None) -> None:
        """Guard ``application``; None as ``token`` accepts every request."""
        self._application = application
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI request."""
        respond = self._application
        if scope["type"] == "http":
            respond = self._refusal(Request(scope)) or respond
        await respond(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        if request.method != "GET":
            return JSONResponse({"error": "read only"}, 405, {"Allow": "GET"})
        if self._token is None or not request.url.path.startswith("/1.0"):
            return None
        given = request.query_params.get("access_token", "")
        if hmac.compare_digest(given.encode(), self._token.encode()):
            return None
        return JSONResponse({"error": "access_token is missing or wrong"}, 401)


def _api_routes(records: Records) -> list[Route]:
    def task(request: Request) -> Any:
        storage_url = f"{request.base_url}storage/"
        return records.task(request.path_params["id"], storage_url)

    def task_list(request: Request) -> Any:
        return records.task_list(
            _number(request, "dataset"),
            _number(request, "cell"),
            _number(request, "min_weight", float("-inf")),
            _number(request, "max_weight", float("inf")),
        )

    def cell_list(request: Request) -> Any:
        return records.cell_list(_number(request, "dataset"))

    def low_weight(request: Request) -> Any:
        limit = int(_number(request, "weight", ENOUGH_WEIGHT))
        return records.low_weight_heatmap(request.path_params["id"], limit)

    endpoints = {
        "/task": _endpoint(task_list),
        "/task/{id:int}": _endpoint(task),
        "/task/{id:int}/aggregate": _by_id(records.aggregate),
        "/task/{id:int}/hierarchy": _by_id(records.hierarchy),
        "/task/{id:int}/ancestors": _by_id(records.ancestors),
        "/task/{id:int}/descendants": _by_id(records.descendants),
        "/task/{id:int}/volumes": _by_id(records.volumes),
        "/cell": _endpoint(cell_list),
        "/cell/": _endpoint(cell_list),
        "/cell/{id:int}": _by_id(records.cell),
        "/cell/{id:int}/tasks": _by_id(records.tasks_of_cell),
        "/cell/{id:int}/heatmap/scythe": _by_id(records.scythe_heatmap),
        "/cell/{id:int}/heatmap/low-weight": _endpoint(low_weight),
        "/cell/{id:int}/tasks/complete/player": _by_id(records.completions),
    }
    return [Route(f"/1.0{path}", endpoint) for path, endpoint in endpoints.items()]


def _endpoint(answer: Callable[[Request], Any]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return JSONResponse(answer(request))

    return endpoint


def _by_id(answer: Callable[[int], Any]) -> Endpoint:
    return _endpoint(lambda request: answer(request.path_params["id"]))


def _number(request: Request, name: str, default: Any = None) -> Any:
    """Read a number from the query."""
    if name not in request.query_params:
        return default
    try:
        number = float(request.query_params[name])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise HTTPException(422, f"{name} is not a number")
    return number


def _bucket_route(bucket: Path) -> Route:
    root = bucket.resolve()

    async def endpoint(request: Request) -> Response:
        path = _inside(root, request.path_params["path"])
        if path is None:
            return Response(NO_SUCH_KEY, 404, media_type="application/xml")
        media_type = MEDIA_TYPES.get(path.suffix, "application/octet-stream")
        return Response(path.read_bytes(), media_type=media_type)

    return Route("/storage/{path:path}", endpoint)


def _inside(root: Path, name: str) -> Path | None:
    """Find a file below ``root``; None if it is not there or leads elsewhere."""
    try:
        path = (root / name).resolve()
    except ValueError:  # a null byte
        return None
    return path if path.is_relative_to(root) and path.is_file() else None
