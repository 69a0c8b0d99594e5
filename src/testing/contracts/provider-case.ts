/** What the cases of the model providers' contract are run with. */
import assert from 'node:assert/strict';
import type { AIProvider, GenerateOptions } from '../../ai/index.js';
import type { AIContext, AIMessage, AIResponse, AIStreamItem } from '../../core/models/ai.js';
import type { Awaitable } from '../../core/models/json.js';
import type { ScriptedModelReply } from '../../emulators/script.js';
import type { ContractCase } from './contract.js';

/** How the provider of one case is to be made. */
export interface OpenProviderOptions {
  /** Its key is one that the vendor does not know. */
  readonly hasWrongKey?: boolean;
  /** Its model is one that the vendor does not know. */
  readonly hasUnknownModel?: boolean;
  /** Its vendor cannot be reached: nothing listens at its address. */
  readonly isUnreachable?: boolean;
  /** Until the answer begins; default: its own. */
  readonly timeoutSeconds?: number;
  /** It thinks before it answers, where it can. */
  readonly thinks?: boolean;
}

/** A provider in front of a scripted vendor. */
export interface ProviderSetup {
  readonly provider: AIProvider;
  /** The vendor answers with these next, once each. */
  readonly reply: (...replies: readonly ScriptedModelReply[]) => void;
  /** What reached the vendor, oldest first. */
  readonly requests: () => readonly { readonly text: string; readonly wasAborted: boolean; readonly headers: Readonly<Record<string, unknown>> }[];
  /** Connections to the vendor that are open now. */
  readonly openConnections: () => number;
  /** The key it was made with: it must show nowhere. */
  readonly key: string;
  /** What this vendor's protocol cannot carry: the cases about it are left out. */
  readonly lacks?: readonly ProviderAbility[];
  /** Ends the vendor. The suite closes the provider. */
  readonly close: () => Awaitable<void>;
}

/** What some vendors have no place for in their protocol. */
export type ProviderAbility =
  | 'thinking'
  | 'key_check'
  | 'key_per_call'
  | 'model_check'
  | 'cache_counts'
  | 'stream_failure'
  | 'raw_arguments'
  | 'system'
  | 'usage'
  | 'status_errors'
  | 'cut'
  | 'end_mark'
  | 'finish_reasons';

/** Gives a new provider and a new vendor each time it is called. */
export type OpenProvider = (options?: OpenProviderOptions) => Awaitable<ProviderSetup>;
/** One promise of model providers. */
export type ProviderCase = ContractCase<OpenProvider>;

export interface ProviderTest {
  readonly name: string;
  readonly rules: readonly string[];
  /** Left out where the vendor's protocol has no place for it. */
  readonly needs?: ProviderAbility;
  readonly options?: OpenProviderOptions;
  test(setup: ProviderSetup): Promise<void>;
}

export function providerCases(tests: readonly ProviderTest[]): readonly ProviderCase[] {
  return tests.map(({ name, rules, needs, options, test }) => ({
    name,
    rules,
    run: async (open) => {
      const setup = await open(options);
      try {
        if (needs === undefined || setup.lacks?.includes(needs) !== true) await test(setup);
      } finally {
        await setup.provider.close?.();
        await setup.close();
      }
    },
  }));
}

/** A context of these messages; a text is what the user says. */
export function contextOf(messages: string | readonly AIMessage[], more: Partial<AIContext> = {}): AIContext {
  return { messages: typeof messages === 'string' ? [{ role: 'user', content: messages }] : messages, tools: [], targetMediaTypes: [], ...more };
}

/** What a stream gave. */
export interface Streamed {
  readonly items: readonly AIStreamItem[];
  readonly text: string;
  readonly thinking: string;
  readonly toolCalls: readonly Extract<AIStreamItem, { type: 'tool_call' }>[];
  readonly done: Extract<AIStreamItem, { type: 'done' }>;
}

/** Reads a stream to its end, which has to be its only `done`. */
export async function streamed(provider: AIProvider, context: AIContext, options?: GenerateOptions): Promise<Streamed> {
  assert.ok(provider.generateStream, 'the provider has generateStream');
  const items: AIStreamItem[] = [];
  for await (const item of provider.generateStream(context, options)) items.push(item);
  const done = items.at(-1);
  assert.ok(done?.type === 'done', 'the last item of a stream is done');
  assert.equal(items.filter(({ type }) => type === 'done').length, 1, 'there is one done');
  return {
    items,
    text: items.map((item) => (item.type === 'text_delta' ? item.text : '')).join(''),
    thinking: items.map((item) => (item.type === 'thinking_delta' ? item.text : '')).join(''),
    toolCalls: items.filter((item) => item.type === 'tool_call'),
    done,
  };
}

/** The two ways of asking, each as an answer in one piece. */
export const WAYS: readonly {
  readonly way: string;
  readonly ask: (provider: AIProvider, context: AIContext, options?: GenerateOptions) => Promise<AIResponse>;
}[] = [
  { way: 'generate', ask: (provider, context, options) => provider.generate(context, options) },
  {
    way: 'generateStream',
    ask: async (provider, context, options) => {
      const { text, toolCalls, done } = await streamed(provider, context, options);
      return { ...done, content: text, toolCalls: toolCalls.map(({ type: _type, ...call }) => call) };
    },
  },
];

/** The error of a call that has to fail. */
export async function failure(run: () => Promise<unknown>): Promise<Error> {
  try {
    await run();
  } catch (error) {
    return error instanceof Error ? error : assert.fail(`an Error is thrown, not ${String(error)}`);
  }
  return assert.fail('this should fail');
}
