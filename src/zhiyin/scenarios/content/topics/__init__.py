"""What a group of people reads and discusses of late: found, named, counted, and held against the time before."""

from zhiyin.scenarios.content.topics.find import Finding, find_topics
from zhiyin.scenarios.content.topics.kept import Topic, Topics, name_topic, read_topics
from zhiyin.scenarios.content.topics.settings import TopicsSettings, WindowSettings
from zhiyin.scenarios.content.topics.view import Discussed, TopicView, discussed

__all__ = [
    "Discussed",
    "Finding",
    "Topic",
    "TopicView",
    "Topics",
    "TopicsSettings",
    "WindowSettings",
    "discussed",
    "find_topics",
    "name_topic",
    "read_topics",
]
