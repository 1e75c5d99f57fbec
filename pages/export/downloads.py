"""MIME types that keep Streamlit from confusing downloads. No Streamlit."""

import hashlib


def distinct_type(mime: str, content: bytes) -> str:
    """Return the MIME type with a digest of the content as a parameter.

    Above 1 MiB, Streamlit identifies a stored download by its length, file name, MIME type and 64 KiB at its beginning,
    middle and end. Without the digest it would serve the same file for two that differ elsewhere only. For a download that is
    created on request, pass bytes that identify its content.
    """
    return f"{mime}; digest={hashlib.sha256(content).hexdigest()}"
