"""The pencil writes well-formed SVG, whatever is in the labels."""

from xml.etree import ElementTree

from anaphora.lab.svg import Drawing

NAMESPACE = "{http://www.w3.org/2000/svg}"


def test_wires_lie_over_panels_and_under_boxes() -> None:
    drawing = Drawing(200, 100, "a < b")
    drawing.box(50, 50, 20, 10, "x", fill="#FFFFFF")
    drawing.wire((0, 0), (50, 50))
    drawing.panel(0, 0, 100, 100, fill="#EEEEEE")
    root = ElementTree.fromstring(drawing.to_svg())
    kinds = [element.tag.removeprefix(NAMESPACE) for element in root]
    assert kinds == ["title", "defs", "rect", "rect", "polyline", "rect", "text"]
    assert root[0].text == "a < b"


def test_subscripts_are_lowered_and_what_follows_is_raised_again() -> None:
    drawing = Drawing(200, 100, "subscripts")
    drawing.label(50, 50, "h_{t-1} & W_x  b")
    (text,) = ElementTree.fromstring(drawing.to_svg()).iter(f"{NAMESPACE}text")
    spans = [(span.text, span.get("dy")) for span in text]
    assert spans == [("h", None), ("t-1", "4"), (" & W", "-4"), ("x", "4"), ("\u00a0\u00a0b", "-4")]
