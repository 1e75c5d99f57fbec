"""A project: the data, preparation, names of segments and settings of a session, in memory and as one zip file.

The file contains `project.json` and the data: uploaded files and pasted text byte by byte, generated data as Parquet.
"""

import hashlib
import io
import json
import re
import struct
import zipfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from pages.datasets.data import ColumnScaling, Data
from pages.datasets.limits import MAX_UNPACKED_BYTES, MAX_UPLOAD_MB
from pages.datasets.readers import Format
from pages.datasets.readers.files import read_parquet
from pages.datasets.readers.limits import ReadError, as_read_error

KIND = "clustering project"
VERSION = 1
DESCRIPTION = "project.json"
"""member of the archive with everything except the data"""
MAX_DESCRIPTION_BYTES = 20 * 2**20
"""maximum size of this member"""
MAX_MEMBERS = 10
MAX_PARAMETERS, MAX_PARAMETER = 500, 20_000
"""maximum number of query parameters, and maximum number of characters of each"""
MAX_NAME = 1_000
"""maximum number of characters of the name of an uploaded file, which is never used as a path"""
DAMAGED = "This project file is damaged or incomplete: save or download it again."
PAGES = Path(__file__).resolve().parents[1]
_TEXTS = ("title", "label_name", "note", "noun")
"""attributes of `Data` in the description of its Parquet file"""
_END = struct.Struct("<4s4H2LH")
"""the end of a zip archive: signature, disks, numbers of members, size and position of their list, length of a comment"""
_END_64 = b"PK\x06\x07"
"""signature before the end of archives that may be larger than 4 GB"""


@dataclass(frozen=True, eq=False)
class StoredFile:
    """An uploaded or generated file."""

    name: str
    content: bytes = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """Identifies the name and the content."""
        return hashlib.sha256(self.name.encode("utf-8", "surrogatepass") + b"\0" + self.content).hexdigest()[:32]


@dataclass(frozen=True, eq=False)
class Project:
    """What is needed to show the screen of a session again."""

    page: str = ""
    """address of the page, without query parameters; empty for the first page"""
    address: dict[str, list[str]] = field(default_factory=dict)
    """query parameters"""
    state: dict[str, Any] = field(default_factory=dict)
    """values that links do not contain, as in JSON; not validated"""
    files: dict[str, StoredFile] = field(default_factory=dict)
    """data by purpose"""

    @property
    def size(self) -> int:
        """Number of bytes of the files."""
        return sum(len(file.content) for file in self.files.values())

    def description(self, members: dict[str, str]) -> bytes:
        """Everything except the data, as JSON; `members` has the names under which the files are stored, by purpose."""
        files = {purpose: dict(name=file.name, member=members[purpose]) for purpose, file in self.files.items()}
        content = dict(kind=KIND, version=VERSION, page=self.page, address=self.address, state=self.state, files=files)
        return json.dumps(content, ensure_ascii=True, indent=1, allow_nan=False).encode()


def to_zip(project: Project) -> bytes:
    """The project as a file.

    Raises
    ------
    ValueError
        If it is too large to be opened again.
    """
    members = {
        purpose: f"data/{number} {_safe(file.name)}" for number, (purpose, file) in enumerate(project.files.items(), start=1)
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        archive.writestr(DESCRIPTION, project.description(members))
        for purpose, file in project.files.items():
            archive.writestr(members[purpose], file.content)
    if content.tell() > MAX_UPLOAD_MB * 2**20 or project.size > MAX_UNPACKED_BYTES:
        raise ValueError(f"This project is larger than the limit of {MAX_UPLOAD_MB} MB for an uploaded file.")
    return content.getvalue()


def is_project(content: bytes) -> bool:
    """Whether a file is a zip archive with a member `project.json`. Nothing is unpacked."""
    return content.startswith(b"PK\x03\x04") and DESCRIPTION.encode() in _list_of_members(content)


def from_zip(content: bytes) -> Project:
    """The project in a file.

    Raises
    ------
    ValueError
        If the file is damaged, too large, not a project, or has another version; the message is a sentence.
    """
    if not is_project(content):
        raise ReadError("This file is not a project: save one with “Save project” in the sidebar.")
    with as_read_error(DAMAGED), zipfile.ZipFile(io.BytesIO(content)) as archive:
        sizes = {member.filename: member.file_size for member in archive.infolist()}
        if len(sizes) < len(archive.infolist()) or len(sizes) > MAX_MEMBERS:
            raise ReadError(DAMAGED)

        def read(name: str, limit: int = MAX_UNPACKED_BYTES) -> bytes:
            with archive.open(name) as member:
                unpacked = member.read(limit + 1)  # the stated size may be wrong
            if len(unpacked) > limit:
                raise ReadError(f"Unpacked, this project exceeds the limit of {MAX_UNPACKED_BYTES // 2**20} MB.")
            return unpacked

        left = MAX_UNPACKED_BYTES

        def read_data(name: str) -> bytes:
            nonlocal left
            unpacked = read(name, left)
            left -= len(unpacked)
            return unpacked

        return from_description(read(DESCRIPTION, MAX_DESCRIPTION_BYTES), read_data)


def from_description(content: bytes, read) -> Project:
    """The project with a description, see `Project.description`; `read` returns the content of a member.

    Raises
    ------
    ValueError
        As in `from_zip`.
    """
    try:
        found = json.loads(content.decode("utf-8"), parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        raise ReadError("This project file is damaged: its description is not valid JSON.") from None
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise ReadError("This file is not a project: save one with “Save project” in the sidebar.")
    if type(found.get("version")) is not int or not 1 <= found["version"] <= VERSION:
        raise ReadError(
            f"This project has the version {str(found.get('version'))[:20]}, but only version {VERSION} can be read: open it "
            "with a newer version of the app."
        )
    page, address, state, files = (found.get(name) for name in ("page", "address", "state", "files"))
    if not (isinstance(state, dict) and is_page(page) and is_address(address) and _are_files(files)):
        raise ReadError("This project file is damaged: an entry of its description is missing or invalid.")
    try:
        stored = {purpose: StoredFile(file["name"], read(file["member"])) for purpose, file in files.items()}
    except (KeyError, OSError):
        raise ReadError(DAMAGED) from None
    return Project(page, address, state, stored)


def refuse_constant(constant: str):
    """Refuse NaN and Infinity, which JSON does not allow, as `parse_constant` of `json.loads`."""
    raise ValueError(f"{constant} is not a number")


def is_page(page: Any) -> bool:
    """Whether this is the address of a page, which is the name of its folder; empty for the first page."""
    if page == "":
        return True
    return isinstance(page, str) and re.fullmatch("[a-z_]+", page) is not None and (PAGES / page / "page.py").is_file()


def is_address(address: Any) -> bool:
    """Whether these are query parameters, each with its values, of which there are not too many."""
    return (
        isinstance(address, dict)
        and len(address) <= MAX_PARAMETERS
        and all(
            isinstance(values, list)
            and len(values) <= MAX_PARAMETERS
            and all(isinstance(text, str) and len(text) <= MAX_PARAMETER for text in (name, *values))
            for name, values in address.items()
        )
    )


def _are_files(files: Any) -> bool:
    if not isinstance(files, dict) or len(files) > MAX_MEMBERS:
        return False
    for file in files.values():
        if not isinstance(file, dict) or not all(isinstance(file.get(key), str) for key in ("name", "member")):
            return False
        if not 0 < len(file["name"]) <= MAX_NAME or file["member"] == DESCRIPTION:
            return False
    return True


def _safe(name: str) -> str:
    """A name for a member: letters, digits and a few marks, at most 100 characters."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[-100:].lstrip(".") or "data"


def _list_of_members(content: bytes) -> bytes:
    """The list at the end of a zip archive; empty if it is not the list of a project, which is short."""
    if len(content) < _END.size + len(_END_64) + 16 or content[-_END.size - 20 :].startswith(_END_64):
        return b""
    signature, _, _, _, count, size, start, comment = _END.unpack(content[-_END.size :])
    if signature != b"PK\x05\x06" or comment or count > MAX_MEMBERS or size > 2**14:
        return b""
    return content[start : start + size]


def to_parquet(data: Data) -> bytes:
    """Points without an original table as a Parquet file: coordinates, row numbers, true labels, names and occurrences."""
    columns = {f"point {j}": data.points[:, j] for j in range(data.points.shape[1])} | {"rows": data.rows}
    optional = dict(labels=data.labels, names=data.names, weights=data.occurrences)
    columns |= {name: values for name, values in optional.items() if values is not None}
    scaling = data.scaling
    description = dict(
        {name: getattr(data, name) for name in _TEXTS},
        columns=data.columns,
        same_units=data.same_units,
        scaling=scaling and [scaling.name, scaling.columns, scaling.shift.tolist(), scaling.scale.tolist()],
    )
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    content = io.BytesIO()
    pa.parquet.write_table(table.replace_schema_metadata({"data": json.dumps(description)}), content)
    return content.getvalue()


def from_parquet(content: bytes) -> Data:
    """The points in a file of `to_parquet`.

    Raises
    ------
    ValueError
        If it is not such a file; the message is a sentence.
    """
    raw = read_parquet(content, Format("parquet"))
    with as_read_error("The data of this project are damaged."):
        found = json.loads(pa.parquet.read_schema(pa.BufferReader(content)).metadata[b"data"])
        table = {name: column.to_numpy() for name, column in zip(raw.names, raw.columns, strict=True)}
        columns, scaling = tuple(map(str, found["columns"])), found["scaling"]
        points = np.column_stack([table[f"point {j}"].astype(float) for j in range(len(columns))])
        names = table.get("names")
        if (
            not np.isfinite(points).all()
            or len(points) < 2
            or ("weights" in table and table["weights"].dtype.kind not in "if")
        ):
            raise ValueError
        if names is not None and not all(isinstance(name, str) for name in names):
            raise ValueError
        if scaling is not None:
            name, of, shift, scale = scaling
            scaling = ColumnScaling(str(name), tuple(map(str, of)), np.array(shift, dtype=float), np.array(scale, dtype=float))
            if not len(scaling.columns) == len(scaling.shift) == len(scaling.scale) == len(columns):
                raise ValueError
        return Data(
            key=f"restored/{hashlib.sha256(content).hexdigest()[:16]}",
            columns=columns,
            points=points,
            labels=table["labels"].astype(int) if "labels" in table else None,
            same_units=found["same_units"] is True,
            rows=table["rows"].astype(np.intp),
            names=names,
            occurrences=table.get("weights"),
            scaling=scaling,
            **{name: str(found[name]) for name in _TEXTS},
        )
