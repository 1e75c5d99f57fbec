"""Downloads that Streamlit cannot mix up. No Streamlit."""

import hashlib


def distinct_type(mime: str, content: bytes) -> str:
    """The MIME type with a digest of the content as a parameter.

    Above 1 MiB Streamlit names a stored download by its length, file name, MIME type and 64 KiB at its head, middle and end,
    and serves what is stored already under that name: two files that differ only elsewhere would be one. A download that is
    made when it is asked for gives what it will be made of in place of its content.
    """
    return f"{mime}; digest={hashlib.sha256(content).hexdigest()}"
