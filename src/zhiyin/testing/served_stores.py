"""What every store must do for a service, as checks like those of ``testing.stores``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from zhiyin.errors import StoreError
from zhiyin.ports import Written
from zhiyin.store.appending import EventRow
from zhiyin.store.erasing import erasure_key, hashed
from zhiyin.store.experiments import KeptExperiment
from zhiyin.store.feedback import FeedbackRow
from zhiyin.store.impressions import Impression
from zhiyin.store.keys import KeptKey
from zhiyin.store.profiles import KeptState
from zhiyin.store.rows import ItemRow, UserRow
from zhiyin.testing.rows import event, put_events, put_items, put_links, put_users

if TYPE_CHECKING:
    from zhiyin.store.sql import SqlStore

Make = Callable[[], "SqlStore"]
Check = Callable[[Make], None]

IDS = ["a/b c", "anna o'neil", '"quoted"; --', "张伟", "茶壶 🫖", "A/b c", "%_\\", " ", "é", "e\u0301", "?#"]


def check_events_added_one_by_one(make: Make) -> None:
    """The quick way in keeps the same rules as the frame's: ids, content, bare rows, order."""
    store = make()
    given = [
        EventRow("1", "张伟", "茶/1", "view"),
        EventRow(None, "u", "b", "rate", 1, 7),
        EventRow(None, "u", "b", "rate", 1.0, 7, "list"),
        EventRow("1", "other", "c", "view"),
        EventRow("2", "u", "b", "nan", float("nan")),
    ]
    with store.writing() as writer:
        assert writer.add_events(given) == Written(new=3, changed=0, same=2)
        assert writer.add_events(given) == Written(new=0, changed=0, same=5)
        assert writer.add_events([]) == Written(0, 0, 0)
        assert writer.add_events([("3", "u", "b", "short")]) == Written(1, 0, 0)
    rows = [row[1:] for row in store.events().rows()]
    assert rows == [
        ("张伟", "茶/1", "view", None, None),
        ("u", "b", "rate", 1.0, 7),
        ("u", "b", "nan", None, None),
        ("u", "b", "short", None, None),
    ]
    assert store.counts() == {"users": 3, "items": 3, "events": 4}
    assert put_events(store, [(None, "u", "b", "rate", 1.0, 7)]) == Written(0, 0, 1), "the same content, the same event"
    many = [EventRow(str(number), f"u{number}", f"i{number}", "view", None, number) for number in range(1500)]
    with store.writing() as writer:
        assert writer.add_events(many) == Written(new=1497, changed=0, same=3)
    assert store.events()["time"].to_list()[4:] == [number for number in range(1500) if number not in (1, 2, 3)]


def check_events_of_many(make: Make) -> None:
    store = make()
    assert len(store.events_of(["nobody"])) == 0
    put_events(store, [event(key, thing, time) for time in range(2) for key in IDS for thing in ("x", "茶")])
    found = store.events_of([*IDS[::-1], IDS[0], "nobody"])
    assert found.user_id == sorted(key for key in IDS for _ in range(4))
    for key in IDS:
        alone = store.events_of([key])
        frame = store.events(key)
        for name in ("user_id", "seq", "item_id", "event_type", "value", "time"):
            assert getattr(alone, name) == frame[name].to_list(), name
            assert [one for one, who in zip(getattr(found, name), found.user_id, strict=True) if who == key] == getattr(
                alone, name
            ), name
    middle = store.events()["seq"].to_list()[21]
    assert store.events_of(IDS, middle).seq == sorted(store.events_of(IDS, middle).seq, key=found.seq.index)
    assert sorted(store.events_of(IDS, middle).seq) == store.events()["seq"].to_list()[22:]
    assert len(store.events_of([f"nobody {number}" for number in range(1200)] + IDS)) == 44


def check_pages(make: Make) -> None:
    """Pages follow each other in order of id, and leave none out and none twice."""
    store = make()
    put_users(store, [(key, json.dumps({"name": key})) for key in IDS])
    put_items(store, [(key, f"T {key}", None, ["茶", "b"], '{"k": [1]}', 5, key == "张伟") for key in IDS])
    for size in (1, 4, len(IDS), 100):
        people: list[UserRow] = []
        while page := store.rows.users(people[-1].user_id if people else None, size):
            assert len(page) <= size
            people += page
        assert [one.user_id for one in people] == sorted(IDS)
        things: list[ItemRow] = []
        while some := store.rows.items(things[-1].item_id if things else None, size):
            things += some
        assert [one.item_id for one in things] == sorted(IDS)
    assert store.rows.user("张伟") == UserRow("张伟", json.dumps({"name": "张伟"}))
    assert store.rows.item("张伟") == ItemRow("张伟", "T 张伟", None, ["茶", "b"], '{"k": [1]}', 5, True)
    assert store.rows.user("A/B c") is None
    assert store.rows.item("") is None


def check_patches(make: Make) -> None:
    store = make()
    put_users(store, [("张伟", '{"labels": ["a"], "comment": "c"}'), ("odd", "3")])
    put_items(store, [("茶/1", "Tea", None, ["x"], "{}", 5, False)])
    mark = store.changes.mark()
    with store.writing() as writer:
        assert writer.patch_user("张伟", {"labels": ["b", "茶"], "comment": None})
        assert not writer.patch_user("nobody", {"labels": []})
        assert writer.user("张伟") == UserRow("张伟", '{"labels": ["b", "茶"]}')
        assert writer.patch_item("茶/1", {"title": None, "categories": ["y"], "hidden": True}, {"labels": {"k": 1}})
        assert not writer.patch_item("none", {"title": "x"})
        assert writer.item("none") is None
        assert _raises(StoreError, writer.patch_item, "茶/1", {"name": "x"}), "an unknown column was taken"
        assert _raises(StoreError, writer.patch_user, "odd", {"k": 1}), "a number was taken for an object"
    assert store.rows.item("茶/1") == ItemRow("茶/1", None, None, ["y"], '{"labels": {"k": 1}}', 5, True)
    found = store.changes.since(mark)
    assert found.users == {"张伟"}
    assert found.items == found.hidden == {"茶/1"}
    with store.writing() as writer:
        assert writer.patch_user("张伟", {"labels": ["b", "茶"], "none": None})
        assert writer.patch_item("茶/1", {"hidden": True})
    assert not store.changes.since(found.mark), "nothing is another than before"
    with store.writing() as writer:
        assert writer.set_hidden(["茶/1", "none", "茶/1"], True) == 0
        assert writer.set_hidden(["茶/1", "none"], False) == 1
    assert store.hidden_items() == []
    found = store.changes.since(found.mark)
    assert found.hidden == {"茶/1"}
    assert not found.items


def check_deletions(make: Make) -> None:
    """With a person or an item all that hangs on it goes, and nothing of others."""
    store = make()
    put_events(store, [event(user, thing) for user in ("张伟", "u") for thing in ("茶/1", "b")])
    put_links(store, [("张伟", "u", 1.0, None), ("u", "张伟", 1.0, None), ("u", "v", 1.0, None)])
    for user in ("张伟", "u"):
        store.profiles.put_state(user, KeptState("bundle", 1, b"{}"))
        store.profiles.add_edit(user, "少推茶", {}, 1)
    with store.writing() as writer:
        writer.put_impressions([Impression(user, user, "home", 1) for user in ("张伟", "u")])
    mark = store.changes.mark()
    with store.writing() as writer:
        assert writer.delete_user("nobody") == {}
        assert writer.delete_user("张伟") == {
            "events": 2, "links": 2, "impressions": 1, "profiles": 1, "profile_edits": 1, "users": 1
        }  # fmt: skip
        assert writer.delete_user("张伟") == {}
    assert store.counts() == {"users": 2, "items": 2, "events": 2, "links": 1}
    assert store.profiles.state("u") is not None
    found = store.changes.since(mark)
    assert found.users == found.rewritten == {"张伟"}
    with store.writing() as writer:
        assert writer.delete_item("茶/1") == {"events": 1, "items": 1}
        assert writer.delete_item("茶/1") == {}
    assert store.item_ids() == ["b"]
    assert store.events()["item_id"].to_list() == ["b"]
    assert store.profiles.state("u") is None, "what was kept of the events is kept no more"
    assert len(store.profiles.edits("u")) == 1
    found = store.changes.since(found.mark)
    assert found.hidden == {"茶/1"}
    assert found.rewritten == {"u"}


def check_feedback(make: Make) -> None:
    store = make()
    with store.writing() as writer:
        writer.add_events(
            [
                ("1", "张伟", "茶/1", "read", 1.0, 5),
                ("2", "张伟", "茶/1", "read", 0.5, 3),
                ("3", "张伟", "茶/1", "read", None, None),
                ("4", "张伟", "b", "star"),
                ("5", "a/b c", "茶/1", "read", -1.0, 1),
                ("6", "A/b c", "茶/1", "star", 2.0, 2),
            ]
        )
    summed = FeedbackRow("read", "张伟", "茶/1", 1.5, 5, 3)
    star = FeedbackRow("star", "张伟", "b", None, None, 1)
    others = [FeedbackRow("star", "A/b c", "茶/1", 2.0, 2, 1), FeedbackRow("read", "a/b c", "茶/1", -1.0, 1, 1)]
    assert store.feedback.page() == [*others, star, summed]
    for types, expected in ((None, [*others, star, summed]), (["read"], [others[1], summed]), ([], [])):
        for size in (1, 2, 4):
            found: list[FeedbackRow] = []
            while page := store.feedback.page(found[-1].cursor if found else None, size, types):
                found += page
            assert found == expected, (types, size)
    assert store.feedback.of_user("张伟") == [star, summed]
    assert store.feedback.of_user("张伟", ["read"]) == [summed]
    assert store.feedback.of_item("茶/1") == [*others, summed]
    assert store.feedback.of_item("茶/1", ["star"]) == others[:1]
    assert store.feedback.between("张伟", "b") == [star]
    assert store.feedback.one("read", "张伟", "茶/1") == summed
    assert store.feedback.one("read", "张伟", "b") is None
    assert store.feedback.knows_user("张伟")
    assert store.feedback.knows_item("茶/1")
    assert not store.feedback.knows_user("茶/1")
    assert not store.feedback.knows_item("张伟")
    store.profiles.put_state("张伟", KeptState("bundle", 1, b"{}"))
    mark = store.changes.mark()
    with store.writing() as writer:
        again = [(None, "张伟", "茶/1", "read", 9.0, 9), ("new", "n", "茶/1", "read"), ("n2", "n", "茶/1", "read", 2.0)]
        assert writer.overwrite_events(again) == Written(new=1, changed=1, same=1)
    assert store.feedback.one("read", "张伟", "茶/1") == FeedbackRow("read", "张伟", "茶/1", 9.0, 9, 1)
    assert store.feedback.one("read", "n", "茶/1") == FeedbackRow("read", "n", "茶/1", 2.0, None, 1)
    assert store.changes.since(mark).rewritten == {"张伟"}
    assert store.profiles.state("张伟") is None
    with store.writing() as writer:
        assert writer.delete_feedback("张伟", "茶/1", ["star"]) == 0
        assert writer.delete_feedback("张伟", "茶/1", ["read", "star"]) == 1
        assert writer.delete_feedback("张伟", "b") == 1
    assert store.feedback.of_user("张伟") == []
    assert store.rows.user("张伟") is not None


def check_feedback_of_many_people(make: Make) -> None:
    """Pages hold also where people have nothing, or only other types, over more people than are read at a time."""
    store = make()
    put_users(store, [(f"u{number:03}", "{}") for number in range(300)])
    with store.writing() as writer:
        writer.add_events([(None, f"u{number:03}", "i", "rare") for number in range(0, 300, 99)])
        writer.add_events([(None, f"u{number:03}", "i", "view") for number in range(130, 200)])
    rare = [one.user_id for one in store.feedback.page(types=["rare"])]
    assert rare == ["u000", "u099", "u198", "u297"]
    found: list[FeedbackRow] = []
    while page := store.feedback.page(found[-1].cursor if found else None, 7):
        found += page
    assert [one.cursor for one in found] == sorted({one.cursor for one in found})
    assert len(found) == 74


def check_impressions(make: Make) -> None:
    store = make()
    assert store.impressions.frame().is_empty()
    one = Impression("张/1", "张伟", "home", 10, (("茶/1", 0, 0.5), ("b", 1, None)), "A", "exp", "bundle")
    two = Impression("2", "u", "shop", 20, (("b", 0, 1.0),))
    with store.writing() as writer:
        assert writer.put_impressions([one, two, two]) == 2
        assert writer.put_impressions([one]) == 0
        assert writer.confirm(["2", "2", "none"]) == 1
        assert writer.confirm([]) == 0
    assert store.impressions.get("张/1") == one
    assert store.impressions.get("none") is None
    assert [(shown.impression_id, shown.confirmed) for shown in store.impressions.of_user("u")] == [("2", True)]
    frame = store.impressions.frame()
    assert frame.drop("seq").rows() == [
        ("张/1", "张伟", "home", "A", "exp", "bundle", 10, False, "茶/1", 0, 0.5),
        ("张/1", "张伟", "home", "A", "exp", "bundle", 10, False, "b", 1, None),
        ("2", "u", "shop", None, None, None, 20, True, "b", 0, 1.0),
    ]
    assert frame.schema == store.impressions.frame(since=99).schema
    assert len(store.impressions.frame(since=10, until=20)) == 2
    assert len(store.impressions.frame(after=frame["seq"][0])) == 1
    assert len(store.impressions.frame(experiment="exp")) == 2
    assert store.impressions.prune(before=20) == 1
    assert store.impressions.get("张/1") is None


def check_keys_and_audit(make: Make) -> None:
    store = make()
    key = KeptKey("zy_ab", "hash", "salt", "default", "张", ("read", "write"), 5)
    assert not store.keys.any()
    store.keys.add(key)
    assert store.keys.any()
    assert _raises(StoreError, store.keys.add, key), "a prefix was taken twice"
    store.keys.add(KeptKey("zy_cd", "h", "s", "other", "", (), 6))
    assert store.keys.get("zy_ab") == key
    assert store.keys.get("zy_AB") is None
    store.keys.touch({"zy_ab": 9, "none": 9})
    store.keys.touch({"zy_ab": 8})
    assert store.keys.revoke("zy_ab", 10)
    assert not store.keys.revoke("zy_ab", 11)
    assert not store.keys.revoke("none", 11)
    assert [(one.prefix, one.last_used, one.revoked) for one in store.keys.all()] == [
        ("zy_ab", 9, 10),
        ("zy_cd", None, None),
    ]
    for number in range(3):
        store.audit.add("erase", tenant=f"t{number % 2}", time=number, key_prefix="zy_ab", detail={"数": number})
    latest = store.audit.latest(2)
    assert [(one.time, one.detail, one.target) for one in latest] == [(2, {"数": 2}, None), (1, {"数": 1}, None)]
    assert [one.time for one in store.audit.latest(before=latest[-1].seq)] == [0]
    assert [one.time for one in store.audit.latest(tenant="t0")] == [2, 0]


def check_experiments(make: Make) -> None:
    store = make()
    mark = store.changes.mark()
    with store.writing() as writer:
        writer.put_experiment("a/b", {"variants": ["一", "b"]}, "draft", 1)
    found = store.changes.since(mark)
    assert found.experiment
    assert store.experiments.set_state("a/b", "running", 2)
    assert not store.experiments.set_state("none", "running", 2)
    assert store.experiments.get("a/b") == KeptExperiment("a/b", {"variants": ["一", "b"]}, "running", 1, 2)
    with store.writing() as writer:
        writer.put_experiment("a/b", {}, "done", 3)
    assert store.experiments.all() == [KeptExperiment("a/b", {}, "done", 1, 3)]
    assert store.experiments.get("none") is None
    mark = store.changes.mark()
    assert store.experiments.drop("a/b")
    assert not store.experiments.drop("a/b")
    assert store.changes.since(mark).experiment


def check_leases(make: Make) -> None:
    store = make()
    second = 1_000_000
    take = store.leases.acquire
    assert take("train", "one", 10, 100 * second)
    assert not take("train", "two", 10, 109 * second)
    assert take("other", "two", 10, 109 * second)
    assert store.leases.renew("train", "one", 10, 109 * second)
    assert not take("train", "two", 10, 118 * second)
    assert take("train", "two", 10, 119 * second), "it ran out"
    assert not store.leases.renew("train", "one", 10, 120 * second), "it is another's"
    store.leases.release("train", "one")
    assert store.leases.holder("train") == "two"
    # The clock steps back by more than a minute: nobody is locked out for longer than the lease was given for.
    assert not take("train", "one", 10, 50 * second)
    assert not take("train", "one", 10, 59 * second)
    assert take("train", "one", 10, 60 * second)
    store.leases.release("train", "one")
    assert store.leases.holder("train") is None
    assert take("train", "two", 10, 60 * second)


def check_erasing(make: Make) -> None:
    """Nothing of a person is left in any table, nothing of others is gone, and what is held can be had before."""
    store = make()
    name = "张伟/不该留下"
    put_users(store, [(name, '{"age": 3}'), ("u", "{}")])
    put_events(store, [event(name, "茶/1", 7), event("u", "茶/1")])
    put_links(store, [("u", name, 1.0, None)])
    store.profiles.put_state(name, KeptState("bundle", 1, b'{"k": [1]}'))
    edit = store.profiles.add_edit(name, "少推茶", {"kind": "wish"}, 1)
    with store.writing() as writer:
        writer.put_impressions([Impression("1", name, "home", 1, (("茶/1", 0, 0.5),))])
    store.audit.add("export", tenant="default", time=1, target=name)
    for job, key in (("profiles", "k1"), ("items", "k2")):
        call = {
            "tenant": "t", "job": job, "prompt": "p", "model_id": "m", "key": key, "outcome": "ok", "tokens_in": 1,
            "tokens_out": 1, "money": 0.0, "seconds": 0.1, "asked": f"of {name}", "answered": f"{job}: {name}",
        }  # fmt: skip
        store.calls.record([call], {key: '"answer"'})
    held = store.export(name)
    assert json.loads(json.dumps(held)) == held
    assert held["attributes"] == {"age": 3}
    assert [(one["item_id"], one["time"]) for one in held["events"]] == [("茶/1", 7)]
    assert [one["user_id"] for one in held["links"]] == ["u"]
    assert held["profile"]["state"] == {"k": [1]}
    assert [(one["edit_id"], one["said"], one["undone"]) for one in held["profile_edits"]] == [(edit, "少推茶", False)]
    assert held["impressions"][0]["items"] == [["茶/1", 0, 0.5]]
    assert store.export("nobody")["known"] is False
    mark = store.changes.mark()
    with TemporaryDirectory() as folder:
        secret = erasure_key(Path(folder))
        assert erasure_key(Path(folder)) == secret
    gone = store.erase(name, secret, 99)
    assert gone["events"] == gone["users"] == gone["llm_cache"] == gone["llm_calls"] == gone["audit"] == 1
    assert store.changes.since(mark).rewritten == {name}
    calls = {one.job: one for one in store.calls.log()}
    assert calls["profiles"].asked is calls["profiles"].answered is None
    assert calls["items"].asked == f"of {name}", "what was read in items is not a person's"
    assert store.calls.answers(["k1", "k2"]) == {"k2": '"answer"'}
    assert store.counts() == {"users": 1, "items": 1, "events": 1}
    empty: dict[str, Any] = {"events": [], "links": [], "profile": None, "profile_edits": [], "impressions": []}
    empty |= {"circles": [], "ads": [], "records": []}
    assert store.export(name) == {"user_id": name, "known": False, "attributes": {}} | empty
    assert [(one.user_hash, one.time, one.done_bundle) for one in store.erasures.all()] == [
        (hashed(name, secret), 99, None)
    ]
    store.erase("nobody", secret, 100)
    first, second = store.erasures.all(open_only=True)
    assert store.erasures.done("bundle", first.seq) == 1
    assert store.erasures.all(open_only=True) == [second]
    assert store.erasures.prune_changes(2**62) > 0
    assert not store.changes.since(mark).rewritten


CHECKS: list[Check] = [
    check_events_added_one_by_one,
    check_events_of_many,
    check_pages,
    check_patches,
    check_deletions,
    check_feedback,
    check_feedback_of_many_people,
    check_impressions,
    check_keys_and_audit,
    check_experiments,
    check_leases,
    check_erasing,
]


def _raises(error: type[BaseException], call: Callable[..., Any], *arguments: Any) -> bool:
    try:
        call(*arguments)
    except error:
        return True
    return False
