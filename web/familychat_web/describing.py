"""The description of every route in the terms of OpenAPI 3.1: ``/api`` gives it.

Litestar tells paths, parameters and types. What all routes have in common is added here, in one place, from what
handlers say for other reasons: their guards, their ``opt``, and what they return. So ``Response[str]`` is a page, and
``Response[Any]`` a page or the way to one. Nothing of it is made before somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, cast

from litestar import Request, Router
from litestar.app import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.response import Response
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import ControllerRouterHandler

from familychat import __version__
from familychat_web.errors import FOR_PROGRAMS, PROBLEM
from familychat_web.forms import form_in
from familychat_web.guards import FIELD, HEADER, OPEN_TO_ALL, SAFE, admins_only
from familychat_web.visits import SESSION

TAKES, GIVES, MAY_FAIL = "takes", "gives", "may_fail"
"""Keys of a handler's ``opt``: the media types of the body that it reads and of what it answers, where that isn't a
form or what its type says, and statuses of errors that only it has."""

UNCHANGED = {int(HTTPStatus.NOT_MODIFIED): ResponseSpec(None, description="It is as you have it.")}

_OPEN = next(iter(OPEN_TO_ALL))
_HTML, _FORM, _JSON = "text/html", "application/x-www-form-urlencoded", "application/json"
_ALWAYS = (400, 421, 500, 503)
_CHANGES = (403, 404, 408, 409, 413, 422, 429, 507)
_MEANINGS = {
    303: "The way to the next page; for a stranger to the sign-in.",
    400: "The request can't be read.",
    401: "Nobody is signed in. Browsers are led to the sign-in.",
    403: "This person may not do that, or it doesn't come from the household's own page.",
    404: "There is no such thing, or it is somebody else's.",
    408: "The body came too slowly.",
    409: "It clashes with what is there.",
    413: "Too large.",
    415: "Not of a type that is read here.",
    421: "The page isn't known under that name.",
    422: "What was sent can't be used as it is.",
    429: "Too often, or more than the person has for the day.",
    500: "Something is wrong inside.",
    501: "The model server can't do that.",
    502: "The model server answered with an error.",
    503: "Busy: try again in a moment.",
    504: "The model server doesn't answer.",
    507: "The disk is full.",
}
_PROBLEM_SCHEMA = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail", "hint", "request_id"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What happened."},
        "hint": {"type": "string", "description": "What to do."},
        "request_id": {"type": "string"},
    },
}
_TEXT: dict[str, Any] = {"schema": {"type": "string"}}
_NUMBER = {"type": "string", "pattern": "^[0-9]+$"}
_HEADERS = {
    "Location": {"required": True, "schema": {"type": "string"}},
    "X-Request-Id": {"required": True, "schema": {"type": "string"}, "description": "What the log knows it by."},
    "RateLimit-Limit": {"required": True, "schema": _NUMBER, "description": "How often in the window."},
    "RateLimit-Remaining": {"required": True, "schema": _NUMBER, "description": "How often still."},
    "RateLimit-Reset": {"required": True, "schema": _NUMBER, "description": "Seconds until it begins anew."},
    "Retry-After": {"schema": _NUMBER, "description": "Seconds to wait; not told for a day's quota."},
}
_RATE = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

Json = dict[str, Any]


class _OnlyTheDescription(Router):
    """Litestar would add a page of its own for whatever else is asked for below the path."""

    def register(self, value: ControllerRouterHandler) -> list[BaseRoute]:
        paths: set[str] = getattr(value, "paths", set())
        return [] if any("{" in path for path in paths) else super().register(value)


class _Completed(JsonRenderPlugin):
    """Gives the description, completed when it is asked for the first time."""

    def __init__(self) -> None:
        super().__init__()
        self._made: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:
        if self._made is None:
            self._made = self.render_json(request, completed(openapi_schema, request.app))
        return self._made


def description() -> OpenAPIConfig:
    """For the application: what ``/api`` and ``/api/openapi.json`` give."""
    given = {GIVES: ("application/vnd.oai.openapi+json",)}
    router = _OnlyTheDescription("/api", route_handlers=[], opt=OPEN_TO_ALL | given)
    return OpenAPIConfig(
        title="familychat",
        version=__version__,
        description="The page of a household. Programs sign in as browsers do; docs/how-to/scripts.md shows how.",
        openapi_router=router,
        render_plugins=[_Completed()],
        use_handler_docstrings=True,
    )


def completed(schema: Json, app: Litestar) -> Json:
    """Litestar's description of the application with what all its routes have in common."""
    schema = {**schema, "paths": {path: dict(item) for path, item in schema["paths"].items()}}
    for route in app.routes:
        for method, handler in _handlers(route):
            operations = schema["paths"][route.path_format]
            operations[method.lower()] = _operation(operations[method.lower()], handler, method, route.path_format)
    schema["components"] = {
        **schema.get("components", {}),
        "headers": _HEADERS,
        "responses": dict(_errors()),
        "parameters": {
            "csrf": {
                "name": HEADER,
                "in": "header",
                "schema": {"type": "string"},
                "description": f"The token that GET /api/token gives, unless the form has it as {FIELD}.",
            }
        },
        "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": SESSION}},
    }
    schema["components"]["schemas"] = {**schema["components"].get("schemas", {}), "Problem": _PROBLEM_SCHEMA}
    return schema


def _handlers(route: BaseRoute) -> Iterator[tuple[str, HTTPRouteHandler]]:
    if isinstance(route, HTTPRoute):
        for method, (handler, _) in route.route_handler_map.items():
            if handler.resolve_include_in_schema():
                yield method, handler


def _operation(operation: Json, handler: HTTPRouteHandler, method: str, path: str) -> Json:
    changes, is_open = method not in SAFE, bool(handler.opt.get(_OPEN))
    made = {**operation, "security": [{}] if is_open else [{"session": []}]}
    more = [_ref("parameters", "csrf")] if changes and not handler.opt.get(TAKES) else []
    if more:
        made["parameters"] = [*operation.get("parameters", []), *more]
    if changes and "requestBody" not in operation:
        made["requestBody"] = _body(handler)
    answers = dict(_successes(operation["responses"], handler, path, changes=changes))
    answers |= {str(status): answer for status, answer in _failures(handler, operation, path, changes=changes)}
    made["responses"] = dict(sorted(answers.items()))
    return made


def _body(handler: HTTPRouteHandler) -> Json:
    """The body of what changes something: what ``opt`` says, or else a form."""
    if taken := handler.opt.get(TAKES):
        return {"required": True, "content": {kind: {"schema": {}} for kind in cast(Iterable[str], taken)}}
    form = form_in(handler.opt)
    properties: Json = {name: {"type": "string"} for name in (*form.required, *form.optional, FIELD)}
    required = [*form.required]
    if form.does:
        properties["do"] = {"type": "string", "enum": [*form.does]}
        required = [*dict.fromkeys((*required, "do"))]
    schema = {"type": "object", "properties": properties, "additionalProperties": {"type": "string"}}
    if required:
        schema["required"] = required
    return {"required": bool(required), "content": {_FORM: {"schema": schema}}}


def _successes(
    told: Mapping[str, Json], handler: HTTPRouteHandler, path: str, *, changes: bool
) -> Iterator[tuple[str, Json]]:
    """What Litestar tells, but for pages, the ways to them, and media types of ``opt``."""
    usual, rate = str(handler.status_code), _RATE if changes else ()
    returns = handler.parsed_fn_signature.return_type
    is_response = returns.is_subclass_of(Response)
    is_any = is_response and returns.inner_types[:1] and returns.inner_types[0].annotation is Any
    for status, answer in told.items():
        if not (int(status) < HTTPStatus.BAD_REQUEST) or (status == usual and is_any and changes):
            continue
        content = answer.get("content")
        if status == usual and (given := handler.opt.get(GIVES)):
            content = {kind: {"schema": {}} for kind in cast(Iterable[str], given)}
        elif status == usual and is_response and not handler.media_type:
            content = {_HTML: _TEXT}
        yield status, _answer(answer.get("description", ""), content, rate)
    if is_any or not (handler.opt.get(_OPEN) or path.startswith(FOR_PROGRAMS)):
        yield "303", _answer(_MEANINGS[303], None, ("Location", *rate))


def _failures(handler: HTTPRouteHandler, operation: Json, path: str, *, changes: bool) -> Iterator[tuple[int, Json]]:
    statuses = {*_ALWAYS, *handler.opt.get(MAY_FAIL, ())}
    if changes:
        statuses |= {*_CHANGES}
    elif operation.get("parameters"):
        statuses |= {404, 422}
    if not handler.opt.get(_OPEN):
        statuses.add(401)
    if admins_only in handler.resolve_guards():
        statuses.add(403)
    kind = "Problem" if path.startswith(FOR_PROGRAMS) else "Failure"
    for status in statuses:
        yield status, _ref("responses", f"{kind}{status}")


def _errors() -> Iterator[tuple[str, Json]]:
    """All errors: as problem details alone, and as a page, too, for those who want one."""
    problem = {PROBLEM: {"schema": _ref("schemas", "Problem")}}
    for status, meaning in _MEANINGS.items():
        if status >= HTTPStatus.BAD_REQUEST:
            headers = ("Retry-After",) if status == HTTPStatus.TOO_MANY_REQUESTS else ()
            yield f"Problem{status}", _answer(meaning, problem, headers)
            yield f"Failure{status}", _answer(meaning, {**problem, _HTML: _TEXT}, headers)


def _answer(meaning: str, content: Json | None, headers: Iterable[str]) -> Json:
    made: Json = {
        "description": meaning,
        "headers": {name: _ref("headers", name) for name in ("X-Request-Id", *headers)},
    }
    if content:
        made["content"] = content
    return made


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}
