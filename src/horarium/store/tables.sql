-- What a new SQLite store is made with. Written by script/docs from horarium.store.tables.

CREATE TABLE audit_archives (
    first_id INTEGER NOT NULL,
    last_id INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    previous VARCHAR(64) NOT NULL,
    last_hash VARCHAR(64) NOT NULL,
    file VARCHAR(120) NOT NULL,
    size INTEGER NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    made_at INTEGER NOT NULL,
    CONSTRAINT pk_audit_archives PRIMARY KEY (first_id)
);

CREATE TABLE audit_head (
    name VARCHAR(16) NOT NULL,
    last_id INTEGER NOT NULL,
    last_hash VARCHAR(64) NOT NULL,
    CONSTRAINT pk_audit_head PRIMARY KEY (name)
);

CREATE TABLE audit_log (
    id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor VARCHAR(200) NOT NULL,
    actor_id INTEGER,
    source VARCHAR(16) NOT NULL,
    address VARCHAR(64) NOT NULL,
    request VARCHAR(64) NOT NULL,
    action VARCHAR(64) NOT NULL,
    result VARCHAR(16) NOT NULL,
    kind VARCHAR(32),
    object_id INTEGER,
    object_name VARCHAR(254),
    "before" TEXT,
    "after" TEXT,
    details TEXT,
    previous VARCHAR(64) NOT NULL,
    hash VARCHAR(64) NOT NULL,
    CONSTRAINT pk_audit_log PRIMARY KEY (id)
);

CREATE TABLE channels (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    owner_id INTEGER NOT NULL,
    kind VARCHAR(32) NOT NULL,
    name VARCHAR(100) NOT NULL,
    name_key VARCHAR(400) NOT NULL,
    open_values TEXT NOT NULL,
    credential_id INTEGER,
    most_per_hour INTEGER,
    most_per_day INTEGER,
    created_at INTEGER NOT NULL,
    created_by VARCHAR(200) NOT NULL,
    updated_at INTEGER NOT NULL,
    paused_at INTEGER,
    paused_by VARCHAR(200),
    disabled_at INTEGER,
    disabled_reason TEXT,
    failures INTEGER NOT NULL,
    last_sent_at INTEGER,
    last_failed_at INTEGER,
    last_answer TEXT
);

CREATE TABLE counters (
    name VARCHAR(32) NOT NULL,
    value INTEGER NOT NULL,
    CONSTRAINT pk_counters PRIMARY KEY (name)
);

CREATE TABLE credential_uses (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    credential_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    purpose VARCHAR(16) NOT NULL,
    run_id INTEGER,
    attempt INTEGER,
    task_id INTEGER,
    user_id INTEGER,
    actor VARCHAR(200) NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER
);

CREATE TABLE daily_figures (
    at INTEGER NOT NULL,
    task_id INTEGER NOT NULL,
    outcome VARCHAR(32) NOT NULL,
    retried BOOLEAN NOT NULL,
    many INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    ended_at INTEGER,
    newest INTEGER,
    took_sum INTEGER NOT NULL,
    took_most INTEGER NOT NULL,
    took TEXT,
    late_sum INTEGER NOT NULL,
    late_most INTEGER NOT NULL,
    late TEXT,
    CONSTRAINT pk_daily_figures PRIMARY KEY (at, task_id, outcome, retried)
)
 WITHOUT ROWID;

CREATE TABLE deliveries (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    message_id VARCHAR(32) NOT NULL,
    channel_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    purpose VARCHAR(16) NOT NULL,
    summary VARCHAR(200) NOT NULL,
    topics INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    try_until INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    sent_at INTEGER,
    given_up_at INTEGER,
    answer TEXT NOT NULL,
    log TEXT NOT NULL
);

CREATE TABLE events (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind VARCHAR(32) NOT NULL,
    task_id INTEGER,
    run_id INTEGER,
    actor VARCHAR(200),
    body TEXT
);

CREATE TABLE heartbeat_calls (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    check_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind VARCHAR(16) NOT NULL,
    exit_code INTEGER,
    address VARCHAR(64) NOT NULL,
    agent VARCHAR(200) NOT NULL,
    seconds FLOAT
);

CREATE TABLE heartbeat_checks (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR(200) NOT NULL,
    description TEXT NOT NULL,
    schedule TEXT NOT NULL,
    timezone VARCHAR(64) NOT NULL,
    grace_seconds INTEGER NOT NULL,
    owner_id INTEGER,
    project_id INTEGER,
    token VARCHAR(64) NOT NULL,
    state VARCHAR(16) NOT NULL,
    last_at INTEGER,
    began_at INTEGER,
    due_at INTEGER,
    alarm_at INTEGER,
    down_at INTEGER,
    misses INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

CREATE TABLE horarium_meta (
    "key" VARCHAR(64) NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_horarium_meta PRIMARY KEY ("key")
);

CREATE TABLE installation_settings (
    "key" VARCHAR(100) NOT NULL,
    value TEXT,
    locked BOOLEAN NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by VARCHAR(200) NOT NULL,
    CONSTRAINT pk_installation_settings PRIMARY KEY ("key")
);

CREATE TABLE login_attempts (
    id INTEGER NOT NULL,
    "key" VARCHAR(64) NOT NULL,
    at INTEGER NOT NULL,
    CONSTRAINT pk_login_attempts PRIMARY KEY (id)
);

CREATE TABLE nodes (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR(200) NOT NULL,
    host VARCHAR(200) NOT NULL,
    pid INTEGER NOT NULL,
    state VARCHAR(16) NOT NULL,
    workers INTEGER NOT NULL,
    version VARCHAR(32) NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    lease_until FLOAT NOT NULL,
    lag_seconds FLOAT,
    draining_at INTEGER
);

CREATE TABLE notice_marks (
    name VARCHAR(16) NOT NULL,
    value INTEGER NOT NULL,
    CONSTRAINT pk_notice_marks PRIMARY KEY (name)
);

CREATE TABLE notice_rules (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    owner_id INTEGER NOT NULL,
    standard VARCHAR(32),
    position INTEGER NOT NULL,
    scope VARCHAR(16) NOT NULL,
    scope_id INTEGER NOT NULL,
    tag VARCHAR(50) NOT NULL,
    kinds TEXT NOT NULL,
    after_failures INTEGER NOT NULL,
    after_seconds INTEGER,
    frequency VARCHAR(16) NOT NULL,
    every_seconds INTEGER,
    recipients TEXT NOT NULL,
    goes_on BOOLEAN NOT NULL,
    is_on BOOLEAN NOT NULL,
    created_at INTEGER NOT NULL,
    created_by VARCHAR(200) NOT NULL,
    updated_at INTEGER NOT NULL,
    mute_while TEXT
);

CREATE TABLE notice_snoozes (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    task_id INTEGER NOT NULL,
    rule_id INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,
    until INTEGER NOT NULL,
    reason TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by VARCHAR(200) NOT NULL
);

CREATE TABLE notice_streaks (
    task_id INTEGER NOT NULL,
    many INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    CONSTRAINT pk_notice_streaks PRIMARY KEY (task_id)
);

CREATE TABLE notices (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    rule_id INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    kind VARCHAR(32) NOT NULL,
    subject VARCHAR(200) NOT NULL,
    mark VARCHAR(64) NOT NULL,
    name VARCHAR(200) NOT NULL,
    words TEXT NOT NULL,
    facts TEXT NOT NULL,
    path VARCHAR(200) NOT NULL,
    task_id INTEGER,
    run_id INTEGER,
    many INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    not_before INTEGER,
    delivery_id INTEGER,
    told_at INTEGER,
    closed_at INTEGER,
    muted_while VARCHAR(32),
    freed_at INTEGER
);

CREATE TABLE occurrence_spans (
    task_id INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    reason VARCHAR(16) NOT NULL,
    detail TEXT,
    decided_at INTEGER NOT NULL,
    CONSTRAINT pk_occurrence_spans PRIMARY KEY (task_id, first_at)
)
 WITHOUT ROWID;

CREATE TABLE occurrences (
    task_id INTEGER NOT NULL,
    planned_at INTEGER NOT NULL,
    run_id INTEGER,
    reason VARCHAR(16),
    detail TEXT,
    decided_at INTEGER NOT NULL,
    CONSTRAINT pk_occurrences PRIMARY KEY (task_id, planned_at)
)
 WITHOUT ROWID;

CREATE TABLE outbox (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind VARCHAR(32) NOT NULL,
    user_id INTEGER,
    address VARCHAR(254) NOT NULL,
    body TEXT NOT NULL,
    message_id VARCHAR(64) NOT NULL,
    created_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    sent_at INTEGER,
    given_up_at INTEGER,
    last_error TEXT
);

CREATE TABLE projects (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR(100) NOT NULL,
    name_key VARCHAR(400) NOT NULL,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT uq_projects_name_key UNIQUE (name_key)
);

CREATE TABLE quarter_figures (
    at INTEGER NOT NULL,
    task_id INTEGER NOT NULL,
    outcome VARCHAR(32) NOT NULL,
    retried BOOLEAN NOT NULL,
    many INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    ended_at INTEGER,
    newest INTEGER,
    took_sum INTEGER NOT NULL,
    took_most INTEGER NOT NULL,
    took TEXT,
    late_sum INTEGER NOT NULL,
    late_most INTEGER NOT NULL,
    late TEXT,
    CONSTRAINT pk_quarter_figures PRIMARY KEY (at, task_id, outcome, retried)
)
 WITHOUT ROWID;

CREATE TABLE scheduled_tasks (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR(200) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    target TEXT NOT NULL,
    spec TEXT NOT NULL,
    is_local BOOLEAN NOT NULL,
    schedule TEXT,
    timezone VARCHAR(64) NOT NULL,
    policies TEXT NOT NULL,
    tags TEXT NOT NULL,
    description TEXT NOT NULL,
    source VARCHAR(32) NOT NULL,
    owner_id INTEGER,
    revision INTEGER NOT NULL,
    next_at INTEGER,
    paused_at INTEGER,
    paused_by VARCHAR(200),
    paused_reason TEXT,
    paused_until INTEGER,
    parked_at INTEGER,
    parked_reason TEXT,
    removed_at INTEGER,
    last_state VARCHAR(16),
    last_run_id INTEGER,
    last_finished_at INTEGER,
    failures_in_row INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    project_id INTEGER,
    per_user TEXT,
    template_id INTEGER,
    for_user_id INTEGER DEFAULT '0' NOT NULL,
    credentials TEXT
);

CREATE TABLE silences (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    what VARCHAR(16) NOT NULL,
    cause VARCHAR(16) NOT NULL,
    detail TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    noticed_at INTEGER NOT NULL,
    ended_at INTEGER,
    telling_until INTEGER,
    told_at INTEGER,
    told_back_at INTEGER
);

CREATE TABLE storage_samples (
    day INTEGER NOT NULL,
    taken_at INTEGER NOT NULL,
    runs INTEGER NOT NULL,
    output INTEGER NOT NULL,
    audit INTEGER NOT NULL,
    ledger INTEGER NOT NULL,
    rest INTEGER NOT NULL,
    spare INTEGER NOT NULL,
    disk_free INTEGER,
    disk_total INTEGER,
    CONSTRAINT pk_storage_samples PRIMARY KEY (day)
);

CREATE TABLE system_samples (
    at INTEGER NOT NULL,
    lag_seconds FLOAT NOT NULL,
    waiting INTEGER NOT NULL,
    busy INTEGER NOT NULL,
    slots INTEGER NOT NULL,
    nodes INTEGER NOT NULL,
    store_bytes INTEGER NOT NULL,
    CONSTRAINT pk_system_samples PRIMARY KEY (at)
)
 WITHOUT ROWID;

CREATE TABLE task_attempts (
    run_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    state VARCHAR(16) NOT NULL,
    node_id INTEGER,
    pid INTEGER,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    error_type VARCHAR(200),
    error_message TEXT,
    traceback TEXT,
    exit_code INTEGER,
    cause TEXT,
    output_bytes INTEGER NOT NULL,
    dropped_bytes INTEGER NOT NULL,
    CONSTRAINT pk_task_attempts PRIMARY KEY (run_id, number)
)
 WITHOUT ROWID;

CREATE TABLE task_executions (
    id INTEGER NOT NULL,
    task_id INTEGER NOT NULL,
    planned_at INTEGER,
    triggered_by VARCHAR(16) NOT NULL,
    state VARCHAR(16) NOT NULL,
    attempt INTEGER NOT NULL,
    interruptions INTEGER NOT NULL,
    node_id INTEGER,
    actor VARCHAR(200),
    params TEXT,
    not_before INTEGER,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    error_type VARCHAR(200),
    error_message TEXT,
    result TEXT,
    reason TEXT,
    cancel_asked_by VARCHAR(200),
    CONSTRAINT pk_task_executions PRIMARY KEY (id)
);

CREATE TABLE task_output (
    run_id INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    first_line INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_task_output PRIMARY KEY (run_id, attempt, first_line)
)
 WITHOUT ROWID;

CREATE TABLE uncounted_runs (
    run_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    CONSTRAINT pk_uncounted_runs PRIMARY KEY (run_id)
);

CREATE TABLE user_credentials (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    owner_id INTEGER NOT NULL,
    name VARCHAR(100) NOT NULL,
    name_key VARCHAR(400) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    note TEXT NOT NULL,
    version INTEGER NOT NULL,
    open_fields TEXT NOT NULL,
    hosts TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by VARCHAR(200) NOT NULL,
    updated_at INTEGER NOT NULL,
    rotated_at INTEGER NOT NULL,
    expires_at INTEGER,
    rotate_days INTEGER,
    last_used_at INTEGER,
    tested_at INTEGER,
    test_passed BOOLEAN,
    test_words TEXT,
    inactive_at INTEGER,
    deleted_at INTEGER,
    inactive_reason VARCHAR(16),
    warned_at INTEGER
);

CREATE TABLE users (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name VARCHAR(254) NOT NULL,
    name_key VARCHAR(800) NOT NULL,
    email VARCHAR(254) NOT NULL,
    email_key VARCHAR(800),
    display_name VARCHAR(200) NOT NULL,
    role VARCHAR(16) NOT NULL,
    password_hash TEXT NOT NULL,
    time_zone VARCHAR(64) NOT NULL,
    created_at INTEGER NOT NULL,
    last_login_at INTEGER,
    disabled_at INTEGER,
    password_changed_at INTEGER,
    email_confirmed_at INTEGER,
    epoch INTEGER DEFAULT '0' NOT NULL,
    CONSTRAINT uq_users_name_key UNIQUE (name_key),
    CONSTRAINT uq_users_email_key UNIQUE (email_key)
);

CREATE TABLE vault_keys (
    id VARCHAR(32) NOT NULL,
    check_value TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER,
    CONSTRAINT pk_vault_keys PRIMARY KEY (id)
);

CREATE TABLE account_links (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind VARCHAR(16) NOT NULL,
    user_id INTEGER NOT NULL,
    nonce VARCHAR(64) NOT NULL,
    epoch INTEGER NOT NULL,
    body TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    CONSTRAINT fk_account_links_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE api_tokens (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "key" VARCHAR(64) NOT NULL,
    hint VARCHAR(8) NOT NULL,
    user_id INTEGER NOT NULL,
    name VARCHAR(100) NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    last_address VARCHAR(64),
    revoked_at INTEGER,
    CONSTRAINT uq_api_tokens_key UNIQUE ("key"),
    CONSTRAINT fk_api_tokens_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE credential_grants (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    credential_id INTEGER NOT NULL,
    subject VARCHAR(16) NOT NULL,
    subject_id INTEGER NOT NULL,
    may_replace BOOLEAN NOT NULL,
    target_mark VARCHAR(64),
    granted_by VARCHAR(200) NOT NULL,
    granted_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    CONSTRAINT fk_credential_grants_credential_id FOREIGN KEY(credential_id) REFERENCES user_credentials (id) ON DELETE CASCADE
);

CREATE TABLE credential_values (
    credential_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    field VARCHAR(100) NOT NULL,
    sealed TEXT NOT NULL,
    CONSTRAINT pk_credential_values PRIMARY KEY (credential_id, version, field),
    CONSTRAINT fk_credential_values_credential_id FOREIGN KEY(credential_id) REFERENCES user_credentials (id) ON DELETE CASCADE
);

CREATE TABLE credential_versions (
    credential_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    key_id VARCHAR(32) NOT NULL,
    wrapped_key TEXT NOT NULL,
    fingerprint VARCHAR(32) NOT NULL,
    created_at INTEGER NOT NULL,
    created_by VARCHAR(200) NOT NULL,
    replaced_at INTEGER,
    kept_until INTEGER,
    open_fields TEXT,
    CONSTRAINT pk_credential_versions PRIMARY KEY (credential_id, version),
    CONSTRAINT fk_credential_versions_credential_id FOREIGN KEY(credential_id) REFERENCES user_credentials (id) ON DELETE CASCADE
);

CREATE TABLE invitations (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    nonce VARCHAR(64) NOT NULL,
    email VARCHAR(254) NOT NULL,
    email_key VARCHAR(800) NOT NULL,
    role VARCHAR(16) NOT NULL,
    project_id INTEGER,
    project_role VARCHAR(16),
    inviter_id INTEGER,
    inviter VARCHAR(200) NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    used_by INTEGER,
    withdrawn_at INTEGER,
    CONSTRAINT fk_invitations_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE
);

CREATE TABLE passkeys (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    handle VARCHAR(1400) NOT NULL,
    public_key TEXT NOT NULL,
    sign_count INTEGER NOT NULL,
    name VARCHAR(100) NOT NULL,
    transports TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    CONSTRAINT fk_passkeys_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT uq_passkeys_handle UNIQUE (handle)
);

CREATE TABLE project_members (
    project_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    role VARCHAR(16) NOT NULL,
    added_at INTEGER NOT NULL,
    CONSTRAINT pk_project_members PRIMARY KEY (project_id, user_id),
    CONSTRAINT fk_project_members_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE,
    CONSTRAINT fk_project_members_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE recovery_codes (
    user_id INTEGER NOT NULL,
    code_hash VARCHAR(64) NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER,
    CONSTRAINT pk_recovery_codes PRIMARY KEY (user_id, code_hash),
    CONSTRAINT fk_recovery_codes_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE summaries (
    user_id INTEGER NOT NULL,
    period VARCHAR(16) NOT NULL,
    start_at INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    letter_id INTEGER,
    CONSTRAINT pk_summaries PRIMARY KEY (user_id, period, start_at),
    CONSTRAINT fk_summaries_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE TABLE totp_factors (
    user_id INTEGER NOT NULL,
    key_id VARCHAR(32) NOT NULL,
    sealed TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    confirmed_at INTEGER,
    last_step INTEGER,
    CONSTRAINT pk_totp_factors PRIMARY KEY (user_id),
    CONSTRAINT fk_totp_factors_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE user_identities (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    issuer VARCHAR(400) NOT NULL,
    subject VARCHAR(400) NOT NULL,
    created_at INTEGER NOT NULL,
    last_login_at INTEGER,
    CONSTRAINT fk_user_identities_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE user_sessions (
    "key" VARCHAR(64) NOT NULL,
    user_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    address VARCHAR(64) NOT NULL,
    agent VARCHAR(200) NOT NULL,
    proved_at INTEGER,
    method VARCHAR(16),
    stays BOOLEAN,
    CONSTRAINT pk_user_sessions PRIMARY KEY ("key"),
    CONSTRAINT fk_user_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE user_settings (
    user_id INTEGER NOT NULL,
    "key" VARCHAR(100) NOT NULL,
    value TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT pk_user_settings PRIMARY KEY (user_id, "key"),
    CONSTRAINT fk_user_settings_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX ix_account_links_user_id_kind ON account_links (user_id, kind);

CREATE INDEX ix_api_tokens_user_id ON api_tokens (user_id);

CREATE INDEX ix_audit_log_actor_id_id ON audit_log (actor_id, id);

CREATE INDEX ix_audit_log_at ON audit_log (at);

CREATE INDEX ix_audit_log_kind_object_id_id ON audit_log (kind, object_id, id);

CREATE INDEX ix_channels_credential_id ON channels (credential_id) WHERE credential_id IS NOT NULL;

CREATE INDEX ix_credential_grants_credential_id ON credential_grants (credential_id);

CREATE INDEX ix_credential_grants_subject_subject_id ON credential_grants (subject, subject_id);

CREATE INDEX ix_credential_uses_credential_id_id ON credential_uses (credential_id, id);

CREATE INDEX ix_credential_uses_credential_id_opened_at ON credential_uses (credential_id, opened_at);

CREATE INDEX ix_credential_uses_run_id ON credential_uses (run_id);

CREATE INDEX ix_credential_versions_key_id ON credential_versions (key_id);

CREATE INDEX ix_daily_figures_task_id_at ON daily_figures (task_id, at);

CREATE INDEX ix_deliveries_created_at ON deliveries (created_at);

CREATE INDEX ix_deliveries_target ON deliveries (channel_id, user_id, id);

CREATE INDEX ix_deliveries_waiting ON deliveries (not_before) WHERE sent_at IS NULL AND given_up_at IS NULL;

CREATE INDEX ix_events_at ON events (at);

CREATE INDEX ix_heartbeat_calls_check_id_id ON heartbeat_calls (check_id, id);

CREATE INDEX ix_heartbeat_checks_alarm_at ON heartbeat_checks (alarm_at) WHERE alarm_at IS NOT NULL;

CREATE INDEX ix_invitations_email_key ON invitations (email_key);

CREATE INDEX ix_login_attempts_at ON login_attempts (at);

CREATE INDEX ix_login_attempts_key_at ON login_attempts ("key", at);

CREATE INDEX ix_notice_rules_owner_id_position ON notice_rules (owner_id, position);

CREATE INDEX ix_notice_snoozes_until ON notice_snoozes (until);

CREATE INDEX ix_notices_created_at ON notices (created_at);

CREATE INDEX ix_notices_delivery_id ON notices (delivery_id) WHERE delivery_id IS NOT NULL;

CREATE INDEX ix_notices_muted ON notices (closed_at) WHERE muted_while IS NOT NULL AND delivery_id IS NULL;

CREATE INDEX ix_notices_open ON notices (subject, kind) WHERE closed_at IS NULL;

CREATE INDEX ix_notices_rule_id_created_at ON notices (rule_id, created_at);

CREATE INDEX ix_notices_waiting ON notices (channel_id, user_id, not_before) WHERE delivery_id IS NULL;

CREATE INDEX ix_occurrence_spans_decided_at ON occurrence_spans (decided_at);

CREATE INDEX ix_occurrence_spans_last_at ON occurrence_spans (last_at);

CREATE INDEX ix_occurrences_planned_at ON occurrences (planned_at);

CREATE INDEX ix_occurrences_skipped ON occurrences (decided_at) WHERE run_id IS NULL;

CREATE INDEX ix_outbox_created_at ON outbox (created_at);

CREATE INDEX ix_outbox_waiting ON outbox (not_before) WHERE sent_at IS NULL AND given_up_at IS NULL;

CREATE INDEX ix_passkeys_user_id ON passkeys (user_id);

CREATE INDEX ix_project_members_user_id ON project_members (user_id);

CREATE INDEX ix_quarter_figures_task_id_at ON quarter_figures (task_id, at);

CREATE INDEX ix_scheduled_tasks_failing ON scheduled_tasks (last_finished_at) WHERE failures_in_row > 0;

CREATE INDEX ix_scheduled_tasks_for_user_id ON scheduled_tasks (for_user_id) WHERE for_user_id > 0;

CREATE INDEX ix_scheduled_tasks_next_at ON scheduled_tasks (next_at) WHERE next_at IS NOT NULL;

CREATE INDEX ix_scheduled_tasks_owner_id ON scheduled_tasks (owner_id) WHERE owner_id IS NOT NULL;

CREATE INDEX ix_scheduled_tasks_per_user ON scheduled_tasks (id) WHERE per_user IS NOT NULL;

CREATE INDEX ix_scheduled_tasks_project_id ON scheduled_tasks (project_id) WHERE project_id IS NOT NULL;

CREATE INDEX ix_scheduled_tasks_template_id_for_user_id ON scheduled_tasks (template_id, for_user_id) WHERE template_id IS NOT NULL;

CREATE INDEX ix_task_executions_failures ON task_executions (id) WHERE state IN ('failed', 'timed_out', 'interrupted');

CREATE INDEX ix_task_executions_manual ON task_executions (id) WHERE triggered_by = 'manual';

CREATE INDEX ix_task_executions_open ON task_executions (task_id, state) WHERE state IN ('queued', 'claimed', 'running', 'retrying');

CREATE INDEX ix_task_executions_task_id_id ON task_executions (task_id, id);

CREATE INDEX ix_task_executions_waiting ON task_executions (not_before, id) WHERE state IN ('queued', 'retrying');

CREATE INDEX ix_uncounted_runs_at ON uncounted_runs (at);

CREATE INDEX ix_user_identities_user_id ON user_identities (user_id);

CREATE INDEX ix_user_sessions_seen_at ON user_sessions (seen_at);

CREATE INDEX ix_user_sessions_user_id ON user_sessions (user_id);

CREATE UNIQUE INDEX uq_channels_owner_id_name_key ON channels (owner_id, name_key);

CREATE UNIQUE INDEX uq_heartbeat_checks_token ON heartbeat_checks (token);

CREATE UNIQUE INDEX uq_scheduled_tasks_name_for_living ON scheduled_tasks (name, for_user_id) WHERE removed_at IS NULL;

CREATE UNIQUE INDEX uq_silences_open ON silences (what) WHERE ended_at IS NULL;

CREATE UNIQUE INDEX uq_user_credentials_owner_name_living ON user_credentials (owner_id, name_key) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_user_identities_issuer_subject ON user_identities (issuer, subject);
