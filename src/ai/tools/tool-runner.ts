/** Runs the tool calls of one turn: what may run, with what, how often, and what the model is told (§18.1). */
import type { Deadlines } from '../../core/async/deadlines.js';
import type { ChannelServices, Turn } from '../../core/channel.js';
import { AbortedError, errorCode, errorMessage, TimeoutError } from '../../core/errors.js';
import type { AIMessage, AITool, AIToolCall, ApprovalCall, ToolCallEvent, ToolContext } from '../../core/models/ai.js';
import type { Approval, ApprovalRequest } from '../../core/models/approval.js';
import { copyJson, isPromise, ownJson, type Metadata } from '../../core/models/json.js';
import { Cancellation } from '../../core/async/cancellation.js';
import { GenAIAttribute, GenAIMetric } from '../../core/telemetry/gen-ai.js';
import type { Askers } from '../askers.js';
import type { AIProvider } from '../provider.js';
import { isoTime } from '../../core/clock.js';
import type { TaskDraft } from '../../core/models/task.js';
import { acceptedBy, type AcceptedOptions } from './accepted.js';
import { checkAgainst } from './check-arguments.js';
import { endOfTurn } from './end-turn.js';
import { isAllowed, isBuiltInAllowed, type ToolPolicy } from './policy.js';
import { errorText, failureText, isErrorResult, KeptResults, READ_TOOL_RESULT, readToolResult, toToolResult } from './results.js';
import { recordOf, requestOf, whyNot, type CallOutcome, type RoundRecord, type RunnerRecord } from './rounds.js';
import { resultMessages } from './result-messages.js';
import { canonicalJson, stableHash } from './stable-hash.js';
import type { ToolApproval, TurnTool, TurnTools } from './tool-set.js';

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
  /** Some of its calls need a person's leave: the round is not over (APR-01). */
  readonly suspended?: { readonly round: RoundRecord; readonly approvals: readonly ApprovalRequest[] };
}

export class ToolRunner {
  readonly #kept: KeptResults;
  readonly #promised: TaskDraft[] = [];
  /** How often each call was asked for, and how often it has run. */
  readonly #asked = new Map<string, number>();
  readonly #ran = new Map<string, number>();

  constructor(
    private readonly parts: ToolRunnerParts,
    before?: RunnerRecord,
  ) {
    this.#kept = new KeptResults(parts.limits.maxToolResultChars);
    if (before === undefined) return;
    for (const [key, times] of before.asked) this.#asked.set(key, times);
    for (const [key, times] of before.ran) this.#ran.set(key, times);
    this.#kept.restore(before.kept);
  }

  /** Answers that come later, of all rounds so far (LTR-01). */
  get later(): readonly TaskDraft[] {
    return this.#promised;
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
      return (): Promise<CallOutcome> => this.#call(call, span, () => this.#checked(call, names, times));
    });
    const outcomes: CallOutcome[] = [];
    if (limits.parallelTools) outcomes.push(...(await Promise.all(jobs.map((job) => job()))));
    else for (const job of jobs) outcomes.push(await job());
    const approvals = outcomes.flatMap(({ waitsFor }) => (waitsFor === undefined ? [] : [waitsFor]));
    if (approvals.length > 0) return { messages: [], isEnd: false, isForced, suspended: { round: recordOf(calls, outcomes), approvals } };
    return { messages: resultMessages(calls, outcomes, provider), isEnd: outcomes.some((outcome) => outcome.isEnd), isForced };
  }

  /** The rest of a round that has waited: what was allowed is run, as it was allowed; the results keep their places (APR-04). */
  async goOn(round: RoundRecord, approvals: readonly Approval[], provider: AIProvider, span?: string): Promise<ToolRound> {
    const jobs = round.calls.map((call, at) => {
      const done = round.outcomes[at];
      if (done !== undefined && !('approvalId' in done)) return (): Promise<CallOutcome> => Promise.resolve(done);
      const approval = approvals.find(({ id }) => id === done?.approvalId);
      return (): Promise<CallOutcome> => this.#call(call, span, () => this.#allowed(call, approval));
    });
    const outcomes: CallOutcome[] = [];
    if (this.parts.limits.parallelTools) outcomes.push(...(await Promise.all(jobs.map((job) => job()))));
    else for (const job of jobs) outcomes.push(await job());
    return { messages: resultMessages(round.calls, outcomes, provider), isEnd: outcomes.some((outcome) => outcome.isEnd), isForced: false };
  }

  /** What has to be known of the turn's calls once it goes on, in this process or another. */
  record(): RunnerRecord {
    return { asked: [...this.#asked], ran: [...this.#ran], kept: this.#kept.record() };
  }

  /** One call from its check to its result; never throws. Everything that is known of a tool call passes here. */
  async #call(call: AIToolCall, parentId: string | undefined, run: () => Promise<CallOutcome>): Promise<CallOutcome> {
    const { services, turn } = this.parts;
    const started = services.clock.monotonic();
    let code: string | undefined;
    let result: string | undefined;
    const span = this.#startSpan(call, parentId);
    try {
      const outcome = await (services.tracing === undefined ? run() : services.tracing.run(span, run));
      if (outcome.isError) code = 'error';
      if (outcome.waitsFor !== undefined) code = 'waiting';
      result = outcome.text;
      return outcome;
    } catch (error) {
      code = errorCode(error);
      services.logger.warn('A tool call failed.', { channelId: this.parts.channelId, tool: call.name, error: errorMessage(error) });
      return { text: failureText(error), images: [], isError: true, isEnd: false };
    } finally {
      const ms = services.clock.monotonic() - started;
      turn.trace({ kind: 'tool', name: call.name, ms, ...(code !== undefined && { code }) });
      const failure = code === 'waiting' ? undefined : code;
      services.tracing?.metric(GenAIMetric.TOOL_DURATION, ms / 1000, {
        [GenAIAttribute.OPERATION_NAME]: 'execute_tool',
        [GenAIAttribute.TOOL_NAME]: call.name,
        ...(failure !== undefined && { [GenAIAttribute.ERROR_TYPE]: failure }),
      });
      const words = result === undefined ? undefined : services.tracing?.words(result);
      services.tracing?.end(span, {
        status: failure === undefined ? 'ok' : 'error',
        ...(failure !== undefined && { errorMessage: failure }),
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
      attributes: {
        call_id: call.id,
        turn_id: turn.id,
        [GenAIAttribute.OPERATION_NAME]: 'execute_tool',
        [GenAIAttribute.TOOL_NAME]: call.name,
        [GenAIAttribute.TOOL_CALL_ID]: call.id,
        [GenAIAttribute.TOOL_TYPE]: 'function',
        [GenAIAttribute.AGENT_NAME]: this.parts.channelId,
        [GenAIAttribute.CONVERSATION_ID]: roomId,
        ...(words !== undefined && { arguments: words }),
      },
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
    let checked = await checkAgainst(tool, call.arguments);
    if (!checked.ok) return refused(`Wrong arguments: ${checked.problem}.`);
    // What the hooks see, what runs and what is reported are one thing: nobody changes it in passing (HK-11).
    const asked = { tool: call.name, arguments: ownJson(call.arguments), channelId, callId: call.id, turnId: turn.id };
    const verdict = await this.#gate(roomId, asked);
    if (!verdict.allowed) return refused(`Not allowed: ${verdict.reason}`);
    if (verdict.arguments !== asked.arguments) {
      checked = await checkAgainst(tool, verdict.arguments);
      if (!checked.ok) return refused(`Wrong arguments: ${checked.problem}.`);
    }
    const { approval } = tool;
    if (approval !== undefined && (await this.#isDemanded(approval, call, checked.value))) {
      return waiting(requestOf(this.parts.services.kit.ids.next(), call, verdict.arguments, approval));
    }
    return this.#run(tool, { ...asked, arguments: verdict.arguments }, checked.value);
  }

  async #gate(roomId: string, asked: { tool: string; arguments: Metadata; channelId: string; callId: string; turnId: string }) {
    const { services, cancellation } = this.parts;
    return cancellation.guard(services.toolGate.before(roomId, asked, cancellation.signal));
  }

  /** Whether a person has to allow this call. A demand that fails has not said no: the call fails with it. */
  async #isDemanded(approval: ToolApproval, call: AIToolCall, args: unknown): Promise<boolean> {
    const { turn, roomId, channelId, askers, cancellation } = this.parts;
    const { participantId } = askers;
    const about: ApprovalCall = { roomId, channelId, turnId: turn.id, callId: call.id, ...(participantId !== undefined && { participantId }) };
    for (const demand of approval.demands) {
      // Its own copy of what was checked against the tool's schema: what runs is what was checked.
      if (demand === true || (await cancellation.guard(Promise.resolve(demand(copyJson(args) as Metadata, about))))) return true;
    }
    return false;
  }

  /** Runs a call that a person has allowed: exactly what was allowed, if it still may and still fits (APR-04, APR-06). */
  async #allowed(call: AIToolCall, approval: Approval | undefined): Promise<CallOutcome> {
    if (approval?.state !== 'approved') return refused(whyNot(approval));
    const { turn, roomId, channelId, policy, askers } = this.parts;
    const tool = this.parts.tools.get(approval.tool);
    if (tool?.run === undefined) return refused(`The call was allowed, but there is no tool '${approval.tool}' any more. It was not run.`);
    if (!isAllowed(policy, approval.tool, askers.roles)) return refused(`The tool '${approval.tool}' is not allowed here any more. It was not run.`);
    const args = approval.approvedArguments ?? approval.arguments;
    const checked = await checkAgainst(tool, args);
    if (!checked.ok) return refused(`The call was allowed, but does not fit the tool any more: ${checked.problem}. It was not run.`);
    const asked = { tool: approval.tool, arguments: ownJson(args), channelId, callId: call.id, turnId: turn.id };
    if (approval.approvedArguments !== undefined) {
      // Hooks have not seen these. What they would make of them nobody has allowed.
      const verdict = await this.#gate(roomId, asked);
      if (!verdict.allowed) return refused(`Not allowed: ${verdict.reason}`);
      if (canonicalText(verdict.arguments) !== canonicalText(asked.arguments))
        return refused('A rule would change what a person has allowed. It was not run.');
    }
    return this.#run(tool, asked, checked.value);
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
      const value = isPromise(returned) ? await ownEnd.guard(returned) : returned;
      const promised = acceptedBy(value);
      outcome = promised === undefined ? outcomeOf(value) : this.#later(call, idempotencyKey, promised);
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

  /** LTR-01: a task stands for the answer until it comes. Its id is the call's key, which whoever will have the answer was given. */
  #later(
    call: { tool: string; channelId: string; callId: string; turnId: string },
    id: string,
    { message, expiresInSeconds }: Required<AcceptedOptions>,
  ): CallOutcome {
    const { clock } = this.parts.services;
    const later: TaskDraft = {
      id,
      title: `Answer of ${call.tool}`,
      status: 'in_progress',
      expiresAt: isoTime(clock.now() + expiresInSeconds * 1000),
      metadata: { turn_id: call.turnId, agent_id: call.channelId, call_id: call.callId, tool: call.tool },
    };
    this.#promised.push(later);
    return { text: message, images: [], isError: false, isEnd: false, later };
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
}

function outcomeOf(returned: unknown): CallOutcome {
  const end = endOfTurn(returned);
  const value = end === undefined ? returned : end.result;
  return { ...toToolResult(value), isError: isErrorResult(value), isEnd: end !== undefined };
}

function refused(problem: string): CallOutcome {
  return { text: errorText(problem), images: [], isError: true, isEnd: false };
}

function waiting(request: ApprovalRequest): CallOutcome {
  return { text: '', images: [], isError: false, isEnd: false, waitsFor: request };
}

/** Arguments nested beyond all measure have no canonical form; they are told apart by nothing and refused by the schema. */
function canonicalText(args: Metadata): string {
  try {
    return canonicalJson(args);
  } catch {
    return '';
  }
}
