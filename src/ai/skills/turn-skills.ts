/**
 * The skills of one turn: which are active in its room, the tools around them, and what they leave of the agent's own.
 * What is active is a record in the room's metadata, one key per agent and skill, so that nobody overwrites another's.
 */
import type { Logger } from '../../core/logger.js';
import type { AITool, ToolContext, ToolFunction } from '../../core/models/ai.js';
import type { Metadata } from '../../core/models/json.js';
import type { Room } from '../../core/models/room.js';
import { isAllowed, isBuiltInAllowed, matchesGlob, type Roles, type ToolPolicy } from '../tools/policy.js';
import { ToolError } from '../tools/results.js';
import { approvalOf, type TurnTool, type TurnTools } from '../tools/tool-set.js';
import type { ScriptExecutor } from './executor.js';
import { activeSkillText, skillsXml } from './prompt.js';
import type { SkillRegistry } from './registry.js';
import { ACTIVATE_SKILL, activateSkill, readSkillReference, RUN_SKILL_SCRIPT, runSkillScript, SKILL_TOOLS } from './skill-tools.js';
import type { Skill } from './skill.js';

export interface TurnSkillsParts {
  readonly registry: SkillRegistry;
  readonly executor: ScriptExecutor | undefined;
  readonly channelId: string;
  readonly room: Room;
  /** The turn's tools without skills. */
  readonly tools: TurnTools;
  /** Without it nothing can be activated. */
  readonly supportsTools: boolean;
  readonly logger: Logger;
}

/** The key of room metadata that says that a skill is active for an agent. */
export function activationKey(channelId: string, skillName: string): string {
  return `_skill:${channelId}:${skillName}`;
}

const INTRODUCTION = 'These skills are available. Before you do what one of them is for, activate it with activate_skill.';
const ACTIVE = 'These skills are active. Follow their instructions.';
const warnedOf = new WeakSet<Skill>();
const MAX_ARGUMENT_CHARS = 32_000;

export class TurnSkills implements TurnTools {
  readonly canRun = true;
  readonly hasApprovals: boolean;
  /** In force: those of the room's record, then those activated in this turn. */
  readonly #active = new Map<string, Skill>();
  readonly #own: ReadonlyMap<string, TurnTool>;

  constructor(private readonly parts: TurnSkillsParts) {
    const { registry, room, channelId, tools, logger } = parts;
    this.hasApprovals = tools.hasApprovals || registry.list().some(({ tool }) => tool?.requiresApproval !== undefined);
    for (const skill of registry.list()) {
      if (room.metadata[activationKey(channelId, skill.name)] !== undefined) this.#active.set(skill.name, skill);
      if (skill.tool !== undefined && tools.get(skill.name) !== undefined && !warnedOf.has(skill)) {
        warnedOf.add(skill); // once, not with every turn
        logger.warn('A skill has the name of a tool; the tool stays.', { channelId, skill: skill.name });
      }
    }
    const own: TurnTool[] = [
      builtIn(activateSkill, (args, context) => this.#activate(args, context), { isWhole: true }),
      builtIn(readSkillReference, (args) => this.#read(args)),
    ];
    // Scripts are programs: a whitelist has to name the tool like any other.
    if (parts.executor !== undefined)
      own.push({ ...builtIn(runSkillScript, (args, context) => this.#run(args, context)), isBuiltIn: false, idempotent: false });
    this.#own = new Map(own.map((tool) => [tool.definition.name, tool]));
  }

  /** The prompt, with what there is to activate and what is in force, whole (SKL-06). */
  promptWithSkills(prompt: string | undefined, policy: ToolPolicy | undefined, roles: Roles): string | undefined {
    const parts = prompt === undefined || prompt === '' ? [] : [prompt];
    if (this.parts.supportsTools && isBuiltInAllowed(policy, ACTIVATE_SKILL, roles)) {
      parts.push(`${INTRODUCTION}\n${skillsXml(this.parts.registry.list())}`);
    }
    const active = [...this.#active.values()];
    if (active.length > 0) parts.push([ACTIVE, ...active.map((skill) => this.#textOf(skill))].join('\n'));
    return parts.length === 0 ? prompt : parts.join('\n\n');
  }

  get(name: string): TurnTool | undefined {
    return this.#own.get(name) ?? (SKILL_TOOLS.has(name) ? undefined : (this.parts.tools.get(name) ?? this.#toolOf(name)));
  }

  offered(policy: ToolPolicy | undefined, roles: Roles): readonly AITool[] {
    const offered = this.parts.tools.offered(policy, roles).filter(({ name }) => !SKILL_TOOLS.has(name) && this.#isLeft(name));
    for (const { name, tool } of this.#active.values()) {
      if (tool !== undefined && this.parts.tools.get(name) === undefined && isAllowed(policy, name, roles)) offered.push(tool);
    }
    for (const { definition, isBuiltIn } of this.#own.values()) {
      if ((isBuiltIn === true ? isBuiltInAllowed : isAllowed)(policy, definition.name, roles)) offered.push(definition);
    }
    return offered;
  }

  /** What active skills leave of the agent's tools: those that one of the lists names. It never adds to the policy. */
  #isLeft(name: string): boolean {
    let isNarrowed = false;
    for (const { metadata } of this.#active.values()) {
      if (metadata.allowedTools === undefined) continue;
      if (metadata.allowedTools.some((glob) => matchesGlob(glob, name))) return true;
      isNarrowed = true;
    }
    return !isNarrowed;
  }

  #toolOf(name: string): TurnTool | undefined {
    const definition = this.#active.get(name)?.tool;
    if (definition === undefined) return undefined;
    return {
      definition,
      schemas: definition.parameters === undefined ? [] : [definition.parameters],
      run: definition.handler,
      idempotent: definition.idempotent ?? false,
      approval: approvalOf(definition, undefined),
    };
  }

  async #activate(args: Metadata, { kit, roomId, turnId }: ToolContext): Promise<string> {
    const skill = this.#skillOf(args['name']);
    const key = activationKey(this.parts.channelId, skill.name);
    const isRecorded = (await kit.getRoom(roomId)).metadata[key] !== undefined;
    if (isRecorded && this.#active.has(skill.name)) return `The skill '${skill.name}' is active already. Its instructions still count.`;
    if (!isRecorded) await kit.updateRoomMetadata(roomId, { [key]: { turn_id: turnId } });
    this.#active.set(skill.name, skill);
    return `The skill '${skill.name}' is active from now on.\n${this.#textOf(skill)}`;
  }

  async #read(args: Metadata): Promise<string> {
    const skill = this.#skillOf(args['skill_name']);
    const { readReference } = await import('./folder.node.js');
    return readReference(skill, String(args['filename'])); // a text by its schema
  }

  async #run(args: Metadata, context: ToolContext): Promise<unknown> {
    const { executor } = this.parts;
    const skill = this.#skillOf(args['skill_name']);
    const scriptName = String(args['script_name']); // a text by its schema, like the arguments
    const given = (args['arguments'] ?? []) as readonly string[];
    const { fileOf } = await import('./folder.node.js');
    // Checked before whoever runs it hears of it (SKL-07).
    const path = await fileOf(skill, 'scripts', scriptName);
    checkScriptArguments(given);
    if (executor === undefined || skill.folder === undefined) throw new ToolError(`${RUN_SKILL_SCRIPT} cannot be used here.`);
    const { signal } = context;
    const result = await executor.run({ skillName: skill.name, scriptName, path, folder: skill.folder.path, arguments: given, signal, context });
    return {
      exit_code: result.exitCode,
      stdout: result.stdout,
      stderr: result.stderr,
      ...(result.timedOut === true && { timed_out: true }),
      ...(result.truncated === true && { truncated: true }),
    };
  }

  #skillOf(name: unknown): Skill {
    const { registry } = this.parts;
    const skill = registry.get(String(name));
    if (skill === undefined) throw new ToolError(`There is no skill ${JSON.stringify(name)}. Available: ${registry.names.join(', ') || 'none'}.`);
    return skill;
  }

  #textOf(skill: Skill): string {
    return activeSkillText(skill, this.parts.executor !== undefined);
  }
}

function builtIn(definition: AITool, run: ToolFunction, fields: Partial<TurnTool> = {}): TurnTool {
  return { definition, schemas: [definition.parameters ?? {}], run, idempotent: true, isBuiltIn: true, ...fields };
}

function checkScriptArguments(given: readonly string[]): void {
  if (given.some((argument) => argument.includes('\0'))) throw new ToolError('An argument holds a NUL character. Leave it out.');
  const chars = given.reduce((sum, argument) => sum + argument.length, 0);
  if (chars > MAX_ARGUMENT_CHARS) throw new ToolError(`The arguments have ${chars} characters; at most ${MAX_ARGUMENT_CHARS} can be given.`);
}
