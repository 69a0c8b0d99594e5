/** Runs the tool calls of one turn: what may run, with what, how often, and what the model is told (§18.1). */
import type { Deadlines } from '../../core/async/deadlines.js';
import type { ChannelServices, Turn } from '../../core/channel.js';
import { AbortedError, errorCode, errorMessage, TimeoutError } from '../../core/errors.js';
import type { AIContextPart, AIMessage, AITool, AIToolCall, ToolCallEvent, ToolContext } from '../../core/models/ai.js';
import { copyJson, isPromise, ownJson, type Metadata } from '../../core/models/json.js';
import { Cancellation } from '../../core/async/cancellation.js';
import type { Askers } from '../askers.js';
import type { AIProvider } from '../provider.js';
import { endOfTurn } from './end-turn.js';
import { isAllowed, isBuiltInAllowed, type ToolPolicy } from './policy.js';
import { errorText, failureText, isErrorResult, KeptResults, READ_TOOL_RESULT, readToolResult, toToolResult, type ImagePart } from './results.js';
import { checkArguments, type ArgumentCheck } from './schema.js';
import { canonicalJson, stableHash } from './stable-hash.js';
import type { TurnTool, TurnTools } from './tool-set.js';

/** The same call so often is refused, so often ends the loop (TL-06). */
const REFUSED_FROM = 3;
const FORCED_FROM = 5;

export interface ToolRunnerParts {
  readonly services: ChannelServices;
  readonly deadlines: Deadlines;
  readonly turn: Turn;
  readonly roomId: string;
  readonly channelId: string;
  /** Who is answered. */
  readonly askers: Askers;
  readonly tools: TurnTools;
  readonly policy: ToolPolicy | undefined;
  readonly limits: ToolLimits;
  readonly cancellation: Cancellation;
}

export interface ToolLimits {
  readonly parallelTools: boolean;
  readonly maxToolCallsPerRound: number;
  readonly maxToolResultChars: number;
  readonly toolTimeoutSeconds: number;
}

export interface ToolRound {
  /** One tool message with every result in call order, and images that have to follow it. */
  readonly messages: readonly AIMessage[];
  /** A tool ended the turn (HND-08). */
  readonly isEnd: boolean;
  /** The model goes round in circles and has to answer now (TL-06). */
  readonly isForced: boolean;
}

interface CallOutcome {
  readonly text: string;
  readonly images: readonly ImagePart[];
  readonly isError: boolean;
  readonly isEnd: boolean;
}

export class ToolRunner {
  readonly #kept: KeptResults;
  /** How often each call was asked for, and how often it has run. */
  readonly #asked = new Map<string, number>();
  readonly #ran = new Map<string, number>();

  constructor(private readonly parts: ToolRunnerParts) {
    this.#kept = new KeptResults(parts.limits.maxToolResultChars);
  }

  /** What the model is offered now. */
  offered(): readonly AITool[] {
    const { tools, policy } = this.parts;
    const { roles } = this.parts.askers;
    const offered = tools.offered(policy, roles);
    return this.#kept.hasAny && isBuiltInAllowed(policy, READ_TOOL_RESULT, roles) ? [...offered, readToolResult] : offered;
  }

  /** Runs one round of calls that were made with these tools on offer, under the span of the generation that asked for them. */
  async round(calls: readonly AIToolCall[], offered: readonly AITool[], provider: AIProvider, span?: string): Promise<ToolRound> {
    const { limits } = this.parts;
    const names = new Set(offered.map((tool) => tool.name));
    let isForced = false;
    const jobs = calls.map((call, at) => {
      if (at >= limits.maxToolCallsPerRound) {
        return (): Promise<CallOutcome> => Promise.resolve(refused(`More than ${limits.maxToolCallsPerRound} calls at once; this one was not run.`));
      }
      const times = this.#count(call);
      isForced ||= times >= FORCED_FROM;
      return (): Promise<CallOutcome> => this.#call(call, names, times, span);
    });
    const outcomes: CallOutcome[] = [];
    if (limits.parallelTools) outcomes.push(...(await Promise.all(jobs.map((job) => job()))));
    else for (const job of jobs) outcomes.push(await job());
    return { messages: this.#messages(calls, outcomes, provider), isEnd: outcomes.some((outcome) => outcome.isEnd), isForced };
  }

  /** One call from its check to its result; never throws. Everything that is known of a tool call passes here. */
  async #call(call: AIToolCall, offered: ReadonlySet<string>, times: number, parentId: string | undefined): Promise<CallOutcome> {
    const { services, turn } = this.parts;
    const started = services.clock.monotonic();
    let code: string | undefined;
    let result: string | undefined;
    const span = this.#startSpan(call, parentId);
    try {
      const outcome = await this.#checked(call, offered, times);
      if (outcome.isError) code = 'error';
      result = outcome.text;
      return outcome;
    } catch (error) {
      code = errorCode(error);
      services.logger.warn('A tool call failed.', { channelId: this.parts.channelId, tool: call.name, error: errorMessage(error) });
      return { text: failureText(error), images: [], isError: true, isEnd: false };
    } finally {
      turn.trace({ kind: 'tool', name: call.name, ms: services.clock.monotonic() - started, ...(code !== undefined && { code }) });
      const words = result === undefined ? undefined : services.tracing?.words(result);
      services.tracing?.end(span, {
        status: code === undefined ? 'ok' : 'error',
        ...(code !== undefined && { errorMessage: code }),
        ...(words !== undefined && { attributes: { result: words } }),
      });
    }
  }

  #startSpan(call: AIToolCall, parentId: string | undefined): string | undefined {
    const { services, turn, roomId } = this.parts;
    if (services.tracing === undefined) return undefined;
    const words = services.tracing.words(canonicalText(call.arguments));
    return services.tracing.start('llm.tool_call', call.name, {
      roomId,
      ...(parentId !== undefined && { parentId }),
      attributes: { call_id: call.id, turn_id: turn.id, ...(words !== undefined && { arguments: words }) },
    });
  }

  /** TL-03: offered, allowed, of the declared form, let pass by the hooks; then it runs. */
  async #checked(call: AIToolCall, offered: ReadonlySet<string>, times: number): Promise<CallOutcome> {
    const { turn, roomId, channelId, policy } = this.parts;
    const { roles } = this.parts.askers;
    const isReading = call.name === READ_TOOL_RESULT && this.#kept.hasAny;
    const tool: TurnTool | undefined = isReading ? this.#readingTool() : this.parts.tools.get(call.name);
    if (!offered.has(call.name) || tool === undefined)
      return refused(`There is no tool '${call.name}'. Offered: ${[...offered].join(', ') || 'none'}.`);
    if (!(tool.isBuiltIn === true ? isBuiltInAllowed : isAllowed)(policy, call.name, roles))
      return refused(`The tool '${call.name}' is not allowed here.`);
    if (tool.run === undefined) return refused(`The tool '${call.name}' cannot be run here.`);
    if (call.invalid === true) return refused('The arguments are no valid JSON. Call again with valid JSON.');
    if (times >= REFUSED_FROM) {
      return refused(`This call was made ${times} times with the same arguments and would give the same result. Use what you have, or answer.`);
    }
    let checked = await this.#check(tool, call.arguments);
    if (!checked.ok) return refused(`Wrong arguments: ${checked.problem}.`);
    // What the hooks see, what runs and what is reported are one thing: nobody changes it in passing (HK-11).
    const asked = { tool: call.name, arguments: ownJson(call.arguments), channelId, callId: call.id, turnId: turn.id };
    const verdict = await this.#gate(roomId, asked);
    if (!verdict.allowed) return refused(`Not allowed: ${verdict.reason}`);
    if (verdict.arguments !== asked.arguments) {
      checked = await this.#check(tool, verdict.arguments);
      if (!checked.ok) return refused(`Wrong arguments: ${checked.problem}.`);
    }
    return this.#run(tool, { ...asked, arguments: verdict.arguments }, checked.value);
  }

  async #gate(roomId: string, asked: { tool: string; arguments: Metadata; channelId: string; callId: string; turnId: string }) {
    const { services, cancellation } = this.parts;
    return cancellation.guard(services.toolGate.before(roomId, asked, cancellation.signal));
  }

  async #check(tool: TurnTool, given: Metadata): Promise<ArgumentCheck> {
    let checked: ArgumentCheck = { ok: true, value: given };
    for (const schema of tool.schemas) {
      const result = checkArguments(schema, given);
      const outcome = isPromise(result) ? await result : result;
      if (!outcome.ok) return outcome;
      // Of several schemas the last is the handler's own: its values are what the handler expects.
      checked = outcome;
    }
    // The handler may do with its arguments what it likes; what is reported stays what was checked.
    return checked.value === given ? { ok: true, value: copyJson(given) } : checked;
  }

  async #run(
    tool: TurnTool,
    call: { tool: string; arguments: Metadata; channelId: string; callId: string; turnId: string },
    args: unknown,
  ): Promise<CallOutcome> {
    const { services, turn, roomId, limits, cancellation, deadlines } = this.parts;
    const { participantId } = this.parts.askers;
    const idempotencyKey = this.#keyOf(call.tool, call.arguments);
    if (!tool.idempotent) {
      if (turn.startedTools.includes(idempotencyKey)) {
        return refused(
          'This call was started before a restart and its outcome is unknown. It was not run again; find out what happened, or ask the user.',
        );
      }
      await turn.markToolStarted(idempotencyKey);
    }
    const ownEnd = new Cancellation(cancellation.onAbort, {
      deadlines,
      ms: limits.toolTimeoutSeconds * 1000,
      reason: () => new TimeoutError(`The tool gave no result within ${limits.toolTimeoutSeconds} seconds.`),
    });
    const context: ToolContext = {
      roomId,
      channelId: call.channelId,
      turnId: call.turnId,
      callId: call.callId,
      ...(participantId !== undefined && { participantId }),
      idempotencyKey,
      kit: services.kit,
      get signal() {
        return ownEnd.signal;
      },
    };
    const started = services.clock.monotonic();
    let outcome: CallOutcome;
    try {
      const returned = tool.run?.(args as Metadata, context); // checked against the tool's schema
      if (isPromise(returned)) turn.mayOutlast?.(returned);
      outcome = outcomeOf(isPromise(returned) ? await ownEnd.guard(returned) : returned);
    } catch (error) {
      // A tool that ends because its turn was ended has done what it should.
      if (!(error instanceof AbortedError) && cancellation.reason === undefined) {
        services.logger.warn('A tool failed.', { channelId: call.channelId, tool: call.tool, error: errorMessage(error) });
      }
      outcome = { text: failureText(error), images: [], isError: true, isEnd: false };
    } finally {
      ownEnd.release();
    }
    await this.#report(roomId, { ...call, result: outcome.text, isError: outcome.isError, durationMs: services.clock.monotonic() - started });
    return { ...outcome, text: tool.isWhole === true ? outcome.text : this.#kept.fit(outcome.text) };
  }

  async #report(roomId: string, event: ToolCallEvent): Promise<void> {
    try {
      await this.parts.services.toolGate.after(roomId, event);
    } catch (error) {
      this.parts.services.logger.warn('A tool call could not be reported.', { tool: event.tool, error: errorMessage(error) });
    }
  }

  /** How often the model has now asked for exactly this. */
  #count(call: AIToolCall): number {
    const key = `${call.name} ${canonicalText(call.arguments)}`;
    const times = (this.#asked.get(key) ?? 0) + 1;
    this.#asked.set(key, times);
    return times;
  }

  /** `turnId:name:HASH:k`: a repeated turn names the same call alike, and a different one never (TURN-04). */
  #keyOf(name: string, args: Metadata): string {
    const call = `${this.parts.turn.id}:${name}:${stableHash(canonicalText(args))}`;
    const earlier = this.#ran.get(call) ?? 0;
    this.#ran.set(call, earlier + 1);
    return `${call}:${earlier}`;
  }

  #readingTool(): TurnTool {
    return {
      definition: readToolResult,
      schemas: [readToolResult.parameters ?? {}],
      run: (args) => this.#kept.read(args),
      idempotent: true,
      isBuiltIn: true,
    };
  }

  #messages(calls: readonly AIToolCall[], outcomes: readonly CallOutcome[], provider: AIProvider): readonly AIMessage[] {
    const results: AIContextPart[] = [];
    const following: AIContextPart[] = [];
    calls.forEach((call, at) => {
      const outcome = outcomes[at];
      if (outcome === undefined) return;
      let result: string | readonly AIContextPart[] = outcome.text;
      if (outcome.images.length > 0) {
        if (provider.supportsImageResults === true) {
          result = [...(outcome.text === '' ? [] : [{ type: 'text', text: outcome.text } as const]), ...outcome.images];
        } else if (provider.supportsVision) {
          result = outcome.text === '' ? 'The image follows.' : outcome.text;
          following.push({ type: 'text', text: `Result of ${call.name}:` }, ...outcome.images);
        } else {
          result = outcome.text === '' ? '[Image]' : outcome.text;
        }
      }
      results.push({ type: 'tool_result', toolCallId: call.id, name: call.name, result, ...(outcome.isError && { isError: true }) });
    });
    const messages: AIMessage[] = [{ role: 'tool', content: results }];
    if (following.length > 0) messages.push({ role: 'user', content: following });
    return messages;
  }
}

function outcomeOf(returned: unknown): CallOutcome {
  const end = endOfTurn(returned);
  const value = end === undefined ? returned : end.result;
  return { ...toToolResult(value), isError: isErrorResult(value), isEnd: end !== undefined };
}

function refused(problem: string): CallOutcome {
  return { text: errorText(problem), images: [], isError: true, isEnd: false };
}

/** Arguments nested beyond all measure have no canonical form; they are told apart by nothing and refused by the schema. */
function canonicalText(args: Metadata): string {
  try {
    return canonicalJson(args);
  } catch {
    return '';
  }
}
