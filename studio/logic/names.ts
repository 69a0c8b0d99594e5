/** What people call channels, agents and participants. */
import type { ChannelBinding, ChannelType, Participant, WireEvent } from '../types.js';

/** The names of one room. */
export interface Names {
  readonly bindings: ReadonlyMap<string, ChannelBinding>;
  readonly participants: ReadonlyMap<string, Participant>;
}

export const NO_NAMES: Names = { bindings: new Map(), participants: new Map() };

export function namesOf(bindings: readonly ChannelBinding[], participants: readonly Participant[]): Names {
  return {
    bindings: new Map(bindings.map((binding) => [binding.channelId, binding])),
    participants: new Map(participants.map((participant) => [participant.id, participant])),
  };
}

const TYPE_NAMES: Readonly<Record<ChannelType, string>> = {
  sms: 'SMS',
  mms: 'MMS',
  rcs: 'RCS',
  email: 'e-mail',
  whatsapp: 'WhatsApp',
  whatsapp_personal: 'WhatsApp',
  websocket: 'web chat',
  ai: 'agent',
  voice: 'call',
  realtime_voice: 'voice agent',
  push: 'push',
  messenger: 'Messenger',
  telegram: 'Telegram',
  teams: 'Teams',
  webhook: 'webhook',
  system: 'system',
};

export function typeName(type: ChannelType | undefined): string {
  return type === undefined ? 'channel' : (TYPE_NAMES[type] ?? type);
}

/** `billing_agent` → `Billing agent`. */
export function humane(id: string): string {
  const words = id.replace(/[_-]+/g, ' ').trim();
  return words === '' ? id : words.charAt(0).toUpperCase() + words.slice(1);
}

/** An agent's or channel's name, as the host calls it, else made of its id. */
export function channelName(names: Names, channelId: string | null | undefined): string {
  if (channelId === null || channelId === undefined || channelId === '') return 'nobody';
  if (channelId === 'human') return 'a person';
  const binding = names.bindings.get(channelId);
  for (const key of ['display_name', 'name', 'role_name']) {
    const given = binding?.metadata[key];
    if (typeof given === 'string' && given !== '') return given;
  }
  // A channel named after its type is called what people call the type.
  const type = binding === undefined ? undefined : TYPE_NAMES[binding.channelType];
  if (type !== undefined && binding?.category !== 'intelligence' && channelId.replace(/\W/g, '') === binding?.channelType)
    return type.charAt(0).toUpperCase() + type.slice(1);
  return humane(channelId);
}

/** Whether the room has several channels of this one's type. */
export function isOneOfMany({ bindings }: Names, type: ChannelType | undefined): boolean {
  let count = 0;
  for (const { channelType } of bindings.values()) if (channelType === type && ++count > 1) return true;
  return false;
}

/** A value of open metadata, where it is a word. */
export function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A handoff in words: who, what, whom. */
export function handoffWords({ metadata }: WireEvent, names: Names): readonly [who: string, what: string, whom: string] {
  const from = wordOf(metadata['from_agent']);
  const to = wordOf(metadata['to_agent']);
  if (to === undefined || to === 'human')
    return ['A person', from === undefined ? 'took over' : 'took over from', from === undefined ? '' : channelName(names, from)];
  if (from === undefined || from === 'human') return [channelName(names, to), 'was put in charge', ''];
  return [channelName(names, from), 'handed over to', channelName(names, to)];
}

export interface Author {
  readonly name: string;
  /** By what they speak: `web chat`, `agent`, `SMS · +1 415 …`. */
  readonly via: string;
  readonly isAgent: boolean;
}

export function authorOf(source: WireEvent['source'], names: Names): Author {
  const isAgent = source.channelType === 'ai' || names.bindings.get(source.channelId)?.category === 'intelligence';
  if (isAgent) return { name: channelName(names, source.channelId), via: typeName(source.channelType), isAgent };
  if (source.channelType === 'system') return { name: 'RoomKit', via: 'system', isAgent: false };
  const participant = source.participantId === undefined ? undefined : names.participants.get(source.participantId);
  const person = source.displayName ?? participant?.displayName ?? source.participantId;
  const type = typeName(source.channelType);
  // One channel of its type needs no name beside it.
  const via = isOneOfMany(names, source.channelType) ? `${type} · ${source.channelId}` : type;
  return { name: person ?? channelName(names, source.channelId), via, isAgent };
}

/** Who the room is about: its people, without agents and observers. */
export function roomTitle(roomId: string, participants: readonly Participant[], metadata: Readonly<Record<string, unknown>> = {}): string {
  for (const key of ['title', 'name', 'subject']) {
    const given = metadata[key];
    if (typeof given === 'string' && given !== '') return given;
  }
  const people = participants.filter(({ role, status }) => role !== 'agent' && role !== 'bot' && role !== 'observer' && status === 'active');
  const named = people.map(({ displayName, id }) => displayName ?? id);
  if (named.length === 0) return humane(roomId);
  return named.length <= 2 ? named.join(', ') : `${named.slice(0, 2).join(', ')} +${named.length - 2}`;
}
