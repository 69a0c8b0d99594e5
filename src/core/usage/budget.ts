/** Budgets of agents and rooms (USG-03): what is used up refuses the next generation, and cuts none. */
import { isoTime } from '../clock.js';
import { ValidationError } from '../errors.js';
import { isPromise, type Awaitable } from '../models/json.js';
import type { Budget, UsageLimit, UsageQuery, UsageRecord, UsageTotal } from '../models/usage.js';
import type { KitParts } from '../parts.js';
import { sumInStore } from './get-usage.js';
import { countedTokens, NO_USAGE, plus, totalOf } from './sums.js';

/** What is to be asked before a generation. */
export interface Budgets {
  readonly agent: Budget | undefined;
  readonly room: Budget | undefined;
}

interface Asking {
  readonly parts: KitParts;
  readonly roomId: string;
  readonly agentId: string;
  readonly model: string;
  /** Of the turn that runs: the store does not know of them yet. */
  readonly own: readonly UsageRecord[];
  /** What the turn had used before it waited for people: the store knows of it. */
  readonly before: UsageTotal;
}

type Span = keyof Budget;
const SPANS: readonly Span[] = ['turn', 'room', 'day'];

/** Why the next generation is refused; undefined when it may be made. At once when the store answers at once. */
export function budgetRefusal(asking: Asking, { agent, room }: Budgets): Awaitable<string | undefined> {
  const limits: { owner: 'agent' | 'room'; span: Span; limit: UsageLimit }[] = [];
  for (const span of SPANS) {
    if (agent?.[span] !== undefined) limits.push({ owner: 'agent', span, limit: agent[span] });
    if (room?.[span] !== undefined) limits.push({ owner: 'room', span, limit: room[span] });
  }
  const next = (at: number): Awaitable<string | undefined> => {
    const entry = limits[at];
    if (entry === undefined) return undefined;
    checkPriced(asking, entry.limit);
    const spent = spentIn(asking, entry.owner, entry.span);
    const judge = (total: UsageTotal): Awaitable<string | undefined> => refusalOf(asking, entry, total) ?? next(at + 1);
    return isPromise(spent) ? spent.then(judge) : judge(spent);
  };
  return next(0);
}

function spentIn({ parts, roomId, agentId, own, before }: Asking, owner: 'agent' | 'room', span: Span): Awaitable<UsageTotal> {
  const turn = own.reduce((sum, record) => plus(sum, totalOf(record)), NO_USAGE);
  if (span === 'turn') return plus(before, turn);
  const query: UsageQuery = {
    ...(owner === 'agent' && { agentId }),
    ...((owner === 'room' || span === 'room') && { roomId }),
    ...(span === 'day' && { from: `${isoTime(parts.clock.now()).slice(0, 10)}T00:00:00.000Z` }),
    ...(parts.options.organizationId !== undefined && { organizationId: parts.options.organizationId }),
  };
  const rows = sumInStore(parts, query);
  return isPromise(rows) ? rows.then((found) => found.reduce<UsageTotal>(plus, turn)) : rows.reduce<UsageTotal>(plus, turn);
}

function refusalOf(
  { roomId, agentId }: Asking,
  { owner, span, limit }: { owner: 'agent' | 'room'; span: Span; limit: UsageLimit },
  total: UsageTotal,
): string | undefined {
  const { tokens, cost } = typeof limit === 'number' ? { tokens: limit, cost: undefined } : limit;
  const of = `The budget of ${owner} '${owner === 'agent' ? agentId : roomId}' for ${NAMES[span]} is used up`;
  const used = countedTokens(total.tokens);
  if (tokens !== undefined && used >= tokens) return `${of}: ${used} of ${tokens} tokens.`;
  if (cost !== undefined && (total.cost ?? 0) >= cost) return `${of}: ${Number((total.cost ?? 0).toFixed(6))} of ${cost}.`;
  return undefined;
}

const NAMES: Readonly<Record<Span, string>> = { turn: 'a turn', room: 'a room', day: 'a day' };

/** A budget in cost that counts nothing would be found out by the bill. */
function checkPriced({ parts, model, agentId }: Asking, limit: UsageLimit): void {
  if (typeof limit === 'number' || limit.cost === undefined || parts.prices?.has(model) === true) return;
  throw new ValidationError(
    `A budget of agent '${agentId}' is in cost, and its model '${model}' has no price. Give one: new RoomKit({ prices: { '${model}': { input, output } } }), or count tokens.`,
  );
}

/** Throws ValidationError for what is no budget. */
export function checkBudget(given: unknown): void {
  if (given === undefined) return;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ValidationError(`budget is ${JSON.stringify(given)}. Give { turn: 20_000, day: { cost: 5 } }, say.`);
  }
  for (const [span, limit] of Object.entries(given as Readonly<Record<string, unknown>>)) {
    if (!SPANS.includes(span as Span)) throw new ValidationError(`budget has no '${span}'. There are turn, room and day.`);
    if (limit !== undefined) checkLimit(span, limit);
  }
}

function checkLimit(span: string, limit: unknown): void {
  const given = typeof limit === 'number' ? { tokens: limit } : limit;
  const entries = typeof given === 'object' && given !== null ? Object.entries(given as Readonly<Record<string, unknown>>) : [];
  const isRight = entries.every(
    ([kind, most]) =>
      (kind === 'tokens' || kind === 'cost') && (most === undefined || (typeof most === 'number' && Number.isFinite(most) && most >= 0)),
  );
  if (entries.length > 0 && isRight) return;
  throw new ValidationError(`budget.${span} is ${JSON.stringify(limit)}. Give a number of tokens, or { tokens, cost }, each 0 or more.`);
}
