/**
 * One commit of a timeline (STO-01) as a function of the server: one round trip, one transaction. The room's row is locked
 * first, so commits of one room come one after another, whichever process they come from (STO-05).
 */
import { inRoom, OPEN_ROWS, OPEN_TURNS } from './tables.js';

/** What holds a lane: a parked delivery (OUT-17) is in nobody's way. */
const IN_LANE = `${OPEN_ROWS} AND next_attempt_at IS DISTINCT FROM COALESCE(expires_at, '')`;

/** Puts a delivery or a turn into its lane: behind what is open there, and with whoever holds that (STO-16). */
function placeFunction(kind: 'row' | 'turn', table: string, index: string, open: string): string {
  return `
  CREATE FUNCTION @place_${kind}(p_given json, p_index bigint, p_now text) RETURNS json LANGUAGE plpgsql AS $$
    DECLARE
      o record; ids text[] := '{}'; newest bigint; is_own boolean := false; placed json := p_given;
      mine text := p_given ->> 'leaseOwner'; until text := p_given ->> 'leaseUntil'; holder text; held text;
    BEGIN
      IF p_now IS NOT NULL THEN
        FOR o IN SELECT id, ${index} AS place, lease_owner, lease_until FROM ${table}
          WHERE room_id = p_given ->> 'roomId' AND channel_id = p_given ->> 'channelId' AND ${open} ORDER BY ${index} FOR UPDATE
        LOOP
          ids := ids || o.id; newest := o.place; is_own := is_own OR o.lease_owner = mine;
          IF holder IS NULL AND o.lease_until > p_now COLLATE "C" THEN holder := o.lease_owner; held := o.lease_until; END IF;
        END LOOP;
        IF newest IS NOT NULL THEN
          IF holder IS NULL AND is_own AND until IS NOT NULL THEN holder := mine; held := until; END IF;
          placed := @merged(p_given, '{"state":"queued","attempts":0}', '{leaseOwner,leaseUntil}');
          IF holder IS NOT NULL THEN
            UPDATE ${table} SET json = @merged(json, json_build_object('leaseOwner', holder, 'leaseUntil', held))
              WHERE id = ANY (ids) AND (lease_owner IS DISTINCT FROM holder OR COALESCE(lease_until, '') <= p_now COLLATE "C");
            placed := @merged(placed, json_build_object('leaseOwner', holder, 'leaseUntil', held));
          END IF;
        END IF;
      END IF;
      INSERT INTO ${table} (id, room_id, channel_id, ${index}, json) VALUES (p_given ->> 'id', p_given ->> 'roomId', p_given ->> 'channelId', p_index, placed);
      RETURN CASE WHEN newest IS NULL THEN 'null' ELSE json_build_object('row', placed, 'previousIndex', newest) END;
    END
  $$;`;
}

export const COMMIT_FUNCTION = `
  CREATE FUNCTION @put_binding(p_room text, p_channel text, p_json json) RETURNS void LANGUAGE sql AS $$
    INSERT INTO @bindings (room_id, channel_id, position, room_open, json)
    SELECT p_room, p_channel, COALESCE((SELECT MAX(position) FROM @bindings WHERE room_id = p_room), -1) + 1, is_open, p_json FROM @rooms WHERE id = p_room
    ON CONFLICT (room_id, channel_id) DO UPDATE SET json = excluded.json
  $$;
  CREATE FUNCTION @put_participant(p_room text, p_id text, p_json json) RETURNS void LANGUAGE sql AS $$
    INSERT INTO @participants (room_id, id, position, json)
    VALUES (p_room, p_id, COALESCE((SELECT MAX(position) FROM @participants WHERE room_id = p_room), -1) + 1, p_json)
    ON CONFLICT (room_id, id) DO UPDATE SET json = excluded.json
  $$;
  CREATE FUNCTION @add_usage(p_records json) RETURNS void LANGUAGE sql AS $$
    INSERT INTO @usage (room_id, turn_id, agent_id, provider, model, at, ms, cost, tokens)
    SELECT r ->> 'roomId', r ->> 'turnId', r ->> 'agentId', r ->> 'provider', r ->> 'model', r ->> 'at', (r ->> 'ms')::double precision,
      (r ->> 'cost')::double precision, r -> 'tokens'
    FROM json_array_elements(p_records) AS r WHERE EXISTS (SELECT 1 FROM @rooms WHERE id = r ->> 'roomId')
  $$;

${placeFunction('row', '@outbox', 'event_index', IN_LANE)}
${placeFunction('turn', '@turns', 'trigger_index', OPEN_TURNS)}

  CREATE FUNCTION @commit_event(
    p_room text, p_event text[], p_json json, p_words text[], p_at text, p_fence bigint, p_version bigint, p_latest bigint,
    p_rows json[], p_turns json[], p_now text, p_more json, p_stamp bigint, p_members bigint, p_revision bigint
  ) RETURNS TABLE (numbers bigint[], updated_at text, models json[], placed_rows json[], placed_turns json[]) LANGUAGE plpgsql
  -- Its plans are kept, and a table that was small when they were made may be large the next minute.
  SET enable_seqscan = off AS $$
    #variable_conflict use_column
    DECLARE
      r @rooms; e record; one json; patch json; wanted text; body json; is_deleted boolean; is_stored boolean := false;
      digest bytea := decode(p_event[3], 'hex');
      idx bigint; earlier json; room json; bindings json; participants json; target json; target_index bigint;
    BEGIN
      -- Hardly any commit is refused, or found to be there already, so most are one statement. Which of it was so is asked below.
      IF p_more IS NULL THEN
        WITH grown AS (
          UPDATE @rooms AS t SET latest_index = t.latest_index + 1, event_count = t.event_count + 1, version = t.version + 1, updated_at = p_at,
            fence = GREATEST(t.fence, p_fence)
          WHERE t.id = p_room AND (p_fence < t.fence) IS NOT TRUE AND (p_version <> t.version) IS NOT TRUE
            AND (p_revision <> GREATEST(t.stamp, t.members)) IS NOT TRUE AND (p_latest <> t.latest_index) IS NOT TRUE
            AND NOT EXISTS (SELECT FROM @events AS v WHERE v.key_digest = digest AND ${inRoom('v', 'p_room')})
          RETURNING t.*
        ), added AS (
          INSERT INTO @events (room_id, idx, id, channel_id, key_digest, external_id, parent_id, visibility, json, words)
            SELECT p_room, g.latest_index, p_event[1], p_event[2], digest, p_event[4], p_event[5], p_event[6], p_json, array_to_tsvector(p_words)
            FROM grown AS g
        )
        SELECT * INTO r FROM grown;
        is_stored := FOUND;
        idx := r.latest_index;
      END IF;
      IF NOT is_stored THEN
        SELECT * INTO r FROM @rooms WHERE id = p_room FOR NO KEY UPDATE;
        IF NOT FOUND THEN RAISE EXCEPTION 'no room' USING ERRCODE = 'RK001'; END IF;
        IF digest IS NOT NULL THEN
          SELECT v.idx, v.json INTO e FROM @events AS v WHERE v.key_digest = digest AND ${inRoom('v', 'p_room')};
          IF FOUND THEN earlier := e.json; idx := e.idx; END IF;
        END IF;
      END IF;
      IF NOT is_stored AND earlier IS NULL THEN
        IF p_fence < r.fence THEN RAISE EXCEPTION 'fenced' USING ERRCODE = 'RK002', DETAIL = r.fence; END IF;
        IF p_version <> r.version THEN RAISE EXCEPTION 'version' USING ERRCODE = 'RK003', DETAIL = r.version; END IF;
        IF p_revision <> GREATEST(r.stamp, r.members) THEN RAISE EXCEPTION 'revision' USING ERRCODE = 'RK009'; END IF;
        IF p_latest <> r.latest_index THEN RAISE EXCEPTION 'index' USING ERRCODE = 'RK004', DETAIL = r.latest_index; END IF;
        IF p_more IS NOT NULL THEN
          wanted := p_more -> 'completesTurn' ->> 'turnId';
          IF EXISTS (SELECT 1 FROM (SELECT t.state, t.lease_owner FROM @turns AS t WHERE t.id = wanted FOR UPDATE) AS t
            WHERE t.state NOT IN ('queued', 'running') OR t.lease_owner <> (p_more -> 'completesTurn' ->> 'owner')) THEN
            RAISE EXCEPTION 'turn' USING ERRCODE = 'RK005', DETAIL = wanted;
          END IF;
          FOR one IN SELECT value FROM json_array_elements(p_more -> 'resolves') LOOP
            PERFORM 1 FROM (SELECT a.state FROM @approvals AS a WHERE a.id = one ->> 'approvalId' FOR UPDATE) AS a WHERE a.state = 'pending';
            IF NOT FOUND THEN RAISE EXCEPTION 'approval' USING ERRCODE = 'RK006', DETAIL = one ->> 'approvalId'; END IF;
          END LOOP;
          FOR one IN SELECT value FROM json_array_elements(p_more -> 'turnChanges') LOOP
            PERFORM 1 FROM (SELECT t.state, t.lease_owner FROM @turns AS t WHERE t.id = one ->> 'turnId' FOR UPDATE) AS t
              WHERE t.state IN (SELECT json_array_elements_text(one -> 'from')) AND (t.lease_owner <> (one ->> 'owner')) IS NOT TRUE;
            IF NOT FOUND THEN RAISE EXCEPTION 'turn' USING ERRCODE = 'RK007', DETAIL = one ->> 'turnId'; END IF;
          END LOOP;
          IF p_more -> 'endsTask' IS NOT NULL THEN
            PERFORM 1 FROM (SELECT t.status FROM @tasks AS t WHERE t.id = p_more -> 'endsTask' ->> 'taskId' FOR UPDATE) AS t WHERE t.status = 'in_progress';
            IF NOT FOUND THEN RAISE EXCEPTION 'task' USING ERRCODE = 'RK008', DETAIL = p_more -> 'endsTask' ->> 'taskId'; END IF;
          END IF;
        END IF;

        idx := r.latest_index + 1;
        INSERT INTO @events (room_id, idx, id, channel_id, key_digest, external_id, parent_id, visibility, json, words)
          VALUES (p_room, idx, p_event[1], p_event[2], digest, p_event[4], p_event[5], p_event[6], p_json, array_to_tsvector(p_words));
        r.latest_index := idx; r.event_count := r.event_count + 1; r.version := r.version + 1; r.updated_at := p_at;
        r.fence := GREATEST(r.fence, p_fence);

        IF p_more IS NULL THEN
          UPDATE @rooms AS t SET latest_index = r.latest_index, event_count = r.event_count, version = r.version, updated_at = r.updated_at, fence = r.fence
            WHERE t.id = p_room;
        ELSE
          patch := p_more -> 'roomPatch';
          IF patch IS NOT NULL THEN
            body := r.json;
            IF patch -> 'lastActivityAt' IS NOT NULL AND (r.has_timers OR body -> 'timers' -> 'lastActivityAt' IS NOT NULL) THEN
              body := @merged(body, json_build_object('timers', @merged(body -> 'timers', json_build_object('lastActivityAt', patch -> 'lastActivityAt'))));
            END IF;
            IF patch -> 'status' IS NOT NULL THEN body := @merged(body, json_build_object('status', patch -> 'status')); END IF;
            IF json_typeof(patch -> 'closedAt') = 'null' THEN body := @merged(body, '{}', '{closedAt}');
            ELSIF patch -> 'closedAt' IS NOT NULL THEN body := @merged(body, json_build_object('closedAt', patch -> 'closedAt')); END IF;
            IF patch -> 'metadata' IS NOT NULL THEN
              body := @merged(body, json_build_object('metadata', @merged(body -> 'metadata', patch -> 'metadata',
                ARRAY (SELECT json_array_elements_text(p_more -> 'forgotten')))));
            END IF;
            IF body::text <> r.json::text THEN r.json := body; r.stamp := nextval('@stamps'); END IF;
          END IF;
          IF p_more -> 'binding' IS NOT NULL OR p_more -> 'removeBinding' IS NOT NULL OR p_more -> 'participant' IS NOT NULL THEN
            r.members := nextval('@stamps');
          END IF;
          UPDATE @rooms AS t SET latest_index = r.latest_index, event_count = r.event_count, version = r.version, updated_at = r.updated_at,
            fence = r.fence, json = r.json, stamp = r.stamp, members = r.members WHERE t.id = p_room;
          IF p_more -> 'binding' IS NOT NULL THEN PERFORM @put_binding(p_room, p_more -> 'binding' ->> 'channelId', p_more -> 'binding'); END IF;
          IF p_more -> 'removeBinding' IS NOT NULL THEN
            DELETE FROM @bindings AS b WHERE b.room_id = p_room AND b.channel_id = p_more ->> 'removeBinding';
          END IF;
          IF p_more -> 'participant' IS NOT NULL THEN PERFORM @put_participant(p_room, p_more -> 'participant' ->> 'id', p_more -> 'participant'); END IF;
          patch := p_more -> 'target';
          IF patch IS NOT NULL THEN
            SELECT v.idx, v.json INTO e FROM @events AS v WHERE v.room_id = p_room AND v.id = patch ->> 'eventId';
            IF FOUND THEN
              target := @merged(e.json, json_build_object('metadata', @merged(e.json -> 'metadata', COALESCE(patch -> 'metadata', '{}'))));
              IF patch -> 'content' IS NOT NULL THEN target := @merged(target, json_build_object('content', patch -> 'content')); END IF;
              target_index := e.idx;
              is_deleted := target -> 'metadata' ->> 'deleted' = 'true';
              UPDATE @events AS v SET json = target, words = CASE
                WHEN is_deleted OR target ->> 'type' <> 'message' THEN NULL
                WHEN patch -> 'content' IS NOT NULL THEN array_to_tsvector(ARRAY (SELECT json_array_elements_text(p_more -> 'targetWords')))
                ELSE v.words END WHERE v.room_id = p_room AND v.idx = target_index;
            END IF;
          END IF;
        END IF;
        is_stored := true;
      END IF;

      IF is_stored THEN
        IF p_rows IS NOT NULL THEN
          FOREACH one IN ARRAY p_rows LOOP placed_rows := placed_rows || @place_row(one, idx, p_now); END LOOP;
        END IF;
        IF p_turns IS NOT NULL THEN
          FOREACH one IN ARRAY p_turns LOOP placed_turns := placed_turns || @place_turn(one, idx, p_now); END LOOP;
        END IF;

        IF p_more IS NOT NULL THEN
          patch := p_more -> 'completesTurn';
          IF patch IS NOT NULL THEN
            UPDATE @turns AS t SET json = @merged(t.json, p_more -> 'completion') WHERE t.id = patch ->> 'turnId';
            IF patch -> 'records' IS NOT NULL THEN PERFORM @add_usage(patch -> 'records'); END IF;
          END IF;
          INSERT INTO @approvals (id, json) SELECT value ->> 'id', value FROM json_array_elements(p_more -> 'approvals');
          FOR one IN SELECT value FROM json_array_elements(p_more -> 'resolves') LOOP
            UPDATE @approvals AS a SET json = @merged(a.json, one -> 'patch') WHERE a.id = one ->> 'approvalId';
          END LOOP;
          FOR one IN SELECT value FROM json_array_elements(p_more -> 'turnChanges') LOOP
            UPDATE @turns AS t SET json = @merged(t.json, one -> 'patch'), trigger_index = COALESCE((one -> 'patch' ->> 'triggerIndex')::bigint, t.trigger_index)
              WHERE t.id = one ->> 'turnId';
          END LOOP;
          INSERT INTO @tasks (id, json) SELECT value ->> 'id', value FROM json_array_elements(p_more -> 'tasks') ON CONFLICT DO NOTHING;
          IF p_more -> 'endsTask' IS NOT NULL THEN
            UPDATE @tasks AS t SET json = @merged(t.json, p_more -> 'endsTask' -> 'patch') WHERE t.id = p_more -> 'endsTask' ->> 'taskId';
          END IF;
        END IF;
      END IF;

      IF p_stamp IS DISTINCT FROM r.stamp THEN room := r.json; END IF;
      IF p_members IS DISTINCT FROM r.members THEN
        SELECT COALESCE(json_agg(b.json ORDER BY b.position), '[]') INTO bindings FROM @bindings AS b WHERE b.room_id = p_room;
        SELECT COALESCE(json_agg(p.json ORDER BY p.position), '[]') INTO participants FROM @participants AS p WHERE p.room_id = p_room;
      END IF;
      -- Few columns: each of them costs the client of a plain message as much as its value.
      numbers := ARRAY[idx, r.event_count, r.latest_index, r.version, r.stamp, r.members, target_index];
      updated_at := r.updated_at;
      IF COALESCE(earlier, room, bindings, participants, target) IS NOT NULL THEN models := ARRAY[earlier, room, bindings, participants, target]; END IF;
      RETURN NEXT;
    END
  $$;
`;
