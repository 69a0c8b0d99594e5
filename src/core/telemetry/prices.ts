/** What generations cost, by the host's own prices (USG-02). */
import { ValidationError } from '../errors.js';
import type { Usage } from '../models/ai.js';

/** Of one model, per million tokens, in whatever currency the host counts in. */
export interface TokenPrices {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
}

/** Other kinds are parts of these: tokens of reasoning are among those of the output. */
const PRICED = [
  ['input_tokens', 'input'],
  ['output_tokens', 'output'],
  ['cache_read_tokens', 'cacheRead'],
  ['cache_write_tokens', 'cacheWrite'],
] as const;

const KINDS: readonly (keyof TokenPrices)[] = PRICED.map(([, kind]) => kind);

export class Prices {
  readonly #byModel: ReadonlyMap<string, TokenPrices>;

  /** Throws ValidationError for what is no price. */
  constructor(given: Readonly<Record<string, TokenPrices>>) {
    this.#byModel = new Map(Object.entries(given).map(([model, prices]) => [model, checked(model, prices)]));
  }

  /** Whether this model has prices at all. */
  has(model: string): boolean {
    return this.#byModel.has(model);
  }

  /** Undefined, never 0, when a price is missing for something that was used. */
  costOf(model: string, usage: Usage): number | undefined {
    const prices = this.#byModel.get(model);
    if (prices === undefined) return undefined;
    let cost = 0;
    for (const [tokens, kind] of PRICED) {
      const count = usage[tokens] ?? 0;
      const price = prices[kind];
      if (count === 0) continue;
      if (price === undefined) return undefined;
      cost += (count * price) / 1_000_000;
    }
    return cost;
  }
}

function checked(model: string, prices: TokenPrices): TokenPrices {
  for (const kind of KINDS) {
    const price: unknown = prices[kind];
    if (price === undefined && (kind === 'cacheRead' || kind === 'cacheWrite')) continue;
    if (typeof price !== 'number' || !Number.isFinite(price) || price < 0)
      throw new ValidationError(`Option prices: ${kind} of model '${model}' is ${String(price)}. Give the price of a million tokens, 0 or more.`);
  }
  return prices;
}
