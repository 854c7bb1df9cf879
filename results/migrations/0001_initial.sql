-- Version 1. Never edited: a change is a new file.
--
-- Columns that hold what a model or a user wrote are BLOB, since such text need
-- not be UTF-8. Numbers are ANY with CHECK typeof() = 'real' where every bit
-- counts: a REAL column stores -0.0 as 0.

CREATE TABLE run (
    id       INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: run locks count from it
    name     TEXT NOT NULL UNIQUE CHECK (name <> ''),
    started  TEXT NOT NULL,                     -- UTC, 2026-01-02T15:04:05.000000000Z
    command  BLOB NOT NULL,                     -- each argument followed by a zero byte
    model    BLOB NOT NULL,
    settings TEXT CHECK (settings IS NULL OR json_valid(settings)),
    env      TEXT CHECK (env IS NULL OR json_valid(env)),
    owner    INTEGER                            -- process id of who measures, or did when it was killed
) STRICT;

CREATE TABLE measurement (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    run            INTEGER NOT NULL REFERENCES run (id),
    task           TEXT NOT NULL CHECK (task <> ''),
    variant        TEXT NOT NULL CHECK (variant <> ''),

    task_version   TEXT NOT NULL,
    task_title     TEXT NOT NULL,
    task_source    TEXT NOT NULL,
    dataset_name   TEXT NOT NULL,
    dataset_split  TEXT NOT NULL,
    dataset_rows   INTEGER NOT NULL CHECK (dataset_rows >= 0),
    dataset_sha256 TEXT NOT NULL,
    num_fewshot    INTEGER NOT NULL CHECK (num_fewshot >= 0),
    scorer         TEXT NOT NULL,

    adapter_path   BLOB NOT NULL,               -- empty for the base
    adapter_hash   TEXT NOT NULL,               -- likewise
    proof          TEXT CHECK (proof IS NULL OR json_valid(proof)),

    id_base        TEXT NOT NULL,               -- lorabench.Identity
    id_adapter     TEXT,                        -- NULL for the base
    id_tokenizer   TEXT NOT NULL,
    id_template    TEXT NOT NULL,
    id_dataset     TEXT NOT NULL,
    id_task        TEXT NOT NULL,
    id_engine      TEXT NOT NULL,
    id_arithmetic  TEXT NOT NULL,

    status         TEXT NOT NULL CHECK (status IN ('running', 'done', 'timeout', 'interrupted', 'failed')),
    total          INTEGER NOT NULL CHECK (total >= 0),
    started        TEXT NOT NULL,
    elapsed_ns     INTEGER NOT NULL CHECK (elapsed_ns >= 0), -- of all sessions together

    UNIQUE (run, task, variant)
) STRICT;

CREATE TABLE metric (
    id           INTEGER PRIMARY KEY,
    measurement  INTEGER NOT NULL REFERENCES measurement (id),
    position     INTEGER NOT NULL CHECK (position >= 0), -- 0 is the primary metric
    name         TEXT NOT NULL CHECK (name <> ''),
    unit         TEXT NOT NULL,
    better       TEXT NOT NULL CHECK (better IN ('higher', 'lower')),
    aggregate    TEXT NOT NULL CHECK (aggregate IN ('mean', 'ratio', 'exp_ratio')),
    binary       INTEGER NOT NULL CHECK (binary IN (0, 1)),
    margin       ANY NOT NULL CHECK (typeof(margin) = 'real'),
    floor        ANY CHECK (floor IS NULL OR typeof(floor) = 'real'),
    floor_output TEXT,
    CHECK ((floor IS NULL) = (floor_output IS NULL)),
    UNIQUE (measurement, position),
    UNIQUE (measurement, name)
) STRICT;

CREATE TABLE sample (
    id          INTEGER PRIMARY KEY,
    measurement INTEGER NOT NULL REFERENCES measurement (id),
    name        TEXT NOT NULL,                  -- the sample's id inside its task
    position    INTEGER NOT NULL CHECK (position >= 0), -- in the run's order
    row_index   INTEGER NOT NULL,               -- in the dataset
    doc_hash    TEXT NOT NULL,
    prompt_hash TEXT NOT NULL,
    cluster     TEXT NOT NULL,
    elapsed_ns  INTEGER NOT NULL CHECK (elapsed_ns >= 0),
    UNIQUE (measurement, name),
    UNIQUE (measurement, position)
) STRICT;

CREATE TABLE output (
    sample          INTEGER NOT NULL REFERENCES sample (id),
    position        INTEGER NOT NULL CHECK (position >= 0), -- of the request
    loglikelihood   ANY NOT NULL CHECK (typeof(loglikelihood) = 'real'), -- nats
    greedy          INTEGER NOT NULL CHECK (greedy IN (0, 1)),
    text            BLOB NOT NULL,
    thinking        BLOB NOT NULL,
    stop            TEXT NOT NULL CHECK (stop IN ('', 'eos', 'stop', 'length', 'time')),
    prompt_tokens   INTEGER NOT NULL CHECK (prompt_tokens >= 0),
    computed_tokens INTEGER NOT NULL CHECK (computed_tokens >= 0),
    new_tokens      INTEGER NOT NULL CHECK (new_tokens >= 0),
    PRIMARY KEY (sample, position)
) STRICT, WITHOUT ROWID;

-- A score is a value or a reason.
CREATE TABLE score (
    sample   INTEGER NOT NULL REFERENCES sample (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    metric   INTEGER NOT NULL REFERENCES metric (id),
    value    ANY CHECK (value IS NULL OR typeof(value) = 'real'),
    weight   ANY NOT NULL CHECK (typeof(weight) = 'real'),
    unscored BLOB CHECK (unscored IS NULL OR length(unscored) > 0),
    note     BLOB NOT NULL,
    CHECK ((value IS NULL) <> (unscored IS NULL)),
    PRIMARY KEY (sample, position),
    UNIQUE (sample, metric)
) STRICT, WITHOUT ROWID;
