"""Times of stages for Prometheus, and traces for OpenTelemetry where a collector is set.

One span a request, one for each batch of lists (a child of the first request in it, linked with the others), and one a
stage in it. Spans hold documented addresses and counts; ids and texts of people never go in.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from zhiyin.errors import ConfigError
from zhiyin.serve.metrics import STAGE_SECONDS
from zhiyin.stages import observe

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

_tracer: Tracer | None = None
_NOTHING: AbstractContextManager[Any] = nullcontext()


def set_up(url: str | None, exporter: SpanExporter | None = None) -> TracerProvider | None:
    """Watch stages from now on, and send spans to ``url`` (OTLP over HTTP), or to ``exporter``; neither sends none.
    What is given back must be shut down at the end. Raises ConfigError where the packages are missing."""
    global _tracer
    observe(_stage)
    if url is None and exporter is None:
        _tracer = None
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as missing:
        raise ConfigError(
            "the packages for traces are not installed",
            where="[serve] traces_url",
            fix="pip install 'zhiyin[traces]', or leave the setting out",
        ) from missing
    about = Resource.create({"service.name": "zhiyin", "service.version": version("zhiyin")})
    provider = TracerProvider(resource=about)
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(endpoint=url)))
    _tracer = provider.get_tracer("zhiyin")
    return provider


def request_span(method: str) -> AbstractContextManager[Any]:
    """The span of a request; None where nobody traces."""
    return _NOTHING if _tracer is None else _tracer.start_as_current_span(method)


def current() -> Any:
    """What a batch needs to know of the request that waits for it; None where nobody traces."""
    if _tracer is None:
        return None
    from opentelemetry import trace

    return trace.get_current_span()


@contextmanager
def batch_span(waiting: Sequence[Any]) -> Iterator[None]:
    """The span of a batch; ``waiting`` are the ``current`` of its requests."""
    if _tracer is None:
        yield
        return
    from opentelemetry import trace

    spans = [one for one in waiting if one is not None and one.get_span_context().is_valid]
    parent = trace.set_span_in_context(spans[0]) if spans else None
    links = [trace.Link(one.get_span_context()) for one in spans[1:]]
    with _tracer.start_as_current_span("lists", context=parent, links=links, attributes={"lists": len(waiting)}):
        yield


@contextmanager
def _stage(name: str) -> Iterator[None]:
    began = time.perf_counter()
    with _NOTHING if _tracer is None else _tracer.start_as_current_span(name):
        yield
    STAGE_SECONDS.labels(name).observe(time.perf_counter() - began)
