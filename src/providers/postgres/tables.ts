/** Deliveries and turns that are not over. The indexes of open ones say the same, which is how they are found. */
export const OPEN_ROWS = "state IN ('queued', 'sending', 'unknown')";
export const OPEN_TURNS = "state IN ('queued', 'running')";

/**
 * Version 1 of the tables. Rows keep their model as JSON, in the order it was written; columns are what is searched by, most of
 * them derived by the server. Texts compare by their bytes, as in the other stores.
 */
export const TABLES = `
  CREATE FUNCTION @merged(base json, patch json, gone text[] DEFAULT '{}') RETURNS json LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(json_object_agg(key, value), '{}') FROM (
      SELECT key, value FROM json_each(base) WHERE NOT key = ANY (gone) AND NOT key IN (SELECT json_object_keys(patch))
      UNION ALL
      SELECT key, value FROM json_each(patch)
    ) AS parts
  $$;
  CREATE SEQUENCE @stamps;
  CREATE TABLE @rooms (
    id text COLLATE "C" PRIMARY KEY, json json NOT NULL, event_count bigint NOT NULL, latest_index bigint NOT NULL, version bigint NOT NULL,
    updated_at text COLLATE "C" NOT NULL, fence bigint NOT NULL DEFAULT -1, stamp bigint NOT NULL, members bigint NOT NULL,
    organization_id text COLLATE "C" GENERATED ALWAYS AS (json ->> 'organizationId') STORED,
    status text COLLATE "C" GENERATED ALWAYS AS (json ->> 'status') STORED,
    created_at text COLLATE "C" GENERATED ALWAYS AS (json ->> 'createdAt') STORED,
    is_open boolean GENERATED ALWAYS AS ((json ->> 'status') IN ('active', 'paused')) STORED,
    has_timers boolean GENERATED ALWAYS AS ((json -> 'timers' -> 'inactiveAfterSeconds') IS NOT NULL OR (json -> 'timers' -> 'closedAfterSeconds') IS NOT NULL) STORED
  ) WITH (fillfactor = 80);
  CREATE INDEX rooms_by_creation ON @rooms (created_at, id);
  CREATE INDEX rooms_by_status ON @rooms (status, created_at, id);
  CREATE INDEX rooms_by_organization ON @rooms (organization_id, created_at, id) WHERE organization_id IS NOT NULL;
  CREATE INDEX rooms_timed ON @rooms (status, created_at) WHERE has_timers;
  CREATE TABLE @events (
    room_id text COLLATE "C" NOT NULL, idx bigint NOT NULL, number bigint GENERATED ALWAYS AS IDENTITY, id text COLLATE "C" NOT NULL,
    channel_id text COLLATE "C" NOT NULL, key_digest bytea, external_id text COLLATE "C", parent_id text COLLATE "C",
    visibility text COLLATE "C" NOT NULL, json json NOT NULL, words tsvector,
    CONSTRAINT events_by_index PRIMARY KEY (room_id, idx)
  );
  CREATE UNIQUE INDEX events_by_id ON @events (room_id, id);
  CREATE UNIQUE INDEX events_by_key ON @events (key_digest, room_id) WHERE key_digest IS NOT NULL;
  CREATE INDEX events_by_external ON @events (channel_id, external_id, number) WHERE external_id IS NOT NULL;
  CREATE INDEX events_by_words ON @events USING gin (words) WHERE words IS NOT NULL;
  CREATE TABLE @bindings (
    room_id text COLLATE "C" NOT NULL, channel_id text COLLATE "C" NOT NULL, position bigint NOT NULL, room_open boolean NOT NULL, json json NOT NULL,
    address text COLLATE "C" GENERATED ALWAYS AS (json ->> 'address') STORED,
    channel_type text COLLATE "C" GENERATED ALWAYS AS (json ->> 'channelType') STORED,
    PRIMARY KEY (room_id, channel_id)
  );
  CREATE INDEX bindings_by_channel ON @bindings (channel_id, address);
  CREATE INDEX bindings_open ON @bindings (channel_id, address) WHERE room_open;
  CREATE FUNCTION @reopen() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE @bindings SET room_open = NEW.is_open WHERE room_id = NEW.id;
      RETURN NULL;
    END
  $$;
  CREATE TRIGGER reopen AFTER UPDATE OF json ON @rooms FOR EACH ROW WHEN (OLD.is_open IS DISTINCT FROM NEW.is_open) EXECUTE FUNCTION @reopen();
  CREATE TABLE @participants (
    room_id text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, position bigint NOT NULL, json json NOT NULL,
    external_id text COLLATE "C" GENERATED ALWAYS AS (json ->> 'externalId') STORED,
    PRIMARY KEY (room_id, id)
  );
  CREATE INDEX participants_by_id ON @participants (id);
  CREATE INDEX participants_by_external ON @participants (external_id) WHERE external_id IS NOT NULL;
  CREATE TABLE @identities (id text COLLATE "C" PRIMARY KEY, json json NOT NULL);
  CREATE TABLE @addresses (
    organization_id text COLLATE "C" NOT NULL, channel_type text COLLATE "C" NOT NULL, address text COLLATE "C" NOT NULL, identity_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, channel_type, address)
  );
  CREATE INDEX addresses_by_identity ON @addresses (identity_id);
  CREATE TABLE @merges (from_id text COLLATE "C" PRIMARY KEY, into_id text COLLATE "C" NOT NULL, json json NOT NULL);
  CREATE INDEX merges_into ON @merges (into_id);
  CREATE TABLE @tasks (
    id text COLLATE "C" PRIMARY KEY, number bigint GENERATED ALWAYS AS IDENTITY, json json NOT NULL,
    room_id text COLLATE "C" GENERATED ALWAYS AS (json ->> 'roomId') STORED,
    status text COLLATE "C" GENERATED ALWAYS AS (json ->> 'status') STORED,
    expires_at text COLLATE "C" GENERATED ALWAYS AS (json ->> 'expiresAt') STORED
  );
  CREATE INDEX tasks_by_room ON @tasks (room_id, number);
  CREATE INDEX tasks_due ON @tasks (expires_at) WHERE status = 'in_progress' AND expires_at IS NOT NULL;
  CREATE TABLE @observations (
    id text COLLATE "C" PRIMARY KEY, number bigint GENERATED ALWAYS AS IDENTITY, json json NOT NULL,
    room_id text COLLATE "C" GENERATED ALWAYS AS (json ->> 'roomId') STORED
  );
  CREATE INDEX observations_by_room ON @observations (room_id, number);
  CREATE TABLE @markers (room_id text COLLATE "C" NOT NULL, channel_id text COLLATE "C" NOT NULL, idx bigint NOT NULL, PRIMARY KEY (room_id, channel_id));
  CREATE TABLE @outbox (
    id text COLLATE "C" PRIMARY KEY, room_id text COLLATE "C" NOT NULL, channel_id text COLLATE "C" NOT NULL, event_index bigint NOT NULL, json json NOT NULL,
    event_id text COLLATE "C" GENERATED ALWAYS AS (json ->> 'eventId') STORED,
    state text COLLATE "C" GENERATED ALWAYS AS (json ->> 'state') STORED,
    lease_owner text COLLATE "C" GENERATED ALWAYS AS (json ->> 'leaseOwner') STORED,
    lease_until text COLLATE "C" GENERATED ALWAYS AS (json ->> 'leaseUntil') STORED,
    next_attempt_at text COLLATE "C" GENERATED ALWAYS AS (json ->> 'nextAttemptAt') STORED,
    expires_at text COLLATE "C" GENERATED ALWAYS AS (json ->> 'expiresAt') STORED,
    created_at text COLLATE "C" GENERATED ALWAYS AS (json ->> 'createdAt') STORED,
    provider text COLLATE "C" GENERATED ALWAYS AS (json ->> 'provider') STORED,
    provider_message_id text COLLATE "C" GENERATED ALWAYS AS (json ->> 'providerMessageId') STORED
  );
  CREATE INDEX outbox_by_room ON @outbox (room_id, event_index);
  CREATE INDEX outbox_by_event ON @outbox (event_id);
  CREATE INDEX outbox_open ON @outbox (room_id, channel_id, event_index) WHERE ${OPEN_ROWS};
  CREATE INDEX outbox_leased ON @outbox (lease_owner, lease_until) WHERE ${OPEN_ROWS};
  CREATE INDEX outbox_by_message ON @outbox (provider, provider_message_id) WHERE provider_message_id IS NOT NULL;
  CREATE TABLE @turns (
    id text COLLATE "C" PRIMARY KEY, room_id text COLLATE "C" NOT NULL, channel_id text COLLATE "C" NOT NULL, trigger_index bigint NOT NULL, json json NOT NULL,
    state text COLLATE "C" GENERATED ALWAYS AS (json ->> 'state') STORED,
    lease_owner text COLLATE "C" GENERATED ALWAYS AS (json ->> 'leaseOwner') STORED,
    lease_until text COLLATE "C" GENERATED ALWAYS AS (json ->> 'leaseUntil') STORED
  );
  CREATE INDEX turns_by_room ON @turns (room_id, trigger_index);
  CREATE INDEX turns_open ON @turns (room_id, channel_id, trigger_index) WHERE ${OPEN_TURNS};
  CREATE INDEX turns_leased ON @turns (lease_owner, lease_until) WHERE ${OPEN_TURNS};
  CREATE TABLE @outcomes (
    room_id text COLLATE "C" NOT NULL, event_id text COLLATE "C" NOT NULL, channel_id text COLLATE "C" NOT NULL, json json NOT NULL,
    PRIMARY KEY (room_id, event_id, channel_id)
  );
  CREATE TABLE @held (
    id text COLLATE "C" PRIMARY KEY, number bigint GENERATED ALWAYS AS IDENTITY, kind text NOT NULL, key text COLLATE "C" NOT NULL,
    room_id text COLLATE "C", expires_at text COLLATE "C" NOT NULL, json json NOT NULL
  );
  CREATE INDEX held_by_key ON @held (kind, key, number);
  CREATE INDEX held_by_room ON @held (room_id) WHERE room_id IS NOT NULL;
  CREATE INDEX held_by_expiry ON @held (expires_at);
  CREATE TABLE @creations (key text COLLATE "C" PRIMARY KEY, room_id text COLLATE "C" NOT NULL, at_ms bigint NOT NULL);
  CREATE INDEX creations_by_time ON @creations (at_ms);
  CREATE INDEX creations_by_room ON @creations (room_id);
  CREATE TABLE @approvals (
    id text COLLATE "C" PRIMARY KEY, json json NOT NULL,
    room_id text COLLATE "C" GENERATED ALWAYS AS (json ->> 'roomId') STORED,
    turn_id text COLLATE "C" GENERATED ALWAYS AS (json ->> 'turnId') STORED,
    agent_id text COLLATE "C" GENERATED ALWAYS AS (json ->> 'agentId') STORED,
    state text COLLATE "C" GENERATED ALWAYS AS (json ->> 'state') STORED,
    expires_at text COLLATE "C" GENERATED ALWAYS AS (json ->> 'expiresAt') STORED
  );
  CREATE INDEX approvals_by_room ON @approvals (room_id, expires_at);
  CREATE INDEX approvals_by_turn ON @approvals (turn_id);
  CREATE INDEX approvals_pending ON @approvals (expires_at, id) WHERE state = 'pending';
  CREATE TABLE @usage (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, room_id text COLLATE "C" NOT NULL, agent_id text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL, model text COLLATE "C" NOT NULL, at text COLLATE "C" NOT NULL, ms double precision NOT NULL,
    cost double precision, tokens json NOT NULL, turn_id text COLLATE "C" NOT NULL
  );
  CREATE INDEX usage_by_room ON @usage (room_id, at);
  CREATE INDEX usage_by_agent ON @usage (agent_id, at);
  CREATE INDEX usage_by_time ON @usage (at);
  CREATE TABLE @leases (
    room_id text COLLATE "C" PRIMARY KEY, token bigint NOT NULL, until timestamptz NOT NULL, waited boolean NOT NULL DEFAULT false
  ) WITH (fillfactor = 80);
  -- Nobody waits for the disk: what a crash of the server takes back is a lease whose holder lost its connection, or one that was given
  -- back. A token is beyond the last one, and beyond the server's time in microseconds: also of one that a crash took back.
  CREATE FUNCTION @take_lease(p_room text, p_ms double precision) RETURNS TABLE (taken bigint, wait double precision) LANGUAGE plpgsql
  SET enable_seqscan = off AS $$
    DECLARE l @leases;
    BEGIN
      PERFORM set_config('synchronous_commit', 'off', true);
      UPDATE @leases SET token = greatest(token + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint), until = clock_timestamp() + p_ms * interval '1 millisecond', waited = false
        WHERE room_id = p_room AND until <= clock_timestamp() RETURNING token INTO taken;
      IF FOUND THEN
        RETURN NEXT;
        RETURN;
      END IF;
      SELECT * INTO l FROM @leases WHERE room_id = p_room FOR UPDATE;
      IF NOT FOUND THEN
        INSERT INTO @leases (room_id, token, until) VALUES (p_room, 0, '-infinity') ON CONFLICT DO NOTHING;
        SELECT * INTO l FROM @leases WHERE room_id = p_room FOR UPDATE;
      END IF;
      IF l.until > clock_timestamp() THEN
        IF NOT l.waited THEN UPDATE @leases SET waited = true WHERE room_id = p_room; END IF;
        wait := extract(epoch FROM l.until - clock_timestamp()) * 1000;
      ELSE
        UPDATE @leases SET token = greatest(l.token + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint), until = clock_timestamp() + p_ms * interval '1 millisecond', waited = false
          WHERE room_id = p_room RETURNING token INTO taken;
      END IF;
      RETURN NEXT;
    END
  $$;
  CREATE TABLE @notices (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, json json NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
  CREATE INDEX notices_by_time ON @notices (at);
  CREATE TABLE @facts (key text COLLATE "C" PRIMARY KEY, json json NOT NULL);
`;

/**
 * That an event is of this room, for a statement that knows its key. Written so that no index by room serves it: that one may look as good
 * as the index of keys as long as rooms are small, and reads all of a large one.
 */
export function inRoom(events: string, room: string): string {
  return `${events}.room_id || '' = ${room}`;
}
