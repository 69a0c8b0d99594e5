/** The address as state and back. */

export type Subject = 'event' | 'channel' | 'participant' | 'health' | 'people';

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
}

/** All rooms, none of them open. */
export const HOME: Route = { roomId: undefined, event: undefined, inspect: undefined, subject: undefined, as: undefined, devices: false };

export function readRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [place, id] = path.split('/');
  const given = new URLSearchParams(query);
  if (place !== 'rooms' || id === undefined || id === '') return given.get('inspect') === 'health' ? { ...HOME, inspect: 'health' } : HOME;
  const event = given.get('event');
  const inspect = given.get('inspect');
  return {
    roomId: decoded(id),
    event: event !== null && /^\d{1,10}$/.test(event) ? Number(event) : undefined,
    inspect: isSubject(inspect) ? inspect : undefined,
    subject: given.get('of') ?? undefined,
    as: given.get('as') ?? undefined,
    devices: given.get('devices') === 'open',
  };
}

export function writeRoute({ roomId, event, inspect, subject, as, devices }: Route): string {
  if (roomId === undefined) return inspect === 'health' ? '#/?inspect=health' : '#/';
  const query = new URLSearchParams();
  if (event !== undefined) query.set('event', String(event));
  if (inspect !== undefined) query.set('inspect', inspect);
  if (subject !== undefined) query.set('of', subject);
  if (as !== undefined) query.set('as', as);
  if (devices) query.set('devices', 'open');
  const search = query.toString();
  return `#/rooms/${encodeURIComponent(roomId)}${search === '' ? '' : `?${search}`}`;
}

function isSubject(given: string | null): given is Subject {
  return given === 'event' || given === 'channel' || given === 'participant' || given === 'health' || given === 'people';
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
