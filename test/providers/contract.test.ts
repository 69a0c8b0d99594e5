/** The contract of model providers, on every provider there is, each in front of its vendor's emulator. */
import { describe, it } from 'vitest';
import { providerContract, type OpenProvider } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { openAISDKv3, openAISDKv4 } from './open-ai-sdk.js';
import { openAnthropic } from './open-anthropic.js';
import { openGemini, openGeminiBefore3 } from './open-gemini.js';
import { openOpenAIChat, openOpenAIResponses } from './open-openai.js';
import { openPydanticAI } from './open-pydantic-ai.js';
import { openVllm } from './open-vllm.js';

const PROVIDERS: Readonly<Record<string, OpenProvider>> = {
  AnthropicAIProvider: openAnthropic,
  'OpenAIAIProvider, chat completions': openOpenAIChat,
  'OpenAIAIProvider, responses': openOpenAIResponses,
  GeminiAIProvider: openGemini,
  'GeminiAIProvider with a model before Gemini 3': openGeminiBefore3,
  'createVllmProvider, thoughts in a field': openVllm('reasoning'),
  'createVllmProvider, thoughts in the field of former versions': openVllm('reasoning_content'),
  'createVllmProvider, thoughts between tags': openVllm('tags'),
  'createVllmProvider, thoughts without an opening tag': openVllm('closing_tag'),
  'AISDKProvider with a model of v3': openAISDKv3,
  'AISDKProvider with a model of v4': openAISDKv4,
  PydanticAIProvider: openPydanticAI,
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
