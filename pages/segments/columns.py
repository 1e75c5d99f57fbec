"""The columns of the original table, ranked by how far they set the segments apart."""

import streamlit as st

from pages.figures.markup import bar, table
from pages.runs.profiles import Profiles


def show(profiles: Profiles) -> None:
    rows = []
    for j in profiles.ranked:
        variable, effect = profiles.variables[j], profiles.effects[j]
        measure = "Cramér's V" if variable.categories else "η²"
        rows.append(
            [variable.name, "yes" if variable.is_feature else "no", f"{effect:.2f} ({measure})", bar(effect, "#3f90da")]
        )
    st.html(table(["Column", "Used for clustering", "Effect", ""], rows, "Columns by effect", True))
