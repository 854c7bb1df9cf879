-- A database of schema version 1, as it was written by lorabench then: run,
-- measurements of base and adapter, three samples. Never edited.
PRAGMA application_id = 1282363970;
PRAGMA user_version = 1;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
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
INSERT INTO run VALUES(1,'saved','2026-01-02T15:04:05.123456789Z',X'6c6f726162656e63680072756e002d2d6d6f64656c0064656d6f0000ff207061746800',X'6469722ffe','{"seed": 1,  "limit": null}','{"schema":"lorabench/env/1"}',NULL);
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
INSERT INTO measurement VALUES(1,1,'arc_easy','base','1.0','ARC, the easy part','arXiv:1803.05457','arc/ARC-Easy','test',2376,'d1',5,'choice',X'','',NULL,'sha256:b',NULL,'sha256:t','none','sha256:d','sha256:k','lorabench 1','f32','running',3,'2026-01-02T16:00:00.000000001Z',1000000001);
INSERT INTO measurement VALUES(2,1,'arc_easy','math','1.0','ARC, the easy part','arXiv:1803.05457','arc/ARC-Easy','test',2376,'d1',5,'choice',X'61646170746572732fff','sha256:a','{"applied":true,"tensors":4,"modules":2,"targets":["q_proj"],"ranks":[8],"scales":[0.3333333333333333],"probe":{"tokens":9,"kl":5e-324,"max_logit_difference":0.1,"zero_b_equals_base":true}}','sha256:b','sha256:a','sha256:t','none','sha256:d','sha256:k','lorabench 1','f32','done',3,'2026-01-02T16:00:00.000000001Z',1000000001);
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
INSERT INTO metric VALUES(1,1,0,'acc','fraction','higher','mean',1,0.020000000000000000416,0.29999999999999998889,'always the first choice');
INSERT INTO metric VALUES(2,1,1,'ppl','perplexity','lower','exp_ratio',0,-0.0,1e999,'');
INSERT INTO metric VALUES(3,2,0,'acc','fraction','higher','mean',1,0.020000000000000000416,0.29999999999999998889,'always the first choice');
INSERT INTO metric VALUES(4,2,1,'ppl','perplexity','lower','exp_ratio',0,-0.0,1e999,'');
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
INSERT INTO sample VALUES(1,2,'sample-0',0,1000,'dh','ph','c',1);
INSERT INTO sample VALUES(2,2,'sample-1',1,999,'dh','ph','c',1000001);
INSERT INTO sample VALUES(3,2,'sample-2',2,998,'dh','ph','c',2000001);
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
INSERT INTO output VALUES(1,0,-1.0,1,X'616e737765722030',X'686d','eos',7,3,2);
INSERT INTO output VALUES(1,1,-1e999,0,X'',X'','',0,0,0);
INSERT INTO output VALUES(2,0,-1.4142135623730951454,0,X'616e737765722031',X'686d','eos',7,3,2);
INSERT INTO output VALUES(2,1,-1e999,0,X'',X'','',0,0,0);
INSERT INTO output VALUES(3,0,-1.7320508075688771931,1,X'616e737765722032',X'686d','eos',7,3,2);
INSERT INTO output VALUES(3,1,-1e999,0,X'',X'','',0,0,0);
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
INSERT INTO score VALUES(1,0,4,NULL,1.0,X'6e6f2074657874',X'');
INSERT INTO score VALUES(1,1,3,0.33333333333333331482,0.10000000000000000555,NULL,X'6e6f7465');
INSERT INTO score VALUES(2,0,4,NULL,1.0,X'6e6f2074657874',X'');
INSERT INTO score VALUES(2,1,3,0.25,0.10000000000000000555,NULL,X'6e6f7465');
INSERT INTO score VALUES(3,0,4,NULL,1.0,X'6e6f2074657874',X'');
INSERT INTO score VALUES(3,1,3,0.2000000000000000111,0.10000000000000000555,NULL,X'6e6f7465');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('run',1);
INSERT INTO sqlite_sequence VALUES('measurement',2);
COMMIT;
