/**
 * A conversation as stages, each with its agent (behaviour §19.2). Installing it gives a kit the router that keeps to the
 * stages and gives every agent the tool to hand over along them.
 */
import type { Agent } from '../ai/agent.js';
import { ChannelNotRegisteredError, ValidationError } from '../core/errors.js';
import { isSpeakingChannel, type SpeakingChannel } from '../core/speaking-channel.js';
import { hasHandoff, HandoffHandler, setupHandoff, type HandoffHandlerOptions } from './handoff.js';
import { handoffTool, HUMAN_TARGET, type HandoffTarget } from './handoff-tool.js';
import type { OrchestrationKit } from './orchestration-kit.js';
import { ConversationRouter, type RoutingRule } from './router.js';

/** One phase of a conversation and the agent that leads it (PIP-01). */
export interface PipelineStage {
  readonly phase: string;
  readonly agentId: string;
  /** The phase that usually follows; null or absent: none. */
  readonly next?: string | null;
  /** Earlier phases the conversation may go back to. */
  readonly canReturnTo?: readonly string[];
  /** What the stage is for, told to the agents that can hand over to it. */
  readonly description?: string;
}

/** The stages, in the order they usually follow. Unknown phases and double ones throw ValidationError. */
export interface ConversationPipelineOptions {
  /** One per phase; may be empty. */
  readonly stages: readonly PipelineStage[];
  /** Default: the first stage's. */
  readonly defaultPhase?: string;
  /** Hears everything that is routed (ORC-05). */
  readonly supervisorId?: string;
}

/** How handing over behaves along the pipeline (PIP-03). */
export interface PipelineInstallOptions extends Pick<
  HandoffHandlerOptions,
  | 'agentAliases'
  | 'greetOnHandoff'
  | 'greetingPrompt'
  | 'voiceChannelId'
  | 'continueOnHandoff'
  | 'maxHandoffsPerMessage'
  | 'maxHandoffs'
  | 'onComplete'
> {
  /** Default −100: before the host's own hooks. */
  readonly hookPriority?: number;
}

/**
 * A conversation in stages.
 * @example const [router, handoff] = new ConversationPipeline({ stages }).install(kit, [triage, handler])
 */
export class ConversationPipeline {
  readonly stages: readonly PipelineStage[];
  readonly defaultPhase: string | undefined;
  readonly supervisorId: string | undefined;
  readonly #byPhase: ReadonlyMap<string, PipelineStage>;

  constructor(options: ConversationPipelineOptions) {
    const stages: unknown = (options as ConversationPipelineOptions | undefined)?.stages; // of plain JavaScript it may be missing
    if (!Array.isArray(stages)) {
      throw new ValidationError('A pipeline needs stages: new ConversationPipeline({ stages: [{ phase, agentId }] }).');
    }
    this.stages = [...options.stages];
    this.#byPhase = new Map(this.stages.map((stage) => [stage.phase, stage]));
    this.defaultPhase = options.defaultPhase ?? this.stages[0]?.phase;
    this.supervisorId = options.supervisorId;
    this.#check();
  }

  /** The agent of the default phase. */
  get defaultAgentId(): string | undefined {
    return this.defaultPhase === undefined ? undefined : this.#byPhase.get(this.defaultPhase)?.agentId;
  }

  /** The phase an agent stands for: its first stage's. */
  phaseOf(agentId: string): string | undefined {
    return this.stages.find((stage) => stage.agentId === agentId)?.phase;
  }

  /** The phases that may follow; undefined when the phase is none of this pipeline's, and any may (PIP-02). */
  allowedFrom(phase: string): ReadonlySet<string> | undefined {
    const stage = this.#byPhase.get(phase);
    return stage && new Set(followers(stage));
  }

  /** Whom this agent can hand over to, in the order of the stages; for its tool (PIP-04). */
  reachableFrom(agentId: string, agents: readonly Pick<PipelineAgent, 'channelId' | 'description'>[] = []): HandoffTarget[] {
    const targets = new Map<string, HandoffTarget>();
    for (const stage of this.stages.filter((candidate) => candidate.agentId === agentId)) {
      for (const phase of followers(stage)) {
        const target = this.#byPhase.get(phase);
        if (target === undefined || target.agentId === agentId || targets.has(target.agentId)) continue;
        const description = agents.find((agent) => agent.channelId === target.agentId)?.description ?? target.description;
        targets.set(target.agentId, { agentId: target.agentId, ...(description !== undefined && { description }) });
      }
    }
    return [...targets.values()];
  }

  /** The router of these stages: one rule per stage, in their order. */
  createRouter(): ConversationRouter {
    const rules = this.stages.map((stage, position): RoutingRule => ({
      agentId: stage.agentId,
      conditions: { phases: [stage.phase] },
      priority: position,
    }));
    return new ConversationRouter({ rules, defaultAgentId: this.defaultAgentId, supervisorId: this.supervisorId });
  }

  /**
   * Installs the router and gives each agent its handoff tool. Register the agents' channels first. Everything is checked
   * before anything is changed.
   * @returns `[router, handoff]`
   */
  install(kit: OrchestrationKit, agents: readonly PipelineAgent[], options: PipelineInstallOptions = {}): [ConversationRouter, HandoffHandler] {
    const given: unknown = agents;
    if (!Array.isArray(given)) {
      throw new ValidationError('pipeline.install needs the agents it gives the handoff tool to: install(kit, [triage, billing]).');
    }
    for (const agent of agents) checkAgent(kit, agent, agents);
    checkAliases(kit, options.agentAliases);
    this.#checkRegistered(kit);
    const speaking = options.voiceChannelId === undefined ? undefined : speakingChannel(kit, options.voiceChannelId);
    const { hookPriority, ...handoffOptions } = options;
    const handler = new HandoffHandler(kit, {
      ...handoffOptions,
      agents,
      defaultAgentId: this.defaultAgentId,
      phaseOf: (agentId) => this.phaseOf(agentId),
      allowedFrom: (phase) => this.allowedFrom(phase),
    });
    const router = this.createRouter();
    router.install(kit, { priority: hookPriority ?? -100 });
    for (const agent of agents) {
      const targets = this.reachableFrom(agent.channelId, agents);
      setupHandoff(agent, handler, handoffTool(targets, aliasesOf(targets, options.agentAliases)));
    }
    speaking?.setVoices(new Map(agents.flatMap((agent) => (agent.voice === undefined ? [] : [[agent.channelId, agent.voice] as const]))));
    return [router, handler];
  }

  /** A stage of an agent that nobody registered would never be reached, and nobody would say why. */
  #checkRegistered(kit: OrchestrationKit): void {
    const named = new Map(this.stages.map((stage) => [stage.agentId, `Stage '${stage.phase}'`]));
    if (this.supervisorId !== undefined) named.set(this.supervisorId, 'supervisorId');
    for (const [agentId, where] of named) {
      if (kit.getChannel(agentId) !== undefined) continue;
      throw new ValidationError(
        `${where} names agent '${agentId}', which is not registered. Call kit.registerChannel(agent) before pipeline.install; registered: ${registered(kit)}.`,
      );
    }
  }

  #check(): void {
    for (const stage of this.stages) checkStage(stage);
    if (this.#byPhase.size < this.stages.length) {
      const twice = this.stages.find((stage) => this.#byPhase.get(stage.phase) !== stage);
      throw new ValidationError(`Phase '${twice?.phase}' has two stages. Give each stage a phase of its own.`);
    }
    const known = [...this.#byPhase.keys()].join(', ') || 'none';
    const refuse = (where: string, phase: string): never => {
      throw new ValidationError(`${where} names phase '${phase}', which no stage has; phases: ${known}.`);
    };
    for (const stage of this.stages) {
      for (const phase of followers(stage)) if (!this.#byPhase.has(phase)) refuse(`Stage '${stage.phase}'`, phase);
    }
    if (this.defaultPhase !== undefined && !this.#byPhase.has(this.defaultPhase)) refuse('defaultPhase', this.defaultPhase);
  }
}

/** What a stage without a compiler to check it may lack. */
function checkStage(stage: PipelineStage): void {
  for (const name of ['phase', 'agentId'] as const) {
    const value: unknown = stage[name];
    if (typeof value !== 'string' || value === '') {
      throw new ValidationError(`The ${name} of a stage is ${JSON.stringify(value)}. Give each stage { phase: 'triage', agentId: 'agent-triage' }.`);
    }
  }
  const back: unknown = stage.canReturnTo;
  if (back !== undefined && !Array.isArray(back)) {
    throw new ValidationError(`canReturnTo of stage '${stage.phase}' is ${JSON.stringify(back)}. Give a list of phases: ['triage'].`);
  }
}

/** An alias of nobody would be refused at every call, and only then. */
function checkAliases(kit: OrchestrationKit, aliases: Readonly<Record<string, string>> = {}): void {
  for (const [alias, agentId] of Object.entries(aliases)) {
    if (agentId === HUMAN_TARGET || kit.getChannel(agentId) !== undefined) continue;
    throw new ValidationError(`agentAliases names '${agentId}' as '${alias}', which is not registered. Registered: ${registered(kit)}.`);
  }
}

/** What installing needs of an agent. */
export type PipelineAgent = Pick<Agent, 'channelId' | 'description' | 'greeting' | 'voice' | 'addTool'>;

function followers(stage: PipelineStage): readonly string[] {
  const next = stage.next ?? null;
  return [...(next === null ? [] : [next]), ...(stage.canReturnTo ?? [])];
}

function checkAgent(kit: OrchestrationKit, agent: PipelineAgent, agents: readonly PipelineAgent[]): void {
  if (typeof agent?.addTool !== 'function') {
    throw new ValidationError(`pipeline.install was given ${describe(agent)}, which is no agent. Pass the Agent objects you registered.`);
  }
  const known: unknown = kit.getChannel(agent.channelId);
  if (known === undefined) {
    throw new ChannelNotRegisteredError(
      agent.channelId,
      kit.listChannels().map(({ channelId }) => channelId),
      'Agent',
    );
  }
  if (known !== agent) {
    throw new ValidationError(
      `Another channel is registered as '${agent.channelId}'. Pass to pipeline.install the agent you gave to kit.registerChannel.`,
    );
  }
  if (hasHandoff(agent) || agents.indexOf(agent) !== agents.lastIndexOf(agent)) {
    throw new ValidationError(`Agent '${agent.channelId}' has a handoff tool already: a pipeline is installed on it. Use one pipeline per agent.`);
  }
}

function describe(given: unknown): string {
  if (typeof given !== 'object' || given === null) return JSON.stringify(given) ?? String(given);
  return 'channelId' in given ? `channel '${String(given.channelId)}'` : 'an object without channelId';
}

function registered(kit: OrchestrationKit): string {
  const ids = kit.listChannels().map(({ channelId }) => channelId);
  return ids.join(', ') || 'none';
}

/** The other names by which a model may call those it can hand over to. */
function aliasesOf(targets: readonly HandoffTarget[], aliases: Readonly<Record<string, string>> = {}): string[] {
  return Object.keys(aliases).filter((alias) => aliases[alias] === HUMAN_TARGET || targets.some(({ agentId }) => agentId === aliases[alias]));
}

function speakingChannel(kit: OrchestrationKit, channelId: string): SpeakingChannel {
  const channel = kit.getChannel(channelId);
  if (isSpeakingChannel(channel)) return channel;
  throw new ValidationError(
    channel === undefined
      ? `voiceChannelId '${channelId}' is not registered. Call kit.registerChannel(channel) before pipeline.install.`
      : `voiceChannelId '${channelId}' is a ${channel.channelType} channel, which does not speak. Name a VoiceChannel or RealtimeVoiceChannel, or leave it out to greet in text.`,
  );
}
