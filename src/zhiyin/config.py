"""Settings of one project: ``zhiyin.toml`` in its folder, overridden by ``ZHIYIN_SECTION__KEY`` in the environment.

Every setting is stated once, here, with its bounds. Unknown keys are refused. Model hyper-parameters live with their
model and are set under ``[models.NAME]``.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from zhiyin.errors import ConfigError
from zhiyin.types import Job

FILE_NAME = "zhiyin.toml"
ASSETS_VARIABLE = "ZHIYIN_ASSETS"
"""Environment variable naming the folder of fetched models and data sets: the user's, not one project's."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class StoreSettings(Section):
    url: str = "sqlite:///zhiyin.db"
    """Database address: sqlite:///FILE (a relative path is taken from the project folder) or
    postgresql://USER@HOST/DATABASE."""


class ImportSettings(Section):
    future_tolerance_days: float = Field(1.0, ge=0, le=3650)
    """Events stamped later than now plus this many days are rejected."""
    earliest_year: int = Field(1980, ge=1900, le=2100)
    """Events stamped before 1 January of this year are rejected."""
    default_event_type: str = Field("view", min_length=1, max_length=64)
    """Type given to events whose file names none and carries no rating."""


class GradedSettings(Section):
    """How much an event is worth by its value: nothing below ``least``, all from ``full`` on, in between by the
    logarithm."""

    least: float = Field(gt=0, allow_inf_nan=False)
    """Below this value an event is no sign of interest: who left at once did not read."""
    full: float = Field(gt=0, allow_inf_nan=False)
    """From this value on it has the whole weight of its type."""
    floor: float = Field(0.25, ge=0, le=1)
    """Share of that weight at ``least``."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.full <= self.least:
            raise ValueError("'full' must be above 'least'")
        return self


class PreprocessSettings(Section):
    weights: dict[str, float] = {}
    """Weight of one event by type, beside the known ones; a weight of 0 or less is no sign of interest."""
    graded: dict[str, GradedSettings] = {}
    """Types whose value says how far somebody got, with ``least``, ``full`` and ``floor`` of each, for example
    {dwell = {least = 5, full = 60}} in seconds or {read = {least = 0.1, full = 0.8}} as a share: see docs/content.md.
    Off: there is no data set here on which it could be shown to help."""
    positive_rating: float | None = None
    """Smallest rating that counts as interest; None counts every rating."""
    bot_events_per_minute: float = Field(60.0, gt=0)
    """A user whose busiest minutes exceed this rate is left out of training ..."""
    bot_minimum_events: int = Field(1000, ge=1)
    """... provided that they have at least this many events."""
    minimum_user_events: int = Field(1, ge=1)
    """Users with fewer interactions do not train models (they are still served)."""
    minimum_item_events: int = Field(1, ge=1)
    """Items with fewer interactions do not train models (they are still served, by their text)."""
    half_life_days: float | None = Field(None, gt=0)
    """An event loses half its training weight in this many days; None keeps full weight."""


ENCODERS = ("auto", "english", "multilingual", "e5", "none")
"""Names that ``[encoder] model`` knows; what is none of them is a path or a hub id."""


class EncoderSettings(Section):
    model: str = Field("auto", min_length=1, max_length=1000)
    """Text encoder: ``auto`` looks at the catalogue's script; ``english``, ``multilingual`` and ``e5`` are packaged;
    ``none`` does without text vectors; anything else is a folder (taken from the project's where it is there), an ONNX
    file, or a hub id."""
    maximum_tokens: int = Field(128, ge=8, le=512)
    """Longer texts are cut here."""


class TrainSettings(Section):
    seed: int = Field(0, ge=0, lt=2**32)
    """Seed of everything random."""
    search: bool = True
    """Search hyper-parameters on validation; off uses the defaults."""
    search_seconds: float = Field(600.0, gt=0)
    """Budget of the search in nominal seconds: each trial costs what its model's formula says it takes on two cores.
    The clock is not asked, so the same data give the same choice. The core may spend 30 %, the others share 40 %; a
    model of which a single fit takes more than half of it is left out, if no lighter one is to be had."""
    search_users: int = Field(20_000, ge=10)
    """Validation is measured on at most this many users, drawn by seed."""
    short_histories: bool = False
    """Search the core once more on histories that are cut to their last 1 to 3 events, and let it answer for people
    with so few where others outside the search gain for sure. Off: on neither data set measured did it hold on test."""
    keep_bundles: int = Field(3, ge=1)
    """Bundles kept for rollback, the served one not counted."""


class RecommendSettings(Section):
    reasons: int = Field(3, ge=0, le=20)
    """Reasons given with each item."""


class BudgetSettings(Section):
    """Limits of one tenant. A call that could pass one is not made."""

    tokens_a_day: int | None = Field(None, ge=0)
    """Tokens read and written in one day (UTC), all jobs together; None for no limit."""
    money_a_day: float | None = Field(None, ge=0)
    """The same in money, by the prices below."""
    tokens_a_job: dict[Job, int] = {}
    """Tokens in one day by job, for example {items = 2000000}."""
    money_a_job: dict[Job, float] = {}
    """Money in one day by job."""
    price_in: float = Field(0.0, ge=0)
    """Price of a million tokens read."""
    price_out: float = Field(0.0, ge=0)
    """Price of a million tokens written."""


class LlmSettings(Section):
    provider: Literal["none", "embedded", "openai"] = "none"
    """``none``: rules, templates and text vectors do every job. ``embedded``: a small model in this process (needs the
    packages of ``make install-llm``). ``openai``: any server with an OpenAI-compatible API."""
    model: str = Field("smollm2-135m-instruct", min_length=1)
    """embedded: an asset, a folder that transformers loads, a GGUF file or a hub id; openai: the model's name there."""
    jobs: list[Job] = [
        Job.ITEMS, Job.INTERESTS, Job.PROFILES, Job.QUERIES, Job.EXPLANATIONS, Job.WRITING, Job.PAGES
    ]  # fmt: skip
    """What the model is asked to do; the other jobs go without it."""
    accept_licences: list[str] = []
    """Assets whose own licence you have read and accept (``zhiyin assets list``); the others are not loaded."""
    base_url: str | None = None
    """openai: address of the API, for example http://127.0.0.1:8000/v1; None for the client's own default."""
    key_variable: str = "OPENAI_API_KEY"
    """openai: environment variable that holds the key. The key itself is never written anywhere."""
    embedding_model: str | None = None
    """openai: model of the embeddings endpoint; None asks for none."""
    rerank_url: str | None = None
    """Jina-style rerank address; None asks for none."""
    rerank_model: str | None = None
    """Model named to it."""
    batch_seconds: float = Field(60.0, gt=0)
    """Deadline of one call in training and other long work."""
    answer_seconds: float = Field(2.0, gt=0)
    """Deadline of everything that a model does for one recommendation or explanation."""
    retries: int = Field(3, ge=0, le=20)
    """Further tries after a lost connection, HTTP 429 or 5xx, with growing, jittered pauses."""
    concurrency: int = Field(4, ge=1, le=1024)
    """Calls under way at once (openai)."""
    breaker_failures: int = Field(5, ge=1)
    """After this many failures in a row the model is left alone ..."""
    breaker_seconds: float = Field(30.0, gt=0)
    """... for this long."""
    log_texts: bool = False
    """Keep prompts and answers in the call log; off keeps their hashes alone."""
    tenant: str = Field("default", min_length=1, max_length=200)
    """Whose budget the calls count against."""
    budget: BudgetSettings = BudgetSettings()


class ShopSettings(Section):
    bought: list[str] = ["purchase", "buy", "order", "checkout", "transaction"]
    """Types of events that are purchases: what is bought together goes together."""
    viewed: list[str] = ["view", "click", "detail", "product_view"]
    """Types of events that are looks at an item: what is looked at on one visit stands in each other's place."""
    basket_days: float = Field(90.0, gt=0, le=3650)
    """Purchases of one person within so many days count as made together."""
    visit_hours: float = Field(2.0, gt=0, le=8760)
    """Looks of one person within so many hours count as one visit."""
    view_penalty: float = Field(1.0, ge=0, le=100)
    """How much being looked at together takes away from being bought together."""


class ServeSettings(Section):
    host: str = Field("127.0.0.1", min_length=1)
    """Address to listen on. Without an API key only this machine's own is allowed."""
    port: int = Field(8088, ge=0, le=65_535)
    """Port; 0 takes a free one and says which."""
    workers: int = Field(2, ge=1, le=256)
    """Processes that answer. Each holds its own engine; the bundle's arrays are mapped once."""
    requests_per_second: float | None = Field(None, gt=0)
    """Requests of one tenant in the long run, all processes together; None for no limit."""
    burst_seconds: float = Field(2.0, gt=0)
    """Requests of so many seconds may come at once."""
    body_mib: int = Field(64, ge=1, le=4096)
    """Most that one request may send, in MiB; files of JSON lines to ``/api/bulk`` may be of any size."""
    cached_people: int = Field(10_000, ge=0)
    """People whose lists are kept while they are true, in each process; 0 keeps none."""
    cache_seconds: float = Field(60.0, gt=0)
    """A kept list counts for so long at most: some stages of re-ranking go by the clock."""
    impressions: bool = True
    """Note which list was shown to whom: what experiments and off-policy estimates are made from."""
    impression_days: int = Field(90, ge=1)
    """Those notes are kept for so long."""
    deadline_seconds: float = Field(5.0, gt=0)
    """A list that takes longer is answered with what is popular, and says so."""
    shutdown_seconds: float = Field(20.0, gt=0)
    """Time for requests under way and writes that wait, when the service is told to stop."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level of what is logged."""
    traces_url: str | None = None
    """Address of an OpenTelemetry collector (OTLP over HTTP); None sends no traces."""


class RetrainSettings(Section):
    every_hours: float | None = Field(None, gt=0)
    """Train again when the served bundle is older than this; None goes by events alone."""
    new_share: float | None = Field(None, gt=0)
    """Train again when so many events have come since, as a share of those before; None goes by age alone."""
    drop: float | None = Field(None, gt=0, lt=1)
    """Train again when lists are surely taken less than before this bundle, by more than this share; None does not
    look."""
    minimum_new_events: int = Field(100, ge=1)
    """... and never before this many."""
    check_seconds: float = Field(30.0, gt=0)
    """How often that is looked at."""
    tolerance: float = Field(0.0, ge=0, le=1)
    """A new bundle is promoted where the 95 % interval of its gain in NDCG@10 on the newest events, which neither was
    trained on, lies above minus this."""


class ModerationSettings(Section):
    classifier: bool = True
    """Ask the classifier about what rules leave open: the project's own (``zhiyin moderate train``), else the one that
    comes with Zhiyin."""
    sentences: bool = True
    """Let a classifier of the project's own read sentence vectors, too; their model (32 MB) is fetched on first use.
    Never where the encoder is "none"."""
    grey_low: float = Field(0.3, ge=0, le=1)
    """From this confidence ..."""
    grey_high: float = Field(0.7, ge=0, le=1)
    """... to this one a text is in doubt, and a language model is asked where ``llm.jobs`` names moderation."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.grey_low > self.grey_high:
            raise ValueError("'grey_low' must not be above 'grey_high'")
        return self


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="ZHIYIN_",
        env_prefix_target="all",  # an alias gets the prefix too
        env_nested_delimiter="__",
        use_attribute_docstrings=True,
    )

    name: str = Field("zhiyin", min_length=1, max_length=200)
    """Name of the project, shown in reports."""
    store: StoreSettings = StoreSettings()
    import_: ImportSettings = Field(ImportSettings(), alias="import")
    preprocess: PreprocessSettings = PreprocessSettings()
    encoder: EncoderSettings = EncoderSettings()
    train: TrainSettings = TrainSettings()
    recommend: RecommendSettings = RecommendSettings()
    llm: LlmSettings = LlmSettings()
    shop: ShopSettings = ShopSettings()
    serve: ServeSettings = ServeSettings()
    retrain: RetrainSettings = RetrainSettings()
    moderation: ModerationSettings = ModerationSettings()
    models: dict[str, dict[str, Any]] = {}
    """Hyper-parameters by model, for example ``[models.linear]``; they are kept as given, not searched."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings


def load_settings(project: Path) -> Settings:
    """Settings of the project folder ``project``. Raises ConfigError naming the file, key and fix."""
    path = project / FILE_NAME
    if not path.is_file():
        raise ConfigError(
            f"no {FILE_NAME} here", where=str(project), fix="run 'zhiyin init' in this folder, or pass --project DIR"
        )
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise ConfigError(f"not valid TOML: {broken}", where=str(path), fix="correct that line") from broken
    settings = make_settings(values, where=str(path))
    beside = project / settings.encoder.model
    if settings.encoder.model in ENCODERS or not beside.exists():
        return settings
    encoder = settings.encoder.model_copy(update={"model": str(beside.resolve())})
    return settings.model_copy(update={"encoder": encoder})


def make_settings(values: dict[str, Any] | None = None, where: str = "settings") -> Settings:
    """Validate ``values`` with the environment on top. Raises ConfigError for an unknown key or a bad value."""
    _refuse_unknown_environment()
    try:
        return Settings(**(values or {}))
    except ValidationError as invalid:
        first = invalid.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        unknown = first["type"] == "extra_forbidden"
        what = f"unknown setting '{key}'" if unknown else f"setting '{key}': {first['msg']}"
        fix = "remove it, or see docs/configuration.md for the names" if unknown else "see docs/configuration.md"
        raise ConfigError(what, where=where, fix=fix) from invalid


def _refuse_unknown_environment() -> None:
    """pydantic-settings skips environment keys it does not know at the top level; we do not."""
    sections = {field.alias or name for name, field in Settings.model_fields.items()}
    for key in os.environ:
        if key.startswith("ZHIYIN_") and key != ASSETS_VARIABLE:
            section = key.removeprefix("ZHIYIN_").split("__")[0].lower()
            if section not in sections:
                raise ConfigError(f"unknown setting '{section}'", where=f"environment variable {key}", fix="unset it")
