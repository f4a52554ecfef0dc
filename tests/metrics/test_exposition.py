"""Metrics as text, read back by parsers that nobody here wrote."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as strictly_parsed
from prometheus_client.parser import text_string_to_metric_families as parsed

from server.metrics.exposition import OPEN_METRICS, TEXT, Sample, counter, exposition, gauge, histogram
from server.metrics.histogram import Histogram


def test_a_counter_is_called_a_total() -> None:
    family = counter("hubbub_closes", "Closes.", Sample(2, (("by", "server"), ("code", "4002"))))
    assert exposition([family], TEXT) == (
        "# HELP hubbub_closes_total Closes.\n"
        "# TYPE hubbub_closes_total counter\n"
        'hubbub_closes_total{by="server",code="4002"} 2\n'
    )
    assert exposition([family], OPEN_METRICS) == (
        "# HELP hubbub_closes Closes.\n"
        "# TYPE hubbub_closes counter\n"
        'hubbub_closes_total{by="server",code="4002"} 2\n'
        "# EOF\n"
    )


def test_a_histogram_is_cumulative_and_its_bounds_belong_to_their_ranges() -> None:
    observed = Histogram((1.0, 2.5))
    for value in (0.5, 1.0, 2.0, 2.5, 7.0):
        observed.observe(value)
    assert exposition([histogram("h", "H.", observed)], TEXT).splitlines()[2:] == [
        'h_bucket{le="1.0"} 2',
        'h_bucket{le="2.5"} 4',
        'h_bucket{le="+Inf"} 5',
        "h_sum 13.0",
        "h_count 5",
    ]


def test_what_has_no_limit_is_infinite() -> None:
    text = exposition([gauge("most", "Most.", Sample(math.inf))], OPEN_METRICS)
    assert [sample.value for family in strictly_parsed(text) for sample in family.samples] == [math.inf]


def test_a_family_without_samples_is_announced_all_the_same() -> None:
    assert [family.name for family in strictly_parsed(exposition([counter("c", "C.")], OPEN_METRICS))] == ["c"]


@given(st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from('\\"\n{},=')))
@pytest.mark.parametrize("media_type", [TEXT, OPEN_METRICS])
def test_whatever_is_in_a_label_comes_back(media_type: str, value: str) -> None:
    text = exposition([gauge("g", "G.", Sample(1, (("label", value),)))], media_type)
    parse = strictly_parsed if media_type == OPEN_METRICS else parsed
    [family] = parse(text)
    assert [sample.labels for sample in family.samples] == [{"label": value}]
