"""The element builder: nothing that is text ever becomes markup, and nothing invisible stays so."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.element import TEXT_LENGTH_MAX, Markup, clean, element, join, raw, relative


class Reader(HTMLParser):
    """What a browser would find: elements with their attributes, and text."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "]]> --> </style></script></svg>",
    "&lt;b&gt; &amp;quot; &#60;",
    "javascript:alert(1)",
]
anything = st.text(max_size=200) | st.sampled_from(HOSTILE)


@given(anything, anything)
def test_text_stays_text(text: str, attribute: str) -> None:
    read = Reader(element("p", text, title=attribute))
    assert read.elements == [("p", {"title": clean(attribute)})]
    assert read.text == clean(text)


@given(st.text(max_size=300))
def test_what_is_cleaned_shows_every_character_it_has(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in cleaned)
    assert not set(cleaned) & set("\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
    cleaned.encode()


def test_reordering_characters_are_spelled_out_and_long_texts_cut() -> None:
    assert clean("a\u202eb") == "a\\u{202e}b"
    assert clean("a\x00b\nc") == "a\\u{0}b c"
    assert len(clean("x" * 10_000_000)) < TEXT_LENGTH_MAX + 100


def test_only_markup_passes_as_it_is() -> None:
    assert element("p", element("b", "x"), None, ["<", [Markup("<i></i>")]]) == "<p><b>x</b>&lt;<i></i></p>"
    assert join("<", element("br")) == "&lt;<br>"


def test_numbers_are_short_and_flags_stand_alone() -> None:
    assert element("rect", x=1 / 3, y=2.0, hidden=True, width=None, class_="a") == (
        '<rect x="0.3" y="2" hidden class="a"></rect>'
    )


@pytest.mark.parametrize("name", ["onclick", "on_load", "href", "src"])
def test_no_script_and_no_link_comes_from_data(name: str) -> None:
    with pytest.raises(AssertionError):
        element("a", **{name: "javascript:alert(1)"})


def test_links_lead_only_below_the_page() -> None:
    assert relative("nodes", "a b", "<x>.log") == "./nodes/a%20b/%3Cx%3E.log"
    assert relative("javascript:alert(1)") == "./javascript%3Aalert%281%29"
    for parts in ((".."), ("nodes", ".."), ("a/b",), ("",)):
        with pytest.raises(ValueError, match="expected names"):
            relative(*parts)


def test_a_style_sheet_cannot_end_itself() -> None:
    with pytest.raises(AssertionError):
        raw("p {} </style>")
