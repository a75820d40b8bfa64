"""The docs page, made from the OpenAPI document: plain HTML, without a script. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from services.gateway.problems import Slug

_Node = Mapping[str, Any]
_CODE = re.compile(r"`([^`]+)`")


def page(document: _Node) -> str:
    """Return the page of a document."""
    by_tag: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append(_operation(path, method, operation))
    info = document["info"]
    contents = "".join(
        f'<li><a href="#{_anchor(tag)}">{escape(tag)}</a></li>'
        for tag in (*by_tag, "models", "problems")
    )
    sections = "".join(
        f'<section id="{_anchor(tag)}"><h2>{escape(tag)}</h2>{"".join(operations)}</section>'
        for tag, operations in by_tag.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}: the API</title>"
        '<link rel="stylesheet" href="/docs/style.css"></head><body>'
        f"<header><h1>{escape(info['title'])}</h1><p>{escape(info['summary'])} Version "
        f'{escape(info["version"])}. For programs: <a href="/openapi.json">openapi.json</a>.</p>'
        f"<nav><ul>{contents}</ul></nav></header><main>{sections}{_models(document)}"
        f"{_problems()}</main>"
        "</body></html>"
    )


def _operation(path: str, method: str, operation: _Node) -> str:
    rows = "".join(_parameter(each) for each in operation.get("parameters", ()))
    parameters = f"<table><caption>Parameters</caption>{rows}</table>" if rows else ""
    notes = _prose(operation.get("description", ""))
    old = ' <span class="old">earlier systems</span>' if operation.get("deprecated") else ""
    body = ""
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        body = f"<p>Body: {_type(schema)}</p>"
    return (
        f'<article id="{operation["operationId"]}"><h3><span class="method">{method.upper()}</span>'
        f" {_address(path, method, operation)}{old}</h3>"
        f"<p>{_prose(operation['summary'])} {notes}</p>{parameters}{body}"
        f"<p>Answers {_answers(operation)}.</p></article>"
    )


def _address(path: str, method: str, operation: _Node) -> str:
    """Return the path, as a link if following it makes a complete request."""
    required = any(each.get("required") for each in operation.get("parameters", ()))
    if method != "get" or required or "{" in path:
        return f"<code>{escape(path)}</code>"
    return f'<a href="{escape(path)}"><code>{escape(path)}</code></a>'


def _parameter(parameter: _Node) -> str:
    schema = parameter["schema"]
    place = "in the path" if parameter["in"] == "path" else ""
    need = "required" if parameter.get("required") else _default(schema)
    text = _prose(parameter.get("description", ""))
    examples = ", ".join(f"<code>{escape(str(each))}</code>" for each in schema.get("examples", ()))
    told = f"{text} For example {examples}." if examples else text
    cells = (_type(schema), f"{place} {need}".strip(), told)
    return (
        f"<tr><th scope=row><code>{escape(parameter['name'])}</code></th>"
        f"{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    )


def _default(schema: _Node) -> str:
    if "default" not in schema:
        return ""
    return f"default <code>{escape(json.dumps(schema['default']))}</code>"


def _answers(operation: _Node) -> str:
    told = []
    for status, response in operation["responses"].items():
        if status == "default":
            continue
        if status.startswith("2"):
            media, content = next(iter(response["content"].items()))
            shown = _type(content["schema"]) if "schema" in content else escape(media)
            told.append(f"<code>{status}</code> with {shown}")
        else:
            title = escape(response["description"].replace("`", ""))
            told.append(f'<code title="{title}">{status}</code>')
    return ", ".join(told)


def _models(document: _Node) -> str:
    models = "".join(
        f'<article id="{_anchor(name)}"><h3>{escape(name)}</h3>'
        f"<p>{_prose(schema.get('description', ''))}</p>{_fields(schema)}</article>"
        for name, schema in document["components"]["schemas"].items()
    )
    return f'<section id="models"><h2>models</h2>{models}</section>'


def _problems() -> str:
    kinds = "".join(
        f'<article id="{slug.anchor}"><h3>{slug}</h3><p>{_prose(slug.meaning)}</p></article>'
        for slug in Slug
    )
    return f'<section id="problems"><h2>problems</h2>{kinds}</section>'


def _fields(schema: _Node) -> str:
    if "enum" in schema:
        return (
            f"<p>One of {', '.join(f'<code>{escape(str(e))}</code>' for e in schema['enum'])}.</p>"
        )
    rows = "".join(
        f"<tr><th scope=row><code>{escape(name)}</code></th><td>{_type(field)}</td>"
        f"<td>{_prose(field.get('description', ''))}</td></tr>"
        for name, field in schema.get("properties", {}).items()
    )
    return f"<table><caption>Fields</caption>{rows}</table>" if rows else ""


def _type(schema: _Node) -> str:
    """Return a type in words, with links to models."""
    return " or ".join(_alternatives(schema))


def _alternatives(schema: _Node) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield f'<a href="#{_anchor(name)}">{escape(name)}</a>'
    elif "anyOf" in schema or "oneOf" in schema:
        for each in schema.get("anyOf") or schema["oneOf"]:
            yield from _alternatives(each)
    elif "enum" in schema:
        yield " | ".join(f"<code>{escape(str(each))}</code>" for each in schema["enum"])
    elif "const" in schema:
        yield f"<code>{escape(str(schema['const']))}</code>"
    elif schema.get("type") == "array":
        yield f"list of {_type(schema.get('items', {}))}"
    else:
        yield escape(" ".join(filter(None, (_simple(schema), _bounds(schema)))))


def _simple(schema: _Node) -> str:
    return str(schema.get("format") or schema.get("type") or "anything")


def _bounds(schema: _Node) -> str:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is None and high is None:
        return ""
    return f"{'' if low is None else f'{low:g}'}..{'' if high is None else f'{high:g}'}"


def _prose(text: str) -> str:
    """Return a sentence as HTML; what stands between backticks is code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _anchor(name: str) -> str:
    return escape(name.replace(" ", "-"))
