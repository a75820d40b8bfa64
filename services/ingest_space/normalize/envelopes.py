"""The forms of errors that upstreams answer with, sometimes with status 200. Pure."""

from typing import Any, NoReturn

from services.ingest_space.normalize.records import Record


def page_object(document: Any) -> Record:  # noqa: ANN401 - any JSON
    """Return a document that is an object and no error.

    Raises:
        ValueError: It is an error or no object; the message says which, and what was expected.
    """
    refuse_error(document)
    if not isinstance(document, dict):
        raise ValueError(f"expected an object, got {type(document).__name__}")
    return document


def page_list(document: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    """Return a document that is a list and no error.

    Raises:
        ValueError: It is an error or no list; the message says which, and what was expected.
    """
    refuse_error(document)
    if not isinstance(document, list):
        raise ValueError(f"expected a list, got {type(document).__name__}")
    return document


def refuse_error(document: object) -> None:
    """Refuse a document that is an error; let any other pass.

    Raises:
        ValueError: The document is an error: NASA's gateway's `{"error": {"code", "message"}}`, its
            backends' `{"code", "msg", "service_version"}`, or Launch Library's `{"detail"}`.
    """
    if not isinstance(document, dict):
        return
    error = document.get("error")
    if isinstance(error, dict):
        _refuse(error.get("code"), error.get("message"))
    if error:
        _refuse(None, error)
    if "msg" in document and "code" in document:
        _refuse(document["code"], document["msg"])
    if set(document) == {"detail"}:
        _refuse(None, document["detail"])


def error_code(document: object) -> str:
    """Return the code of the gateway's error object; an empty text where there is none."""
    error = document.get("error") if isinstance(document, dict) else None
    return str(error.get("code", "")) if isinstance(error, dict) else ""


def _refuse(code: object, message: object) -> NoReturn:
    prefix = f"{code!s:.40}: " if code else ""
    raise ValueError(f"an error object: {prefix}{message!s:.200}")
