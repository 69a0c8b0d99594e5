/** A skill: instructions that an agent takes up when it needs them, with a tool or with files of its own (SKL-01). */
import type { AITool, JsonSchema, ToolFunction } from '../../core/models/ai.js';
import { checkTool } from '../../core/models/ai-validation.js';
import { EMPTY_LIST } from '../../core/models/json.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { defineTool } from '../tools/define-tool.js';
import type { StandardSchema } from '../tools/standard-schema.js';
import { checkMetadata, SkillError, type SkillMetadata } from './metadata.js';

/** What a skill is made with in code. */
export interface SkillOptions {
  /** Name, description and what else is known before activation. */
  readonly metadata: SkillMetadata;
  /** What the model is told once the skill is active. Default none. */
  readonly instructions?: string;
  /** Runs the tool named like the skill, which is offered while the skill is active. Its arguments fit `parameters`. */
  readonly handler?: ToolFunction;
  /** What the handler takes: JSON Schema of an object, a zod schema, or another Standard Schema. Default: any object. */
  readonly parameters?: StandardSchema | JsonSchema;
  /** Whether the handler may run again when a crash interrupted it; default false. */
  readonly idempotent?: boolean;
}

/** A folder that was read. */
export interface SkillFolder {
  /** Its real path. */
  readonly path: string;
  /** Names of the files in `references/`, sorted. */
  readonly references: readonly string[];
  /** Names of the files in `scripts/`, sorted. */
  readonly scripts: readonly string[];
}

const NAMES: OptionNames<SkillOptions> = { metadata: true, instructions: true, handler: true, parameters: true, idempotent: true };

/**
 * Instructions, and with a handler a tool. `SkillRegistry` reads skills from folders.
 * @example new Skill({ metadata: { name: 'weather', description: 'Tells the weather.' }, handler: ({ city }) => forecast(city) })
 */
export class Skill {
  readonly metadata: SkillMetadata;
  readonly instructions: string;
  /** Offered while the skill is active; absent without a handler. */
  readonly tool: AITool | undefined;
  /** Absent for skills made in code. */
  readonly folder: SkillFolder | undefined;

  /** `folder` is given by the registry. */
  constructor(options: SkillOptions, folder?: SkillFolder) {
    const given: unknown = options;
    if (typeof given !== 'object' || given === null) throw new SkillError(`A skill is ${String(given)}. Give new Skill({ metadata, instructions }).`);
    checkOptionNames('new Skill', options, NAMES);
    this.metadata = checkMetadata(options.metadata);
    const instructions: unknown = options.instructions ?? '';
    if (typeof instructions !== 'string') throw new SkillError(`The instructions of skill '${this.name}' are ${typeof instructions}. Give a text.`);
    this.instructions = instructions;
    this.tool = toolOf(this.metadata, options);
    this.folder = folder;
  }

  /** As in its metadata. */
  get name(): string {
    return this.metadata.name;
  }

  /** Names of the files it may be asked for; none without a folder. */
  get references(): readonly string[] {
    return this.folder?.references ?? EMPTY_LIST;
  }

  /** Names of the scripts it brings; none without a folder. */
  get scripts(): readonly string[] {
    return this.folder?.scripts ?? EMPTY_LIST;
  }
}

function toolOf({ name, description }: SkillMetadata, options: SkillOptions): AITool | undefined {
  const { handler, parameters = { type: 'object' }, idempotent = false } = options;
  if (handler === undefined) return undefined;
  // The schema is known at run time only, so the handler's arguments have no better type than its own.
  const tool = defineTool({ name, description, parameters, idempotent, handler: handler as ToolFunction<unknown> });
  checkTool(tool);
  return tool;
}
