"""The metrics of a process, as Prometheus reads them."""

import re

from prometheus_client.parser import text_string_to_metric_families

from libs.common import metrics


def families() -> dict[str, str]:
    """Return the type of every metric family of the exposition by its name."""
    text = metrics.exposition().decode()
    return {family.name: family.type for family in text_string_to_metric_families(text)}


def test_names_tell_their_unit() -> None:
    """Every metric of ours has the prefix, and a unit or a count at the end."""
    ours = {name for name in families() if not name.startswith(("process_", "python_"))}
    assert ours
    units = r"_(seconds|entries|total|left|leader|state|clients|bytes)$"
    for name in ours:
        assert name.startswith("cassiopeia_")
        counted = f"{name}_total" if families()[name] == "counter" else name
        assert re.search(units, counted), name


def test_every_metric_is_explained() -> None:
    """No metric is without a help text."""
    text = metrics.exposition().decode()
    assert all(family.documentation for family in text_string_to_metric_families(text))


def test_no_series_tells_when_it_was_made() -> None:
    """The `_created` series, one more for each counter and histogram, are switched off."""
    metrics.POLLS.labels("a-source", "a-provider", "ok").inc()
    text = metrics.exposition().decode()
    assert "cassiopeia_source_polls_total{" in text
    assert "_created" not in text
