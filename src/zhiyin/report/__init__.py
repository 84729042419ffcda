"""One self-contained HTML page on a project: its data, its models, how good they are, and what people are given."""

from zhiyin.report.content import ReportContent
from zhiyin.report.page import write_report

__all__ = ["ReportContent", "write_report"]
