-- The first schema. Times are text, UTC with Z and milliseconds, so that text order is time order.

-- Rows are appended, and only the small index is written all over: message ids are random.
CREATE TABLE inbox (
    seq         INTEGER PRIMARY KEY,
    channel     TEXT NOT NULL,
    account     TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    received_at TEXT NOT NULL,
    person      TEXT,
    text        TEXT NOT NULL,
    answer      BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX inbox_claims ON inbox (channel, account, message_id);

CREATE TABLE audit (
    seq         INTEGER PRIMARY KEY,
    body        BLOB NOT NULL,
    hash        TEXT NOT NULL
) STRICT;

CREATE TABLE seals (
    size        INTEGER NOT NULL,
    at          TEXT NOT NULL,
    body        BLOB NOT NULL,
    PRIMARY KEY (size, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE policies (
    version     TEXT PRIMARY KEY,
    first_seen  TEXT NOT NULL,
    body        BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE mode (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    mode        TEXT NOT NULL CHECK (mode IN ('off', 'read-only', 'operate')),
    version     INTEGER NOT NULL,
    changed_at  TEXT NOT NULL,
    changed_by  TEXT NOT NULL
) STRICT;

CREATE TABLE rates (
    hour        TEXT NOT NULL,
    key         TEXT NOT NULL,
    count       INTEGER NOT NULL,
    PRIMARY KEY (hour, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE nonces (
    hash        TEXT PRIMARY KEY,
    purpose     TEXT NOT NULL,
    person      TEXT NOT NULL,
    binding     TEXT NOT NULL,
    made_at     TEXT NOT NULL,
    expires_at  TEXT NOT NULL,
    spent_at    TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    hash        TEXT PRIMARY KEY,
    person      TEXT NOT NULL,
    made_at     TEXT NOT NULL,
    expires_at  TEXT NOT NULL,
    ended_at    TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE handles (
    number      INTEGER PRIMARY KEY,
    handle      TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('run', 'approval', 'decision')),
    target      TEXT NOT NULL,
    made_at     TEXT NOT NULL
) STRICT;
CREATE INDEX handles_by_handle ON handles (handle, number);

CREATE TABLE runs (
    id           TEXT PRIMARY KEY,
    handle       TEXT NOT NULL,
    action       TEXT NOT NULL,
    slot         TEXT NOT NULL,
    repository   TEXT NOT NULL,
    ref          TEXT NOT NULL,
    inputs       TEXT NOT NULL,
    state        TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    reply_to     TEXT NOT NULL,
    correlation  TEXT NOT NULL UNIQUE,
    created_at   TEXT NOT NULL,
    deadline_at  TEXT NOT NULL,
    finished_at  TEXT,
    reason       TEXT,
    summary      TEXT,
    unresolved   INTEGER,
    url          TEXT,
    head_sha     TEXT,
    approval     TEXT
) STRICT, WITHOUT ROWID;
-- One open run per slot: the database itself refuses a second one.
CREATE UNIQUE INDEX runs_open_slot ON runs (slot) WHERE state IN ('accepted', 'dispatched', 'running');
CREATE INDEX runs_open ON runs (created_at) WHERE state IN ('accepted', 'dispatched', 'running');

CREATE TABLE attempts (
    run_id      TEXT NOT NULL REFERENCES runs (id),
    number      INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('started', 'done')),
    started_at  TEXT NOT NULL,
    finished_at TEXT,
    conclusion  TEXT,
    summary     TEXT,
    PRIMARY KEY (run_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE transitions (
    seq         INTEGER PRIMARY KEY,
    run_id      TEXT NOT NULL REFERENCES runs (id),
    at          TEXT NOT NULL,
    was         TEXT NOT NULL,
    became      TEXT NOT NULL,
    reason      TEXT
) STRICT;
CREATE INDEX transitions_by_run ON transitions (run_id, seq);

CREATE TABLE approvals (
    id           TEXT PRIMARY KEY,
    handle       TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('open', 'approved', 'denied', 'expired')),
    action       TEXT NOT NULL,
    ref          TEXT NOT NULL,
    inputs       TEXT NOT NULL,
    digest       TEXT NOT NULL,
    risk         TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    reply_to     TEXT NOT NULL,
    needed       INTEGER NOT NULL,
    allow_self   INTEGER NOT NULL,
    made_at      TEXT NOT NULL,
    expires_at   TEXT NOT NULL,
    decided_at   TEXT,
    decided_by   TEXT,
    consumed_at  TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX approvals_open ON approvals (expires_at) WHERE state = 'open';

CREATE TABLE votes (
    approval    TEXT NOT NULL REFERENCES approvals (id),
    person      TEXT NOT NULL,
    at          TEXT NOT NULL,
    grants      INTEGER NOT NULL,
    note        TEXT NOT NULL,
    PRIMARY KEY (approval, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    id          INTEGER PRIMARY KEY,
    key         TEXT NOT NULL UNIQUE,
    kind        TEXT NOT NULL CHECK (kind IN ('dispatch', 'cancel', 'deliver')),
    body        BLOB NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'delivered', 'expired', 'dead', 'ambiguous')),
    made_at     TEXT NOT NULL,
    due_at      TEXT NOT NULL,
    expires_at  TEXT NOT NULL,
    tries       INTEGER NOT NULL DEFAULT 0,
    owner       TEXT,
    epoch       INTEGER NOT NULL DEFAULT 0,
    leased_until TEXT,
    settled_at  TEXT,
    error       TEXT
) STRICT;
CREATE INDEX outbox_due ON outbox (due_at) WHERE state IN ('pending', 'sending', 'ambiguous');

CREATE TABLE snapshots (
    name        TEXT PRIMARY KEY,
    taken_at    TEXT NOT NULL,
    body        BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- A person's conversation in order: a notice (key and body), or a message with its answer (a reference into the inbox).
CREATE TABLE thread (
    seq         INTEGER PRIMARY KEY,
    person      TEXT NOT NULL,
    at          TEXT NOT NULL,
    key         TEXT,
    body        BLOB,
    message     INTEGER REFERENCES inbox (seq)
) STRICT;
CREATE INDEX thread_by_person ON thread (person, seq);
CREATE UNIQUE INDEX thread_told_once ON thread (person, key) WHERE key IS NOT NULL;
