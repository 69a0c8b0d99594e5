/**
 * The tools of one turn: the union of all layers by name (AI-02), each with what runs it. Stored definitions carry no
 * code; they are run by whoever knows their name.
 */
import type { AITool, JsonSchema, ToolFunction } from '../../core/models/ai.js';
import { EMPTY_LIST } from '../../core/models/json.js';
import { isUnknownTool, unknownTool, type ToolHandler } from './compose.js';
import { isAllowed, type Roles, type ToolPolicy } from './policy.js';
import { READ_TOOL_RESULT } from './results.js';

export interface TurnTool {
  readonly definition: AITool;
  /** What the arguments must fit: as declared, and as the handler's own tool declares when another layer redefined it. */
  readonly schemas: readonly JsonSchema[];
  readonly run: ToolFunction | undefined;
  readonly idempotent: boolean;
  /** The kit's own: no whitelist has to name it. */
  readonly isBuiltIn?: boolean;
  /** Its result is never cut into pages. */
  readonly isWhole?: boolean;
  /** Set when people have to allow calls of it (APR-01). */
  readonly approval?: ToolApproval | undefined;
}

/** The tools of one turn. What is offered may change from one generation to the next. */
export interface TurnTools {
  /** Whether anything here can be run at all (TL-01). */
  readonly canRun: boolean;
  /** Whether people have to allow calls of any tool here (APR-01). */
  readonly hasApprovals: boolean;
  get(name: string): TurnTool | undefined;
  /** The definitions a model is shown under this policy. */
  offered(policy: ToolPolicy | undefined, roles: Roles): readonly AITool[];
}

/** How calls of a tool are allowed. */
export interface ToolApproval {
  /** A call needs it when one of them says so. */
  readonly demands: readonly (true | Exclude<NonNullable<AITool['requiresApproval']>, boolean>)[];
  readonly approvers: AITool['approvers'];
  readonly visibility: string | undefined;
  readonly expiresInSeconds: number | undefined;
}

export interface ToolSources {
  /** From the lowest layer to the highest. */
  readonly layers: readonly (readonly AITool[] | undefined)[];
  /** Tools of orchestration and skills: no layer redefines them. */
  readonly added: ReadonlyMap<string, AITool>;
  readonly toolHandler: ToolHandler | undefined;
  readonly kitTools: ReadonlyMap<string, ToolFunction>;
}

export class ToolSet implements TurnTools {
  readonly #tools = new Map<string, TurnTool>();
  readonly #everything: readonly AITool[];

  constructor(sources: ToolSources) {
    for (const layer of sources.layers) for (const tool of layer ?? EMPTY_LIST) this.#add(tool);
    for (const tool of sources.added.values()) {
      this.#tools.delete(tool.name);
      this.#add(tool);
    }
    for (const [name, tool] of this.#tools) {
      if (tool.run === undefined) this.#tools.set(name, { ...tool, run: runnerFor(name, sources) });
    }
    this.hasApprovals = this.#tools.size > 0 && Array.from(this.#tools.values()).some(({ approval }) => approval !== undefined);
    this.#everything = this.#tools.size === 0 ? EMPTY_LIST : Array.from(this.#tools.values(), (tool) => tool.definition);
  }

  get canRun(): boolean {
    for (const tool of this.#tools.values()) if (tool.run !== undefined) return true;
    return false;
  }

  /** Whether people have to allow calls of any tool here. */
  readonly hasApprovals: boolean;

  get(name: string): TurnTool | undefined {
    return this.#tools.get(name);
  }

  offered(policy: ToolPolicy | undefined, roles: Roles): readonly AITool[] {
    return policy === undefined ? this.#everything : this.#everything.filter((tool) => isAllowed(policy, tool.name, roles));
  }

  #add(tool: AITool): void {
    if (tool.name === READ_TOOL_RESULT) return; // the kit's own name (TL-05)
    const lower = this.#tools.get(tool.name);
    const schemas = tool.parameters === undefined ? [] : [tool.parameters];
    // A handler that comes from below still gets only what its own tool declares.
    if (tool.handler === undefined && lower?.run !== undefined) schemas.push(...lower.schemas);
    this.#tools.set(tool.name, {
      definition: tool,
      schemas,
      run: tool.handler ?? lower?.run,
      idempotent: tool.handler === undefined && lower?.run !== undefined ? lower.idempotent : (tool.idempotent ?? false),
      approval: approvalOf(tool, tool.handler === undefined ? lower?.approval : undefined),
    });
  }
}

/**
 * What a layer above says joins what its handler's own layer demands, and never takes anything away. Stored layers may hold
 * anything: what makes no sense demands leave, and lets nobody give it.
 */
export function approvalOf(tool: AITool, lower: ToolApproval | undefined): ToolApproval | undefined {
  const given: unknown = tool.requiresApproval;
  if (given === undefined || given === null || given === false) return lower;
  const demand = typeof tool.requiresApproval === 'function' ? tool.requiresApproval : true;
  if (lower !== undefined) return { ...lower, demands: [...lower.demands, demand] };
  const { approvers, approvalVisibility: visibility, approvalExpiresInSeconds: seconds }: Readonly<Record<string, unknown>> = { ...tool };
  const isKnown =
    approvers === undefined || typeof approvers === 'function' || (Array.isArray(approvers) && approvers.every((one) => typeof one === 'string'));
  return {
    demands: [demand],
    approvers: isKnown ? tool.approvers : EMPTY_LIST,
    visibility: typeof visibility === 'string' && visibility !== '' ? visibility : undefined,
    expiresInSeconds: typeof seconds === 'number' && seconds > 0 && Number.isFinite(seconds) ? seconds : undefined,
  };
}

/** Who runs a tool that brings no handler: the channel's handler, and the kit's tools where that declines. */
function runnerFor(name: string, sources: ToolSources): ToolFunction | undefined {
  const { toolHandler } = sources;
  const kitTool = sources.kitTools.get(name);
  if (toolHandler === undefined) return kitTool;
  return async (args, context) => {
    const result: unknown = await toolHandler(name, args, context);
    if (!isUnknownTool(result, name)) return result;
    return kitTool === undefined ? unknownTool(name) : kitTool(args, context);
  };
}
