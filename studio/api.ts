/** Every call to the server's REST routes, and what its refusals say. */
import type {
  Access,
  Approval,
  ApprovalAnswered,
  ChannelBinding,
  ChannelInfo,
  ChannelType,
  DecisionTrace,
  EventContent,
  HandoffAnswer,
  Identity,
  IdentityMerge,
  KitInfo,
  LineDevice,
  LineMessage,
  Observation,
  OutboxRow,
  Room,
  RoomDetail,
  Statistics,
  Task,
  TurnRow,
  WireEvent,
} from './types.js';

/** The server said no, or nobody answered (`status` 0). `detail` says how to mend it. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

const KEY = 'roomkit-studio-key';

/** The API key this tab works with; it ends with the tab. */
export const credential = {
  get: (): string | undefined => sessionStorage.getItem(KEY) ?? undefined,
  set: (key: string): void => sessionStorage.setItem(KEY, key),
  clear: (): void => sessionStorage.removeItem(KEY),
};

let onUnauthenticated: (() => void) | undefined;

/** Told when a call was answered 401. */
export function whenUnauthenticated(listener: () => void): void {
  onUnauthenticated = listener;
}

export interface EventPage {
  readonly events: readonly WireEvent[];
  readonly latestIndex: number;
  /** Whether there may be more behind it; a page of large events ends before its limit. */
  readonly more: boolean;
}

export interface EventsQuery {
  readonly afterIndex?: number | undefined;
  readonly beforeIndex?: number | undefined;
  readonly limit: number;
  readonly newestFirst?: boolean;
  readonly as?: string | undefined;
}

export interface ClientTokenRequest {
  readonly rooms: readonly string[];
  readonly channelId: string;
  readonly participantId: string;
  readonly displayName?: string;
}

const room = (roomId: string): string => `/api/rooms/${encodeURIComponent(roomId)}`;
const identityAt = (id: string): string => `/api/identities/${encodeURIComponent(id)}`;

export const api = {
  kit: (): Promise<KitInfo> => call('/api/kit'),
  statistics: (): Promise<Statistics> => call('/api/stats'),
  listChannels: async (): Promise<readonly ChannelInfo[]> => (await call<{ channels: readonly ChannelInfo[] }>('/api/channels')).channels,
  listRooms: async (query: { limit: number; offset?: number }): Promise<readonly Room[]> =>
    (await call<{ rooms: readonly Room[] }>('/api/rooms', { query })).rooms,
  readRoom: (roomId: string): Promise<RoomDetail> => call(room(roomId)),
  closeRoom: (roomId: string): Promise<unknown> => call(`${room(roomId)}/close`, { method: 'POST' }),
  reopenRoom: (roomId: string): Promise<unknown> => call(`${room(roomId)}/reopen`, { method: 'POST' }),
  /** Oldest first, whatever the order asked for; `token` reads with the eyes of a person. */
  readEvents: async (roomId: string, query: EventsQuery, token?: string): Promise<EventPage> => {
    const { events, latestIndex, nextAfterIndex, nextBeforeIndex } = await call<
      Omit<EventPage, 'more'> & { nextAfterIndex?: number; nextBeforeIndex?: number }
    >(`${room(roomId)}/events`, { query: { ...query }, token });
    const more = events.length === query.limit || (nextAfterIndex ?? nextBeforeIndex) !== undefined;
    return { events: query.newestFirst === true ? [...events].reverse() : events, latestIndex, more };
  },
  /** As the host: what is not given stays. */
  changeEvent: (roomId: string, eventId: string, body: { content?: EventContent; metadata?: Record<string, unknown> }): Promise<unknown> =>
    call(`${room(roomId)}/events/${encodeURIComponent(eventId)}`, { method: 'PATCH', body }),
  /** With the answers it caused. Resolves to how many events are gone. */
  deleteEvent: async (roomId: string, eventId: string): Promise<number> =>
    (await call<{ deleted: number }>(`${room(roomId)}/events/${encodeURIComponent(eventId)}`, { method: 'DELETE' })).deleted,
  readTrace: async (roomId: string, eventId: string): Promise<DecisionTrace | null> =>
    (await call<{ trace: DecisionTrace | null }>(`${room(roomId)}/events/${encodeURIComponent(eventId)}/trace`)).trace,
  search: async (query: { text: string; roomId?: string; limit: number }): Promise<readonly WireEvent[]> =>
    (await call<{ events: readonly WireEvent[] }>('/api/search', { query })).events,
  changeBinding: async (
    roomId: string,
    channelId: string,
    body: { muted?: boolean; visibility?: string; access?: Access },
  ): Promise<ChannelBinding> =>
    (await call<{ binding: ChannelBinding }>(`${room(roomId)}/channels/${encodeURIComponent(channelId)}`, { method: 'PATCH', body })).binding,
  /** `null`: a person. */
  setActiveAgent: (roomId: string, agentId: string | null, reason: string): Promise<unknown> =>
    call(`${room(roomId)}/conversation/active-agent`, { method: 'PUT', body: { agentId, reason } }),
  /** `override`: also where the phases of the room's pipeline do not lead. */
  handOver: (roomId: string, target: string, reason: string, override = false): Promise<HandoffAnswer> =>
    call(`${room(roomId)}/handoff`, { method: 'POST', body: { target, reason, ...(override && { override }) } }),
  listDeliveries: async (roomId: string, query: { eventId?: string; limit?: number }): Promise<readonly OutboxRow[]> =>
    (await call<{ deliveries: readonly OutboxRow[] }>(`${room(roomId)}/deliveries`, { query })).deliveries,
  /** Turns that answer an event, as the store knows them. */
  listTurns: async (roomId: string, eventId: string): Promise<readonly TurnRow[]> =>
    (await call<{ turns: readonly TurnRow[] }>(`${room(roomId)}/turns`, { query: { eventId } })).turns,
  listAllDeliveries: async (query: { state: string; limit: number }): Promise<readonly OutboxRow[]> =>
    (await call<{ deliveries: readonly OutboxRow[] }>('/api/deliveries', { query })).deliveries,
  retryDelivery: (roomId: string, id: string): Promise<unknown> =>
    call(`${room(roomId)}/deliveries/${encodeURIComponent(id)}/retry`, { method: 'POST' }),
  cancelDelivery: (roomId: string, id: string): Promise<unknown> =>
    call(`${room(roomId)}/deliveries/${encodeURIComponent(id)}/cancel`, { method: 'POST' }),
  listTasks: async (roomId: string): Promise<readonly Task[]> => (await call<{ tasks: readonly Task[] }>(`${room(roomId)}/tasks`)).tasks,
  listObservations: async (roomId: string): Promise<readonly Observation[]> =>
    (await call<{ observations: readonly Observation[] }>(`${room(roomId)}/observations`)).observations,
  listApprovals: async (query: { roomId?: string; state?: string; limit: number }): Promise<readonly Approval[]> =>
    (await call<{ approvals: readonly Approval[] }>('/api/approvals', { query })).approvals,
  resolveApproval: (
    id: string,
    body: { approve: boolean; reason?: string; arguments?: Readonly<Record<string, unknown>> },
  ): Promise<ApprovalAnswered> => call(`/api/approvals/${encodeURIComponent(id)}/resolve`, { method: 'POST', body }),
  /** One that was merged away is read as the one it went into. */
  readIdentity: async (id: string): Promise<Identity> => (await call<{ identity: Identity }>(identityAt(id))).identity,
  findIdentity: async (channelType: ChannelType, address: string): Promise<Identity | null> =>
    (await call<{ identity: Identity | null }>('/api/identities', { query: { channelType, address } })).identity,
  /** Latest first. */
  listMerges: async (id: string): Promise<readonly IdentityMerge[]> =>
    (await call<{ merges: readonly IdentityMerge[] }>(`${identityAt(id)}/merges`)).merges,
  mergeIdentities: (id: string, fromId: string): Promise<unknown> => call(`${identityAt(id)}/merge`, { method: 'POST', body: { fromId } }),
  unmergeIdentity: (fromId: string): Promise<unknown> => call(`${identityAt(fromId)}/unmerge`, { method: 'POST' }),
  /** Waits until there is something newer than `after`, or a while. */
  readDevices: (after: number): Promise<{ version: number; devices: readonly LineDevice[] }> => call('/devices', { query: { after } }),
  writeOnDevice: (id: string, body: { text: string } | { messageId: string; buttonId: string }): Promise<LineMessage> =>
    call(`/devices/${encodeURIComponent(id)}`, { method: 'POST', body }),
  mintClientToken: (body: ClientTokenRequest): Promise<{ token: string; expiresAt: string }> => call('/api/client-tokens', { method: 'POST', body }),
};

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** Asks as somebody else than the tab's own key. */
  readonly token?: string | undefined;
}

/** Throws {@link ApiError}. */
export async function call<Answer>(path: string, { method = 'GET', query = {}, body, token }: CallOptions = {}): Promise<Answer> {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
  const key = token ?? credential.get();
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError(0, 'unreachable', 'The server does not answer. Is the program still running?');
  }
  const answer = (await response.json().catch(() => ({}))) as unknown;
  if (response.ok) return answer as Answer; // our own server's shape
  const { code = 'internal', detail, title } = answer as { code?: string; detail?: string; title?: string };
  if (response.status === 401 && token === undefined) onUnauthenticated?.();
  throw new ApiError(response.status, code, detail ?? title ?? `The server answered ${response.status}.`);
}
