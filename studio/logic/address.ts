/** The address as state and back. */

export type Subject = 'event' | 'delivery' | 'hook' | 'channel' | 'participant' | 'health' | 'people' | 'approvals';

const SUBJECTS: ReadonlySet<string> = new Set<Subject>(['event', 'delivery', 'hook', 'channel', 'participant', 'health', 'people', 'approvals']);

export interface Route {
  readonly roomId: string | undefined;
  /** Index of the selected event. */
  readonly event: number | undefined;
  /** What the inspector shows, and of whom. */
  readonly inspect: Subject | undefined;
  readonly subject: string | undefined;
  /** The channel whose eyes the room is seen with. */
  readonly as: string | undefined;
  /** Whether the drawer of devices is open. */
  readonly devices: boolean;
  /** A device that is to be opened: a channel and who speaks on it. It is gone from the address once it is there. */
  readonly device: { readonly channelId: string; readonly participantId: string } | undefined;
}

/** All rooms, none of them open. */
export const HOME: Route = {
  roomId: undefined,
  event: undefined,
  inspect: undefined,
  subject: undefined,
  as: undefined,
  devices: false,
  device: undefined,
};

export function readRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [place, id] = path.split('/');
  const given = new URLSearchParams(query);
  if (place !== 'rooms' || id === undefined || id === '') {
    const kit = given.get('inspect');
    return kit === 'health' || kit === 'approvals' ? { ...HOME, inspect: kit } : HOME;
  }
  const event = given.get('event');
  const inspect = given.get('inspect');
  const device = deviceOf(given.get('device'));
  return {
    roomId: decoded(id),
    event: event !== null && /^\d{1,10}$/.test(event) ? Number(event) : undefined,
    inspect: isSubject(inspect) ? inspect : undefined,
    subject: given.get('of') ?? undefined,
    as: given.get('as') ?? undefined,
    devices: device !== undefined || given.get('devices') === 'open',
    device,
  };
}

export function writeRoute({ roomId, event, inspect, subject, as, devices, device }: Route): string {
  if (roomId === undefined) return inspect === 'health' || inspect === 'approvals' ? `#/?inspect=${inspect}` : '#/';
  const query = new URLSearchParams();
  if (event !== undefined) query.set('event', String(event));
  if (inspect !== undefined) query.set('inspect', inspect);
  if (subject !== undefined) query.set('of', subject);
  if (as !== undefined) query.set('as', as);
  if (device !== undefined) query.set('device', `${device.channelId}/${device.participantId}`);
  else if (devices) query.set('devices', 'open');
  const search = query.toString();
  return `#/rooms/${encodeURIComponent(roomId)}${search === '' ? '' : `?${search}`}`;
}

/** `desk/sam`: a channel, and who speaks on it. */
function deviceOf(given: string | null): Route['device'] {
  const at = given?.indexOf('/') ?? -1;
  if (given === null || at < 1 || at === given.length - 1) return undefined;
  return { channelId: given.slice(0, at), participantId: given.slice(at + 1) };
}

function isSubject(given: string | null): given is Subject {
  return given !== null && SUBJECTS.has(given);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
