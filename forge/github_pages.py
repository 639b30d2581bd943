"""Lists that GitHub hands out in pages: followed by its Link header to their end, and bounded all the same."""

from collections.abc import AsyncGenerator
from typing import Any

from forge.github_client import GitHubClient, Variables
from forge.github_settings import Permissions
from forge.port import Unreachable

PER_PAGE = 100
MAX_PAGES = 50  # a filtered list ends at 1,000 items; an issue of 5,000 comments is the longest we read


async def items(
    client: GitHubClient, path: str, variables: Variables, need: Permissions, key: str | None = None
) -> AsyncGenerator[dict[str, Any], None]:
    """Yield every item of a list; `key` names it where the page is an object around it.

    Raises:
        Unreachable: a page holds no such list, or the list has no end.
        ForgeError: as `GitHubClient.read`.
    """
    address = path
    for _ in range(MAX_PAGES):
        page, following = await client.read_page(address, variables, need)
        found = page.get(key) if key is not None and isinstance(page, dict) else page
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise Unreachable(f"GitHub's answer holds no list of {key or 'items'}")
        for one in found:
            yield one
        if following is None:
            return
        address = following
    raise Unreachable(f"GitHub's list of {key or 'items'} has more than {MAX_PAGES} pages")
