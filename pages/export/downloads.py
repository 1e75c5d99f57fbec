"""MIME types that let Streamlit distinguish downloads."""

import hashlib


def mime_with_digest(mime: str, content: bytes) -> str:
    """Return the MIME type with a digest of the content as a parameter.

    Streamlit identifies a stored download of more than 1 MiB by its length, file name, MIME type, and 64 KiB each at its
    beginning, middle and end. Without the digest, it would serve one file for two that differ only elsewhere. For a download
    that is created on request, `content` can be any bytes that identify it.
    """
    return f"{mime}; digest={hashlib.sha256(content).hexdigest()}"
