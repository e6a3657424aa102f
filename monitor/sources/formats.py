"""Recognises a file's format by its content, never by its name, and reads it.

It knows magic bytes only; the readers know the rest.
"""

from monitor.sources.csv_file import read_csv
from monitor.sources.dataset_json import is_compressed, read_dataset_json
from monitor.sources.table import Refusal, Table
from monitor.sources.xpt_file import MAGIC, read_xpt

_FOREIGN = (
    (b"HEADER RECORD*******LIBV8", "a SAS transport file of version 8, and version 5 is read"),
    (b"PK\x03\x04", "an Excel or ZIP file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"%PDF", "a PDF file"),
    (b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xc2\xea\x81\x60", "a SAS7BDAT file"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)


def read_table(data: bytes, encoding: str) -> Table:
    """Read a file's bytes as what they are; raise Refusal where they are nothing that is read."""
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise Refusal("the file is empty")
    for magic, name in _FOREIGN:
        if data.startswith(magic):
            raise Refusal(f"the file is {name}")
    if data.startswith(MAGIC):
        return read_xpt(data, encoding)
    if is_compressed(data) or start.startswith(b"{"):
        return read_dataset_json(data)
    if start.startswith(b"<"):
        is_page = b"<html" in start.lower() or b"<!doctype html" in start.lower()
        raise Refusal(f"the file is {'an HTML page' if is_page else 'XML or HTML'} and not data")
    return read_csv(data, encoding)
