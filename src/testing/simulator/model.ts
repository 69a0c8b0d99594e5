/** A language model outside of all processes, which writes down what it was asked. */
import { MockAIProvider, type AIProvider } from '../../ai/index.js';
import type { AIContext } from '../../core/models/ai.js';
import type { SimulatedProcess } from './process.js';

/** A model, the same for all processes. */
export class SimulatedModel {
  /** How often it was asked. */
  asked = 0;

  constructor(
    readonly name: string,
    private readonly answer: (context: AIContext) => string = (context) => `answer to ${lastWords(context)}`,
  ) {}

  /** The model's client, in one process. */
  provider(process: SimulatedProcess): AIProvider {
    const mock = new MockAIProvider({
      name: this.name,
      clock: process,
      responder: (context) =>
        process.call(`${this.name}.generate`, () => {
          this.asked++;
          return this.answer(context);
        }),
    });
    return mock;
  }
}

function lastWords({ messages }: AIContext): string {
  const content = messages.at(-1)?.content;
  return typeof content === 'string' ? content : '…';
}
