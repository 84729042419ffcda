"""Tuning goes on where it was cut off, keeps to its budget, and writes what holds on people kept aside."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Self

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from pydantic import Field

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.linear import LinearCore, LinearParams
from zhiyin.candidates.rules import SequentialRules
from zhiyin.choice import FOLDER
from zhiyin.cli.tune import tune as command
from zhiyin.config import load_settings
from zhiyin.errors import ModelError, NotEnoughData, StoreError, ZhiyinError
from zhiyin.preprocess.splits import leave_one_out
from zhiyin.registry import MODELS
from zhiyin.testing.fixtures import training_data
from zhiyin.testing.project import run, write_files
from zhiyin.tuning import trials as trials_module
from zhiyin.tuning.confirm import confirm
from zhiyin.tuning.space import places_of, space_of
from zhiyin.tuning.stages import Bench, ModelStage, make_bench, values_of
from zhiyin.tuning.trials import JOURNAL, Journal, Trials, locked
from zhiyin.tuning.whole import FusionStage
from zhiyin.types import TrainingData

app = typer.Typer()
app.command("tune")(command)
app.callback()(lambda: None)
CHILD = """
import typer
from zhiyin.cli.common import fail
from zhiyin.cli.tune import tune
from zhiyin.errors import ZhiyinError
try:
    typer.run(tune)
except ZhiyinError as error:
    fail(error)
"""


def tune(*words: str | Path) -> int:
    try:
        app(["tune", *(str(word) for word in words)])
    except ZhiyinError as error:
        print(error.line, file=sys.stderr)
        return error.exit_code
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


class HillParams(Params):
    height: float = Field(4.0, ge=0, le=100)
    """Best at 1."""
    kind: str = "plain"
    """"best" is best."""


class Hill(Recommender):
    """Ranks the next of a ring of items the higher, the closer ``height`` is to 1."""

    name: ClassVar[str] = "hill/山"
    params_type: ClassVar[type[Params]] = HillParams
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "height": (4.0, 0.5, 1.0, 2.0, 8.0),
        "kind": ("plain", "best"),
    }
    params: HillParams
    fitted: ClassVar[list[HillParams]] = []

    def fit(self, data: TrainingData) -> Self:
        if self.params.height > 7.9:
            raise ModelError("no solution")
        Hill.fitted.append(self.params)
        self.n_items = data.interactions.n_items
        return self

    def fit_seconds(self, data: TrainingData) -> float:
        return 1.0

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> Self:
        return self

    def score(self, histories: Any) -> Any:
        """The next item of the ring stands at a place that grows with the distance from the best height."""
        place = int(4 * abs(np.log2(self.params.height)) + (0 if self.params.kind == "best" else 2))
        scores = np.zeros((len(histories), self.n_items), dtype=np.float32)
        for row in range(len(histories)):
            last = histories.items[histories.indptr[row + 1] - 1]
            ahead = [(last + 20 + step) % self.n_items for step in range(min(place, 20))]
            order = [*ahead, (last + 1) % self.n_items]
            scores[row, order] = np.arange(len(order), 0, -1)
        return scores


def ring_bench(users: int = 40, items: int = 60) -> Bench:
    names = [f"步/{step}" for step in range(items)]
    data = training_data({f"u {u}": [names[(3 * u + step) % items] for step in range(5)] for u in range(users)})
    return make_bench(leave_one_out(data.interactions).search(), data.catalogue, {}, seed=3)


def hill(tmp_path: Path, bench: Bench, name: str = "s", seed: int = 0) -> Trials:
    Hill.fitted.clear()
    stage = ModelStage(Hill, bench, {})
    return Trials(stage, space_of(HillParams, Hill.search_space), Journal(tmp_path).study(name), seed)


def history(trials: Trials) -> list[tuple[dict[str, Any], float | None]]:
    return [(one.user_attrs["values"], one.value) for one in trials.own]


def go(trials: Trials, most: int, until: float | None = None, seeds: Sequence[dict[str, Any]] = ()) -> None:
    trials.run(seeds, most, time.monotonic() + 1000 if until is None else until, lambda done: None)


def test_halves_share_nobody() -> None:
    bench = ring_bench()
    assert len(bench.search.users) == len(bench.check.users) == 20
    assert set(bench.search.users) | set(bench.check.users) == set(range(40))
    for half in (bench.search, bench.check):
        assert all(half.histories.users[at] == user for at, user in enumerate(half.users))
        assert (half.targets.lengths == 1).all()
    with pytest.raises(NotEnoughData, match="9 people"):
        ring_bench(users=9)


def test_it_finds_the_top_and_begins_with_the_seeds(tmp_path: Path) -> None:
    bench = ring_bench()
    trials = hill(tmp_path, bench)
    space = space_of(HillParams, Hill.search_space)
    seeds = [places_of(space, HillParams()), places_of(space, HillParams(height=2.0)), places_of(space, HillParams())]
    go(trials, 40, seeds=seeds)
    assert [values for values, _ in history(trials)][:2] == [
        {"height": 4.0, "kind": "plain"},
        {"height": 2.0, "kind": "plain"},
    ]
    best = trials.best()
    assert best is not None
    assert best.score == 1.0
    assert best.values["kind"] == "best"
    assert 0.84 < best.values["height"] < 1.19
    assert len({repr(values) for values, _ in history(trials)}) == len(Hill.fitted) + sum(
        score == -1 for _, score in {repr(values): (values, score) for values, score in history(trials)}.values()
    ), "nothing is fitted twice, and what has no solution is passed over"


def test_the_same_seed_tries_the_same_whether_cut_off_or_not(tmp_path: Path) -> None:
    bench = ring_bench()
    seeds = [places_of(space_of(HillParams, Hill.search_space), HillParams())]
    whole = hill(tmp_path, bench, "whole")
    go(whole, 25, seeds=seeds)
    for most in (1, 5, 18, 25):
        part = hill(tmp_path, bench, "parts")
        go(part, most, seeds=seeds)
        assert len(part.own) == most
    assert history(part) == history(whole)
    other = hill(tmp_path, bench, "other", seed=1)
    go(other, 25, seeds=seeds)
    assert history(other) != history(whole)


def test_the_budget_holds_and_what_is_too_dear_comes_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("zhiyin.tuning.trials.time.monotonic", lambda: clock[0])
    fit = Hill.fit

    def slow(self: Hill, data: TrainingData) -> Hill:
        clock[0] += 1.0
        return fit(self, data)

    monkeypatch.setattr(Hill, "fit", slow)
    bench = ring_bench()
    first = hill(tmp_path, bench)
    first.run([], 50, 5.5, lambda done: None)
    assert clock[0] == 5.0, "a sixth would have ended after the budget"
    again = hill(tmp_path, bench)
    again.run([], len(first.own) + 3, 1e9, lambda done: None)
    whole = hill(tmp_path, bench, "whole")
    whole.run([], len(again.own), 1e9, lambda done: None)
    assert history(again) == history(whole)
    clock[0] = 0.0
    slower = hill(tmp_path, bench, "slower")
    slower.run([], 50, 5.5, lambda done: None, pace=3.0)
    assert clock[0] == 3.0, "here a nominal second takes three"


def test_poor_ones_are_cut_short_on_the_first_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials_module, "FIRST_USERS", 8)
    asked = []
    score = Hill.score

    def counted(self: Hill, people: Any) -> Any:
        asked.append(len(people))
        return score(self, people)

    monkeypatch.setattr(Hill, "score", counted)
    bench = ring_bench()
    trials = hill(tmp_path, bench)
    go(trials, 30)
    cut = [one for one in trials.own if one.value is not None and one.state.name == "PRUNED"]
    assert cut
    assert sum(asked) < 20 * len(Hill.fitted), "fewer are asked than all of everybody"
    best = trials.best()
    assert best is not None
    assert best.score == max(one.value or -1 for one in trials.own if one.state.name == "COMPLETE")


class Costly(LinearCore):
    """The core, as dear to solve as on a large catalogue."""

    solved: ClassVar[list[tuple[Any, ...]]] = []

    def fit_seconds(self, data: TrainingData) -> float:
        return 0.1 if self._known(data) is not None else 20.0

    def _solve(self, data: TrainingData) -> Any:
        if self._known(data) is None:
            Costly.solved.append(self._key())
        return super()._solve(data)


def test_what_is_dear_to_solve_is_shared_and_looked_for_on_the_models_own_values(tmp_path: Path) -> None:
    Costly.solved.clear()
    bench = ring_bench()
    stage = ModelStage(Costly, bench, {"trend": 0.0})
    assert stage.look() >= 1
    assert stage.stepped == {"regularisation", "text_scale"}
    space = space_of(LinearParams, Costly.search_space, fixed=stage.fixed, stepped=stage.stepped)
    assert stage.seconds(LinearParams(decay=0.9)) == 0.1
    assert stage.seconds(LinearParams(regularisation=50.0)) == 20.0
    trials = Trials(stage, space, Journal(tmp_path).study("s"), 0)
    trials.run([], 25, time.monotonic() + 1000, lambda done: None)
    tried = {(one.user_attrs["values"]["regularisation"], one.user_attrs["values"]["text_scale"]) for one in trials.own}
    assert {value for value, _ in tried} <= set(Costly.search_space["regularisation"])
    assert len({one.user_attrs["values"]["decay"] for one in trials.own}) > 7, "the others lie between them"
    assert len(tried) <= len(Costly.solved) <= 7, "once for about every ``HELD`` trials"
    assert len(stage._shared) <= 4, "memory is bounded"


def test_what_only_one_half_likes_is_not_confirmed() -> None:
    bench = ring_bench()

    class Halved(Hill):
        """Right with a low height for the search half, with a high one for the others."""

        def score(self, histories: Any) -> Any:
            half = np.isin(histories.users, bench.search.users)
            good = half if self.params.height < 1 else ~half
            high, low = (Hill(HillParams(height=value, kind="best")) for value in (1.0, 4.0))
            high.n_items = low.n_items = self.n_items
            return np.where(good[:, None], high.score(histories), low.score(histories))

    stage = ModelStage(Halved, bench, {})
    found, rival = HillParams(height=0.5), HillParams(height=4.0)
    assert np.mean(values_of(stage.ranker(found), bench.search, bench.catalogue)) == 1
    checked = confirm(stage, found, {"the defaults": rival}, 0)
    assert not checked.better
    assert checked.gap is not None
    assert (checked.gap.mean < 0, checked.gap.users, checked.rivals["the defaults"]) == (True, 20, 1.0)
    other = confirm(stage, rival, {"low": found, "none": HillParams(height=8.0)}, 0)
    assert other.better
    assert other.gap is not None
    assert other.gap.low > 0
    assert list(other.rivals) == ["low"], "what has no solution is no rival"
    same = confirm(stage, rival, {"low": found, "itself": rival}, 0)
    assert (same.gap, same.closest, same.better) == (None, "itself", False)


def test_a_journal_cut_in_the_middle_of_a_line_is_whole_again(tmp_path: Path) -> None:
    bench = ring_bench()
    go(hill(tmp_path, bench), 4)
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(b'{"op_code": 4, "wor')
    trials = hill(tmp_path, bench)
    assert len(trials.own) == 4
    go(trials, 6)
    assert len(hill(tmp_path, bench).own) == 6
    (tmp_path / JOURNAL).write_bytes(b"nonsense\nmore\n")
    with pytest.raises(StoreError, match="cannot be read") as damaged:
        Journal(tmp_path)
    assert "\n" not in damaged.value.line


# The command line.


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that nothing was trained in yet."""
    folder = tmp_path_factory.mktemp("tuning")
    events, items = write_files(folder)
    assert run("init", folder / "项目") == 0
    with (folder / "项目" / "zhiyin.toml").open("a", encoding="utf-8") as file:
        file.write('[encoder]\nmodel = "none"\n')
    assert run("import", "--events", events, "--items", items, "--project", folder / "项目", "--quiet") == 0
    return folder / "项目"


@pytest.fixture
def project(imported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(imported, tmp_path / "一 project"))


def tried(project: Path) -> list[str]:
    """The lines of finished trials, as they are but for times."""
    lines = [json.loads(line) for line in (project / FOLDER / JOURNAL).read_text(encoding="utf-8").splitlines()]
    return [json.dumps([line["params"], line["value"]]) for line in lines if "params" in line]


def test_a_second_call_goes_on_to_the_number_asked_for(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--model", "rules", "--model", "popular", "--project", project, "--quiet", "--format", "json")
    assert tune("--trials", "5", *words) == 0
    first = json.loads(capsys.readouterr().out)
    assert list(first["models"]) == ["popular", "rules"]
    assert {one["trials"] for one in first["models"].values()} == {5}
    assert tune("--trials", "8", *words) == 0
    second = json.loads(capsys.readouterr().out)
    assert [(one["trials"], one["new_trials"]) for one in second["models"].values()] == [(8, 3), (8, 3)]
    assert tune("--trials", "8", *words) == 0
    third = json.loads(capsys.readouterr().out)
    assert {one["new_trials"] for one in third["models"].values()} == {0}
    assert [one["values"] for one in third["models"].values()] == [one["values"] for one in second["models"].values()]
    assert len(own_lines(project)) == 16


def test_other_data_and_other_protocols_start_anew(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--trials", "3", "--model", "popular", "--project", project, "--quiet", "--format", "json")
    for protocol in ("leave-one-out", "random"):
        assert tune("--protocol", protocol, *words) == 0
        assert json.loads(capsys.readouterr().out)["models"]["popular"]["new_trials"] == 3
    more = project / "more.csv"
    more.write_text("user_id,item_id,timestamp\n新人,茶/0 号,1600000000\n", encoding="utf-8")
    assert run("import", "--events", more, "--project", project, "--quiet") == 0
    capsys.readouterr()
    assert tune(*words) == 0
    assert json.loads(capsys.readouterr().out)["models"]["popular"]["new_trials"] == 3


def test_what_is_found_reaches_training(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = project / "zhiyin.toml"
    mine = path.read_text(encoding="utf-8") + "[models.rules]  # 我们的\nwindow = 5\n"
    path.write_text(mine, encoding="utf-8")
    words = ("--trials", "6", "--model", "rules", "--model", "linear", "--project", project, "--quiet")
    # On data as clear as these nothing is better than the defaults, so what is found is no more than as good.
    assert tune(*words, "--apply") == 0
    assert "Nothing is written" in capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == mine
    out = project / "found 找到.toml"
    assert tune(*words, "--apply", "--force", "--out", out, "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["applied"], told["file"], list(told["written"])) == (True, str(out), ["rules", "linear"])
    assert "window" not in told["written"]["rules"], "what is set is not searched"
    assert "我们的\n" in path.read_text(encoding="utf-8")
    models = load_settings(project).models
    assert models == {"rules": {"window": 5, **told["written"]["rules"]}, "linear": told["written"]["linear"]}
    assert run("train", "--no-search", "--project", project, "--quiet", "--format", "json") == 0
    used = json.loads(capsys.readouterr().out)["hyper_parameters"]
    for name, values in models.items():
        assert {key: used[name][key] for key in values} == values
    # What tuning wrote is no wish of the user's: it stays open to search, and the trials are those of before.
    assert tune(*words, "--format", "json") == 0
    again = json.loads(capsys.readouterr().out)["models"]
    assert [one["new_trials"] for one in again.values()] == [0, 0]
    assert "the values found before" in again["rules"]["check"]["rivals"]


def test_what_is_set_whole_is_left_out(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (project / "zhiyin.toml").open("a", encoding="utf-8") as file:
        file.write("[models.popular]\ndays = 7.0\n")
    assert tune("--model", "popular", "--project", project, "--quiet") == 0
    assert "popular is left out: every parameter" in capsys.readouterr().out


def test_a_file_that_cannot_take_it_is_refused_before_the_work(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / "zhiyin.toml"
    path.write_text(path.read_text(encoding="utf-8") + "[models]\nrules = {window = 5}\n", encoding="utf-8")
    assert tune("--model", "rules", "--apply", "--quiet", "--project", project) == 1
    assert "by hand" in capsys.readouterr().err
    assert not own_lines(project)


def test_no_time_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tune("--model", "linear", "--seconds", "0.1", "--project", project, "--quiet") == 0
    assert "raise --seconds" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--model", "linaer"], 2, "no model 'linaer'"),
        (["--trials", "0"], 2, "--trials"),
        (["--protocol", "best"], 2, "--protocol"),
        (["--project", "nowhere"], 1, "no zhiyin.toml here"),
    ],
)
def test_wrong_calls(project: Path, words: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert tune("--quiet", "--project", project, *words) == code
    assert says in capsys.readouterr().err


def test_two_at_once_are_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with locked(project / FOLDER):
        assert tune("--model", "popular", "--quiet", "--project", project) == 1
    said = capsys.readouterr().err
    assert "another 'zhiyin tune' is at work" in said
    assert said.count("\n") == 1
    assert tune("--model", "popular", "--trials", "2", "--quiet", "--project", project) == 0


def start(project: Path, trials: int) -> subprocess.Popen[str]:
    """A child that tunes ``project``, once it has finished 4 trials more."""
    before = len(own_lines(project))
    words = ["--model", "rules", "--trials", str(trials), "--quiet", "--project", str(project)]
    child = subprocess.Popen([sys.executable, "-c", CHILD, *words], text=True, stderr=subprocess.PIPE, env=os.environ)
    ends = time.monotonic() + 60
    while len(own_lines(project)) < before + 4:
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < ends
        time.sleep(0.02)
    return child


def own_lines(project: Path) -> list[str]:
    journal = project / FOLDER / JOURNAL
    text = journal.read_text(encoding="utf-8") if journal.exists() else ""
    return [line for line in text.splitlines() if '"params"' in line and '"built-in"' not in line]


def test_killed_and_stopped_it_goes_on_as_if_it_had_not_been(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Path(shutil.copytree(project, tmp_path / "other"))
    child = start(project, 100_000)
    child.kill()
    child.communicate()
    killed = len(own_lines(project))
    child = start(project, 100_000)
    child.send_signal(signal.SIGTERM)
    _, said = child.communicate()
    assert said.startswith("zhiyin: stopped; ")
    assert said.count("\n") == 1
    assert "run the same command again to go on" in said
    assert child.returncode == 1
    done = len(own_lines(project))
    assert done >= killed + 4 >= 8
    total = str(done + 3)
    for folder in (project, other):
        assert tune("--model", "rules", "--trials", total, "--quiet", "--project", folder) == 0
    assert tried(project) == tried(other)
    assert len(own_lines(project)) == done + 3


def test_the_combination_is_measured_on_people_it_did_not_learn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FusionStage, "search_space", {"penalty": (1e-3, 0.1)})
    bench = ring_bench(users=120)
    members = {name: MODELS[name].make_params({}) for name in ("popular", "rules", "content")}
    stage = FusionStage(bench, members, {"kind": "linear"})
    parts = [set(part.users.tolist()) for part in (stage.taught, stage.bench.search, stage.bench.check)]
    assert set.union(*parts) == set(range(120))
    assert sum(map(len, parts)) == 120, "nobody is in two parts"
    assert stage.look() >= 1
    assert set(stage._members) == {"popular", "rules"}, "what these data do not allow is left out"
    learned_from = []

    def fuse(members: Any, single: str, filler: Any, trial: Any, *_: Any, **__: Any) -> Any:
        learned_from.append((sorted(members), single, set(trial.users.tolist())))
        return SimpleNamespace(model=members["rules"])

    monkeypatch.setattr("zhiyin.tuning.whole.fuse", fuse)
    asked = [stage.ranker(stage.make({})), ModelStage(SequentialRules, bench, {}).ranker(members["rules"])]
    values = [values_of(ranker, stage.bench.check, bench.catalogue).tolist() for ranker in asked]
    assert values[0] == values[1]
    assert learned_from == [(["popular", "rules"], stage._single, parts[0])]
    off = FusionStage(bench, members, {"enabled": False})
    with pytest.raises(ModelError, match="no combination"):
        off.look()


def test_the_combination_has_its_turn_where_it_names_what_to_search(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(FusionStage, "search_space", {"penalty": (1e-3, 0.1)})
    words = ("--trials", "2", "--model", "fusion", "--quiet", "--format", "json", "--project", project)
    assert tune(*words) == 0
    told = json.loads(capsys.readouterr().out)["models"]
    assert list(told) == ["fusion"]
    assert told["fusion"]["left_out"] or told["fusion"]["trials"] == 2
