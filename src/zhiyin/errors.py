"""Every error Zhiyin raises on purpose.

ZhiyinError                  what went wrong, where, and how to fix it, on one line
  UsageError                 the call itself is wrong (exit code 2)
  ConfigError                zhiyin.toml or the environment says something unknown or out of bounds
  DataError                  a file, row or table cannot be used
    FileUnreadable           a file as a whole: missing, truncated, wrong format
    NotEnoughData            too little left to learn from or to measure on
  StoreError                 the database refuses or is not there
    StoreUnavailable         for now: locked, gone, full or read-only; the same may work again later
  AssetError                 a model or data set cannot be fetched or does not match its checksum
  BundleError                a trained bundle is missing, damaged or of another format
    NotTrained               there is none yet
  ModelError                 a model cannot be fitted or asked in the way it was
  UnknownItem                no such item
  ServeError                 a request is not answered as asked
    UnknownKey               no API key, or none of ours
    NotAllowed               the key may not do this
    NotThere                 nothing goes by that name
    Conflict                 well said, but it does not fit what is there
    TooMany                  more requests than the tenant may make; ``seconds`` says when to ask again
  LlmError                   a language model gave nothing that can be used; what was asked goes on without it
    LlmOff                   none is configured for this job, or its packages or files are not here
    LlmUnreachable           no connection, HTTP 429 or 5xx after the retries, or the breaker is open
    LlmRefused               the server refuses the call itself: key, model name, parameters
    LlmTimeout               the deadline passed
    LlmNonsense              the answer is cut off, no JSON, or not within the schema or the options
    LlmBudget                a budget of tokens or money is spent
"""

from __future__ import annotations


class ZhiyinError(Exception):
    """``what`` happened, ``where`` (file, line, field; may be None) and the ``fix`` (may be None)."""

    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        self.what = what
        self.where = where
        self.fix = fix
        super().__init__(self.line)

    @property
    def line(self) -> str:
        """The error on one line, as the command line prints it."""
        place = f"{self.where}: " if self.where else ""
        advice = f" Fix: {self.fix}" if self.fix else ""
        return " ".join(f"{place}{self.what}{advice}".split())


class UsageError(ZhiyinError):
    exit_code = 2


class ConfigError(ZhiyinError):
    pass


class DataError(ZhiyinError):
    pass


class FileUnreadable(DataError):
    pass


class NotEnoughData(DataError):
    pass


class StoreError(ZhiyinError):
    pass


class StoreUnavailable(StoreError):
    pass


class AssetError(ZhiyinError):
    pass


class BundleError(ZhiyinError):
    pass


class NotTrained(BundleError):
    pass


class ModelError(ZhiyinError):
    pass


class UnknownItem(ZhiyinError):
    pass


class ServeError(ZhiyinError):
    pass


class UnknownKey(ServeError):
    pass


class NotAllowed(ServeError):
    pass


class NotThere(ServeError):
    pass


class Conflict(ServeError):
    pass


class TooMany(ServeError):
    def __init__(self, what: str, *, seconds: int, where: str | None = None, fix: str | None = None) -> None:
        self.seconds = seconds
        super().__init__(what, where=where, fix=fix)


class LlmError(ZhiyinError):
    pass


class LlmOff(LlmError):
    pass


class LlmUnreachable(LlmError):
    pass


class LlmRefused(LlmError):
    pass


class LlmTimeout(LlmError):
    pass


class LlmNonsense(LlmError):
    pass


class LlmBudget(LlmError):
    pass
