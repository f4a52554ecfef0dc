"""What an operator's tools see of a running server: scrapes, read by the parsers of `prometheus_client`."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client.openmetrics.parser import text_string_to_metric_families as strictly_parsed

from server.metrics.exposition import OPEN_METRICS

PATIENCE = 15.0


def get(
    url: str, path: str, *, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[int, str, dict[str, str]]:
    """Status, body and headers, in lower case."""
    request = urllib.request.Request(url + path, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode(), {name.lower(): it for name, it in answer.headers.items()}
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), {name.lower(): it for name, it in error.headers.items()}


@dataclass(frozen=True)
class Scrape:
    """One reading of all metrics."""

    names: frozenset[str]
    kinds: dict[str, str]
    values: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def __call__(self, name: str, **labels: str) -> float:
        """What a sample says; 0 for one that is not there (yet)."""
        return self.values.get((name, frozenset(labels.items())), 0.0)


def scrape(url: str) -> Scrape:
    status, text, headers = get(url, "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert status == 200, text
    assert headers["content-type"] == OPEN_METRICS
    families = list(strictly_parsed(text))
    samples = [sample for family in families for sample in family.samples]
    values = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(values) == len(samples), "no sample is there twice"
    names = frozenset(f"{family.name}_total" if family.type == "counter" else family.name for family in families)
    return Scrape(names, {family.name: family.type for family in families}, values)


def scrape_when(url: str, condition: Callable[[Scrape], bool]) -> Scrape:
    """The first scrape for which it holds."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = scrape(url)
        if condition(found):
            return found
        time.sleep(0.02)
    raise AssertionError(f"never came true: {sorted(found.values.items(), key=str)}")
