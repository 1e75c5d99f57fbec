"""The drawing of a tree of questions."""

from pages.figures.rule_tree import ROW, TreeNode, drawing_width, rule_tree

NODES = [
    TreeNode("Age", "≤ 40?", yes=2, no=1),
    TreeNode("<b>Income</b>", "before 100%?", yes=3, no=4),
    TreeNode("Young", "10 rows, 90%", "#3f90da", "●"),
    TreeNode("Old and a very long name of a segment", "5 rows, 80%", "#e76300", "■"),
    TreeNode("Other", "no rows", "#832db6", "◆"),
]


def boxes(figure):
    return [note for note in figure.layout.annotations if note.width]


def test_each_node_is_a_box_and_texts_are_escaped_and_short():
    texts = [box.text for box in boxes(rule_tree(NODES))]
    assert len(texts) == 5
    assert texts[0] == "<b>Age</b><br>≤ 40?"
    assert texts[1] == "<b>&lt;b&gt;Income&lt;/b&gt;</b><br>before 100%?"
    assert texts[3].startswith("<span style='color:#e76300'>■</span> <b>Old and a very long n…</b>")


def test_children_are_below_their_parent_and_yes_is_above_no():
    figure = rule_tree(NODES)
    x, y = ([getattr(box, name) for box in boxes(figure)] for name in "xy")
    assert [y[0] - height for height in y] == [0, 2 * ROW, ROW, 3 * ROW, 4 * ROW]
    assert x[0] < x[1] == x[2] < x[3] == x[4]
    answers = [(note.text, note.y) for note in figure.layout.annotations if note.text in ("yes", "no")]
    assert answers == [("yes", y[2]), ("no", y[1]), ("yes", y[3]), ("no", y[4])]


def test_boxes_lie_in_the_drawing_without_overlapping():
    figure = rule_tree(NODES)
    spots = [(box.x, box.y) for box in boxes(figure)]
    assert len(set(spots)) == 5
    for x, y in spots:
        assert 0 <= x <= drawing_width(NODES) - boxes(figure)[0].width
        assert 0 < y < figure.layout.height


def test_a_single_leaf_is_drawn():
    assert len(boxes(rule_tree([TreeNode("All", "9 rows, 100%")]))) == 1
