/** Small drawings: one per kind of channel and per action. Decoration only; what they mean is said in words beside them. */
import type { ComponentChildren, VNode } from 'preact';
import type { ChannelType } from '../types.js';

const PATHS = {
  chat: 'M2.5 4.5a2 2 0 0 1 2-2h7a2 2 0 0 1 2 2v4a2 2 0 0 1-2 2H7l-3 2.7v-2.7a1.6 1.6 0 0 1-1.5-2z',
  phone: 'M5 1.8h6a1 1 0 0 1 1 1v10.4a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V2.8a1 1 0 0 1 1-1zM7 12h2',
  mail: 'M2 4.3a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v7.4a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1zM2.4 4.6 8 8.9l5.6-4.3',
  plane: 'M13.8 2.4 1.9 7.2l4.2 1.6 1.7 4.7 2-2.7M13.8 2.4 6.1 8.8',
  call: 'M3 2.5h2.6l1.2 3-1.6 1.1a8 8 0 0 0 4.2 4.2l1.1-1.6 3 1.2V13a1 1 0 0 1-1 1C7 14 2 9 2 3.5a1 1 0 0 1 1-1z',
  bell: 'M4 11V7a4 4 0 1 1 8 0v4l1 1H3zM6.8 14h2.4',
  hook: 'M10.5 6.5a2.5 2.5 0 1 0-3.6 0L4.8 10M6 11.5h5.5a2 2 0 1 0-1-3.7L8.4 4.6M5 9.2a2.3 2.3 0 1 0 1.2 2.3',
  people:
    'M6 7.5a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6zM1.8 13c.3-2.5 2-3.8 4.2-3.8s3.9 1.3 4.2 3.8M10.5 3.2a2.3 2.3 0 0 1 0 4.2M12 9.6c1.3.5 2 1.7 2.2 3.4',
  gear: 'M8 5.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4zM8 1.8v2M8 12.2v2M1.8 8h2M12.2 8h2M3.6 3.6l1.4 1.4M11 11l1.4 1.4M3.6 12.4 5 11M11 5l1.4-1.4',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.7 10.7 14 14',
  close: 'm4 4 8 8M12 4l-8 8',
  back: 'M10 3 5 8l5 5',
  down: 'M8 3v10M3.5 8.5 8 13l4.5-4.5',
  up: 'M8 13V3M3.5 7.5 8 3l4.5 4.5',
  right: 'm6 4 4 4-4 4',
  eye: 'M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
  hidden:
    'M2 2l12 12M6.2 3.8A6.6 6.6 0 0 1 8 3.5c4 0 6.5 4.5 6.5 4.5a11 11 0 0 1-1.9 2.4M4 5C2.4 6.2 1.5 8 1.5 8S4 12.5 8 12.5c1.2 0 2.2-.4 3.1-.9M6.6 6.6a2 2 0 0 0 2.8 2.8',
  mute: 'M2.5 6v4h2.3L8 12.7V3.3L4.8 6zM11 6.3l3 3.4M14 6.3l-3 3.4',
  unmute: 'M2.5 6v4h2.3L8 12.7V3.3L4.8 6zM10.6 6a3 3 0 0 1 0 4M12.6 4.3a5.5 5.5 0 0 1 0 7.4',
  tool: 'M13.5 4.5 11 7 9 5l2.5-2.5a3.5 3.5 0 0 0-4.7 4.4L2.5 11.2a1.6 1.6 0 0 0 2.3 2.3l4.3-4.3a3.5 3.5 0 0 0 4.4-4.7z',
  hand: 'M2.5 8h10M9 4.5 12.5 8 9 11.5',
  person: 'M8 7.7a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2zM3 13.5c.4-2.6 2.3-4 5-4s4.6 1.4 5 4',
  retry: 'M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3',
  link: 'M6.5 9.5l3-3M7 4.5l1.3-1.3a2.8 2.8 0 0 1 4 4L11 8.5M9 11.5l-1.3 1.3a2.8 2.8 0 0 1-4-4L5 7.5',
  pulse: 'M1.5 8h3l2-4.5 3 9 2-4.5h3',
  file: 'M4 1.8h5l3 3v9.4H4zM9 1.8v3h3',
  picture: 'M2 3h12v10H2zM2 11l3.5-3.5L9 11l2-2 3 3M10.5 6.5h.01',
  pin: 'M8 14s4.5-4.3 4.5-7.5a4.5 4.5 0 0 0-9 0C3.5 9.7 8 14 8 14zM8 8a1.6 1.6 0 1 0 0-3.2A1.6 1.6 0 0 0 8 8z',
  sound: 'M2.5 6.5v3M5.2 4v8M8 2.5v11M10.8 5v6M13.5 6.5v3',
  check: 'm3 8.5 3.2 3.2L13 4.8',
  warn: 'M8 2 1.5 13.5h13zM8 6.5v3.2M8 11.6h.01',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.2 1.5',
  device: 'M2 3.5h12v7H2zM5.5 13.5h5',
  edit: 'M3 13l.7-3L10.6 3.1a1.4 1.4 0 0 1 2 0l.3.3a1.4 1.4 0 0 1 0 2L6 12.3zM9.3 4.4l2.3 2.3',
  trash: 'M2.8 4.5h10.4M6 4.5V2.8h4v1.7M4.2 4.5l.6 9h6.4l.6-9M6.8 7v4M9.2 7v4',
  lock: 'M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }): VNode {
  return (
    <svg class="icon" viewBox="0 0 16 16" width={size} height={size} aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

const CHANNEL_ICONS: Readonly<Partial<Record<ChannelType, IconName>>> = {
  websocket: 'chat',
  sms: 'phone',
  mms: 'phone',
  rcs: 'phone',
  email: 'mail',
  whatsapp: 'call',
  whatsapp_personal: 'call',
  messenger: 'chat',
  telegram: 'plane',
  teams: 'people',
  voice: 'call',
  realtime_voice: 'sound',
  push: 'bell',
  webhook: 'hook',
  system: 'gear',
};

export interface GlyphProps {
  readonly type: ChannelType | undefined;
  readonly name: string;
  readonly isAgent?: boolean;
  /** One of several channels of its kind: its letter tells it from the others. */
  readonly isOneOfMany?: boolean;
  readonly title?: string;
}

/** A channel as a small tile: its kind's drawing, or the first letter of an agent or of one channel among its like. */
export function Glyph({ type, name, isAgent, isOneOfMany = false, title }: GlyphProps): VNode {
  const icon = type === undefined || isOneOfMany ? undefined : CHANNEL_ICONS[type];
  const agent = isAgent ?? type === 'ai';
  return (
    <span class={agent ? 'glyph agent' : 'glyph'} title={title} aria-hidden="true">
      {agent || icon === undefined ? name.slice(0, 1).toUpperCase() : <Icon name={icon} size={12} />}
    </span>
  );
}

/** Says to screen readers what a drawing shows. */
export function Hidden({ children }: { children: ComponentChildren }): VNode {
  return <span class="hidden">{children}</span>;
}
