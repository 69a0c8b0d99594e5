/** The settings of one turn (AI-02): what the binding says wins over the room, the room over the channel itself. */
import type { ChannelServices } from '../core/channel.js';
import type { AIConfig, AITool } from '../core/models/ai.js';
import type { ChannelBinding } from '../core/models/binding.js';
import type { Metadata } from '../core/models/json.js';
import type { Room } from '../core/models/room.js';
import type { ToolHandler } from './tools/compose.js';
import { ToolSet, type TurnTools } from './tools/tool-set.js';

/** A channel's own settings: the lowest layer. */
export interface ChannelLayer {
  readonly systemPrompt: string | undefined;
  readonly temperature: number | undefined;
  readonly maxTokens: number | undefined;
  readonly tools: readonly AITool[];
  readonly toolHandler: ToolHandler | undefined;
}

export interface TurnSettings {
  readonly systemPrompt: string | undefined;
  readonly temperature: number | undefined;
  readonly maxTokens: number | undefined;
  readonly thinkingBudget: number | undefined;
  readonly tools: TurnTools;
}

/** Keeps a channel's tools together while no room or binding adds any. */
export class SettingsLayers {
  readonly #added = new Map<string, AITool>();
  #ownTools: ToolSet | undefined;
  #services: ChannelServices | undefined;

  constructor(private readonly channel: ChannelLayer) {}

  /** Tools of orchestration and skills, beside the channel's own. */
  get added(): ReadonlyMap<string, AITool> {
    return this.#added;
  }

  add(tool: AITool): void {
    this.#added.set(tool.name, tool);
    this.#ownTools = undefined;
  }

  remove(name: string): boolean {
    this.#ownTools = undefined;
    return this.#added.delete(name);
  }

  resolve(room: Room, binding: ChannelBinding, services: ChannelServices): TurnSettings {
    const { channel } = this;
    const config: AIConfig | undefined = room.aiConfig;
    const metadata = binding.metadata;
    const bindingTools = toolsOf(metadata['tools']);
    return {
      systemPrompt: textOf(metadata, 'system_prompt') ?? config?.systemPrompt ?? channel.systemPrompt,
      temperature: numberOf(metadata, 'temperature') ?? config?.temperature ?? channel.temperature,
      maxTokens: numberOf(metadata, 'max_tokens') ?? config?.maxTokens ?? channel.maxTokens,
      thinkingBudget: config?.thinkingBudget,
      tools:
        bindingTools === undefined && config?.tools === undefined
          ? this.#own(services)
          : this.#toolSet(services, toolsOf(config?.tools), bindingTools),
    };
  }

  #own(services: ChannelServices): ToolSet {
    if (this.#services !== services) this.#ownTools = undefined;
    this.#services = services;
    return (this.#ownTools ??= this.#toolSet(services));
  }

  #toolSet(services: ChannelServices, ...layers: readonly (readonly AITool[] | undefined)[]): ToolSet {
    const { tools, toolHandler } = this.channel;
    return new ToolSet({ layers: [tools, ...layers], added: this.#added, toolHandler, kitTools: services.tools });
  }
}

function textOf(metadata: Metadata, key: string): string | undefined {
  const value = metadata[key];
  return typeof value === 'string' ? value : undefined;
}

function numberOf(metadata: Metadata, key: string): number | undefined {
  const value = metadata[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** Stored definitions; what is none is left out. They never bring code of their own: JSON holds none. */
function toolsOf(stored: unknown): readonly AITool[] | undefined {
  if (!Array.isArray(stored)) return undefined;
  return stored.filter(isDefinition);
}

function isDefinition(value: unknown): value is AITool {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    value.name !== '' &&
    (!('description' in value) || typeof value.description === 'string')
  );
}
