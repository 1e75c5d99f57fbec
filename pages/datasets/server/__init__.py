"""Tables on the server: files and databases that the operator has configured, read in parts by Dask.

Nothing here is used unless a table is configured; Dask and SQLAlchemy are imported when one is opened.
"""
