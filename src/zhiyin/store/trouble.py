"""The driver's errors as ours: what passes, what does not, and what to do."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from zhiyin.errors import DataError, StoreError, StoreUnavailable, ZhiyinError

PASSING = {
    "locked": "another process is writing: wait for it to end and try again",
    "busy": "another process is writing: wait for it to end and try again",
    "full": "make room on the disk",
    "readonly": "make the file and its folder writable for this user",
    "disk I/O error": "see whether the disk is there and has room",
    "unable to open": "check [store] url and that this user may write there",
}
LASTING = {
    "already exists": "the database belongs to something else: set another [store] url",
    "not a database": "the file is damaged or is no database: restore a copy, or set another [store] url",
    "malformed": "the file is damaged or is no database: restore a copy, or set another [store] url",
    "no schema has been selected": "create the schema that search_path in [store] url names",
    "does not exist": "check the names in [store] url",
    "authentication failed": "check user and password in [store] url",
}
GONE = "see whether the database server runs at [store] url; it is asked again with the next request"
# https://www.postgresql.org/docs/current/errcodes-appendix.html: connection; resources; operator; internal trouble;
# a statement on a standby; locks, deadlocks.
PASSING_STATES = ("08", "53", "57", "58", "25006", "55P03", "40001", "40P01")
NO_VALUE = ("22", "54")


def store_error(failure: Exception, url: str) -> ZhiyinError:
    """``failure`` as the driver raised it, SQLAlchemy wrapped it, or its pool gave up.

    StoreUnavailable where the same may work again later; DataError for a value that no database of this kind holds;
    StoreError for the rest.
    """
    origin = failure.orig if isinstance(failure, DBAPIError) and failure.orig is not None else failure
    said = " ".join(str(origin).split())
    state = getattr(origin, "sqlstate", None)
    kind: type[StoreError] = StoreError
    fix = next((fix for word, fix in LASTING.items() if word in said), None)
    if fix is None and (fix := next((fix for word, fix in PASSING.items() if word in said), None)):
        kind = StoreUnavailable
    if type(origin).__module__.startswith("psycopg"):
        if (state or "").startswith(NO_VALUE) or "NUL" in said:
            return DataError(f"the database cannot hold a value: {said}", fix="leave such values out")
        if (state is None and type(origin).__name__ == "OperationalError" and kind is StoreError and fix is None) or (
            state or ""
        ).startswith(PASSING_STATES):
            kind, fix = StoreUnavailable, fix or GONE
    elif not isinstance(failure, DBAPIError) and "QueuePool" in said:
        return StoreUnavailable("all connections to the database are taken", where=url, fix="ask again in a moment")
    if fix is None:
        fix = "check [store] url and that this user may write there"
    return kind(f"the database says: {said}", where=url, fix=fix)
