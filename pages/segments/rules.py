"""Rules for the segments: a tree of thresholds, its leaves as sentences and code, and how much the tree increases the loss."""

import streamlit as st

from pages.datasets.formatting import escape_markdown, pluralize
from pages.figures import palette
from pages.figures.markup import cluster_mark
from pages.figures.rule_tree import TreeNode, drawing_width, rule_tree
from pages.runs.profiles import Profiles
from pages.runs.rules import Rules, rules_of
from pages.ui.charts import show_chart
from pages.ui.progress import Progress

MAX_LEAVES = 4
"""largest number of leaves for each segment"""
MAX_DRAWN = 40
"""largest number of leaves of a tree that is drawn"""


def show(profiles: Profiles) -> None:
    segments = profiles.segments
    k = max(segments.k, 1)
    leaves = st.number_input(
        "Largest number of leaves",
        k,
        MAX_LEAVES * k,
        k,
        key=f"segments_leaves {segments.k}",
        width=200,
        help="One leaf for each segment is the simplest tree. More leaves follow the segments more closely.",
    )
    try:
        progress = Progress()
        rules = progress.compute(
            ("rules", *segments.key, leaves), lambda on_progress: rules_of(segments, int(leaves)), "Building the tree."
        )
        progress.done()
    except ValueError as error:
        st.info(escape_markdown(str(error)), icon=":material/info:")
        return
    st.markdown(f"**{escape_markdown(rules.price_text)}**")
    st.caption(escape_markdown(_about(rules)))
    _show_tree(rules)
    st.subheader("Rules")
    st.html(_sentences(rules))
    with st.expander("Copy the rules as text, Python or SQL"):
        _show_code(rules)


def _about(rules: Rules) -> str:
    """What the tree is and what its price means."""
    segments = rules.segments
    found = len(rules.leaves)
    text = (
        f"{pluralize(found, 'leaf').replace('leafs', 'leaves')}, found by iterative mistake minimization (IMM)"
        + " and extended by ExKMC" * (found > segments.k)
        + ". Loss: sum of squared distances of the rows to the mean of their segment"
        + ", in the scaled columns" * (segments.data.scaling is not None)
        + "."
    )
    left_out = int((segments.labels < 0).sum())
    if left_out:
        text += f" {pluralize(left_out, 'row')} in no segment {'is' if left_out == 1 else 'are'} left out."
    empty = [name for name, size in zip(segments.names, segments.sizes, strict=True) if not size]
    if empty:
        text += f" Without rows, and so without a leaf: {', '.join(empty)}."
    return f"{text} {rules.note}".strip()


def _show_tree(rules: Rules) -> None:
    if len(rules.leaves) > MAX_DRAWN:
        st.caption(f"The tree has {len(rules.leaves)} leaves; up to {MAX_DRAWN} are drawn.")
        return
    names = ", ".join(rules.segments.names[rule.segment] for rule in rules.leaves)
    nodes = _nodes(rules)
    with st.container(key="rule_tree"), st.container(width=drawing_width(nodes)):
        show_chart(
            rule_tree(nodes),
            key="segments tree",
            alt=f"Tree of {pluralize(len(rules.leaves) - 1, 'question')} about columns. Leaves: {names}.",
        )


def _nodes(rules: Rules) -> list[TreeNode]:
    segments, leaf_of_node = rules.segments, {int(node): i for i, node in enumerate(rules.tree.leaves)}
    nodes = []
    for node in range(len(rules.tree.column)):
        if node in leaf_of_node:
            rule = rules.leaves[leaf_of_node[node]]
            rank = segments.ranks[rule.segment]
            name, color = segments.names[rule.segment], palette.color_of(rank)
            nodes.append(TreeNode(name, rule.purity, color, palette.mark_of(rank)))
        else:
            question = rules.question(node)
            nodes.append(TreeNode(question.name, f"{question.predicate}?", yes=question.yes, no=question.no))
    return nodes


def _sentences(rules: Rules) -> str:
    """A list of the rules, by segment."""
    segments, items = rules.segments, []
    for rule in rules.by_segment:
        rank, name = segments.ranks[rule.segment], segments.names[rule.segment]
        items.append(f"<li>{cluster_mark(rank, rule.sentence(name))}</li>")
    style = "list-style:none;margin:0;padding:0;display:grid;gap:.4rem;overflow-wrap:anywhere"
    return f"<ul style='{style}' aria-label='Rules by segment'>{''.join(items)}</ul>"


def _show_code(rules: Rules) -> None:
    st.code(rules.text, language=None, wrap_lines=True)
    st.code(rules.python, language="python", wrap_lines=True)
    st.code(rules.sql, language="sql", wrap_lines=True)
    data = rules.segments.data
    note = (
        "The code uses the columns and values of the table as shown on the Data page; a row in which a "
        "needed value is missing gets no segment."
    )
    if data.imputed is not None and data.imputed.any():
        note += " Imputed values are not in the table, so that rows with them can get another segment than here, or none."
    st.caption(note)
