"""Pages for people: nothing that a poll's authors write becomes markup, and no page asks anything of anybody.

Source: SPEC.md#text.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.records.opening import Option
from secballot.roles.result_page import result_page
from tests.simulator import resolution
from tests.stages import AGAINST, FOR, Stream

if TYPE_CHECKING:
    from secballot.records.opening import Contest

MARKUP = (
    "<script>alert(1)</script>",
    "<img src=//evil.example onerror=alert(1)>",
    "\"><svg onload='alert(1)'>",
    "</td></table></body><iframe src=x>",
    "&lt;b&gt;",
    "=HYPERLINK(1)",
)
"""Texts that SPEC.md allows, since they are text."""


class Seen(HTMLParser):
    """What a browser would make of a page: tags with their attributes, and text."""

    def __init__(self, page: bytes) -> None:
        """Read a page."""
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.text.append(data)


def page_of(contest: Contest) -> bytes:
    """Return the result page of a poll with this contest, decrypted."""
    stream = Stream()
    note = stream.open(contest)
    stream.vote((FOR,), (AGAINST,), (FOR,))
    stream.close(note)
    for trustee in (1, 2):
        stream.decrypt(trustee)
    return result_page(stream.board.record.state, stream.poll())


@pytest.mark.attack("PA-06")
@pytest.mark.parametrize("text", MARKUP)
def test_no_text_of_a_poll_becomes_markup(text: str) -> None:
    """PA-06: title, question and labels are shown as they were written; the page has the tags of a plain one."""
    plain = resolution()
    options = (Option(text, 1), Option(f"{text} against", 1), Option("Abstain", 1))
    seen = Seen(page_of(msgspec.structs.replace(plain, title=text, text=text, options=options)))
    usual = Seen(page_of(plain))
    assert [tag for tag, _ in seen.tags] == [tag for tag, _ in usual.tags]
    assert [sorted(attributes) for _, attributes in seen.tags] == [sorted(attributes) for _, attributes in usual.tags]
    shown = "".join(seen.text)
    assert shown.count(text) >= 4


@pytest.mark.attack("PA-06")
def test_a_page_loads_nothing_and_runs_nothing() -> None:
    """PA-06: no script, form, frame, handler or address of another place, and a policy that says so."""
    seen = Seen(page_of(resolution()))
    tags = {tag for tag, _ in seen.tags}
    assert not tags & {"script", "form", "iframe", "object", "embed", "link", "img", "base", "audio", "video"}
    for _, attributes in seen.tags:
        assert not any(name.startswith("on") or name in {"src", "href", "action", "srcset"} for name in attributes)
    policies = [held.get("content") for _, held in seen.tags if held.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]
