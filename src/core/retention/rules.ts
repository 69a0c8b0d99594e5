/** How long what is kept (RET-01): rules in seconds, for all and per organization. */
import { ValidationError } from '../errors.js';
import { checkOptionNames, type OptionNames } from '../option-names.js';

/** After how many seconds what goes; what is not named stays. At least 60. */
export interface RetentionRules {
  /** Events, by their time; with their deliveries, turns, search entries and media. At least seven days, unless `allowShort` (RET-05). */
  readonly events?: number;
  /** Events that were blocked. */
  readonly blockedEvents?: number;
  /** Closed and archived rooms with everything in them, counted from when they were closed. */
  readonly closedRooms?: number;
  /** Deliveries that have ended. */
  readonly deliveries?: number;
  /** Turns that have ended, with their approvals. */
  readonly turns?: number;
  /** What hooks and agents noted. */
  readonly observations?: number;
  /** What generations have cost. */
  readonly usage?: number;
  /** `events` may be shorter than vendors repeat their calls: what comes again is a new message then. Default false. */
  readonly allowShort?: boolean;
}

/** Rules of a kit. */
export interface RetentionOptions {
  /** For rooms of organizations without rules of their own, and of none. */
  readonly default?: RetentionRules;
  /** Organization → what differs from the default, rule by rule. */
  readonly organizations?: Readonly<Record<string, RetentionRules>>;
}

const SECONDS = ['events', 'blockedEvents', 'closedRooms', 'deliveries', 'turns', 'observations', 'usage'] as const;
const LEAST = 60;
/** Vendors repeat a webhook for days at most. */
const LEAST_FOR_EVENTS = 7 * 86_400;

const OPTION_NAMES: OptionNames<RetentionOptions> = { default: true, organizations: true };
const RULE_NAMES: OptionNames<RetentionRules> = {
  events: true,
  blockedEvents: true,
  closedRooms: true,
  deliveries: true,
  turns: true,
  observations: true,
  usage: true,
  allowShort: true,
};

/** Throws ValidationError, naming rule and value. */
export function checkRetention(options: RetentionOptions): void {
  checkOptionNames('retention', options, OPTION_NAMES);
  check('retention.default', options.default ?? {}, options.default ?? {});
  for (const [id, rules] of Object.entries(options.organizations ?? {}))
    check(`retention.organizations['${id}']`, rules, { ...options.default, ...rules });
}

function check(place: string, rules: RetentionRules, all: RetentionRules): void {
  checkOptionNames(place, rules, RULE_NAMES);
  for (const name of SECONDS) {
    const given: unknown = rules[name];
    if (given === undefined) continue;
    if (typeof given !== 'number' || !Number.isFinite(given) || given < LEAST)
      throw new ValidationError(`${place}.${name} is ${JSON.stringify(given)}. Give seconds, at least ${LEAST}; without it nothing goes.`);
  }
  if (all.events !== undefined && all.events < LEAST_FOR_EVENTS && all.allowShort !== true)
    throw new ValidationError(
      `${place}.events is ${all.events}: a vendor may repeat a message for days, and its key is gone by then, so it would be answered again. ` +
        `Give at least ${LEAST_FOR_EVENTS} (seven days), or say allowShort: true.`,
    );
}

export function rulesOf(options: RetentionOptions, organizationId: string | undefined): RetentionRules {
  return { ...options.default, ...(organizationId !== undefined && options.organizations?.[organizationId]) };
}

/** The shortest of what goes by age of a room's content: a younger room has nothing that could go. */
export function shortestOf(rules: RetentionRules): number {
  return Math.min(...SECONDS.map((name) => rules[name] ?? Infinity));
}
