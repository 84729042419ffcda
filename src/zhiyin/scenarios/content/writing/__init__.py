"""Help for an author: outline, draft, headlines, summary and tags, fitted to who reads; headlines tried on readers."""

from zhiyin.scenarios.content.writing.audience import Audience, audience_of
from zhiyin.scenarios.content.writing.drafts import (
    Draft,
    delete_draft,
    drafts,
    edit_draft,
    publish_draft,
    read_draft,
    versions,
    write_draft,
)
from zhiyin.scenarios.content.writing.trial import (
    Shown,
    Trial,
    headlines_for,
    impressions_of,
    read_trial,
    settle,
    show,
    start_trial,
    stop_trial,
    trial_report,
    trials,
)

__all__ = [
    "Audience",
    "Draft",
    "Shown",
    "Trial",
    "audience_of",
    "delete_draft",
    "drafts",
    "edit_draft",
    "headlines_for",
    "impressions_of",
    "publish_draft",
    "read_draft",
    "read_trial",
    "settle",
    "show",
    "start_trial",
    "stop_trial",
    "trial_report",
    "trials",
    "versions",
    "write_draft",
]
