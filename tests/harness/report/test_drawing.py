"""Pictures of anomalies: which there are, what they show, and that they are well-formed whatever the history says."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from checkers.api import check
from harness.history import History, Op
from harness.report.drawing import chosen, drawings, graph_of
from harness.result import Anomaly, Result

SVG = "{http://www.w3.org/2000/svg}"
SKEW = History(
    [
        Op("invoke", 0, "txn", [["append", "x", 1], ["r", "y", None]], time=1_000_000),
        Op("invoke", 1, "txn", [["append", "y", 2], ["r", "x", None]], time=2_000_000),
        Op("ok", 0, "txn", [["append", "x", 1], ["r", "y", []]], time=3_000_000),
        Op("ok", 1, "txn", [["append", "y", 2], ["r", "x", []]], time=4_000_000),
    ]
)


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_a_cycle_is_drawn_as_a_graph_and_on_a_timeline() -> None:
    found = dict(drawings(check(SKEW, "serializable"), SKEW))
    assert list(found) == ["1-write-skew-graph.svg", "1-write-skew-timeline.svg", "2-G2-item-graph.svg",
                           "2-G2-item-timeline.svg"]  # fmt: skip
    graph = texts(found["1-write-skew-graph.svg"])
    assert {"T0, process 0", "T1, process 1", 'append "x" 1', 'r "y" = []', 'rw "y": 2', 'rw "x": 1'} <= set(graph)
    lanes = texts(found["1-write-skew-timeline.svg"])
    assert {"process 0", "process 1"} <= set(lanes)


def test_each_arrow_leads_from_box_to_box() -> None:
    graph = dict(drawings(check(SKEW, "serializable"), SKEW))["1-write-skew-graph.svg"]
    root = ElementTree.fromstring(graph)
    boxes = [node for node in root.iter(f"{SVG}rect") if node.get("class") == "node"]
    arrows = [node for node in root.iter(f"{SVG}path") if str(node.get("class")).split()[0] == "arrow"]
    assert (len(boxes), len(arrows)) == (2, 2)
    middle = sorted(float(box.get("x", "")) + float(box.get("width", "")) / 2 for box in boxes)
    for arrow in arrows:
        start, stop = (float(part.split()[0]) for part in (arrow.get("d", "")[1:], arrow.get("d", "").split("Q")[1]))
        assert middle[0] < start < middle[1]
        assert middle[0] < stop < middle[1]


def test_a_valid_result_has_no_pictures() -> None:
    assert list(drawings(check(SKEW, "snapshot-isolation"), SKEW)) == []


def test_what_was_ruled_out_is_drawn_with_a_question_mark() -> None:
    calls = {call.invoke: call for call in SKEW.calls()}
    edge = {"from": 0, "to": 1, "type": "ww", "key": "x", "values": [1, 2]}
    graph = graph_of({"cases": [{"edges": [edge]}, {"edges": [{**edge, "from": 1, "to": 0}]}]}, calls)
    assert graph is not None
    assert graph.count("ww? &quot;x&quot;: 1 → 2</text>") == 2


def test_too_many_transactions_are_not_drawn() -> None:
    history = History([Op(type_, n, "txn", [["r", "x", 1]]) for n in range(20) for type_ in ("invoke", "ok")])
    calls = {call.invoke: call for call in history.calls()}
    edges = [{"from": 2 * n, "to": 2 * n + 2, "type": "ww"} for n in range(19)]
    assert graph_of({"edges": edges[:5]}, calls) is not None
    assert graph_of({"edges": edges}, calls) is None
    assert len(chosen(list(calls.values()))) == 12


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(value=json_values, type_=st.text(min_size=1, max_size=20), key=json_values, details=json_values)
def test_whatever_a_history_says_the_picture_is_xml(value: object, type_: str, key: object, details: object) -> None:
    history = History([Op("invoke", 0, "txn", value), Op("invoke", 1, type_, [value, key]), Op("ok", 0, "txn", value)])
    edges = [{"from": 0, "to": 1, "type": type_, "key": key, "values": [value]}, details]
    anomaly = Anomaly(type_, (0, 1, 2), "", {"edges": edges, "cases": details, "forced": [details]})
    for name, svg in drawings(Result(False, "serializable", anomalies=(anomaly,)), history):
        assert "/" not in name
        ElementTree.fromstring(svg)
