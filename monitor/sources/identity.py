"""What identifies a row across extracts: its record key, the AE event it tells of, and the hash of its content.

It knows SDTM's identifying variables, column by column; it must not know files or formats. Keys are shown in mails, so
neither treatment nor lot is ever part of one.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

Variant = tuple[str, ...]
"""Variables after USUBJID. The first must have a value; of "A|B" the first that has one counts."""

KEYS: Mapping[str, tuple[Variant, ...]] = {
    "DM": ((),),
    "AE": (("AESPID", "AEDTC"), ("AELNKID",), ("AETERM", "AESTDTC")),
    "LB": (("LBTESTCD", "LBSPEC|LBCAT", "LBDTC", "VISITNUM|VISIT", "LBTPTNUM|LBTPT", "LBMETHOD"),),
    "EC": (("ECSTDTC", "ECMOOD", "ECTPTNUM|ECTPT"), ("VISITNUM|VISIT", "ECMOOD", "ECTPTNUM|ECTPT")),
    "EX": (("EXSTDTC", "EXTPTNUM|EXTPT"), ("VISITNUM|VISIT", "EXTPTNUM|EXTPT")),
    "DS": (("DSDECOD|DSTERM", "DSCAT", "DSSTDTC|DSDTC", "DSSCAT"),),
    "VS": (("VSTESTCD", "VSDTC", "VISITNUM|VISIT", "VSTPTNUM|VSTPT", "VSPOS", "VSLOC", "VSLAT"),),
    "EG": (("EGTESTCD", "EGDTC", "VISITNUM|VISIT", "EGTPTNUM|EGTPT", "EGPOS", "EGLEAD", "EGMETHOD"),),
    "QS": (("QSTESTCD", "QSCAT", "QSDTC", "VISITNUM|VISIT", "QSTPTNUM|QSTPT"),),
    "CM": (("CMSPID", "CMSTDTC"), ("CMLNKID",), ("CMTRT", "CMSTDTC", "CMROUTE")),
    "MH": (("MHSPID",), ("MHTERM", "MHSTDTC")),
    "HO": (("HOSPID",), ("HOTERM", "HOSTDTC")),
    "IE": (("IETESTCD", "VISITNUM|VISIT"), ("IETEST", "VISITNUM|VISIT")),
}
"""What names a record of each domain; the next variant serves the rows of which the one before it cannot."""

EVENTS: Mapping[str, tuple[Variant, ...]] = {"AE": (("AESPID",), ("AELNKID",), ("AETERM", "AESTDTC"))}
"""What names the event that several AE rows tell of."""

_UNSTABLE = re.compile(r"[A-Z]{2}SEQ|STUDYID|DOMAIN|USUBJID")
_BLINDED = re.compile(r"(ACT)?ARM(CD|UD|NRS)?|[A-Z]{2}(TRT|LOT|DOSE|DOSTXT|DOSTOT|PSTRG|VAMT)")
_LONGEST_PART = 80  # a database refuses to index keys of some thousand bytes
_ESCAPES = {"%": "%25", "/": "%2F", "\n": "%0A", "\r": "%0D", "\t": "%09"}


def key_of(domain: str, variables: tuple[str, ...]) -> Variant:
    """Return a configured key as a variant; raise ValueError in one sentence where it cannot serve."""
    variant = tuple(name.strip().upper() for name in variables if name.strip().upper() != "USUBJID")
    names = [name for part in variant for name in part.split("|")]
    blinded = [name for name in names if _BLINDED.fullmatch(name)]
    if blinded:
        raise ValueError(f"the key of {domain} names {blinded[0]}, and keys are shown to blinded readers")
    if names and all(_UNSTABLE.fullmatch(name) for name in names):
        raise ValueError(f"the key of {domain} is {domain}SEQ alone, which is renumbered between extracts")
    if not names and domain != "DM":
        raise ValueError(f"the key of {domain} names no variable beside USUBJID")
    return variant


def needed(variants: tuple[Variant, ...]) -> list[str]:
    """Return the variables of which a row must have one to be named."""
    return list(dict.fromkeys(name for variant in variants if variant for name in variant[0].split("|")))


def named(frame: "pl.DataFrame", variants: tuple[Variant, ...]) -> "pl.Series":
    """Return each row's key, such as 01-701-1015/E07/2014-01-16, by the first variant that can name it, else null.

    A later variant says which variable it names by, so that two variants never give the same key.
    """
    import polars as pl

    usubjid = _part(frame, "USUBJID")
    key = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
    for number, variant in enumerate(variants):
        parts = [_part(frame, names) for names in variant]
        usable = parts[0] != "" if parts else key.is_null()
        if number:
            parts[0] = variant[0].split("|")[0] + "=" + parts[0]
        text = pl.concat_str([usubjid, *parts], separator="/").str.strip_chars_end("/")
        key = frame.with_columns(_key=pl.coalesce(key, pl.when(usable).then(text)))["_key"]
    return key


def _part(frame: "pl.DataFrame", names: str) -> "pl.Series":
    """Return one part of a key: the first of "A|B" with a value, escaped and bounded, '' where none has."""
    import polars as pl

    present = [pl.col(name) for name in names.split("|") if name in frame.columns]
    part = frame.with_columns(_part=pl.coalesce([*present, pl.lit("")]))["_part"]
    part = part.str.replace_many(list(_ESCAPES), list(_ESCAPES.values()))
    long = part.filter(part.str.len_chars() > _LONGEST_PART).unique().to_list()
    return part.replace({text: _shortened(text) for text in long}) if long else part


def _shortened(text: str) -> str:
    """Cut a text that is too long for a key, and tell it from others that begin alike."""
    return f"{text[: _LONGEST_PART - 20]}~{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def hashed(frame: "pl.DataFrame", domain: str) -> "pl.Series":
    """Return the SHA-256 of each row's values that are there, by name in order, without --SEQ.

    Names and values are parted by NUL, which neither can hold; a column that is empty or absent changes nothing.
    """
    import polars as pl

    variables = sorted(name for name in frame.columns if name != f"{domain}SEQ")
    spelled = [pl.lit(f"{name}\0") + pl.col(name) for name in variables]
    content = frame.select(pl.concat_str(spelled, separator="\0", ignore_nulls=True)).to_series()
    return pl.Series([hashlib.sha256(text.encode()).hexdigest() for text in content.to_list()], dtype=pl.String)
