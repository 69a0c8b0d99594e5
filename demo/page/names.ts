/** Who is who in the demo's room, for people to read. */
import type { WireEvent } from '../wire-client.js';

interface Voice {
  readonly name: string;
  readonly via: string;
  readonly glyph: string;
  readonly kind: 'customer' | 'agent' | 'person' | 'system';
}

const VOICES: Readonly<Record<string, Voice>> = {
  web: { name: 'Ada Park', via: 'web chat', glyph: 'w', kind: 'customer' },
  desk: { name: 'Sam Okafor', via: 'desk', glyph: 'd', kind: 'person' },
  mia: { name: 'Mia', via: 'triage agent', glyph: 'M', kind: 'agent' },
  ben: { name: 'Ben', via: 'billing agent', glyph: 'B', kind: 'agent' },
  tara: { name: 'Tara', via: 'technical agent', glyph: 'T', kind: 'agent' },
  human: { name: 'a person', via: 'desk', glyph: 'd', kind: 'person' },
  system: { name: 'RoomKit', via: 'system', glyph: '·', kind: 'system' },
};

export function voiceOf(channelId: string): Voice {
  return VOICES[channelId] ?? { name: channelId, via: 'channel', glyph: channelId.slice(0, 1).toLowerCase(), kind: 'customer' };
}

export function authorOf(source: WireEvent['source']): Voice {
  const voice = voiceOf(source.channelId);
  return source.displayName === undefined || voice.kind === 'agent' ? voice : { ...voice, name: source.displayName };
}
