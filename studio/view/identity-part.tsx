/** The person behind a participant, in all rooms: addresses, what was merged into them and by whom, and the way back. */
import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { api, ApiError } from '../api.js';
import { addressesOf, identityName, othersOf, typesOf } from '../logic/identities.js';
import { clock, dayName } from '../logic/time.js';
import { now } from '../store/host.js';
import type { OpenRoom } from '../store/room.js';
import { mergeIdentities, unmergeIdentity } from '../store/writes.js';
import type { Identity, IdentityMerge, Participant } from '../types.js';
import { complain } from './notices.js';
import { Copyable, Facts, Json, Section } from './parts.js';

interface Known {
  readonly identity: Identity;
  readonly merges: readonly IdentityMerge[];
}

export function IdentityPart({ room, identityId }: { room: OpenRoom; identityId: string }): VNode | null {
  const known = useMemo(() => signal<Known | undefined>(undefined), [identityId]);
  const read = async (): Promise<void> => {
    const [identity, merges] = await Promise.all([api.readIdentity(identityId), api.listMerges(identityId)]);
    known.value = { identity, merges };
  };
  const version = room.latestIndex.value;
  useEffect(() => void read().catch(() => undefined), [known, version]);
  if (known.value === undefined) return null;
  const { identity, merges } = known.value;
  const { id, externalIds = {}, metadata = {} } = identity;
  const isOne = new Set([id, ...merges.map(({ fromId }) => fromId)]);
  const others = othersOf(room.names.value.participants.values(), isOne);
  const merge = async (from: Identity): Promise<void> => {
    if (await mergeIdentities(id, from, identityName(identity))) await read().catch(complain);
  };
  const part = async (from: Identity): Promise<void> => {
    if (await unmergeIdentity(from)) await read().catch(complain);
  };
  return (
    <Section title="Identity">
      <Facts
        facts={[
          ['Person', identityName(identity)],
          ...addressesOf(identity).map(([type, addresses]) => [type, addresses.join(', ')] as const),
          ...Object.entries(externalIds).map(([system, external]) => [system, external] as const),
          ['Id', <Copyable text={id} />],
        ]}
      />
      {merges.length > 0 && (
        <ul class="card merges" aria-label="Merged into this person">
          {merges.map((merged) => (
            <li key={merged.fromId}>
              <span>
                <b>{identityName(merged.from)}</b> {merged.fromId === identityId ? 'went into this person' : 'was merged in'}
                <small>
                  by {merged.by}, {dayName(merged.at, now.value)} {clock(merged.at)}
                  {merged.reason !== undefined && `: ${merged.reason}`}
                </small>
              </span>
              <button type="button" aria-label={`Undo the merge of ${identityName(merged.from)}`} onClick={() => void part(merged.from)}>
                Undo
              </button>
            </li>
          ))}
        </ul>
      )}
      <MergeWith others={others} isOne={isOne} onChoose={(from) => void merge(from)} />
      {Object.keys(metadata).length > 0 && <Json title="Metadata of the person" value={metadata} />}
    </Section>
  );
}

/** Somebody of this room, or whoever has an address. */
function MergeWith({
  others,
  isOne,
  onChoose,
}: {
  others: readonly Participant[];
  isOne: ReadonlySet<string>;
  onChoose: (from: Identity) => void;
}): VNode {
  const [isTyping, setTyping] = useState(false);
  const choose = (looking: Promise<Identity | null>, asked: string): void =>
    void looking.then((found) => {
      if (found === null) complain(new Error(`Nobody is known as ${asked}.`));
      else if (isOne.has(found.id)) complain(new Error(`${identityName(found)} is this person already.`));
      else {
        setTyping(false);
        onChoose(found);
      }
    }, complain);
  if (isTyping) {
    return (
      <form
        class="naming"
        onSubmit={(event) => {
          event.preventDefault();
          const asked = new FormData(event.currentTarget).get('address');
          if (typeof asked === 'string' && asked.trim() !== '') choose(find(asked.trim()), asked.trim());
        }}
      >
        <input
          name="address"
          aria-label="Address or id of the person to merge"
          placeholder="Mail, number or id"
          maxlength={320}
          autofocus
          autocomplete="off"
        />
        <button type="submit" class="primary">
          Merge
        </button>
      </form>
    );
  }
  return (
    <div class="actions wide">
      {others.length > 0 && (
        <select
          aria-label="Merge with"
          value=""
          onChange={(event) => {
            const chosen = event.currentTarget.value;
            event.currentTarget.value = '';
            if (chosen !== '') choose(api.readIdentity(chosen), chosen);
          }}
        >
          <option value="">Merge with…</option>
          {others.map(({ id, identityId = '', displayName }) => (
            <option key={id} value={identityId}>
              {displayName ?? id}
            </option>
          ))}
        </select>
      )}
      <button type="button" onClick={() => setTyping(true)}>
        {others.length > 0 ? 'By an address…' : 'Merge with somebody…'}
      </button>
    </div>
  );
}

/** By id, then by address. */
async function find(asked: string): Promise<Identity | null> {
  try {
    return await api.readIdentity(asked);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'identity_not_found') throw error;
  }
  for (const type of typesOf(asked)) {
    const found = await api.findIdentity(type, asked);
    if (found !== null) return found;
  }
  return null;
}
