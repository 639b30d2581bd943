"""The page: a handful of files that ship with the program, served under strict headers."""

from importlib import resources

from aiohttp import web

_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}


def page_files() -> dict[str, tuple[bytes, str]]:
    """Read every file of the page once; there are few and they are small."""
    files = {}
    for file in (resources.files("web") / "pwa").iterdir():
        suffix = "." + file.name.rpartition(".")[2]
        if suffix in _TYPES:
            files[file.name] = (file.read_bytes(), _TYPES[suffix])
    return files


FILES: web.AppKey[dict[str, tuple[bytes, str]]] = web.AppKey("files", dict)


async def show(request: web.Request) -> web.Response:
    """Answer `GET /` and `GET /{file}`."""
    found = request.app[FILES].get(request.match_info.get("file", "index.html"))
    if found is None:
        raise web.HTTPNotFound
    content, content_type = found
    return web.Response(body=content, content_type=content_type, charset="utf-8", headers={"Cache-Control": "no-cache"})
