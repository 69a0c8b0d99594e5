/** An OpenAI provider in front of its emulator, by each of its two APIs. */
import { OpenAIEmulator, type ScriptedModelReply } from '../../src/emulators/index.js';
import { OpenAIAIProvider } from '../../src/providers/openai/index.js';
import type { OpenProvider, ProviderAbility } from '../../src/testing/index.js';
import { unusedAddress } from './unused-address.js';

/** Chat completions tell nothing of what the model thought. */
export const openOpenAIChat = openBy('chat', ['thinking']);

/** The suite says `length`; this API says that it is incomplete, and why. */
export const openOpenAIResponses = openBy('responses', [], (reply) =>
  typeof reply !== 'string' && 'finish' in reply && reply.finish === 'length' ? { ...reply, finish: 'max_output_tokens' } : reply,
);

function openBy(
  api: 'chat' | 'responses',
  lacks: readonly ProviderAbility[],
  word = (reply: ScriptedModelReply): ScriptedModelReply => reply,
): OpenProvider {
  return async (options = {}) => {
    const vendor = await OpenAIEmulator.start({ models: ['test-model', 'reasoning-model'], reasoningModels: ['reasoning-model'] });
    const key = options.hasWrongKey === true ? 'wrong-key' : 'test-key';
    const model = options.thinks === true ? 'reasoning-model' : 'test-model';
    return {
      provider: new OpenAIAIProvider({
        api,
        apiKey: key,
        model: options.hasUnknownModel === true ? 'no-such-model' : model,
        reasoning: options.thinks === true,
        reasoningSummary: options.thinks === true,
        vision: true,
        baseUrl: options.isUnreachable === true ? `${await unusedAddress()}/v1` : vendor.baseUrl,
        ...(options.timeoutSeconds !== undefined && { timeoutSeconds: options.timeoutSeconds }),
      }),
      reply: (...replies) => vendor.enqueue(...replies.map(word)),
      requests: () => vendor.requests,
      openConnections: () => vendor.openConnections,
      key,
      lacks,
      close: () => vendor.close(),
    };
  };
}
