"""Pages: what one layout writes it reads; changes make a copy exact; the other layout makes nothing of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from systems_under_test.blocks.page import (
    LAYOUTS,
    ROW_BYTES_MAX,
    SLOTS_PER_PAGE,
    Layout,
    Pages,
    UnreadableRow,
    layout_of,
)

OLD, NEW = LAYOUTS["old"], LAYOUTS["new"]
rows = st.dictionaries(st.sampled_from(["tag", "holder", "uuid"]), st.integers() | st.text(max_size=12) | st.none())
writes = st.lists(
    st.tuples(st.sampled_from(["a/0", "a/1"]), st.integers(0, SLOTS_PER_PAGE - 1), rows.filter(bool) | st.none()),
    max_size=30,
)


def written(layout: Layout, what: list[tuple[str, int, Any]]) -> Pages:
    pages = Pages(layout)
    for page, slot, row in what:
        pages.write(page, slot, row)
    return pages


@pytest.mark.parametrize("layout", [OLD, NEW])
@settings(max_examples=60, deadline=None)
@given(what=writes)
def test_what_was_written_last_is_read_and_changes_make_a_copy_exact(layout: Layout, what: list[Any]) -> None:
    pages, copy = written(layout, what), Pages(layout)
    for change in pages.take_changes():
        copy.patch(change)
    last = {(page, slot): row for page, slot, row in what}
    for (page, slot), row in last.items():
        assert pages.read(page, slot) == copy.read(page, slot) == row
    for name, data in copy.image().items():
        assert pages.image()[name] == data, "to the last byte"
    assert pages.take_changes() == []


@settings(max_examples=60, deadline=None)
@given(what=writes)
def test_there_and_back_again_every_byte_is_the_same(what: list[Any]) -> None:
    pages = written(OLD, what)
    there = pages.converted(NEW)
    assert [there.read(page, slot) for page, slot, _ in what] == [pages.read(page, slot) for page, slot, _ in what]
    assert there.converted(OLD).image() == pages.image()


def test_a_change_is_no_longer_than_what_differs() -> None:
    pages = written(OLD, [("a/0", 1, {"tag": 1, "holder": 7})])
    pages.take_changes()
    pages.write("a/0", 1, {"tag": 1, "holder": 8})
    ((page, _, text),) = pages.take_changes()
    assert (page, len(text)) == ("a/0", 4), "one byte, in base64"
    pages.write("a/0", 1, {"tag": 1, "holder": 8})
    assert pages.take_changes() == []


@pytest.mark.parametrize(("writer", "reader", "unreadable"), [(OLD, NEW, False), (NEW, OLD, True)])
def test_bytes_of_another_version_are_another_row_or_none(writer: Layout, reader: Layout, unreadable: bool) -> None:
    slot = writer.encode({"tag": 1}).ljust(512, b"\0")
    assert writer.decode(slot) == {"tag": 1}
    if unreadable:
        with pytest.raises(UnreadableRow):
            reader.decode(slot)
    else:
        assert reader.decode(slot) is None, "its flags say that nothing is there"


def test_what_cannot_be_read_stays_as_it_is() -> None:
    stranger, pages = written(NEW, [("a/0", 3, {"tag": 1})]), written(OLD, [("a/0", 1, {"tag": 2})])
    for change in stranger.take_changes():
        pages.patch(change)
    converted = pages.converted(NEW)
    assert converted.read("a/0", 1) == {"tag": 2}
    assert converted.read("a/0", 3) == {"tag": 1}, "as it was written"


def test_an_image_is_all_there_is() -> None:
    pages, copy = written(OLD, [("a/0", 1, {"tag": 1})]), written(OLD, [("b/0", 1, {"tag": 9})])
    copy.load(pages.image())
    assert (copy.names(), copy.read("a/0", 1), copy.read("b/0", 1)) == (["a/0"], {"tag": 1}, None)


def test_a_row_must_fit() -> None:
    assert layout_of(1) is OLD
    with pytest.raises(AssertionError, match="at most"):
        OLD.encode({"tag": "x" * ROW_BYTES_MAX})
