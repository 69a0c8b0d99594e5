/** Ephemeral events between processes, over subjects of NATS. */
import { SystemClock, type Clock } from '../../core/clock.js';
import { ValidationError } from '../../core/errors.js';
import { StderrLogger, type Logger } from '../../core/logger.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import type { RealtimeBackend, RealtimeCallback, RealtimeMessage } from '../../core/realtime/backend.js';
import { RelayedRealtime } from '../../core/realtime/relayed.js';
import { checkSeconds } from '../_shared/source/options.js';
import { NATSRelay, type NATSRelayOptions } from './relay.js';
import { CONNECTION_NAMES, natsServers, type NATSConnectionOptions } from './servers.js';

/** What a {@link NATSRealtime} is made with. */
export interface NATSRealtimeOptions extends NATSConnectionOptions {
  /** What all subjects begin with; default `roomkit`. Kits that share rooms have the same. */
  readonly prefix?: string;
  /** How long an answer may take; default 5. */
  readonly timeoutSeconds?: number;
  /** Default: warnings and errors on stderr. */
  readonly logger?: Logger;
  /** For tests. */
  readonly clock?: Clock;
}

const FEATURE = 'NATSRealtime';
const NAMES: OptionNames<NATSRealtimeOptions> = { ...CONNECTION_NAMES, prefix: true, timeoutSeconds: true, logger: true, clock: true };

/** Gives what happens at the moment to all processes that share a NATS: `new RoomKit({ realtime: new NATSRealtime({ servers }) })`. */
export class NATSRealtime implements RealtimeBackend {
  readonly distributed = true;
  readonly #relayed: RelayedRealtime;

  constructor(options: NATSRealtimeOptions = {}) {
    const checked = checkedOptions(options);
    this.#relayed = new RelayedRealtime((hear) => new NATSRelay(checked, hear), checked.logger);
  }

  /** To this process at once; the others are not waited for, and hear nothing of it while NATS is away. */
  publish(channel: string, message: RealtimeMessage): void {
    this.#relayed.publish(channel, message);
  }

  subscribe(channel: string, callback: RealtimeCallback): Promise<string> {
    return this.#relayed.subscribe(channel, callback);
  }

  unsubscribe(subscriptionId: string): Promise<boolean> {
    return this.#relayed.unsubscribe(subscriptionId);
  }

  close(): Promise<void> {
    return this.#relayed.close();
  }
}

function checkedOptions(options: NATSRealtimeOptions): NATSRelayOptions {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) throw new ValidationError(`new ${FEATURE} takes options: { servers: 'nats://127.0.0.1:4222' }.`);
  checkOptionNames(`new ${FEATURE}`, options, NAMES);
  const { prefix = 'roomkit', timeoutSeconds = 5, logger = new StderrLogger(), clock = new SystemClock() } = options;
  checkSeconds(FEATURE, 'timeoutSeconds', timeoutSeconds);
  if (typeof prefix !== 'string' || !/^[^\s.*>$]+(\.[^\s.*>]+)*$/.test(prefix))
    throw new ValidationError(`The prefix of ${FEATURE} is no beginning of a subject. Give one like 'roomkit'.`);
  return { ...natsServers(FEATURE, options), prefix, timeoutSeconds, logger, clock };
}
