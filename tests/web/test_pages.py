"""The page's files: those that ship, under their types, and nothing else from the disk."""

import re
from pathlib import Path

import pytest

from tests.fakes.served_bot import ServedBot
from web.pages import page_files

FOLDER = Path("web/pwa")
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@pytest.mark.parametrize("name", sorted(page_files()))
async def test_each_file_is_served_as_it_lies_there(bot: ServedBot, name: str) -> None:
    async with bot.browser().http.get(f"/{name}") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == f"{TYPES[Path(name).suffix]}; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-cache"
        assert await response.read() == (FOLDER / name).read_bytes()


async def test_the_bare_address_is_the_chat_page(bot: ServedBot) -> None:
    async with bot.browser().http.get("/") as response:
        assert await response.read() == (FOLDER / "index.html").read_bytes()


async def test_a_file_that_is_not_the_pages_is_not_found(bot: ServedBot) -> None:
    for name in ("pages.py", "..%2fpages.py", "%2fetc%2fpasswd", "style.css%00", "STYLE.CSS"):
        assert (await bot.browser().ask("GET", f"/{name}")).status == 404


def test_everything_a_page_asks_for_ships_and_nothing_comes_from_elsewhere() -> None:
    files = page_files()
    for name, (content, _) in files.items():
        text = content.decode()
        asked = re.findall(r"""(?:src|href)="([^"#]+)"|from "\./([^"]+)"|url\(([^)]+)\)""", text)
        for one in (found for groups in asked for found in groups if found):
            assert one in files, f"{name} asks for {one}"


def test_no_script_and_no_style_stands_in_the_page_itself() -> None:
    page = (FOLDER / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", page) == []
