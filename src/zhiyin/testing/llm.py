"""Models for tests: one that follows a script, and an HTTP server that fails in every way a server can."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from zhiyin.errors import LlmError
from zhiyin.llm.adapter import Able
from zhiyin.ports import Answer, Likelihoods, Options, Prompt
from zhiyin.types import Floats, Tier


class Scripted(Able):
    """A model that answers by ``answer`` (a text, JSON where the prompt has a schema, or an error to give) and scores
    by ``score`` (log-likelihoods of the options). ``asked`` counts the calls."""

    def __init__(
        self,
        answer: Callable[[Prompt], str | LlmError] | None = None,
        score: Callable[[Options], Sequence[float] | LlmError] | None = None,
        rank: Callable[[str, Sequence[str]], Sequence[float] | LlmError] | None = None,
        *,
        model_id: str = "scripted/1",
        tier: Tier = Tier.EMBEDDED,
    ) -> None:
        self._answer = answer
        self._score = score
        self._rank = rank
        self.model_id = model_id
        self.tier = tier
        given = {"complete": answer, "likelihoods": score, "rerank": rank}
        self.abilities = frozenset(name for name, script in given.items() if script is not None)
        self.asked = 0

    def complete(self, prompts: Sequence[Prompt], seconds: float) -> Iterator[tuple[int, Answer | LlmError]]:
        for place, prompt in enumerate(prompts):
            if self._answer is None:
                yield place, self._cannot("complete")
                continue
            self.asked += 1
            text = self._answer(prompt)
            if isinstance(text, LlmError):
                yield place, text
                continue
            data = None if prompt.schema is None else json.loads(text)
            words = len(prompt.user.split()), len(text.split())
            yield place, Answer(text, data, self.tier, self.model_id, False, *words)

    def likelihoods(self, asked: Sequence[Options], seconds: float) -> Iterator[tuple[int, Likelihoods | LlmError]]:
        for place, one in enumerate(asked):
            if self._score is None:
                yield place, self._cannot("likelihoods")
                continue
            self.asked += 1
            logs = self._score(one)
            if isinstance(logs, LlmError):
                yield place, logs
                continue
            tokens = np.array([max(1, len(option.split())) for option in one.options], dtype=np.int32)
            array = np.array(logs, dtype=np.float32)
            yield place, Likelihoods(array, tokens, self.tier, self.model_id, False, len(one.prefix.split()))

    def rerank(self, query: str, documents: Sequence[str], seconds: float) -> Floats | LlmError:
        if self._rank is None:
            return self._cannot("rerank")
        self.asked += 1
        scores = self._rank(query, documents)
        return scores if isinstance(scores, LlmError) else np.array(scores, dtype=np.float32)

    def probe(self) -> str:
        return f"{self.model_id} follows its script"


@dataclass(frozen=True)
class Reply:
    """What the server does with one request: waits ``hang`` seconds, then sends ``body``; with ``cut`` it promises more
    than it sends, with ``raw`` the bytes are no HTTP at all, with ``drop`` it closes the connection without a word."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hang: float = 0.0
    cut: bool = False
    raw: bool = False
    drop: bool = False


def chat(text: str | None, finish: str = "stop", **message: Any) -> Reply:
    """A chat completion that says ``text``."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
    usage = {"prompt_tokens": 11, "completion_tokens": 7}
    return Reply(json.dumps({"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage}).encode())


@dataclass
class Server:
    """``requests`` are the (path, headers, body) it was sent, in order."""

    url: str
    requests: list[tuple[str, dict[str, str], Any]]

    @property
    def asked(self) -> int:
        return len(self.requests)


@contextmanager
def http_server(answer: Callable[[str, Any], Reply]) -> Iterator[Server]:
    """A server on loopback that answers a POST to ``path`` with JSON ``body`` by ``answer(path, body)``."""
    closing = threading.Event()
    seen: list[tuple[str, dict[str, str], Any]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"null")
            seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            reply = answer(self.path, body)
            if reply.hang:
                closing.wait(reply.hang)
            if reply.raw or reply.drop:
                self.wfile.write(reply.body)
                self.close_connection = True
                return
            self.send_response(reply.status)
            self.send_header("content-type", reply.headers.get("content-type", "application/json"))
            for name, value in reply.headers.items():
                if name != "content-type":
                    self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body) + 100 * reply.cut))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = self.close_connection or reply.cut

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that hangs up is part of the test."""

    listening = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{listening.server_address[1]}/v1", seen)
    finally:
        closing.set()
        listening.shutdown()
        listening.server_close()
        thread.join()
