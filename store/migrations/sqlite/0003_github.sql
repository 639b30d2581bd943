-- What runs on GitHub need: the commit they were approved at, webhook deliveries, and where branches stand.

ALTER TABLE runs ADD COLUMN expected_sha TEXT;
ALTER TABLE approvals ADD COLUMN head_sha TEXT;

-- A redelivery carries the same id and body; only what is done is not done again (GitHub docs, handling webhook deliveries).
CREATE TABLE hook_deliveries (
    id          TEXT PRIMARY KEY,
    event       TEXT NOT NULL,
    digest      TEXT NOT NULL UNIQUE,
    body        BLOB NOT NULL,
    received_at TEXT NOT NULL,
    done_at     TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX hook_deliveries_open ON hook_deliveries (received_at) WHERE done_at IS NULL;
CREATE INDEX hook_deliveries_done ON hook_deliveries (done_at) WHERE done_at IS NOT NULL;

CREATE TABLE branch_heads (
    repository  TEXT NOT NULL,
    branch      TEXT NOT NULL,
    sha         TEXT NOT NULL,
    seen_at     TEXT NOT NULL,
    PRIMARY KEY (repository, branch)
) STRICT, WITHOUT ROWID;
