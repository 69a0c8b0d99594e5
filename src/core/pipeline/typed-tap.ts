/**
 * On channels without buttons a message's choices are numbered lines, and who types a number or a label has tapped it (§3.1): the
 * message becomes what a tap of any vendor is, the label as its text and `metadata.action`.
 */
import { approvalIdOf } from '../approvals/tokens.js';
import { numberedChoices, type Choice } from '../delivery/transcode.js';
import { canSeeEvent } from '../delivery/visibility.js';
import type { ChannelBinding } from '../models/binding.js';
import { textContent, type EventContent } from '../models/content.js';
import type { EventDraft, RoomEvent } from '../models/event.js';
import { isPromise, type Awaitable, type Metadata } from '../models/json.js';
import type { KitParts } from '../parts.js';
import { bindingOf, type RoomState } from '../store/store.js';
import { vendorTap } from './vendor-tap.js';

/** A tap comes within so many messages after the one it answers, or it is none. */
const WITHIN_MESSAGES = 5;
/** Labels are short; what is longer is not compared. */
const MAX_TYPED_UNITS = 200;

/** The draft as the tap it stands for, else as it is. */
export function typedTap(parts: KitParts, state: RoomState, draft: EventDraft, given: Metadata | undefined): Awaitable<EventDraft> {
  const { content, source } = draft;
  const metadata = draft.metadata ?? given;
  if (metadata?.['action'] !== undefined) return vendorTap(parts, state.room.id, draft, metadata);
  const body = typeof content === 'string' ? content : content.type === 'text' ? content.body : '';
  if (body === '' || body.length > MAX_TYPED_UNITS || state.room.latestIndex < 0) return draft;
  if ((draft.type ?? 'message') !== 'message') return draft;
  const binding = bindingOf(state, source.channelId);
  if (binding?.category !== 'transport' || showsChoices(binding)) return draft;
  const typed = body.trim();
  if (typed === '') return draft;
  const offered = parts.rooms.get(state.room.id).offers.among(parts.store, state.room.id, state.room.latestIndex);
  const read = (recent: readonly RoomEvent[]): Awaitable<EventDraft> => {
    const tap = recent.length === 0 ? undefined : tapAmong(recent, binding, typed, parts.transcoder === undefined);
    if (tap === undefined) return draft;
    const tapped = { ...draft, content: textContent(tap.label), metadata: { ...metadata, action: tap.action } };
    const open = isOpen(parts, tap.action.id);
    return isPromise(open) ? open.then((isStill) => (isStill ? tapped : draft)) : open ? tapped : draft;
  };
  return isPromise(offered) ? offered.then(read) : read(offered);
}

/** A channel that can show all of them gets taps from its vendor. */
function showsChoices({ capabilities }: ChannelBinding): boolean {
  return (
    capabilities.mediaTypes.includes('rich') &&
    capabilities.supportsButtons &&
    capabilities.maxButtons === undefined &&
    capabilities.supportsCards &&
    capabilities.supportsQuickReplies
  );
}

interface TypedTap {
  readonly label: string;
  readonly action: { readonly id: string; readonly value?: string; readonly kind: 'reply'; readonly source_event_id: string; readonly typed: string };
}

/** By its number: of the newest message the channel got. By its label: of the newest that had choices. */
function tapAmong(recent: readonly RoomEvent[], binding: ChannelBinding, typed: string, isNumberedByUs: boolean): TypedTap | undefined {
  let isNewest = true;
  let messages = 0;
  for (let at = recent.length - 1; at >= 0 && messages < WITHIN_MESSAGES; at--) {
    const event = recent[at];
    if (event === undefined || !canSeeEvent(event, binding)) continue;
    messages++;
    if (event.source.channelId === binding.channelId) continue;
    const choices = numberedChoices(event.content, binding.capabilities);
    const keys = binding.capabilities.custom['types_choices'] === true ? keysOf(event.content) : [];
    if (choices.length + keys.length > 0) {
      const chosen =
        byLabel([...choices, ...keys.filter((key) => !choices.includes(key))], typed) ??
        (isNewest && isNumberedByUs ? byNumber(choices, typed) : undefined);
      return chosen === undefined ? undefined : tapOn(chosen, event, typed);
    }
    isNewest = false;
  }
  return undefined;
}

/** What a channel with `custom.types_choices` shows in place of its letters: a tap there writes the label. */
function keysOf(content: EventContent): readonly Choice[] {
  switch (content.type) {
    case 'rich':
      return [...(content.buttons ?? []), ...(content.quickReplies ?? [])];
    case 'composite':
      return content.parts.flatMap(keysOf);
    case 'edit':
      return keysOf(content.newContent);
    default:
      return [];
  }
}

/** Undefined when two of them read alike: who can tell which was meant? */
function byLabel(choices: readonly Choice[], typed: string): Choice | undefined {
  const wanted = typed.toLowerCase();
  const found = choices.filter((choice) => isReply(choice) && labelOf(choice).trim().toLowerCase() === wanted);
  return found.length === 1 ? found[0] : undefined;
}

function byNumber(choices: readonly Choice[], typed: string): Choice | undefined {
  const number = /^(\d{1,3})[.)]?$/.exec(typed)?.[1];
  const choice = number === undefined ? undefined : choices[Number(number) - 1];
  return choice !== undefined && isReply(choice) ? choice : undefined;
}

/** Links and numbers to call stand in their lines: nothing comes back from a tap on them. */
function isReply(choice: Choice): boolean {
  return typeof choice === 'string' || !('kind' in choice) || choice.kind === 'reply';
}

function labelOf(choice: Choice): string {
  return typeof choice === 'string' ? choice : choice.label;
}

function tapOn(choice: Choice, { id, content }: RoomEvent, typed: string): TypedTap {
  const value = typeof choice === 'string' ? undefined : choice.value;
  const action = {
    id: typeof choice === 'string' ? choice : choice.id,
    ...(value !== undefined && { value }),
    kind: 'reply' as const,
    source_event_id: content.type === 'edit' ? content.targetEventId : id,
    typed,
  };
  return { label: labelOf(choice), action: Object.freeze(action) };
}

/** A number typed after an approval has ended is a number: unlike a button, it cannot have been meant for anything else. */
function isOpen(parts: KitParts, actionId: string): Awaitable<boolean> {
  const approvalId = approvalIdOf(actionId);
  return approvalId === undefined ? true : isPending(parts, approvalId);
}

async function isPending(parts: KitParts, approvalId: string): Promise<boolean> {
  const row = await parts.store.getApproval(approvalId);
  return row?.state === 'pending' && Date.parse(row.expiresAt) > parts.clock.now();
}
