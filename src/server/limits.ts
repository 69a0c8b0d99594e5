/** The numbers that bound what callers may cost (AUTH-10, AUTH-13, WIRE-02, WIRE-03); all of them are options. */
import { ValidationError } from '../core/index.js';

/** What a caller may cost. What is above is answered 413 or 429, or its socket is closed. */
export interface ServerLimits {
  /** Body of a request; default 1 MiB. */
  readonly maxBodyBytes: number;
  /** A body is there within so long; default 30. */
  readonly bodySeconds: number;
  /** The headers of a request are there within so long; default 10. */
  readonly headersSeconds: number;
  /** `authenticate` answers within so long; default 10. */
  readonly authenticateSeconds: number;
  /** Per principal; default 100. */
  readonly requestsPerSecond: number;
  /** How many requests a principal may make at once; default 200. */
  readonly requestBurst: number;
  /** Per address; default 20. */
  readonly failedAuthenticationsPerMinute: number;
  /** Sockets that have not said hello; default 1000. */
  readonly maxWaitingSockets: number;
  /** Of these, from one address; default 20. */
  readonly maxWaitingPerAddress: number;
  /** A socket says hello within so long; default 5. */
  readonly helloSeconds: number;
  /** Frame from a client; default 64 KiB, at most 1 MiB. */
  readonly maxFrameBytes: number;
  /** Default 25. */
  readonly heartbeatSeconds: number;
}

const DEFAULTS: ServerLimits = {
  maxBodyBytes: 1024 * 1024,
  bodySeconds: 30,
  headersSeconds: 10,
  authenticateSeconds: 10,
  requestsPerSecond: 100,
  requestBurst: 200,
  failedAuthenticationsPerMinute: 20,
  maxWaitingSockets: 1000,
  maxWaitingPerAddress: 20,
  helloSeconds: 5,
  maxFrameBytes: 64 * 1024,
  heartbeatSeconds: 25,
};

/** Larger frames are never read, whatever the options say. */
export const MAX_FRAME_BYTES = 1024 * 1024;
/** The first frame of a socket. */
export const MAX_HELLO_BYTES = 8 * 1024;

/** All limits; throws ValidationError naming one that cannot be. */
export function serverLimits(given: Partial<ServerLimits> = {}): ServerLimits {
  const limits: Record<keyof ServerLimits, number> = { ...DEFAULTS };
  for (const name of Object.keys(given) as (keyof ServerLimits)[]) {
    const value: unknown = given[name];
    if (value === undefined) continue;
    if (!(name in DEFAULTS)) throw new ValidationError(`limits.${name} is not known. Known: ${Object.keys(DEFAULTS).join(', ')}.`);
    if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value))
      throw new ValidationError(`limits.${name} is ${JSON.stringify(value)}. Give a number above 0; default ${DEFAULTS[name]}.`);
    limits[name] = value;
  }
  if (limits.maxFrameBytes > MAX_FRAME_BYTES)
    throw new ValidationError(`limits.maxFrameBytes is ${limits.maxFrameBytes}; at most ${MAX_FRAME_BYTES} are taken.`);
  return limits;
}
