"""A Python script that covers the whole path from the user's own file to named segments: read, clean, scale, encode, fit and
score.

The script needs pandas and `clustering`. Files that pandas reads differently than the app does are replaced with the exported
table of all rows.
"""

import re
from itertools import chain

import numpy as np
import pandas as pd

from pages.datasets.cleaning import SelectedColumns, select_columns
from pages.datasets.columns import is_number
from pages.datasets.data import Data, Origin
from pages.datasets.limits import MAX_COMPONENTS
from pages.datasets.readers import Format
from pages.export.files import escape_formula
from pages.export.scripts import assembled, data_script, script_of
from pages.export.segment_files import distinct_from
from pages.methods.base import NoScript, Script
from pages.runs.run import Run
from pages.runs.segments import Segments

UNUSUAL = ("left out", "dropped", "named", "as hours", "read as dates", "Only one column", "extension")
"""parts of notes about a file that pandas would read differently"""
DATE = re.compile(r"(?<!\d)(\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[/.-]\d{1,2}[/.-]\d{4})(?!\d)")
"""a date that `TO_DAYS` converts"""
OTHER_NUMBER = re.compile(r"(?![0-9])\d|[0-9][dD][+-][0-9]")
"""digits of other writing systems, and Fortran exponents"""
OTHER_DATE = re.compile(r"\d ?[ap]\.?m\b|\d[-. ]+(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", re.IGNORECASE)
"""a date or time of day that `TO_DAYS` does not convert"""
MAX_LISTED_ROWS = 5_000
"""largest number of rows that a script lists individually"""
EXPORTED = Format("text", encoding="utf-8", separator=",", header=1)
"""format of the exported table of all rows"""
MISSING = '''MISSING = {"", *"""na n/a n.a. nan -nan nat null none <na> (null) #na #n/a #nv missing - -- --- – — ? . .. ... *
#div/0! #name? #null! #num! #ref! #value!""".split()}
'''
TO_NUMBERS = '''

def to_numbers(cells):
    """A column as floats: currencies, units, % and thousands separators are removed; parentheses mean negative."""
    if pd.api.types.is_numeric_dtype(cells):
        values = cells.to_numpy(dtype=float, na_value=np.nan)
    else:
        sign, digits, end = (part for _, part in cells.map(str).str.strip().str.extract(NUMBER).items())
        negative = sign.str.contains(r"[(−-]", na=False) | end.str.contains(r"[−-]", na=False)
        values = np.where(negative, -1, 1) * digits{cleaned}.astype(float).to_numpy()
    {marks}return np.where(np.isfinite(values), values, np.nan)
'''
TO_DAYS = '''

def to_days(cells):
    """A column of dates as days since 1970; {order} first where the column allows both."""
    if not pd.api.types.is_datetime64_any_dtype(cells):
        text = cells.map(str).str.strip()
        parts = text.str.extract(r"^(\\d{{1,2}})[/.-](\\d{{1,2}})[/.-](\\d{{4}})(.*)$")
        above = (parts[[0, 1]].astype(float) > 12).sum()
        day, month = {places}
        year_first = parts[2] + "-" + parts[month].str.zfill(2) + "-" + parts[day].str.zfill(2) + parts[3]
        text = text.where(parts[2].isna(), year_first)
        cells = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
    return (cells.to_numpy("datetime64[us]") - np.datetime64(0, "us")) / np.timedelta64(1, "D")
'''
TO_CODES = '''

def to_codes(cells, categories):
    """A column as positions in the list of categories; -1 for missing values and unknown categories."""
    text = cells.map(lambda cell: str(cell).strip().removesuffix(".0"), na_action="ignore")
    {case}return pd.Categorical(text.mask(text.str.lower().isin(MISSING)), categories).codes.astype(int)
'''


def pipeline(segments: Segments, rows_file: str) -> str:
    """Return the script.

    Parameters
    ----------
    segments : the segments
    rows_file : name of the exported table of all rows with their segments, read if pandas cannot read the file itself

    Raises
    ------
    NoScript
        With the reason, if the data or the method cannot be repeated by a script.
    """
    run, data = segments.run, segments.data
    fit, score, names = script_of(run.view.script, run), _score(segments), _names(segments, rows_file)
    if data.origin is None:
        start = data_script(run)
        start = start._replace(body=f"# 1. Data\n{start.body}")
    else:
        start = _from_file(run, rows_file)
    first = 2 if data.origin is None else 5
    body = "".join(
        f"\n# {first + i}. {title}\n{part.body}"
        for i, (title, part) in enumerate((("Fit", fit), ("Score", score), ("Segments", names)))
    )
    imports, statements = fit.imports | score.imports | names.imports, fit.statements | names.statements
    needs = "the package clustering" if data.origin is None else "pandas and the package clustering"
    return f'"""{_safe(run.title)}. Needs {needs}."""\n\n' + assembled(start, Script(imports, body, statements))


def _safe(text: str) -> str:
    """The text on one line, without characters that would end a docstring or comment."""
    return " ".join("".join(c if c.isprintable() and c not in '\\"' else " " for c in text).split())


def _from_file(run: Run, rows_file: str) -> Script:
    """The lines that read the table, clean, scale and encode it, up to `points`."""
    data, origin = run.data, run.data.origin
    comment, name, format = "", "", EXPORTED
    if not _is_unusual(origin):
        name, format = origin.file.name, origin.file.format
    else:
        why = (
            "the original file is unknown"
            if origin.file is None
            else f"pandas would read {_safe(origin.file.name)} differently"
        )
        comment, name = f"# the table exported from the app (all rows), because {why}\n", rows_file
    helpers = _helpers(origin, format, run.agreement is not None, run.weights is not None)
    body = f"{helpers}# 1. Read\n{comment}{_reading(name, format)}"
    texts = [
        *origin.numbers,
        *origin.categories,
        *chain.from_iterable(origin.categories.values()),
        data.label_name,
        data.weight_name,
    ]
    escaped = {escape_formula(text): text for text in texts if escape_formula(text) != text}
    if format is EXPORTED and escaped:
        body += f"escaped = {escaped!r}\ntable = table.rename(columns=escaped).replace(escaped)\n"
    selected = select_columns(origin.table, origin.preparation)
    body += _columns(origin) + _gaps(origin, selected) + _scaling(data) + _rows(data, selected) + _points(origin)
    if run.weights is not None:
        body += f"weights = to_numbers(table[{_quoted(data.weight_name)}])[rows]\n"
    imports = frozenset({"impute"} if "impute(" in body else ())
    return Script(imports, body, frozenset({"import pandas as pd"}))


def _is_unusual(origin: Origin) -> bool:
    """Whether pandas would read the file differently than the app does."""
    if origin.file is None:
        return True
    file, format = origin.file, origin.file.format
    if any(part in note for note in file.notes for part in UNUSUAL):
        return True
    if format.kind == "json" or format.comment or (format.header or 0) > 1:
        return True
    if format.row_names and origin.table.columns[0] == "column 1":  # pandas would use it as the index
        return True
    start = "\n".join(file.start)
    if OTHER_NUMBER.search(start):
        return True
    if _dates(origin) and format.kind in ("text", "workbook") and (not DATE.search(start) or OTHER_DATE.search(start)):
        return True
    if format.compressed and (format.kind != "text" or not file.name.endswith(".gz")):
        return True
    return format.kind == "text" and (not format.separator or (format.separator == " " and format.quote != '"'))


def _dates(origin: Origin) -> list[str]:
    """The features that are dates."""
    return [name for name in origin.numbers if pd.api.types.is_datetime64_any_dtype(origin.table[name])]


def _reading(name: str, format: Format) -> str:
    """The lines that read all cells of the file."""
    header = "0" if format.header else "None"
    match format.kind:
        case "text":
            encodings = {"utf-8": "utf-8-sig", "latin-1": "cp1252", "": "utf-8-sig"}
            options = {"sep": {" ": r"\s+"}.get(format.separator, format.separator), "header": None if header == "None" else 0}
            options |= {"encoding": encodings.get(format.encoding, format.encoding)}
            options |= {"skiprows": format.skip} if format.skip else {}
            options |= {"quotechar": format.quote} if format.quote == "'" else {"quoting": 3} if not format.quote else {}
            options |= {"engine": "python"} if len(format.separator) > 1 else {}
            written = ", ".join(f"{key}={_quoted(value)}" for key, value in options.items())
            line = f"table = pd.read_csv({_quoted(name)}, {written}, dtype=str, keep_default_na=False)\n"
        case "workbook":
            engine = "openpyxl" if name.lower().endswith((".xlsx", ".xlsm")) else "calamine"
            skip = f", skiprows={format.skip}" if format.skip else ""
            options = f'header={header}{skip}, engine="{engine}"'
            line = f"table = pd.read_excel({_quoted(name)}, {_quoted(format.sheet)}, {options})\n"
        case "npy":
            line = f"table = pd.DataFrame(np.load({_quoted(name)}))\n"
        case "parquet" | "arrow":
            function = "read_parquet" if format.kind == "parquet" else "read_feather"
            return f"table = pd.{function}({_quoted(name)}).rename(columns=str)\n"
        case _:
            raise NoScript(f"a script cannot read {format.kind} files")
    if format.header:
        return line + "table.columns = table.columns.map(str).str.strip()\n"
    return line + 'table.columns = [f"column {i + 1}" for i in range(table.shape[1])]\n'


def _helpers(origin: Origin, format: Format, with_labels: bool, with_weights: bool) -> str:
    """The functions that convert the columns in use; `with_labels` and `with_weights` if the script also uses these."""
    words = any(not is_number(origin.table[name]) for name in origin.categories)
    lines, dates = "", _dates(origin)
    numeric = (
        with_weights or len(dates) < len(origin.numbers) or any(is_number(origin.table[name]) for name in origin.categories)
    )
    decimal, thousands = re.escape(format.decimal), {"": "", " ": r"\s\u202f\u2009"}.get(format.thousands, format.thousands)
    if numeric:
        digits = f"(?:[0-9][0-9{thousands}]*(?:{decimal}[0-9]*)?|{decimal}[0-9]+)(?:[eE][+-]?[0-9]+)?"
        currency, unit = r"(?:[^0-9\s.,()+−-]{1,3}\.?)?", r"[^0-9().,;'\"+−-]{0,16}"
        before, end = rf"(\(?\s*[+−-]?\s*{currency}\s*\(?[+−-]?)", rf"\s*{unit}\)?([−-]?)"
        lines += f'NUMBER = r"""^{before}({digits}){end}$"""\n'
    if words or with_labels:
        marks = [mark.lower() for mark in format.missing]
        lines += MISSING + (f"MISSING |= set({sorted(marks)})\n" if marks else "")
    if numeric:
        cleaned = f'.str.replace(r"[{thousands}]", "", regex=True)' if thousands else ""
        cleaned += '.str.replace(",", ".")' if format.decimal == "," else ""
        values = [float(mark) for mark in format.missing if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", mark)]
        marks = f"values[np.isin(values, {values})] = np.nan\n    " if values else ""
        lines += TO_NUMBERS.format(cleaned=cleaned, marks=marks)
    if dates:
        day_first = (format.dates or ("dmy" if format.decimal == "," else "mdy")) == "dmy"
        tie = " or above[0] == above[1]"
        if not day_first:  # periods are used in countries in which the day comes first
            tie += ' and text.str.contains(r"^\\d+[.]").any()'
        places = f"(0, 1) if above[0] > above[1]{tie} else (1, 0)"
        if format.dates:
            places = "0, 1" if day_first else "1, 0"
        lines += TO_DAYS.format(order="day" if day_first else "month", places=places)
    if words:
        case = ""
        if format.ignore_case:
            case = (
                "spellings = {}\n    for word in text.value_counts().index:\n        "
                "spellings.setdefault(word.casefold(), word)\n    "
                'text = text.map(lambda word: spellings[word.casefold()], na_action="ignore")\n    '
            )
        lines += TO_CODES.format(case=case)
    return lines + "\n\n"


def _columns(origin: Origin) -> str:
    """The lines that convert the features to `numbers` and `codes`."""
    lines = "\n# 2. Columns\n"
    columns = []
    for name in origin.numbers:
        function = "to_days" if name in _dates(origin) else "to_numbers"
        columns.append(f"    {function}(table[{_quoted(name)}]),\n")
    lines += f"numbers = np.column_stack([\n{''.join(columns)}])\n" if columns else "numbers = np.empty((len(table), 0))\n"
    columns = []
    for name, categories in origin.categories.items():
        cells = origin.table[name]
        if is_number(cells):
            values = np.unique(cells.dropna().to_numpy(float))
            values = values[np.isfinite(values)].tolist()
            columns.append(f"    pd.Categorical(to_numbers(table[{_quoted(name)}]), {values}).codes.astype(int),\n")
        else:
            columns.append(f"    to_codes(table[{_quoted(name)}], {list(categories)!r}),\n")
    lines += f"codes = np.column_stack([\n{''.join(columns)}])\n" if columns else ""
    return lines


def _gaps(origin: Origin, selected: SelectedColumns) -> str:
    """The lines that drop or impute missing values."""
    preparation, lines = origin.preparation, "\n# 3. Missing values\n"
    codes = bool(origin.categories)
    if preparation.missing == "drop" or not selected.missing.any():
        complete = "~np.isnan(numbers).any(axis=1)" + " & (codes >= 0).all(axis=1)" * codes
        lines += f"rows = np.flatnonzero({complete})\n"
        return lines + ("numbers, codes = numbers[rows], codes[rows]\n" if codes else "numbers = numbers[rows]\n")
    lines += "rows = np.arange(len(table))\n"
    if np.isnan(selected.numbers).any():
        if preparation.missing == "median":
            lines += "numbers = np.where(np.isnan(numbers), np.nanmedian(numbers, axis=0), numbers)\n"
        else:
            components = min(preparation.components, selected.numbers.shape[1] - 1, MAX_COMPONENTS)
            lines += (
                "shift, scale = np.nanmean(numbers, axis=0), np.nanstd(numbers, axis=0)\nscale[~(scale > 0)] = 1.0\n"
                f"imputed = impute((numbers - shift) / scale, {components}).points * scale + shift\n"
                "numbers = np.where(np.isnan(numbers), imputed, numbers)\n"
            )
    if codes:
        lines += "for column in codes.T:\n    column[column < 0] = np.bincount(column[column >= 0]).argmax()\n"
    return lines


def _scaling(data: Data) -> str:
    """The lines that scale the numbers."""
    scaling, lines = data.origin.preparation.scaling, "\n# 4. Scale and encode\n"
    if scaling == "none" or not data.origin.numbers:
        return f"{lines}scaled = numbers\n"
    extent = "low, extent = numbers.min(axis=0), np.ptp(numbers, axis=0)\n"
    positive = "extent = np.where(extent > 0, extent, 1.0)\n"
    deviation = "((numbers - low) / extent).std(axis=0) * extent"
    match scaling:
        case "standardize":
            lines += f"{extent}{positive}shift, scale = numbers.mean(axis=0), {deviation}\n"
        case "range":
            lines += f"{extent}shift, scale = low, extent\n"
        case "robust":
            lines += "first, shift, third = np.quantile(numbers, [0.25, 0.5, 0.75], axis=0)\nscale = third - first\n"
            lines += f"{extent}{positive}scale = np.where(scale > 0, scale, {deviation})\n"
        case _:
            raise NoScript(f"a script has no lines for the scaling {scaling}")
    return f"{lines}scaled = (numbers - shift) / np.where(scale > 0, scale, 1.0)\n"


def _rows(data: Data, selected: SelectedColumns) -> str:
    """The lines that select the rows of the run, if it does not use all of them."""
    origin = data.origin
    kept = np.arange(len(origin.table))
    if origin.preparation.missing == "drop":
        kept = np.flatnonzero(selected.missing == 0)
    n = len(data.rows)
    if np.array_equal(kept, data.rows - 1):
        return ""
    sampled = np.sort(np.random.default_rng(0).choice(len(kept), n, replace=False)) if n <= len(kept) else None
    if sampled is not None and np.array_equal(kept[sampled], data.rows - 1):
        chosen = f"np.sort(np.random.default_rng(0).choice(len(rows), {n}, replace=False))  # a random sample"
    elif n > MAX_LISTED_ROWS:
        raise NoScript("too many rows were selected by hand to list them in a script")
    else:
        chosen = f"np.searchsorted(rows, {(data.rows - 1).tolist()})  # row numbers selected by hand, counted from 0"
    codes = ", codes" if origin.categories else ""
    values = "[chosen]".join(["rows", ", scaled", ", numbers", *([", codes"] if codes else []), ""])
    return f"chosen = {chosen}\nrows, scaled, numbers{codes} = {values}\n"


def _points(origin: Origin) -> str:
    """The line that encodes categories and defines `points`."""
    if not origin.categories:
        return "points = np.ascontiguousarray(scaled)\n"
    widths = origin.widths[len(origin.numbers) :]
    parts = []
    for j, (categories, width) in enumerate(zip(origin.categories.values(), widths, strict=True)):
        count = len(categories)
        parts.append(f"codes[:, [{j}]] == np.arange({count - width}, {count})")
    return f"points = np.ascontiguousarray(np.column_stack([scaled, {', '.join(parts)}]))\n"


def _score(segments: Segments) -> Script:
    """The lines that print the scores of `labels`."""
    run, data = segments.run, segments.data
    lines, imports = "", set()
    if run.silhouette is not None:
        function, argument = "silhouette_of_proximities", "proximities"
        if run.view.matrix_metric(run.settings) in (None, "euclidean"):
            function, argument = "silhouette", "points"
        imports.add(function)
        if (run.labels < 0).any():
            lines += "inside = labels >= 0\n"
            argument = "points[inside], labels" if argument == "points" else "proximities[np.ix_(inside, inside)], labels"
            lines += f'print("Mean silhouette width:", {function}({argument}[inside]).mean)\n'
        else:
            weights = "" if run.weights is None else ", weights=as_frequencies(weights)"
            lines += f'print("Mean silhouette width:", {function}({argument}, labels{weights}).mean)\n'
    if run.agreement is not None and data.origin is not None:
        imports.add("adjusted_rand_index")
        own = "" if run.weights is None else ", as_frequencies(weights[both])"
        lines += (
            f'known = table[{_quoted(data.label_name)}].iloc[rows].map(str, na_action="ignore").str.strip()\n'
            "known = pd.factorize(known.mask(known.str.lower().isin(MISSING)))[0]\nboth = (known >= 0) & (labels >= 0)\n"
            f'print("Adjusted Rand index:", adjusted_rand_index(known[both], labels[both]{own}))\n'
        )
    if "as_frequencies" in lines:
        imports.add("as_frequencies")
    return Script(frozenset(imports), lines or "# a single cluster has no scores\n")


def _names(segments: Segments, rows_file: str) -> Script:
    """The lines that give each row the name of its segment, and write the table."""
    run, data = segments.run, segments.data
    names = np.array([*segments.names, ""], dtype=object)
    of_cluster = []
    for cluster in range(run.k):
        found = segments.labels[run.labels == cluster]
        found = found[found >= 0]
        of_cluster.append(int(np.bincount(found).argmax()) if found.size else -1)
    expected = np.append(of_cluster, -1)[run.labels]
    names_code = f"np.array({[*names[of_cluster].tolist(), '']!r}, dtype=object)"
    lines = f"names = {names_code}  # of the clusters; the last one is for label -1\n"
    lines += "segment = names[labels]\n"
    moved = np.flatnonzero(expected != segments.labels)
    if len(moved) > MAX_LISTED_ROWS:
        raise NoScript("too many rows were moved individually to list them in a script")
    for i in np.unique(segments.labels[moved]).tolist():
        rows = moved[segments.labels[moved] == i].tolist()
        lines += f"segment[{rows}] = {str(names[i])!r}  # moved by hand, rows counted from 0\n"
    sizes = {str(names[i]): int((segments.labels == i).sum()) for i in np.unique(segments.labels).tolist()}
    lines += (
        "found, sizes = np.unique(segment.astype(str), return_counts=True)\n"
        "sizes = dict(zip(found.tolist(), sizes.tolist()))\nprint(sizes)\n"
        f"if sizes != {dict(sorted(sizes.items()))!r}:\n"
        '    print("These are not the sizes in the app: the file has changed, or pandas reads it differently.")\n'
    )
    if data.origin is None:
        return Script(frozenset(), lines)
    taken = [*data.origin.table.columns, *["segment"] * _is_unusual(data.origin)]
    column = _quoted(distinct_from(["segment"], taken)[0])
    lines += f'table[{column}] = ""\ntable.iloc[rows, table.columns.get_loc({column})] = segment\n'
    lines += f"table.to_csv({_quoted(f'script-{rows_file}')}, index=False)\n"
    return Script(frozenset(), lines, frozenset({"import pandas as pd"}))


def _quoted(value) -> str:
    """A Python literal, with double quotation marks where possible."""
    text = repr(value)
    return f'"{text[1:-1]}"' if isinstance(value, str) and text[0] == "'" and '"' not in text else text
