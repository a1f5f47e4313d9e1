"""An OpenAPI document beside the service that it describes: every answer is looked up in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import jsonschema
import yaml
from openapi_spec_validator import validate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from starlette.routing import BaseRoute

DOCUMENTS: Final = Path(__file__).resolve().parents[1] / "docs" / "openapi"


class Described:
    """One document, and which of its answers have been seen.

    Attributes:
        seen: method, path as the document has it, and status of every answer.
        asked: the paths that were really asked for.
    """

    def __init__(self, name: str) -> None:
        """Read and validate a document."""
        self.document: dict[str, Any] = yaml.safe_load((DOCUMENTS / name).read_text(encoding="utf-8"))
        validate(self.document)
        self.seen: set[tuple[str, str, str]] = set()
        self.asked: set[str] = set()

    def promised(self) -> set[tuple[str, str, str]]:
        """Return every answer that the document describes."""
        return {
            (method, path, status)
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
            for status in operation["responses"]
        }

    def check_routes(self, routes: Iterable[BaseRoute]) -> None:
        """Check that the application has no route that was not asked for."""
        for route in routes:
            pattern: re.Pattern[str] = route.path_regex  # type: ignore[attr-defined]
            assert any(pattern.match(path) for path in self.asked), route

    def ask(self, url: str, method: str, path: str, content: bytes | Iterator[bytes] | None = None) -> httpx.Response:
        """Ask the service, check that its answer is described, and return it."""
        answer = httpx.request(
            method, url + path, content=content, headers={"Accept-Encoding": "gzip"}, trust_env=False, timeout=30
        )
        template, operation = self._operation(method.lower(), path)
        status = str(answer.status_code)
        assert status in operation["responses"], (method, path, status, answer.content[:200])
        self.asked.add(path)
        self.seen.add((method.lower(), template, status))
        self._check(self._resolved(operation["responses"][status]), answer)
        return answer

    def _operation(self, method: str, path: str) -> tuple[str, dict[str, Any]]:
        """Return the described operation whose path this is; literal paths come before those with parameters."""
        found = []
        for template, item in self.document["paths"].items():
            if method in item:
                parameters = [self._resolved(one) for one in item[method].get("parameters", [])]
                pattern = re.escape(template)
                for one in parameters:
                    pattern = pattern.replace(f"\\{{{one['name']}\\}}", f"({one['schema']['pattern'].strip('^$')})")
                if re.fullmatch(pattern, path):
                    found.append((template.count("{"), template, item[method]))
        assert found, f"{method} {path} is not described"
        return min(found, key=lambda one: one[0])[1:]

    def _check(self, response: dict[str, Any], answer: httpx.Response) -> None:
        for name, reference in response.get("headers", {}).items():
            header = self._resolved(reference)
            if header.get("required") or name in answer.headers:
                self._validate(answer.headers.get(name), header["schema"])
        if "content" not in response:
            assert answer.content == b""
            return
        media = answer.headers["Content-Type"]
        assert media in response["content"], media
        schema = response["content"][media].get("schema")
        if schema is not None:
            self._validate(answer.json() if media == "application/json" else answer.content.decode(), schema)

    def _validate(self, value: object, schema: dict[str, Any]) -> None:
        rooted = {**schema, "components": self.document["components"]}
        jsonschema.Draft202012Validator(rooted).validate(value)

    def _resolved(self, value: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in value:
            return value
        found: Any = self.document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        resolved: dict[str, Any] = found
        return resolved
