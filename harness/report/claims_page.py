"""The page about claims: what a book says, the experiment that tests it, what came of it, and its picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.report.element import Markup, clean, element, raw
from harness.report.style import CSS, POLICY, SCRIPT

STYLES: Final = {
    "confirmed": ("valid", "✓"),
    "refuted": ("invalid", "✗"),
    "unconfirmed": ("unknown", "?"),
}


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One claim on the page. ``pictures`` are drawn already, each with a line about it; ``facts`` are (name, text)."""

    id: str
    sentence: str
    quotation: str
    source: str
    system: str
    verdict: str
    why: str
    control: str | None
    facts: Sequence[tuple[str, str]]
    command: str | None
    pictures: Sequence[tuple[str, Markup]]


def claims_page(exhibits: Sequence[Exhibit], title: str, about: str) -> str:
    """The whole document; ``about`` says when and with what it was made."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", clean(title, 120)),
        element("style", raw(CSS)),
    )
    body = element(
        "main",
        element("h1", "splitbrain ", element("span", f"· {title}", class_="soft")),
        _overview(exhibits),
        [_exhibit(exhibit) for exhibit in exhibits],
        element("footer", element("p", about)),
    )
    tip = element("div", id="tip", hidden=True)
    return "<!DOCTYPE html>\n" + element(
        "html", head, element("body", body, tip, element("script", raw(SCRIPT))), lang="en"
    )


def _overview(exhibits: Sequence[Exhibit]) -> Markup:
    counts = Counter(exhibit.verdict for exhibit in exhibits)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in STYLES if counts[verdict])
    rows = [
        element(
            "tr",
            element("td", exhibit.id, class_="value"),
            element("td", exhibit.sentence),
            element("td", exhibit.system),
            element("td", f"{STYLES[exhibit.verdict][1]} {exhibit.verdict}",
                    class_="yes" if exhibit.verdict == "confirmed" else "no"),
        )
        for exhibit in exhibits
    ]  # fmt: skip
    heads = element("tr", [element("th", name) for name in ("claim", "what the book says", "system", "")])
    return element(
        "section", element("h2", f"{len(exhibits)} claims: {told}"),
        element("table", element("thead", heads), element("tbody", rows)), id="overview",
    )  # fmt: skip


def _exhibit(exhibit: Exhibit) -> Markup:
    css, sign = STYLES[exhibit.verdict]
    command = None if exhibit.command is None else element("div", element("pre", exhibit.command), class_="command")
    return element(
        "section",
        element("h2", f"{exhibit.id}: {exhibit.sentence}"),
        element("p", f"“{exhibit.quotation}” ({exhibit.source})", class_="explanation soft"),
        element(
            "div",
            element("p", element("span", sign), exhibit.verdict, class_="word"),
            element("p", exhibit.why, class_="because"),
            None if exhibit.control is None else element("p", f"The control, {exhibit.control}", class_="note"),
            element("dl", [element("div", element("dt", name), element("dd", text)) for name, text in exhibit.facts],
                    class_="facts"),
            class_=f"verdict {css}",
        ),
        [element("article", element("p", words, class_="note"), element("div", picture, class_="scroll"))
         for words, picture in exhibit.pictures],
        command,
        id=exhibit.id.replace("/", "-"),
    )  # fmt: skip


__all__ = ["Exhibit", "claims_page"]
