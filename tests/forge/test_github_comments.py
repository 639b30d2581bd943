"""Comments on GitHub: read over all pages, told apart by author, written, changed, and asked for a right to change."""

from dataclasses import replace
from functools import cache

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from forge.comments import Target, TargetKind
from forge.github_comments import GitHubComments
from forge.github_settings import GitHubApp
from forge.port import Refused, Unclear, Unreachable
from tests.fakes.comments_rig import PULL, CommentsRig, comments_rig
from tests.fakes.github_rig import answering
from tests.fakes.providers.faults import Fault
from tests.fakes.providers.github import HOME
from tests.fakes.providers.github_discussion import Comment
from tests.fakes.providers.github_shapes import ACTIONS_APP, App
from tests.fakes.providers.github_tokens import Kind

JOB_TOKEN = "ghs_15368_made.up-for_tests"
INSTALLATION = 77
GRANTED = {"metadata": "read", "contents": "read", "issues": "write", "pull_requests": "write"}
CREATE = "issues/create-comment"


@cache
def key_pair() -> tuple[str, str]:
    private = rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode(), public.decode()


def our_app(app_id: str = "4711") -> GitHubApp:
    return GitHubApp(app_id, str(INSTALLATION), key_pair()[0])


def install(rig: CommentsRig, **granted: str) -> App:
    app = App(4711, "reins", key_pair()[1])
    rig.github.tokens.install(INSTALLATION, app, {**GRANTED, **granted})
    return app


async def owned(comments: GitHubComments, target: Target = PULL) -> list[bool]:
    return [comment.own async for comment in comments.all(target)]


async def test_every_page_is_read_oldest_first_and_only_our_own_are_ours() -> None:
    async with comments_rig() as rig:
        comments = rig.comments
        rig.github.home.discussion.comments_by_others(7, 150)
        made = await comments.create(PULL, "report")
        rig.github.home.discussion.comment(7, "report", author="mallory")
        listed = [one async for one in comments.all(PULL)]
        assert len(listed) == 152
        assert [one.id for one in listed] == sorted(one.id for one in listed)
        assert [one for one in listed if one.own] == [made]
        assert made.url == f"{rig.github.url}/{HOME}/pull/7#issuecomment-{made.id}"
        assert (made.created_at, made.body) == (rig.clock.now(), "report")
        assert rig.asked("users/get-authenticated") == 1


@pytest.mark.parametrize("kind", [TargetKind.PULL, TargetKind.ISSUE])
async def test_a_comment_is_written_read_and_changed(kind: TargetKind) -> None:
    async with comments_rig() as rig:
        comments, target = rig.comments, Target(HOME, kind, "7")
        made = await comments.create(target, "first")
        changed = await comments.update(target, made.id, "second")
        assert changed is not None
        assert (changed.id, changed.body, changed.own) == (made.id, "second", True)
        assert await comments.get(target, made.id) == changed
        assert f"/{'pull' if kind is TargetKind.PULL else 'issues'}/7#" in made.url
        assert await comments.may_update(target)


async def test_a_comment_on_a_commit_is_written_and_read_there() -> None:
    async with comments_rig() as rig:
        target, comments = rig.commit(), rig.comments
        made = await comments.create(target, "first")
        assert made.url == f"{rig.github.url}/{HOME}/commit/{target.id}#commitcomment-{made.id}"
        assert await comments.get(target, made.id) == made
        assert [one async for one in comments.all(target)] == [made]


async def test_a_deleted_comment_is_none_to_read_and_to_change() -> None:
    async with comments_rig() as rig:
        comments = rig.comments
        made = await comments.create(PULL, "first")
        rig.github.home.discussion.delete_comment(made.id)
        assert await comments.get(PULL, made.id) is None
        assert await comments.update(PULL, made.id, "second") is None


async def test_what_is_refused_for_another_reason_is_no_deletion() -> None:
    async with comments_rig() as rig:
        comments = rig.comments
        made = await comments.create(PULL, "first")
        rig.github.tokens.known[rig.github.token.text].permissions = {"metadata": "read"}
        for call in (comments.get(PULL, made.id), comments.update(PULL, made.id, "second")):
            with pytest.raises(Refused) as refused:
                await call
            assert refused.value.reason == "permission_missing"


@pytest.mark.parametrize("fault", [Fault.ACCEPT_THEN_DROP, Fault.ERROR_AFTER_ACCEPT, Fault.BAD_JSON_AFTER_ACCEPT])
async def test_a_lost_answer_to_a_new_comment_is_unclear(fault: Fault) -> None:
    async with comments_rig() as rig:
        comments = rig.comments
        rig.github.faults_on(CREATE).add(fault)
        with pytest.raises(Unclear):
            await comments.create(PULL, "first")
        assert len(rig.github.effects.comments) == 1


async def test_a_comment_was_written_also_where_nobody_tells_who_we_are() -> None:
    async with comments_rig() as rig:
        comments = rig.comments
        rig.github.faults_on("users/get-authenticated").add(Fault.ERROR)
        with pytest.raises(Unclear):
            await comments.create(PULL, "first")
        assert len(rig.github.effects.comments) == 1


@pytest.mark.parametrize(("granted", "may"), [({}, False), ({"contents": "write"}, True)])
@pytest.mark.parametrize("as_app", [False, True])
async def test_whether_comments_on_commits_can_be_changed_is_asked_without_changing_one(
    granted: dict[str, str], may: bool, as_app: bool
) -> None:
    async with comments_rig(**({"app": our_app()} if as_app else {})) as rig:
        install(rig, **granted)
        rig.github.token.permissions = {**GRANTED, **granted}
        comments = rig.comments
        assert await comments.may_update(rig.commit()) is may
        assert rig.github.effects.comments == []


async def test_an_unanswered_question_for_the_right_is_no_answer() -> None:
    async with comments_rig() as rig:
        rig.github.tokens.known.clear()
        with pytest.raises(Refused, match="401"):
            await rig.comments.may_update(rig.commit())


class TestWhoWeAre:
    @pytest.mark.parametrize("app_id", ["4711", "Iv1.0000000000001267"])
    async def test_an_app_knows_its_own_by_its_id_or_client_id(self, app_id: str) -> None:
        async with comments_rig(app=our_app()) as rig:
            app, comments = install(rig), rig.comments
            talk = rig.github.home.discussion
            talk.comment(7, "by a stranger")
            talk.comment(7, "by another App", author="other[bot]", app=App(5, "other"))
            talk.comment(7, "by a person through our App", author="ann", app=app)
            talk.comment(7, "by a bot without an App", author=app.login)
            await comments.create(PULL, "ours")
            renamed = GitHubApp(app_id, str(INSTALLATION), key_pair()[0])
            rig.client.settings = replace(rig.client.settings, app=renamed)  # the fake knows no client id as issuer
            assert await owned(comments) == [False, False, False, False, True]
            assert rig.asked("graphql") == 0

    async def test_an_app_knows_its_own_on_commits_by_its_name(self) -> None:
        async with comments_rig(app=our_app()) as rig:
            install(rig)
            target, now = rig.commit(), rig.clock.now()
            for author in ("ann", "other[bot]"):
                rig.github.home.discussion.write(Comment(0, author, "theirs", now, now, commit=target.id))
            comments = rig.comments
            assert (await comments.create(target, "ours")).own
            assert await owned(comments, target) == [False, False, True]
            assert rig.asked("graphql") == 1

    async def test_an_app_without_a_name_on_commits_is_refused(self) -> None:
        async with answering(_without_a_viewer) as client:
            client.settings = replace(client.settings, token=None, app=our_app())
            with pytest.raises(Refused, match="name that the App writes under"):
                await owned(GitHubComments(client), Target(HOME, TargetKind.COMMIT, "a" * 40))

    async def test_a_workflows_token_writes_as_the_bot_of_github_actions(self) -> None:
        async with comments_rig(token=JOB_TOKEN) as rig:
            login = ACTIONS_APP.login
            rig.github.tokens.add(JOB_TOKEN, Kind.INSTALLATION, login, permissions=GRANTED, app=ACTIONS_APP)
            comments = rig.comments
            rig.github.home.discussion.comment(7, "theirs")
            assert (await comments.create(PULL, "ours")).own
            assert await owned(comments) == [False, True]

    async def test_a_workflows_token_of_somebodys_app_writes_as_that_app(self) -> None:
        async with comments_rig(token=JOB_TOKEN) as rig:
            app = App(9, "deployer")
            rig.github.tokens.add(JOB_TOKEN, Kind.INSTALLATION, app.login, permissions=GRANTED, app=app)
            comments = rig.comments
            rig.github.home.discussion.comment(7, "theirs", author=ACTIONS_APP.login, app=ACTIONS_APP)
            await comments.create(PULL, "ours")
            assert await owned(comments) == [False, True]

    async def test_a_server_that_knows_no_graphql_leaves_the_bot_of_github_actions(self) -> None:
        async with answering(_without_a_viewer) as client:
            assert await owned(GitHubComments(client)) == [True, False, False]

    @pytest.mark.parametrize("operation", ["users/get-authenticated", "graphql"])
    async def test_while_nobody_tells_who_we_are_nothing_is_ours_or_not(self, operation: str) -> None:
        async with comments_rig(token=JOB_TOKEN) as rig:
            rig.github.tokens.add(JOB_TOKEN, Kind.INSTALLATION, "x[bot]", permissions=GRANTED, app=App(9, "x"))
            comments = rig.comments
            rig.github.home.discussion.comment(7, "whose?")
            rig.github.faults_on(operation).add(Fault.ERROR)
            with pytest.raises(Unreachable):
                await owned(comments)
            assert await owned(comments) == [False]

    async def test_a_token_that_is_not_known_is_refused(self) -> None:
        async with answering(_stranger) as client:
            with pytest.raises(Refused, match="401"):
                await owned(GitHubComments(client))

    async def test_an_answer_without_a_name_is_no_answer(self) -> None:
        async with answering(_nameless) as client:
            with pytest.raises(Unreachable, match="names no user"):
                await owned(GitHubComments(client))


@pytest.mark.parametrize("document", [{"id": 0}, {"id": 5, "user": None}, [], "x"])
async def test_an_answer_that_is_no_comment_is_named(document: object) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(document)

    async with answering(answer) as client:
        with pytest.raises(Unreachable, match="no comment"):
            await GitHubComments(client).get(PULL, 5)


def _document(author: str | None) -> dict[str, object]:
    user = None if author is None else {"login": author, "type": "Bot"}
    times = dict.fromkeys(("created_at", "updated_at"), "2026-11-22T14:00:00Z")
    return {"id": 5, "body": None, "user": user, **times}


async def _without_a_viewer(request: web.Request) -> web.Response:
    """Answer as a server does for an installation's token that may not ask for names."""
    if request.path.endswith("/comments"):
        return web.json_response([_document("GitHub-Actions[bot]"), _document("other[bot]"), _document(None)])
    if request.path.endswith("/access_tokens"):
        minted = {"token": JOB_TOKEN, "expires_at": "2026-11-22T15:00:00Z"}
        return web.json_response(minted, status=201)
    if request.path == "/graphql":
        return web.json_response({"data": None, "errors": [{"message": "no"}]})
    return web.json_response({"message": "Resource not accessible by integration"}, status=403)


async def _stranger(request: web.Request) -> web.Response:
    if request.path == "/user":
        return web.json_response({"message": "Bad credentials"}, status=401)
    return web.json_response([_document("ann[bot]")])


async def _nameless(request: web.Request) -> web.Response:
    return web.json_response({} if request.path == "/user" else [_document("ann[bot]")])
