"""Reading `reins-run.json`, which CI writes beside artifacts whose tool keeps no end time."""

import re
from datetime import datetime

from loops.artifacts import ArtifactFile
from loops.mutation.model import RunRecord
from loops.records import read_record

RUN_RECORD_FILE = "reins-run.json"
SHA = re.compile(r"[0-9A-Za-z]{1,64}")  # as the forge writes it; compared, never interpreted
RUN_URL = re.compile(r"https?://[A-Za-z0-9.-]{1,100}(?::\d{1,5})?/[A-Za-z0-9._~/?=&%#+-]{0,200}")


def read_run_record(file: ArtifactFile, now: datetime) -> RunRecord:
    """Read `{"finished_at": RFC 3339, "head_sha": commit or null, "run_url": address or null}`.

    Raises:
        ArtifactError: the file or a field is not of that form.
    """
    document = read_record(file)
    finished_at = document.optional_time("finished_at", now)
    if finished_at is None:
        raise document.wrong("finished_at", "is missing")
    head_sha = document.optional_text("head_sha")
    if head_sha is not None and not SHA.fullmatch(head_sha):
        raise document.wrong("head_sha", "must be a commit id of letters and digits, or null")
    run_url = document.optional_text("run_url")
    if run_url is not None and not RUN_URL.fullmatch(run_url):
        raise document.wrong("run_url", "must be a plain web address, or null")
    return RunRecord(finished_at, head_sha, run_url)
