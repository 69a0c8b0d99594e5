/** The place of one step of a turn in the decision trace (TEL-07). It is written over again and again, like its event's. */
import { isoTime } from '../clock.js';
import type { Turn } from '../channel.js';
import type { TurnStepTrace } from '../models/trace.js';
import { PromptFigures } from './prompt-figures.js';

/** A step as its agent reports it, and what the turn knows of it. */
export interface TurnStep {
  readonly channelId: string;
  readonly turnId: string;
  readonly endedAtMs: number;
  readonly cost: number | undefined;
  readonly reported: Parameters<Turn['trace']>[0];
}

/** Every figure is a number, also one that is missing (NaN): it is then written in place, and nothing is left to be collected. */
export class TurnStepRecord {
  private channelId = '';
  private turnId = '';
  private kind: TurnStepTrace['kind'] = 'generation';
  private name = '';
  private endedAtMs = NaN;
  private ms = NaN;
  private firstTokenMs = NaN;
  private cost = NaN;
  private tokens: TurnStepTrace['tokens'] = undefined;
  private code: string | undefined = undefined;
  private recovery: TurnStepTrace['recovery'] = undefined;
  private hasPrompt = false;
  private prompt: PromptFigures | undefined = undefined;

  write({ channelId, turnId, endedAtMs, cost = NaN, reported }: TurnStep): void {
    this.channelId = channelId;
    this.turnId = turnId;
    this.kind = reported.kind;
    this.name = reported.name;
    this.endedAtMs = endedAtMs;
    this.ms = reported.ms;
    this.firstTokenMs = reported.firstTokenMs ?? NaN;
    this.cost = cost;
    this.tokens = reported.tokens;
    this.code = reported.code;
    this.recovery = reported.recovery;
    this.hasPrompt = reported.prompt !== undefined;
    if (reported.prompt !== undefined) (this.prompt ??= new PromptFigures()).count(reported.prompt());
  }

  format(): TurnStepTrace {
    const { channelId, turnId, kind, name, ms, firstTokenMs, tokens, cost, code, recovery, prompt } = this;
    return {
      channelId,
      turnId,
      kind,
      name,
      ms,
      startedAt: isoTime(this.endedAtMs - ms),
      ...(!Number.isNaN(firstTokenMs) && { firstTokenMs }),
      ...(tokens !== undefined && { tokens }),
      ...(!Number.isNaN(cost) && { cost }),
      ...(code !== undefined && { code }),
      ...(recovery !== undefined && { recovery }),
      ...(this.hasPrompt && prompt !== undefined && { prompt: prompt.format() }),
    };
  }
}
