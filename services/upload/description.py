"""The OpenAPI 3.1 description: Litestar's, of its routes, completed by what it cannot know.

Litestar derives paths, parameters and answers from the handlers. That an upload is a form which we read ourselves, that
every failure is a problem document, and what the options may be, is added here from the same types that decode them.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from contracts.direct import DirectUpload
from contracts.fetched import UrlUpload
from contracts.keys import Scope
from contracts.options import LINE, Options
from contracts.webhooks import NewWebhook

REFERENCE: Final = "#/components/schemas/{name}"

_PROBLEM: Final[dict[str, Any]] = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457. Further members are facts of the code, such as `limit` and `actual`.",
    "required": ["type", "title", "status", "detail", "instance", "code", "retryable", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "What the code means, for people and programs."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string", "description": "Stable; decide by this."},
        "retryable": {"type": "boolean"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
_LINE: Final[dict[str, Any]] = {
    "type": "string",
    "description": "The variants in their compact form, instead of `variants`: `hero=rs:cover:1600:900/f:avif`.",
}
_API_KEY: Final = "key"
_KEY_SCHEME: Final[dict[str, Any]] = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "dk_<prefix>_<secret>",
    "description": "An API key. The tenant whose jobs are sent and seen is the key's, and nothing else says whose.",
}
_PROBLEM_ANSWER: Final[dict[str, Any]] = {
    "description": "Any failure",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_UPLOAD_BODY: Final[dict[str, Any]] = {
    "required": True,
    "description": (
        "A form (RFC 7578), its `options` before `file` or left out; or the bare picture; or, where `fetches_urls` of "
        "the limits says so, JSON that names the picture's address."
    ),
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "options": {"$ref": "#/components/schemas/Options"},
                    "t": {"type": "string", "description": "Instead of options: variants in their compact form."},
                    "file": {"type": "string", "contentMediaType": "image/*", "description": "The picture."},
                },
            },
            "encoding": {"options": {"contentType": "application/json"}, "file": {"contentType": "image/*"}},
        },
        "image/*": {"schema": {"contentMediaType": "image/*"}},
        "application/json": {"schema": {"$ref": "#/components/schemas/UrlUpload"}},
    },
}
_RETRY_BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["revision"],
                "additionalProperties": False,
                "properties": {
                    "revision": {"type": "integer", "description": "Of the status that you decided by."},
                },
            }
        }
    },
}


_PRESET_BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["variants"],
                "additionalProperties": False,
                "properties": {"variants": {"$ref": "#/components/schemas/Options/properties/variants"}},
            }
        }
    },
}

_BODIES: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("/uploads", "post"): _UPLOAD_BODY,
    ("/uploads/presign", "post"): {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/DirectUpload"}}},
    },
    ("/jobs/{job_id}/retry", "post"): _RETRY_BODY,
    ("/presets/{name}", "put"): _PRESET_BODY,
    ("/webhooks", "post"): {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewWebhook"}}},
    },
}


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": {"type": "string"}}


def _in_query(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": {"type": "string"}}


_KEY: Final = _header(
    "Idempotency-Key", "The same key and the same request are the same job, however often they are sent."
)
_PARAMETERS: Final[dict[tuple[str, str], list[dict[str, Any]]]] = {
    ("/uploads", "post"): [
        _KEY,
        _header("Content-Digest", "`sha-256=:<base64>:` of the whole body (RFC 9530); other bytes are refused."),
        _header("Repr-Digest", "The same."),
        _in_query("preset", "Of a bare picture: as in the options. So are `priority`, `expires_in` and `digest`."),
        _in_query("t", "Of a bare picture: its variants in their compact form, `hero=rs:cover:1600:900/f:avif`."),
        _in_query("priority", "Of a bare picture."),
        _in_query("expires_in", "Of a bare picture."),
        _in_query("webhook", "Of a bare picture."),
        _in_query("digest", "Of a bare picture."),
        _in_query("filename", "Of a bare picture: its name."),
        _in_query("options", "Of a bare picture: all of the options as JSON, instead of one by one."),
    ],
    **{
        command: [_header("Idempotency-Key", "A command that is repeated under its key gets the same answer.")]
        for command in (
            ("/jobs/{job_id}/cancel", "post"),
            ("/jobs/{job_id}/retry", "post"),
            ("/jobs/{job_id}", "delete"),
        )
    },
    ("/uploads/presign", "post"): [_KEY],
    ("/status/{job_id}", "get"): [
        _header("If-None-Match", "ETag of the answer you have: 304 while it holds, and what `wait` waits to change."),
        _header("Prefer", "`wait=n`, as RFC 7240 has it: the same as the parameter."),
    ],
}
_FURTHER: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("/status/{job_id}", "get"): {"304": {"description": "What you have still holds"}},
    ("/presets/{name}", "put"): {"201": {"description": "There was none of this name"}},
    ("/jobs/{job_id}", "delete"): {"204": {"description": "Nothing of the job is left"}},
}


def described(schema: dict[str, Any], scopes: Mapping[tuple[str, str], Scope], asks_for_key: bool) -> dict[str, Any]:
    """The whole description, from Litestar's; `scopes` by path and method."""
    _, components = msgspec.json.schema_components(
        (Options, DirectUpload, UrlUpload, NewWebhook), ref_template=REFERENCE
    )
    for name in (Options.__name__, DirectUpload.__name__, UrlUpload.__name__):
        components[name]["properties"][LINE] = _LINE
    # one schema a type: msgspec's of the options replace what Litestar made of the types they share
    schemas = {**schema.get("components", {}).get("schemas", {}), **components, "Problem": _PROBLEM}
    paths = {
        path: {
            method: {
                **_operation(path, method, operation),
                "security": _security(scopes.get((path, method)), asks_for_key),
            }
            for method, operation in item.items()
        }
        for path, item in schema["paths"].items()
    }
    made = {**schema.get("components", {}), "schemas": schemas, "securitySchemes": {_API_KEY: _KEY_SCHEME}}
    return {**schema, "paths": paths, "components": made}


def _security(scope: Scope | None, asks_for_key: bool) -> list[dict[str, list[str]]]:
    """Whether an operation needs a key, and with which scope (OpenAPI 3.1 writes it as a role)."""
    if scope is None:
        return []
    key = {_API_KEY: [scope.value]}
    # an empty requirement beside it: a key may come, and need not
    return [key] if asks_for_key else [{}, key]


def _operation(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    # what Litestar documents as 400 is its own error, which never leaves this service
    answers = {status: answer for status, answer in operation["responses"].items() if status != "400"}
    further = _FURTHER.get((path, method), {})
    described = {**operation, "responses": {**answers, **further, "default": _PROBLEM_ANSWER}}
    parameters = _PARAMETERS.get((path, method), [])
    if parameters:
        described["parameters"] = [*operation.get("parameters", []), *parameters]
    body = _BODIES.get((path, method))
    if body is not None:
        described["requestBody"] = body
    return described
