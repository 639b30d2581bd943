"""The order of tests: those that take longest begin first, so that no worker is left alone with one at the end."""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long tests first; pytest-randomly has mixed the others before."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
