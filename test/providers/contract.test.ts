/** The contract of model providers, on every provider there is, each in front of its vendor's emulator. */
import { describe, it } from 'vitest';
import { providerContract, type OpenProvider } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { openAnthropic } from './open-anthropic.js';
import { openGemini, openGeminiBefore3 } from './open-gemini.js';

const PROVIDERS: Readonly<Record<string, OpenProvider>> = {
  AnthropicAIProvider: openAnthropic,
  GeminiAIProvider: openGemini,
  'GeminiAIProvider with a model before Gemini 3': openGeminiBefore3,
};

for (const [name, open] of Object.entries(PROVIDERS)) {
  describe(name, () => {
    for (const { name: promise, rules, run } of providerContract) {
      it(promise, async () => {
        verifies(...rules);
        await run(open);
      });
    }
  });
}
