/** A language model outside of all processes, which writes down what it was asked. */
import { messageText, MockAIProvider, type AIProvider, type ScriptedReply } from '../../ai/index.js';
import type { AIContext } from '../../core/models/ai.js';
import type { SimulatedProcess } from './process.js';

/** What a simulated model says, and how. */
export interface SimulatedModelOptions {
  /** Default: `answer to` and what it was asked last. */
  readonly answer?: (context: AIContext) => ScriptedReply;
  /** Words come one after the other, and may be previewed. Default false. */
  readonly streaming?: boolean;
  /** Milliseconds before each word of a stream, or before the whole. Default 0. */
  readonly delayMs?: number;
}

/** A model, the same for all processes. */
export class SimulatedModel {
  /** How often it was asked. */
  asked = 0;

  constructor(
    readonly name: string,
    private readonly options: SimulatedModelOptions = {},
  ) {}

  /** The model's client, in one process. */
  provider(process: SimulatedProcess): AIProvider {
    const { answer = repeat, streaming, delayMs } = this.options;
    return new MockAIProvider({
      name: this.name,
      clock: process,
      ...(streaming !== undefined && { streaming }),
      ...(delayMs !== undefined && { delayMs }),
      responder: (context) =>
        process.call(`${this.name}.generate`, () => {
          this.asked++;
          return answer(context);
        }),
    });
  }
}

function repeat({ messages }: AIContext): string {
  return `answer to ${messageText(messages.at(-1))}`;
}
